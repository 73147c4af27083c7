// What Deflate uses of zlib.
#pragma once
#include <zlib.h>

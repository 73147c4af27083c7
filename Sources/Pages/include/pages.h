// The pages that the server brings along, as bytes in the executable.
#pragma once
#include <stddef.h>

/// A file of the site: its path below the root, without a leading slash, and its bytes.
struct tern_page {
    const char *path;
    const unsigned char *bytes;
    size_t byte_count;
};

extern const size_t tern_page_count;

/// The file at an index below `tern_page_count`.
struct tern_page tern_page_at(size_t index);

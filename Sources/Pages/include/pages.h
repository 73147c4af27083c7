#pragma once
#include <stddef.h>

/// A file of the site: its path below the root, without a leading slash, and its bytes.
struct tern_page {
    const char *path;
    const unsigned char *bytes;
    size_t byte_count;
};

extern const struct tern_page tern_pages[];
extern const size_t tern_page_count;

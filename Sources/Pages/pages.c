// The files of site/, made part of the executable.
#include "pages.h"

static const unsigned char index_html[] = {
#embed "site/index.html"
};

static const struct tern_page pages[] = {
    {"index.html", index_html, sizeof index_html},
};

const size_t tern_page_count = sizeof pages / sizeof pages[0];

struct tern_page tern_page_at(size_t index) { return pages[index]; }

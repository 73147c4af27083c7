// The files of site/, made part of the executable.
#include "pages.h"

static const unsigned char index_html[] = {
#embed "site/index.html"
};

const struct tern_page tern_pages[] = {
    {"index.html", index_html, sizeof index_html},
};

const size_t tern_page_count = sizeof tern_pages / sizeof tern_pages[0];

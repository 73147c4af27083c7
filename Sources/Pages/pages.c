// The files of site/, made part of the executable. A file that is not named here is not served.
#include "pages.h"

static const unsigned char page_404_html[] = {
#embed "site/404.html"
};

static const unsigned char call_html[] = {
#embed "site/call.html"
};

static const unsigned char dashboard_html[] = {
#embed "site/dashboard.html"
};

static const unsigned char dashboard_api_js[] = {
#embed "site/dashboard/api.js"
};

static const unsigned char dashboard_chart_js[] = {
#embed "site/dashboard/chart.js"
};

static const unsigned char dashboard_configuration_js[] = {
#embed "site/dashboard/configuration.js"
};

static const unsigned char dashboard_dialog_js[] = {
#embed "site/dashboard/dialog.js"
};

static const unsigned char dashboard_dom_js[] = {
#embed "site/dashboard/dom.js"
};

static const unsigned char dashboard_history_js[] = {
#embed "site/dashboard/history.js"
};

static const unsigned char dashboard_main_js[] = {
#embed "site/dashboard/main.js"
};

static const unsigned char dashboard_orders_js[] = {
#embed "site/dashboard/orders.js"
};

static const unsigned char dashboard_panels_js[] = {
#embed "site/dashboard/panels.js"
};

static const unsigned char dashboard_rooms_js[] = {
#embed "site/dashboard/rooms.js"
};

static const unsigned char dashboard_sessions_js[] = {
#embed "site/dashboard/sessions.js"
};

static const unsigned char dashboard_style_css[] = {
#embed "site/dashboard/style.css"
};

static const unsigned char dashboard_table_js[] = {
#embed "site/dashboard/table.js"
};

static const unsigned char favicon_svg[] = {
#embed "site/favicon.svg"
};

static const unsigned char ice_html[] = {
#embed "site/ice.html"
};

static const unsigned char icons_svg[] = {
#embed "site/icons.svg"
};

static const unsigned char index_html[] = {
#embed "site/index.html"
};

static const unsigned char js_call_js[] = {
#embed "site/js/call.js"
};

static const unsigned char js_chat_js[] = {
#embed "site/js/chat.js"
};

static const unsigned char js_common_js[] = {
#embed "site/js/common.js"
};

static const unsigned char js_echo_js[] = {
#embed "site/js/echo.js"
};

static const unsigned char js_ice_js[] = {
#embed "site/js/ice.js"
};

static const unsigned char js_index_js[] = {
#embed "site/js/index.js"
};

static const unsigned char js_media_js[] = {
#embed "site/js/media.js"
};

static const unsigned char js_people_js[] = {
#embed "site/js/people.js"
};

static const unsigned char js_probe_js[] = {
#embed "site/js/probe.js"
};

static const unsigned char js_stats_js[] = {
#embed "site/js/stats.js"
};

static const unsigned char js_tiles_js[] = {
#embed "site/js/tiles.js"
};

static const unsigned char js_verdict_js[] = {
#embed "site/js/verdict.js"
};

static const unsigned char socket_io_esm_min_js[] = {
#embed "site/socket.io/socket.io.esm.min.js"
};

static const unsigned char socket_io_js[] = {
#embed "site/socket.io/socket.io.js"
};

static const unsigned char style_css[] = {
#embed "site/style.css"
};

static const unsigned char tern_js[] = {
#embed "site/tern.js"
};

static const unsigned char tern_call_js[] = {
#embed "site/tern/call.js"
};

static const unsigned char tern_client_js[] = {
#embed "site/tern/client.js"
};

static const unsigned char tern_emitter_js[] = {
#embed "site/tern/emitter.js"
};

static const unsigned char tern_error_js[] = {
#embed "site/tern/error.js"
};

static const unsigned char tern_room_js[] = {
#embed "site/tern/room.js"
};

static const struct tern_page pages[] = {
    {"404.html", page_404_html, sizeof page_404_html},
    {"call.html", call_html, sizeof call_html},
    {"dashboard.html", dashboard_html, sizeof dashboard_html},
    {"dashboard/api.js", dashboard_api_js, sizeof dashboard_api_js},
    {"dashboard/chart.js", dashboard_chart_js, sizeof dashboard_chart_js},
    {"dashboard/configuration.js", dashboard_configuration_js, sizeof dashboard_configuration_js},
    {"dashboard/dialog.js", dashboard_dialog_js, sizeof dashboard_dialog_js},
    {"dashboard/dom.js", dashboard_dom_js, sizeof dashboard_dom_js},
    {"dashboard/history.js", dashboard_history_js, sizeof dashboard_history_js},
    {"dashboard/main.js", dashboard_main_js, sizeof dashboard_main_js},
    {"dashboard/orders.js", dashboard_orders_js, sizeof dashboard_orders_js},
    {"dashboard/panels.js", dashboard_panels_js, sizeof dashboard_panels_js},
    {"dashboard/rooms.js", dashboard_rooms_js, sizeof dashboard_rooms_js},
    {"dashboard/sessions.js", dashboard_sessions_js, sizeof dashboard_sessions_js},
    {"dashboard/style.css", dashboard_style_css, sizeof dashboard_style_css},
    {"dashboard/table.js", dashboard_table_js, sizeof dashboard_table_js},
    {"favicon.svg", favicon_svg, sizeof favicon_svg},
    {"ice.html", ice_html, sizeof ice_html},
    {"icons.svg", icons_svg, sizeof icons_svg},
    {"index.html", index_html, sizeof index_html},
    {"js/call.js", js_call_js, sizeof js_call_js},
    {"js/chat.js", js_chat_js, sizeof js_chat_js},
    {"js/common.js", js_common_js, sizeof js_common_js},
    {"js/echo.js", js_echo_js, sizeof js_echo_js},
    {"js/ice.js", js_ice_js, sizeof js_ice_js},
    {"js/index.js", js_index_js, sizeof js_index_js},
    {"js/media.js", js_media_js, sizeof js_media_js},
    {"js/people.js", js_people_js, sizeof js_people_js},
    {"js/probe.js", js_probe_js, sizeof js_probe_js},
    {"js/stats.js", js_stats_js, sizeof js_stats_js},
    {"js/tiles.js", js_tiles_js, sizeof js_tiles_js},
    {"js/verdict.js", js_verdict_js, sizeof js_verdict_js},
    {"socket.io/socket.io.esm.min.js", socket_io_esm_min_js, sizeof socket_io_esm_min_js},
    {"socket.io/socket.io.js", socket_io_js, sizeof socket_io_js},
    {"style.css", style_css, sizeof style_css},
    {"tern.js", tern_js, sizeof tern_js},
    {"tern/call.js", tern_call_js, sizeof tern_call_js},
    {"tern/client.js", tern_client_js, sizeof tern_client_js},
    {"tern/emitter.js", tern_emitter_js, sizeof tern_emitter_js},
    {"tern/error.js", tern_error_js, sizeof tern_error_js},
    {"tern/room.js", tern_room_js, sizeof tern_room_js},
};

const size_t tern_page_count = sizeof pages / sizeof pages[0];

struct tern_page tern_page_at(size_t index) { return pages[index]; }

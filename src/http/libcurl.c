#include "http/libcurl.h"

/* clang-format off */
#define FUNCTIONS(_) \
	_(curl_easy_cleanup) _(curl_easy_getinfo) _(curl_easy_init) _(curl_easy_perform) _(curl_easy_reset) \
	_(curl_easy_setopt) _(curl_easy_strerror) _(curl_global_init) _(curl_multi_add_handle) \
	_(curl_multi_cleanup) _(curl_multi_info_read) _(curl_multi_init) _(curl_multi_perform) \
	_(curl_multi_poll) _(curl_multi_remove_handle) _(curl_multi_wakeup) _(curl_slist_append) \
	_(curl_slist_free_all)
/* clang-format on */

LATE_LIBRARY(libcurl, "libcurl.so.4", "libcurl4", FUNCTIONS)

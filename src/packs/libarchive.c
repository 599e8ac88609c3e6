#include "packs/libarchive.h"

/* clang-format off */
#define FUNCTIONS(_) \
	_(archive_entry_filetype) _(archive_entry_free) _(archive_entry_hardlink) _(archive_entry_new) \
	_(archive_entry_pathname) _(archive_entry_perm) _(archive_entry_set_filetype) \
	_(archive_entry_set_mtime) _(archive_entry_set_pathname) _(archive_entry_set_perm) \
	_(archive_entry_set_size) _(archive_entry_symlink) _(archive_error_string) _(archive_read_data) \
	_(archive_read_free) _(archive_read_new) _(archive_read_next_header) _(archive_read_open_filename) \
	_(archive_read_open_memory) _(archive_read_support_filter_gzip) _(archive_read_support_format_tar) \
	_(archive_read_support_format_zip) _(archive_write_add_filter_gzip) _(archive_write_close) \
	_(archive_write_data) _(archive_write_free) _(archive_write_header) _(archive_write_new) \
	_(archive_write_open_fd) _(archive_write_set_format_pax_restricted) _(archive_write_set_options)
/* clang-format on */

LATE_LIBRARY(libarchive, "libarchive.so.13", "libarchive13", FUNCTIONS)

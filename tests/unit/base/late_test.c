#include "base/late.h"

#include "test.h"

#include <string.h>

/* Functions that no header declares: their doors are what is tested. */
int deflate(void *stream, int flush);
unsigned late_nobody_has_this(void);
const char *zlibVersion(void);

#define OF_ZLIB(_) _(zlibVersion)
#define OF_NOBODY(_) _(late_nobody_has_this)
#define OF_ABSENT(_) _(deflate)

LATE_LIBRARY(zlib_late, "libz.so.1", "zlib1g", OF_ZLIB)
LATE_LIBRARY(too_old, "libz.so.1", "zlib1g", OF_NOBODY)
LATE_LIBRARY(absent, "libattune-has-no-such.so.9", "libattune9", OF_ABSENT)

TEST(a_library_is_there_once_it_was_loaded_and_may_be_loaded_again)
{
	Err err = { 0 };

	CHECK(late_load(&zlib_late, &err));
	CHECK(late_load(&zlib_late, &err));
	CHECK(strncmp(zlibVersion(), "1.", 2) == 0);
}

TEST(a_library_that_is_missing_is_named_with_the_package_to_install)
{
	Err err = { 0 };

	CHECK(!late_load(&absent, &err));
	CHECK(err.code == ERR_UNSUPPORTED);
	CHECK(strstr(err.text, "libattune-has-no-such.so.9 cannot be loaded (") == err.text);
	CHECK(strstr(err.text, "Install it: apt-get install libattune9") != NULL);
	CHECK(!late_load(&absent, &err)); /* what failed is tried again, and fails again */
}

TEST(a_library_that_lacks_a_function_is_called_too_old)
{
	Err err = { 0 };

	CHECK(!late_load(&too_old, &err));
	CHECK(strcmp(err.text, "libz.so.1 is too old, it has no late_nobody_has_this. Install a newer zlib1g") == 0);
}

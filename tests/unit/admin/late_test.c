#include "bus/librabbitmq.h"
#include "http/libcurl.h"
#include "http/libmicrohttpd.h"
#include "packs/libarchive.h"
#include "store/libpq.h"

#include "test.h"

TEST(every_library_that_is_loaded_late_has_all_that_is_called_of_it)
{
	LateLibrary *const all[] = { &libpq, &librabbitmq, &libcurl, &libmicrohttpd, &libarchive };
	Err err = { 0 };

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		CHECK(all[i]->doors_n > 10);
		CHECK(late_load(all[i], &err));
	}
}

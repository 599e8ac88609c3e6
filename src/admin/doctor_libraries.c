#include "admin/doctor.h"

#include "bus/librabbitmq.h"
#include "http/libcurl.h"
#include "http/libmicrohttpd.h"
#include "packs/libarchive.h"
#include "store/libpq.h"

typedef struct Wanted {
	LateLibrary *library;
	const char *without; /* the cure's second half */
	bool wanted;
} Wanted;

static bool
is_url_of(const Doctor *d, const char *key, const char *scheme)
{
	return str_starts(config_str(d->t->config, key), str_of(scheme));
}

/* Those that are loaded when they are first needed: whoever starts a role learns of one that is missing only then. */
void
doctor_libraries(Doctor *d)
{
	const Wanted all[] = {
		{ &libmicrohttpd, "the API cannot be served", true },
		{ &libcurl, "nothing can be asked: neither servers by commands nor by core.http_request", true },
		{ &libarchive, "packs cannot be sent or fetched", true },
		{ &libpq, "the database cannot be used", is_url_of(d, "database.url", "postgres") },
		{ &librabbitmq, "the broker cannot be used", is_url_of(d, "message_queue.url", "amqp") },
	};
	size_t bad = 0;

	for (size_t i = 0; i < countof(all); i++) {
		Err err = { 0 };

		if (!all[i].wanted || late_load(all[i].library, &err))
			continue;
		bad++;
		finds(
		    d, HEALTH_BAD, "library", str_fmt(d->t->arena, "Without it %s.", all[i].without).p, "%s", err.text);
	}
	if (bad == 0)
		finds(d, HEALTH_OK, "libraries", NULL, "all that this configuration needs are here");
}

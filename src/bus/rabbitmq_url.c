#include "bus/rabbitmq.h"

#include "base/config.h"

#include <stdlib.h>

static const char cacert_usual[] = "/etc/ssl/certs/ca-certificates.crt";

static bool
option_read(Arena *a, Str option, RabbitUrl *u, Err *err)
{
	Str name;

	if (!str_cut(&option, '=', &name))
		name = option;
	if (str_is(name, "cacertfile")) {
		u->cacert = str_cstr(a, option);
		return true;
	}
	if (str_is(name, "verify") && (str_is(option, "verify_none") || str_is(option, "verify_peer"))) {
		u->tls_verify = str_is(option, "verify_peer");
		return true;
	}
	/* not the option itself: behind a ? that nobody escaped it may be the rest of a password */
	return err_set(err, ERR_INVALID,
	    "message_queue.url '%s' has an option that is not understood (cacertfile=FILE and verify=verify_none are; "
	    "a ? in "
	    "a password is written %%3F)",
	    u->starred);
}

static bool
options_read(Arena *a, Str query, RabbitUrl *u, Err *err)
{
	Str option;

	while (str_cut(&query, '&', &option))
		if (!option_read(a, option, u, err))
			return false;
	return true;
}

bool
rabbit_url_parse(Arena *a, Str text, RabbitUrl *ret, Err *err)
{
	Str rest = text, base, starred = url_starred(a, text), shown;
	struct amqp_connection_info info;

	if (!str_cut(&rest, '?', &base)) {
		base = text;
		rest = (Str){ 0 };
	}
	*ret = (RabbitUrl){ .starred = str_cstr(a, starred), .tls_verify = true };
	ret->cacert = getenv("SSL_CERT_FILE") != NULL ? str_cstr(a, str_of(getenv("SSL_CERT_FILE"))) : cacert_usual;
	amqp_default_connection_info(&info);
	/* the parser cuts its text into the parts it returns */
	if (amqp_parse_url((char *)(uintptr_t)str_cstr(a, base), &info) != AMQP_STATUS_OK)
		return err_set(err, ERR_INVALID, "message_queue.url '%s' cannot be read", ret->starred);
	ret->host = info.host;
	ret->port = info.port;
	ret->user = info.user;
	ret->password = info.password;
	ret->vhost = info.vhost[0] == '\0' ? "/" : info.vhost;
	ret->tls = info.ssl != 0;
	if (!options_read(a, rest, ret, err))
		return false;
	if (str_cut(&starred, '?', &shown))
		ret->starred =
		    str_cstr(a, shown); /* every message names the broker: without what is said of its certificate */
	return true;
}

#include "admin/doctor.h"

#include "base/cert.h"
#include "base/clock.h"
#include "os/fs.h"
#include "runtime/sandbox.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { DESCRIPTORS_LEAST = 1024, PEM_MAX = 1 << 20 };

static const TimeUs day = 86400LL * US_PER_S;

static void
descriptors(Doctor *d)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	finds(d, limit.rlim_cur < DESCRIPTORS_LEAST ? HEALTH_WARN : HEALTH_OK, "descriptors",
	    "Raise it: ulimit -n 65536, or LimitNOFILE= of the service.", "%llu for each process",
	    (unsigned long long)limit.rlim_cur);
}

static bool
in_path(Arena *a, const char *name)
{
	const char *path = getenv("PATH");
	Str rest = str_of(path), dir;

	while (str_cut(&rest, ':', &dir))
		if (access(str_fmt(a, "%.*s/%s", STR_ARG(dir), name).p, X_OK) == 0)
			return true;
	return false;
}

/* Of what the core pack's actions are run by, where a worker is on this machine. */
static void
interpreters(Doctor *d)
{
	static const struct {
		const char *program, *runtime;
		Health without;
	} wanted[] = { { "bash", "core.shell", HEALTH_BAD }, { "python3", "core.python", HEALTH_WARN },
		{ "node", "core.nodejs", HEALTH_WARN } };

	for (size_t i = 0; i < countof(wanted); i++) {
		bool there = in_path(d->t->arena, wanted[i].program);

		finds(d, there ? HEALTH_OK : wanted[i].without, wanted[i].runtime,
		    "Install it where workers shall run such actions; others can do without.", "%s is %s",
		    wanted[i].program, there ? "here" : "not in the PATH of this machine");
	}
}

/* With no `attune up` on the data directory, its port must be free. */
static void
port(Doctor *d)
{
	CLEANUP(fd_done) int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int64_t number = config_int(d->t->config, "server.port");
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons((uint16_t)number) };
	const char *host = config_cstr(d->t->config, "server.host");
	int on = 1;

	if (d->running || str_none(d->t->dir) || number == 0 || fd < 0 || inet_pton(AF_INET, host, &at.sin_addr) != 1)
		return;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (const struct sockaddr *)&at, sizeof(at)) < 0)
		finds(d, HEALTH_WARN, "port", "Stop what uses it, or choose another: --port, server.port.",
		    "%s:%lld: %s", host, (long long)number, strerror(errno));
	else
		finds(d, HEALTH_OK, "port", NULL, "%s:%lld is free", host, (long long)number);
}

static void
certificate_ends(Doctor *d, const char *path, Str pem)
{
	TimeUs ends, left;
	Err err = { 0 };

	if (!cert_ends(pem, &ends, &err)) {
		finds(d, HEALTH_BAD, "certificate", "Name a PEM file: server.tls_cert.", "%s: %s", path, err.text);
		return;
	}
	left = ends - clock_wall(clock_real());
	finds(d,
	    left < 0          ? HEALTH_BAD
	    : left < 14 * day ? HEALTH_WARN
			      : HEALTH_OK,
	    "certificate", "Renew it, and start the server anew.", "%s %s %.10s", path,
	    left < 0 ? "ended on" : "is good until", time_text(d->t->arena, ends).p);
}

static void
certificates(Doctor *d)
{
	const char *cert = config_cstr(d->t->config, "server.tls_cert"),
		   *key = config_cstr(d->t->config, "server.tls_key");
	const char *host = config_cstr(d->t->config, "server.host");
	Str pem, key_pem;
	Err err = { 0 };

	if (cert == NULL) {
		if (host != NULL && strcmp(host, "127.0.0.1") != 0 && strcmp(host, "localhost") != 0 &&
		    strcmp(host, "::1") != 0)
			finds(d, HEALTH_WARN, "certificate",
			    "Set server.tls_cert and server.tls_key, or put a proxy with TLS before it.",
			    "the server listens on %s without TLS", host);
		return;
	}
	if (!file_read(d->t->arena, cert, PEM_MAX, &pem, &err)) {
		finds(d, HEALTH_BAD, "certificate", "Name a file that is there: server.tls_cert.", "%s", err.text);
		return;
	}
	certificate_ends(d, cert, pem);
	if (key == NULL || !file_read(d->t->arena, key, PEM_MAX, &key_pem, &err))
		finds(d, HEALTH_BAD, "certificate's key", "Name a file that is there: server.tls_key.", "%s",
		    key == NULL ? "is not set" : err.text);
	else if (!cert_has_key(pem, key_pem, &err))
		finds(d, HEALTH_BAD, "certificate's key", "Give the key that the certificate was made with.", "%s: %s",
		    key, err.text);
	else
		finds(d, HEALTH_OK, "certificate's key", NULL, "%s", key);
}

/* What actions can be kept from here. Of cgroups the worker says it, in its row: doctor makes none. */
static void
walls(Doctor *d)
{
	Arena *a = d->t->arena;
	Str standard = sandbox_missing(a), strict = sandbox_strict_missing(a);

	finds(d, str_none(standard) ? HEALTH_OK : HEALTH_WARN, "sandbox standard",
	    "Run workers on a newer kernel, or only actions that you trust.", "%s",
	    str_none(standard) ? "can be given whole" : standard.p);
	finds(d, str_none(strict) ? HEALTH_OK : HEALTH_WARN, "sandbox strict",
	    "Run actions that need it on a newer kernel; here they fail and say so.", "%s",
	    str_none(strict) ? "can be given" : strict.p);
}

void
doctor_machine(Doctor *d)
{
	descriptors(d);
	walls(d);
	interpreters(d);
	port(d);
	certificates(d);
}

#include "http/upgrade.h"

#include "base/log.h"
#include "http/steps.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

bool
res_upgrade(Res *s, Upgrade upgrade)
{
	s->status = MHD_HTTP_SWITCHING_PROTOCOLS;
	s->upgrade = upgrade;
	s->wait_until = 0;
	return true;
}

static HttpHeld *
held_by(HttpThread *t, struct MHD_UpgradeResponseHandle *handle)
{
	HttpHeld *held = calloc(1, sizeof(HttpHeld));

	if (held == NULL)
		abort();
	held->thread = t;
	held->handle = handle;
	return held;
}

/*
 * The server keeps the memory of a connection that it has handed over, and closes its descriptor at its own end. Of a plain one we
 * take a descriptor of our own and let it forget the rest.
 */
static void
on_upgrade(void *self, struct MHD_Connection *c, void *context, const char *early, size_t n, MHD_socket sock,
    struct MHD_UpgradeResponseHandle *handle)
{
	Req *q = self;
	Upgrade u = q->res.upgrade;
	bool tls = q->server->config.tls_cert.n > 0;
	int fd = tls ? sock : fcntl(sock, F_DUPFD_CLOEXEC, 3);

	(void)c;
	(void)context;
	q->link->handed = true;
	q->thread->handed++;
	if (fd < 0 || fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) < 0) {
		log_warn("a connection cannot be handed over: no descriptor is left");
		if (fd >= 0)
			close(fd);
		MHD_upgrade_action(handle, MHD_UPGRADE_ACTION_CLOSE);
		return;
	}
	u.take(u.self, fd, (Str){ early == NULL ? "" : early, n }, tls ? held_by(q->thread, handle) : NULL);
	if (!tls)
		MHD_upgrade_action(handle, MHD_UPGRADE_ACTION_CLOSE);
}

bool
upgrade_send(Req *q)
{
	return respond_queue(q, MHD_create_response_for_upgrade(on_upgrade, q));
}

void
http_release(HttpHeld *held)
{
	if (held != NULL)
		held_give(held->thread, held);
}

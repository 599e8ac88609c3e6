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
held_by(Req *q, struct MHD_UpgradeResponseHandle *handle)
{
	HttpHeld *held = calloc(1, sizeof(HttpHeld));

	if (held == NULL)
		abort();
	held->request = q;
	held->handle = handle;
	return held;
}

/* Who does not read what is still to be sent is not waited for longer than any other. */
void
upgrade_let_go(Req *q, struct MHD_UpgradeResponseHandle *handle)
{
	if (q->link->inner >= 0)
		link_hand(q->server, q->link, -1);
	q->link->leaving = true;
	q->thread->leaving++;
	atomic_store(&q->link->due, mono_now() + q->server->config.timeout);
	MHD_upgrade_action(handle, MHD_UPGRADE_ACTION_CLOSE);
}

/*
 * The server keeps the memory of a connection that it has handed over, and closes its descriptor at its own end, so that whoever took
 * the connection has another one, of the same socket. A plain one it may forget at once.
 */
static void
on_upgrade(void *self, struct MHD_Connection *c, void *context, const char *early, size_t n, MHD_socket sock,
    struct MHD_UpgradeResponseHandle *handle)
{
	Req *q = self;
	Upgrade u = q->res.upgrade;
	bool tls = q->server->config.tls_cert.n > 0;
	int fd = fcntl(sock, F_DUPFD_CLOEXEC, 3);

	(void)c;
	(void)context;
	if (fd < 0 || fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) < 0) {
		log_warn("a connection cannot be handed over: no descriptor is left");
		if (fd >= 0)
			close(fd);
		upgrade_let_go(q, handle);
		return;
	}
	if (tls)
		link_hand(q->server, q->link, sock);
	u.take(u.self, fd, (Str){ early == NULL ? "" : early, n }, tls ? held_by(q, handle) : NULL);
	if (!tls)
		upgrade_let_go(q, handle);
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
		held_give(held);
}

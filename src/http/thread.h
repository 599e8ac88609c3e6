/*
 * One of the server's threads. It runs a daemon of libmicrohttpd of its own, and whatever happens to a connection happens here, from
 * the first byte to the last: what others have for it they lay down at its door and ring.
 */
#pragma once

#include "http/gzip.h"
#include "http/http.h"
#include "http/stats.h"
#include "http/upgrade.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>

typedef struct HttpThread HttpThread;
typedef struct Guest Guest;

/* A new connection on its way to the thread that will serve it. */
struct Guest {
	Guest *next;
	int fd;
	socklen_t n;
	struct sockaddr_storage from;
};

struct HttpHeld {
	HttpHeld *next;
	Req *request;
	struct MHD_UpgradeResponseHandle *handle;
};

struct HttpThread {
	HttpServer *server;
	struct MHD_Daemon *daemon;
	pthread_t id;
	bool runs;

	int bell; /* an eventfd; what the thread sleeps on beside its connections */
	atomic_bool rung;
	atomic_bool called;  /* somebody was resumed, and it was not rung for that yet */
	Guest *first, *last; /* at the door, under its lock, as all that lie there */
	HttpHeld *released;
	atomic_uint waiting;  /* how many are there */
	atomic_uint links;    /* connections it has, with these */
	_Atomic TimeUs since; /* when its turn began; 0: it sleeps */

	/* its own */
	unsigned begun;   /* connections so far */
	unsigned leaving; /* of those it has, handed over and let go */
	App *app;
	bool app_open;
	Gzip *gzip;
	RouteStats *stats; /* of each route, and of what had none */
	Req *free;
};

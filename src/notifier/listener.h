/*
 * One WebSocket: what it may and wants to hear, how far it has read, and its half of the protocol. Used by the notifier's thread only,
 * after its making.
 */
#pragma once

#include "http/upgrade.h"
#include "http/websocket.h"
#include "live/filter.h"
#include "live/gate.h"

enum {
	CLOSE_TOKEN = 4401,     /* expired or revoked */
	CLOSE_SLOW = 4408,      /* reads slower than things happen; the reason names the last sequence it was sent */
	LISTENER_FILTERS = 256, /* at most */
	LISTENER_MESSAGE = 4096,
	LISTENER_PENDING = 256, /* notices a client may be behind while its socket takes no more */
};

/* What is known of a token, shared by all who came with it. The notifier's thread only, once its listener is in the list. */
typedef struct Pass {
	Str token;     /* in memory of its own */
	Arena *arena;  /* of the caller */
	Caller caller; /* as of the last look */
	TimeUs looked; /* when that was; monotonic */
	bool refused;  /* it does not count any more */
	size_t users;
} Pass;

typedef struct Listener Listener;
struct Listener {
	Listener *before, *after; /* in the notifier's list */
	Hub *hub;
	const Gate *gate;
	int fd;
	HttpHeld *held;
	WsConn *ws;
	char id[UUID_TEXT + 1];
	Pass *pass;
	Filter *filters;
	size_t filters_n;
	uint64_t at;      /* the last notice that was looked at for it */
	uint64_t counted; /* while it is blocked: the last that was counted */
	size_t pending;   /* while it is blocked: so many of those are for it */
	bool stuck;       /* its socket takes no more */
	bool gone;        /* to be freed at the end of the turn */
	TimeUs end_by;    /* after a close: when it is cut off; monotonic, 0: not closing */
};

/* The caller's arena and the token's memory become the client's. */
Listener *listener_new(
    Hub *hub, const Gate *gate, int fd, HttpHeld *held, Arena *arena, const Caller *caller, Str token);
void listener_free(Listener *c); /* closes the socket */
void listener_welcome(Listener *c);
void listener_read(Listener *c, TimeUs now);                /* what has arrived: frames, messages */
void listener_tell(Listener *c, uint64_t upto, TimeUs now); /* notices until this one, as many as it takes */
void listener_write(Listener *c, TimeUs now);
void listener_share(Listener *c, const Listener *other); /* the pass of one who came with the same token */
/* Does its token still count? Asked at most once in `every`; closes it otherwise. */
void listener_look(Listener *c, Db *db, TimeUs every, TimeUs now);
void listener_close(Listener *c, int code, Str reason, TimeUs now);

/*
 * Requests to servers elsewhere on behalf of others (libcurl), many at once, on one thread of their own: whoever asks is never held
 * up by a name, a handshake or a slow server. Connections are kept for the next request. One thread sends, drops and takes.
 */
#pragma once

#include "base/json.h"
#include "http/reach.h"

typedef struct Outward Outward;

/* One request and its answer, in its own arena. */
typedef struct Call {
	Arena *a;
	void *owner; /* the asker's */
	/* the request; texts end with NUL */
	const char *method, *url;
	const char *const *headers; /* "Name: value"; NULL at the end; may be NULL */
	Str body;                   /* none: no body */
	const char *user, *password, *bearer;
	int64_t timeout_ms;
	int64_t redirects; /* followed at most; 0: none */
	bool trusting;     /* certificates are not looked at */
	size_t answer_max;
	const char *setting; /* that would let it reach more; NULL: the worker's */
	/* the answer */
	int status;    /* 0: none came */
	Json received; /* headers of the last answer, names in small letters */
	Buf text;
	Str at; /* the URL that answered in the end */
	TimeUs elapsed;
	Str error; /* one sentence; none: an answer came */
	/* the thread's */
	const Reach *reach;
	void *handle, *list;
	size_t header_bytes;
	bool dropped, over;
	struct Call *next;
} Call;

typedef struct OutwardConfig {
	Reach reach;               /* its networks must last */
	void (*ended)(void *self); /* from the thread: outward_take has one */
	void *self;
} OutwardConfig;

MUST_CHECK bool outward_open(const OutwardConfig *config, Outward **ret, Err *err);
void outward_close(Outward *o); /* with every call that was not taken */

Call *call_open(void);
void call_close(Call *c);
void outward_send(Outward *o, Call *c); /* gives it away until it is taken */
void outward_drop(Outward *o, Call *c); /* nobody wants its answer any more: it ends, and is not taken */
Call *outward_take(Outward *o);         /* one that has ended, now the caller's; NULL: none has */

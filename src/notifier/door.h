/*
 * How connections come to the notifier: the request that becomes a WebSocket, and the server that the role has when it runs alone.
 */
#pragma once

#include "notifier/listener.h"
#include "notifier/notifier.h"

MUST_CHECK bool door_start(Notifier *n, HttpServer **ret, Err *err);

/* notifier.c, for the door; any thread */
const NotifierConfig *notifier_config(const Notifier *n);
bool notifier_has_room(Notifier *n);
/* Takes the client in; false when the notifier is stopping, and the client stays the caller's. */
MUST_CHECK bool notifier_arrive(Notifier *n, Listener *c);

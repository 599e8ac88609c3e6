/*
 * The words of `attune.v1`: what a client may say, and what it is answered. JSON objects, one a message.
 */
#pragma once

#include "notifier/listener.h"

void speech_welcome(Listener *c);
void speech_hear(Listener *c, Str text); /* one message of the client */
void speech_reload(Listener *c);         /* changes were missed that are not kept */

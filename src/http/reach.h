/*
 * Which addresses a request on somebody's behalf may reach: none of the machine itself, of the network it stands in, or of its cloud's
 * metadata service, unless they are allowed by name. Pure. Asked about each address that is about to be connected to, so that it
 * does not matter how it was written, what a name resolved to, or who redirected there.
 */
#pragma once

#include "base/address.h"

typedef struct Reach {
	const Network *allowed; /* these may be reached although they are private */
	size_t n;
} Reach;

bool reach_allows(const Reach *r, const Address *to);

/*
 * Internet addresses as values: reading them, whether a network holds one, and which of those that a request names is the client's.
 * IPv4 is kept as the IPv6 it maps to, so that both spellings of one address are the same.
 */
#pragma once

#include "base/str.h"

typedef struct Address {
	unsigned char b[16];
} Address;

typedef struct Network {
	Address base;
	unsigned bits; /* of the 128 that count */
} Network;

/* "10.0.0.1", "::1", "[::1]:8080", "10.0.0.1:8080"; false for anything else */
bool address_parse(Str text, Address *ret);
/* "10.0.0.0/8", "fd00::/8", or one address; false for anything else */
bool network_parse(Str text, Network *ret);
bool network_holds(const Network *n, const Address *a);

/*
 * Whoever is at the other end (peer) is the client, unless it is a trusted proxy: then it is the last address of X-Forwarded-For
 * that is not a trusted proxy's, else X-Real-IP. None when a trusted proxy says something that is no address.
 */
Str address_of_client(Arena *a, Str peer, Str forwarded_for, Str real_ip, const Network *trusted, size_t n);

/*
 * What the files of this room share.
 */
#pragma once

#include "access/access.h"

#include <stdatomic.h>

struct Access {
	AccessConfig config; /* without the secret */
	MacKey key;
	_Atomic uint64_t version; /* of what was changed in this process */
};

#include "base/arena.h"

#include "test.h"

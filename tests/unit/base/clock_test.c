#include "base/clock.h"

#include "test.h"

#include "base/log.h"

#include "test.h"

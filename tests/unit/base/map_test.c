#include "base/map.h"

#include "test.h"

#include "base/crash.h"

#include "test.h"

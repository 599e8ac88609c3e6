#include "base/str.h"

#include "test.h"

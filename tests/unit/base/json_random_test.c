#include "base/json.h"

#include "test.h"

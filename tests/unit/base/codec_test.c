#include "base/codec.h"

#include "test.h"

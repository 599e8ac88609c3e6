#include "base/yaml.h"

#include "test.h"

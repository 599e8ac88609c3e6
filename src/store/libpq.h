/*
 * What speaks to PostgreSQL, which the embedded world does not need.
 */
#pragma once

#include "base/late.h"

extern LateLibrary libpq;

/*
 * What serves HTTP.
 */
#pragma once

#include "base/late.h"

extern LateLibrary libmicrohttpd;

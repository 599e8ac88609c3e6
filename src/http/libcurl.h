/*
 * What asks other servers, and ours for the command line.
 */
#pragma once

#include "base/late.h"

extern LateLibrary libcurl;

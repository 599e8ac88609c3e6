/*
 * What reads and writes the archives in which packs travel.
 */
#pragma once

#include "base/late.h"

extern LateLibrary libarchive;

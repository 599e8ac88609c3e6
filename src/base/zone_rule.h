/*
 * The line at the end of a zoneinfo file that says how the years go on behind its table: "CET-1CEST,M3.5.0,M10.5.0/3" (POSIX TZ).
 */
#pragma once

#include "base/str.h"

typedef struct ZoneChange {
	char kind; /* 'M' month.week.day, 'J' day of the year without a leap day, 'N' with it */
	int month, week, day;
	int64_t at; /* seconds of that day, of the wall clock before the change */
} ZoneChange;

typedef struct ZoneRule {
	int32_t standard, summer; /* offsets, seconds east */
	bool changes;
	ZoneChange to_summer, to_standard;
} ZoneRule;

bool zone_rule_parse(Str text, ZoneRule *ret);
/* When that change comes in a year. */
int64_t zone_rule_instant(const ZoneChange *c, int64_t year, int32_t offset_before);

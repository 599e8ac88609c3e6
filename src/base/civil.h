/*
 * The calendar: days since 1970-01-01 and year, month, day (Gregorian, also before it was invented).
 */
#pragma once

#include "base/attr.h"

typedef struct Civil {
	int64_t year;
	int month, day; /* from 1 */
} Civil;

int64_t days_of(Civil c);
Civil civil_of(int64_t days);
bool year_leaps(int64_t year);
int month_length(int64_t year, int month);
int weekday_of(int64_t days); /* 0 is Sunday */

/* Rounds down, also below zero. */
static inline int64_t
floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b != 0 && (a % b < 0) != (b < 0));
}

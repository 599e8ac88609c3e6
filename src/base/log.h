/*
 * The process's log: one line per event, JSON or readable. The only mutable global of the project is here.
 * Library code returns errors; the boundary (a role's turn, a request, main) logs them, once. Control
 * characters of values are escaped, so that one event is always one line. Fields are (key, value) pairs.
 * Thread-safe; a line is one write(2).
 */
#pragma once

#include "base/err.h"

typedef enum LogLevel { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR, LOG_LEVELS } LogLevel;
typedef enum LogFormat { LOG_AUTO, LOG_PRETTY, LOG_JSON } LogFormat; /* auto: pretty on a terminal */

typedef struct LogConfig {
	LogLevel level;
	LogFormat format;
	const char *file; /* NULL: standard error */
	bool console;     /* with a file: to standard error as well */
} LogConfig;

/* A field of a line. Made with log_str, log_int, log_time below. */
typedef struct LogField {
	const char *key;
	enum { LOG_FIELD_STR, LOG_FIELD_INT, LOG_FIELD_US } kind;
	Str text;
	int64_t number;
} LogField;

MUST_CHECK bool log_open(const LogConfig *config, Err *err);
void log_close(void);
bool log_wants(LogLevel level);
MUST_CHECK bool log_level_parse(Str text, LogLevel *ret);
/* Names the role of this thread in its lines ("executor"); text must outlive the thread. */
void log_role(const char *role);

void log_line(LogLevel level, const LogField *fields, size_t count, const char *fmt, ...) PRINTF(4, 5);

void log_debug(const char *fmt, ...) PRINTF(1, 2);
void log_info(const char *fmt, ...) PRINTF(1, 2);
void log_warn(const char *fmt, ...) PRINTF(1, 2);
void log_error(const char *fmt, ...) PRINTF(1, 2);

static inline LogField
log_str(const char *key, Str value)
{
	return (LogField){ .key = key, .kind = LOG_FIELD_STR, .text = value };
}

static inline LogField
log_int(const char *key, int64_t value)
{
	return (LogField){ .key = key, .kind = LOG_FIELD_INT, .number = value };
}

/* A duration in microseconds, shown as such in JSON and as "1.4 ms" for people. */
static inline LogField
log_us(const char *key, TimeUs value)
{
	return (LogField){ .key = key, .kind = LOG_FIELD_US, .number = value };
}

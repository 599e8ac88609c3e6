#include "base/log.h"

#include "base/clock.h"
#include "base/codec.h"
#include "base/json.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

enum { COPIES = 2, ROLE_WIDTH = 8 };

/* One place that lines go to. */
typedef struct Sink {
	int fd;
	bool json;
	bool colour;
} Sink;

typedef struct Log {
	_Atomic LogLevel level;
	Sink sinks[COPIES];
	size_t count;
	int file; /* to be closed, or -1 */
} Log;

static const char *const level_names[LOG_LEVELS] = {
	[LOG_DEBUG] = "debug",
	[LOG_INFO] = "info",
	[LOG_WARN] = "warn",
	[LOG_ERROR] = "error",
};

static const char *const level_shown[LOG_LEVELS] = {
	[LOG_DEBUG] = "DEBUG",
	[LOG_INFO] = "INFO ",
	[LOG_WARN] = "WARN ",
	[LOG_ERROR] = "ERROR",
};

static const char *const level_colours[LOG_LEVELS] = {
	[LOG_DEBUG] = "\033[90m",
	[LOG_INFO] = "\033[32m",
	[LOG_WARN] = "\033[33m",
	[LOG_ERROR] = "\033[31m",
};

static Log the_log = { .level = LOG_INFO, .sinks = { { .fd = STDERR_FILENO } }, .count = 1, .file = -1 };
static _Thread_local const char *thread_role;

static void
add_sink(LogFormat format, int fd)
{
	bool terminal = isatty(fd) == 1;
	Sink s = { .fd = fd, .json = format == LOG_JSON || (format == LOG_AUTO && !terminal) };

	s.colour = terminal && !s.json;
	the_log.sinks[the_log.count++] = s;
}

bool
log_open(const LogConfig *config, Err *err)
{
	int fd = -1;

	if (config->file != NULL) {
		fd = open(config->file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
		if (fd < 0)
			return err_sys(err, errno, "open log file '%s'", config->file);
	}
	log_close();
	the_log.count = 0;
	the_log.level = config->level;
	if (fd >= 0)
		add_sink(config->format, fd);
	the_log.file = fd;
	if (fd < 0 || config->console)
		add_sink(config->format, STDERR_FILENO);
	return true;
}

void
log_close(void)
{
	if (the_log.file >= 0)
		close(the_log.file);
	the_log.file = -1;
	the_log.sinks[0] = (Sink){ .fd = STDERR_FILENO };
	the_log.count = 1;
}

bool
log_wants(LogLevel level)
{
	return level >= atomic_load_explicit(&the_log.level, memory_order_relaxed);
}

bool
log_level_parse(Str text, LogLevel *ret)
{
	for (size_t i = 0; i < countof(level_names); i++) {
		if (!str_eq_nocase(text, str_of(level_names[i])))
			continue;
		*ret = (LogLevel)i;
		return true;
	}
	return false;
}

void
log_role(const char *role)
{
	thread_role = role;
}

/* What one line says, made once and written in the form of each sink. */
typedef struct Line {
	Arena *a;
	TimeUs at;
	LogLevel level;
	Str text;
	const LogField *fields;
	size_t count;
} Line;

static void
print_json_field(Buf *b, const char *key, Str value)
{
	buf_char(b, ',');
	json_print_string(b, str_of(key));
	buf_char(b, ':');
	json_print_string(b, utf8_clean(b->a, value));
}

static void
print_json(Buf *b, const Line *line)
{
	buf_text(b, "{\"time\":\"");
	buf_add(b, time_text(line->a, line->at));
	buf_char(b, '"');
	print_json_field(b, "level", str_of(level_names[line->level]));
	if (thread_role != NULL)
		print_json_field(b, "role", str_of(thread_role));
	print_json_field(b, "message", line->text);
	for (size_t i = 0; i < line->count; i++) {
		const LogField *f = &line->fields[i];

		if (f->kind == LOG_FIELD_STR) {
			print_json_field(b, f->key, f->text);
			continue;
		}
		buf_char(b, ',');
		json_print_string(b, str_of(f->key));
		buf_fmt(b, ":%lld", (long long)f->number);
	}
	if (line->level == LOG_DEBUG)
		buf_fmt(b, ",\"thread\":%d", (int)gettid());
	buf_text(b, "}\n");
}

/* Text for a terminal: control characters (also those of two bytes, U+0080 to U+009F) are shown, never obeyed. */
static void
print_visible(Buf *b, Str s)
{
	s = utf8_clean(b->a, s);
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c == '\n')
			buf_text(b, "\\n");
		else if (c == '\t')
			buf_text(b, "\\t");
		else if (c < 0x20 || c == 0x7f)
			buf_fmt(b, "\\x%02x", c);
		else if (c == 0xc2 && (unsigned char)s.p[i + 1] < 0xa0)
			buf_fmt(b, "\\x%02x", (unsigned char)s.p[++i]);
		else
			buf_char(b, (char)c);
	}
}

static bool
needs_quotes(Str s)
{
	if (s.n == 0)
		return true;
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] <= ' ' || s.p[i] == '"' || s.p[i] == '=')
			return true;
	return false;
}

static void
print_pretty_value(Buf *b, const LogField *f)
{
	if (f->kind == LOG_FIELD_INT) {
		buf_fmt(b, "%lld", (long long)f->number);
	} else if (f->kind == LOG_FIELD_US) {
		buf_add(b, duration_text(b->a, f->number));
	} else if (needs_quotes(f->text)) {
		Buf quoted = buf_open(b->a);

		json_print_string(&quoted, utf8_clean(b->a, f->text));
		print_visible(b, buf_str(&quoted));
	} else {
		print_visible(b, f->text);
	}
}

static void
print_pretty_time(Buf *b, TimeUs at)
{
	time_t seconds = (time_t)(at / US_PER_S);
	struct tm tm;

	localtime_r(&seconds, &tm); /* for the person at this terminal; the JSON form has UTC */
	buf_fmt(b, "%02d:%02d:%02d.%03d", tm.tm_hour, tm.tm_min, tm.tm_sec, (int)(at % US_PER_S / US_PER_MS));
}

static void
print_pretty(Buf *b, const Line *line, bool colour)
{
	print_pretty_time(b, line->at);
	buf_fmt(
	    b, " %s%s%s ", colour ? level_colours[line->level] : "", level_shown[line->level], colour ? "\033[0m" : "");
	if (thread_role != NULL)
		buf_fmt(b, "%-*s  ", (int)ROLE_WIDTH, thread_role);
	print_visible(b, line->text);
	for (size_t i = 0; i < line->count; i++) {
		const LogField *f = &line->fields[i];

		buf_fmt(b, "  %s%s=%s", colour ? "\033[2m" : "", f->key, colour ? "\033[0m" : "");
		print_pretty_value(b, f);
	}
	if (line->level == LOG_DEBUG)
		buf_fmt(b, "  thread=%d", (int)gettid());
	buf_char(b, '\n');
}

static void
write_out(int fd, Str s)
{
	ssize_t n;

	while (s.n > 0) {
		n = write(fd, s.p, s.n);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return; /* there is nobody to tell */
		s = str_sub(s, (size_t)n, s.n);
	}
}

static void
log_write(LogLevel level, const LogField *fields, size_t count, const char *fmt, va_list ap)
{
	CLEANUP(arena_done) Arena *a = NULL;
	int saved = errno;
	Line line = { .level = level, .fields = fields, .count = count };

	if (!log_wants(level))
		return;
	a = arena_open();
	line.a = a;
	line.at = clock_wall(clock_real());
	line.text = str_vfmt(a, fmt, ap);
	for (size_t i = 0; i < the_log.count; i++) {
		Buf b = buf_open(a);

		if (the_log.sinks[i].json)
			print_json(&b, &line);
		else
			print_pretty(&b, &line, the_log.sinks[i].colour);
		write_out(the_log.sinks[i].fd, buf_str(&b));
	}
	errno = saved;
}

void
log_line(LogLevel level, const LogField *fields, size_t count, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_write(level, fields, count, fmt, ap);
	va_end(ap);
}

void
log_debug(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_write(LOG_DEBUG, NULL, 0, fmt, ap);
	va_end(ap);
}

void
log_info(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_write(LOG_INFO, NULL, 0, fmt, ap);
	va_end(ap);
}

void
log_warn(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_write(LOG_WARN, NULL, 0, fmt, ap);
	va_end(ap);
}

void
log_error(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_write(LOG_ERROR, NULL, 0, fmt, ap);
	va_end(ap);
}

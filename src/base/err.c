#include "base/err.h"

#include <stdio.h>

typedef struct ErrRow {
	const char *name;
	int http;
	bool passes;
} ErrRow;

static const ErrRow rows[ERR_CODES] = {
	[ERR_NONE] = { "OK", 200, false },
	[ERR_INVALID] = { "BAD_REQUEST", 400, false },
	[ERR_VALIDATION] = { "VALIDATION_ERROR", 422, false },
	[ERR_NOT_FOUND] = { "NOT_FOUND", 404, false },
	[ERR_CONFLICT] = { "CONFLICT", 409, false },
	[ERR_STALE] = { "CONFLICT", 409, false },
	[ERR_TOO_LARGE] = { "PAYLOAD_TOO_LARGE", 413, false },
	[ERR_UNAUTHORIZED] = { "UNAUTHORIZED", 401, false },
	[ERR_FORBIDDEN] = { "FORBIDDEN", 403, false },
	[ERR_BUSY] = { "TOO_MANY_REQUESTS", 429, true },
	[ERR_UNSUPPORTED] = { "NOT_IMPLEMENTED", 501, false },
	[ERR_AWAY] = { "UNAVAILABLE", 503, true },
	[ERR_TIMEOUT] = { "TIMEOUT", 504, true },
	[ERR_SYS] = { "INTERNAL_SERVER_ERROR", 500, false },
	[ERR_CORRUPT] = { "INTERNAL_SERVER_ERROR", 500, false },
	[ERR_INTERNAL] = { "INTERNAL_SERVER_ERROR", 500, false },
};

/* Text that was cut off ends with a whole character: answers and logs hold these texts as they are. */
static void
end_whole(Err *err)
{
	size_t n = strlen(err->text), start = n;
	unsigned char lead;

	if (n < sizeof(err->text) - 1)
		return;
	while (start > 0 && ((unsigned char)err->text[start - 1] & 0xc0) == 0x80)
		start--;
	lead = start == 0 ? 0 : (unsigned char)err->text[start - 1];
	if (lead >= 0xc0 && n - start < (lead < 0xe0 ? 1u : lead < 0xf0 ? 2u : 3u))
		err->text[start - 1] = '\0';
}

/* One sentence is one line: it may quote what somebody sent, and is shown on terminals and in the lines of logs. */
static void
make_one_line(Err *err)
{
	for (char *p = err->text; *p != '\0'; p++)
		if (*p == '\n' || *p == '\r' || *p == '\t')
			*p = ' ';
		else if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = '?';
}

static void
put(Err *err, ErrCode code, const char *fmt, va_list ap)
{
	err->code = code;
	vsnprintf(err->text, sizeof(err->text), fmt, ap);
	make_one_line(err);
	end_whole(err);
}

bool
err_set(Err *err, ErrCode code, const char *fmt, ...)
{
	va_list ap;

	if (err == NULL)
		return false;
	va_start(ap, fmt);
	put(err, code, fmt, ap);
	va_end(ap);
	return false;
}

bool
err_sys(Err *err, int errnum, const char *fmt, ...)
{
	va_list ap;
	size_t n;

	if (err == NULL)
		return false;
	va_start(ap, fmt);
	put(err, ERR_SYS, fmt, ap);
	va_end(ap);
	n = strlen(err->text);
	snprintf(err->text + n, sizeof(err->text) - n, ": %s", strerror(errnum));
	end_whole(err);
	return false;
}

bool
err_wrap(Err *err, const char *fmt, ...)
{
	char before[ERR_TEXT_MAX];
	va_list ap;
	size_t n;

	if (err == NULL)
		return false;
	memcpy(before, err->text, sizeof(before));
	va_start(ap, fmt);
	put(err, err->code, fmt, ap);
	va_end(ap);
	n = strlen(err->text);
	snprintf(err->text + n, sizeof(err->text) - n, ": %s", before);
	end_whole(err);
	return false;
}

void
err_clear(Err *err)
{
	err->code = ERR_NONE;
	err->text[0] = '\0';
}

const char *
err_code_name(ErrCode code)
{
	return rows[code].name;
}

int
err_http_status(ErrCode code)
{
	return rows[code].http;
}

bool
err_passes(ErrCode code)
{
	return rows[code].passes;
}

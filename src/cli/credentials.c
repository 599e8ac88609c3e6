#include "cli/credentials.h"

#include "os/fs.h"

enum { TOKEN_FILE_MAX = 16 * 1024, HTTP_PORT = 80, HTTPS_PORT = 443 };

/* The port of http://127.0.0.1:8080/, 0 when the host is another machine. */
static int
local_port(Str url)
{
	static const char *const hosts[] = { "127.0.0.1", "localhost", "[::1]" };
	bool tls = str_starts(url, str_of("https://"));
	Str rest = url, port;
	size_t at;

	if (!str_find(rest, str_of("://"), &at))
		return 0;
	rest = str_sub(rest, at + 3, rest.n);
	if (str_find(rest, str_of("/"), &at))
		rest = str_sub(rest, 0, at);
	for (size_t i = 0; i < countof(hosts); i++) {
		Str host = str_of(hosts[i]);
		int64_t n;

		if (!str_starts(rest, host))
			continue;
		port = str_sub(rest, host.n, rest.n);
		if (port.n == 0)
			return tls ? HTTPS_PORT : HTTP_PORT;
		if (port.p[0] == ':' && str_to_int(str_sub(port, 1, port.n), &n) && n > 0 && n < 65536)
			return (int)n;
	}
	return 0;
}

Str
credentials_local(Arena *a, Str url)
{
	int port = local_port(url);
	Str path = port == 0 ? (Str){ 0 } : token_file_path(a, port), token;
	Err err = { 0 };

	if (str_none(path) || !file_read(a, path.p, TOKEN_FILE_MAX, &token, &err))
		return (Str){ 0 };
	token = str_trim(token);
	return token.n > 0 ? token : (Str){ 0 };
}

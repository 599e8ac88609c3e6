/* The process of a sensor: how it fares, what is asked of it, what it wrote. */
#include "api/resource.h"

#include "api/handlers.h"
#include "engine/sensor_messages.h"
#include "api/view.h"
#include "base/codec.h"
#include "base/names.h"
#include "os/fs.h"
#include "store/sensor.h"
#include "store/sensor_process.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LOG_MOST = 1 << 20 }; /* bytes of a log that are given at once, its last ones */

/* ---- how it fares ---- */

static Json
time_or_null(Arena *a, TimeUs t)
{
	return t == 0 ? json_null() : json_str(time_text(a, t));
}

static Json
some_or_null(int64_t v)
{
	return v < 0 ? json_null() : json_int(v);
}

static Str
reason_of(const SensorDef *d, const SensorProcess *p)
{
	if (!str_is(p->status, "stopped"))
		return (Str){ 0 };
	if (!d->enabled)
		return str_of("it is switched off");
	if (!str_none(p->reason))
		return p->reason;
	return str_of("no enabled rule uses its triggers, or no sensor worker has taken it yet");
}

static Json
process_json(Arena *a, const SensorDef *d, const SensorProcess *p)
{
	Json o = json_object();

	json_add(a, &o, "status", json_str(p->status));
	json_add(a, &o, "reason", json_str(reason_of(d, p)));
	json_add(a, &o, "wanted", json_cstr(p->stop ? "stop" : "run"));
	json_add(a, &o, "host", json_str(p->host));
	json_add(a, &o, "pid", json_id(p->pid));
	json_add(a, &o, "instance", json_int(p->instance));
	json_add(a, &o, "active_rule_count", json_int(p->rules));
	json_add(a, &o, "restarts", json_int(p->restarts));
	json_add(a, &o, "consecutive_failures", json_int(p->failures));
	json_add(a, &o, "last_exit_code", some_or_null(p->exit_code));
	json_add(a, &o, "last_signal", some_or_null(p->signal));
	json_add(a, &o, "last_error", json_str(p->error));
	json_add(a, &o, "last_started_at", time_or_null(a, p->started));
	json_add(a, &o, "last_stopped_at", time_or_null(a, p->stopped));
	json_add(a, &o, "next_restart_at", time_or_null(a, p->next_restart));
	json_add(a, &o, "events", json_int(p->events));
	json_add(a, &o, "last_event_at", time_or_null(a, p->last_event));
	json_add(a, &o, "lines_refused", json_int(p->refused));
	return o;
}

bool
sensor_show(App *app, Req *q, Res *s, Err *err)
{
	Arena *a = req_arena(q);
	SensorProcess p;
	SensorDef d;
	Json whole;

	if (!resource_of_path(app, q, &sensors, "ref", &d, err) || !sensor_process_get(app_db(app), a, d.id, &p, err))
		return false;
	whole = sensor_whole(a, &d);
	json_add(a, &whole, "process", process_json(a, &d, &p));
	return res_data(s, 200, whole, NULL);
}

/* ---- what is asked of it ---- */

typedef struct AskWork {
	Arena *a;
	Str key;
	SensorWish wish;
	SensorDef d;
} AskWork;

static bool
ask_work(App *app, void *self, Err *err)
{
	AskWork *w = self;

	if (!resource_held(app, w->a, &sensors, w->key, "update", &w->d, err))
		return false;
	if (w->wish != SENSOR_STOP && !w->d.enabled)
		return err_set(err, ERR_CONFLICT, "Sensor '%.*s' is disabled: enable it first", STR_ARG(w->d.ref));
	if (!sensor_process_ask(app_db(app), w->a, w->d.id, w->wish, app->uow->now, err))
		return false;
	out_sensor(app->uow, w->d.id, w->d.ref);
	return true;
}

static bool
sensor_ask(App *app, Req *q, Res *s, SensorWish wish, const char *said, Err *err)
{
	AskWork w = { .a = req_arena(q), .key = req_param(q, "ref"), .wish = wish };

	return app_define(app, ask_work, &w, err) && res_data(s, 200, sensor_whole(w.a, &w.d), said);
}

bool
sensor_start_asked(App *app, Req *q, Res *s, Err *err)
{
	return sensor_ask(app, q, s, SENSOR_START, "Sensor will be started where a rule needs it", err);
}

bool
sensor_stop_asked(App *app, Req *q, Res *s, Err *err)
{
	return sensor_ask(app, q, s, SENSOR_STOP, "Sensor will be stopped until it is started again", err);
}

bool
sensor_restart_asked(App *app, Req *q, Res *s, Err *err)
{
	return sensor_ask(app, q, s, SENSOR_RESTART, "Sensor will be restarted", err);
}

/* ---- what it wrote ---- */

static const char *const streams[] = { "stdout", "stderr" };

bool
sensor_logs(App *app, Req *q, Res *s, Err *err)
{
	Arena *a = req_arena(q);
	Json body = json_object(), logs = json_array();
	SensorDef d;

	if (!resource_of_path(app, q, &sensors, "sensor_ref", &d, err))
		return false;
	for (size_t i = 0; i < countof(streams); i++) {
		Json log = json_object();

		json_add(a, &log, "stream", json_cstr(streams[i]));
		json_add(a, &log, "artifact_ref", json_str(str_fmt(a, "%.*s.log.%s", STR_ARG(d.ref), streams[i])));
		json_add(a, &log, "artifact_id", json_null());
		json_push(a, &logs, log);
	}
	json_add(a, &body, "sensor_ref", json_str(d.ref));
	json_add(a, &body, "logs", logs);
	return res_json(s, 200, &body);
}

/* The last bytes of a file; empty when it is not there. */
static Str
file_end(Arena *a, const char *path, size_t most)
{
	CLEANUP(fd_done) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct stat st;
	off_t from;
	char *text;
	ssize_t n;

	if (most == 0 || fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return str_of("");
	from = st.st_size > (off_t)most ? st.st_size - (off_t)most : 0;
	text = arena_alloc_raw(a, most);
	n = pread(fd, text, most, from);
	return (Str){ text, n > 0 ? (size_t)n : 0 };
}

/* The log goes on from the file before it, which was full. */
static Str
log_read(App *app, Arena *a, Str ref, Str stream)
{
	Str path = str_fmt(a, "%.*s/sensors/%.*s/%.*s.log", STR_ARG(config_str(app->config, "artifacts_dir")),
	    STR_ARG(ref), STR_ARG(stream));
	Str now = file_end(a, path.p, LOG_MOST), before = file_end(a, str_fmt(a, "%s.1", path.p).p, LOG_MOST - now.n);
	Buf b = buf_open(a);

	buf_add(&b, before);
	buf_add(&b, now);
	return buf_str(&b);
}

static Str
last_lines(Str text, int64_t n)
{
	size_t from = text.n;

	for (int64_t seen = 0; from > 0; from--)
		if (text.p[from - 1] == '\n' && from < text.n && ++seen == n)
			break;
	return str_sub(text, from, text.n);
}

bool
sensor_log(App *app, Req *q, Res *s, Err *err)
{
	Arena *a = req_arena(q);
	Str stream = req_param(q, "stream"), text;
	SensorProcess p;
	SensorDef d;
	int64_t tail;

	if (!resource_of_path(app, q, &sensors, "sensor_ref", &d, err) || !req_query_int(q, "tail", 0, &tail, err))
		return false;
	if (name_index(streams, countof(streams), stream) < 0)
		return err_set(err, ERR_VALIDATION, "A sensor has no stream '%.*s': stdout or stderr", STR_ARG(stream));
	text = log_read(app, a, d.ref, stream);
	if (text.n == 0 && str_is(stream, "stderr")) { /* its files may lie on another machine */
		if (!sensor_process_get(app_db(app), a, d.id, &p, err))
			return false;
		text = str_none(p.stderr_excerpt) ? text : p.stderr_excerpt;
	}
	return res_bytes(s, 200, "text/plain; charset=utf-8", utf8_clean(a, tail > 0 ? last_lines(text, tail) : text));
}

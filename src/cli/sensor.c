#include "cli/families.h"
#include "cli/handlers.h"

static const Thing sensors = { "/api/v1/sensors",
	{ { "REF", "ref", COLUMN_FIXED }, { "LABEL", "label", COLUMN_TEXT }, { "PACK", "pack_ref", COLUMN_TEXT },
	    { "ENABLED", "enabled", COLUMN_FIXED }, { "DESCRIPTION", "description", COLUMN_TEXT } } };

static const Command commands[] = {
	{ .words = "sensor list",
	    .run = cmd_list_run,
	    .opts = OPTS(LIST_OPTS, PACK_OPT),
	    .thing = &sensors,
	    .help = "sensors",
	    .example = "attune sensor list" },
	{ .words = "sensor show",
	    .run = cmd_show_run,
	    .args = "REF",
	    .thing = &sensors,
	    .help = "one sensor",
	    .example = "attune sensor show core.timer_sensor" },
	{ .words = "sensor enable",
	    .run = cli_ask,
	    .args = "REF",
	    .ask = "POST /api/v1/sensors/{0}/enable",
	    .done = "Sensor {0} is enabled.",
	    .help = "let it run",
	    .example = "attune sensor enable core.timer_sensor" },
	{ .words = "sensor disable",
	    .run = cli_ask,
	    .args = "REF",
	    .ask = "POST /api/v1/sensors/{0}/disable",
	    .done = "Sensor {0} is disabled.",
	    .help = "stop it",
	    .example = "attune sensor disable core.timer_sensor" },
	{ .words = "sensor start",
	    .run = cli_ask,
	    .args = "REF",
	    .ask = "POST /api/v1/sensors/{0}/start",
	    .done = "Sensor {0} runs again where a rule needs it.",
	    .help = "let it run again after a stop",
	    .example = "attune sensor start core.file_watch" },
	{ .words = "sensor stop",
	    .run = cli_ask,
	    .args = "REF",
	    .ask = "POST /api/v1/sensors/{0}/stop",
	    .done = "Sensor {0} is being stopped.",
	    .help = "end its process until it is started again",
	    .example = "attune sensor stop core.file_watch" },
	{ .words = "sensor restart",
	    .run = cli_ask,
	    .args = "REF",
	    .ask = "POST /api/v1/sensors/{0}/restart",
	    .done = "Sensor {0} is being restarted.",
	    .help = "end its process and start it anew, without a pause",
	    .example = "attune sensor restart core.file_watch" },
	{ .words = "sensor logs",
	    .run = cmd_sensor_logs,
	    .args = "REF",
	    .opts = OPTS({ "stream", '\0', "NAME", NULL, "stdout (default) or stderr" },
		{ "tail", 'n', "LINES", NULL, "only the last lines" }),
	    .help = "what its process has written",
	    .example = "attune sensor logs core.timer_sensor -n 20" },
};

const Family family_sensor = { "Sensors", commands, countof(commands) };

bool
cmd_sensor_logs(Cli *c, int *ret_code, Err *err)
{
	Str stream = cli_opt(c, "stream"), path;
	HttpAsk ask = { .method = "GET", .accept = "text/plain, application/json" };
	int64_t tail;
	HttpReply r;

	(void)ret_code;
	if (!cli_opt_int(c, "tail", 0, &tail, err))
		return false;
	path = cli_fill(c, "/api/v1/sensors/{0}/logs/", NULL, true);
	path = str_fmt(
	    c->a, "%.*s%.*s", STR_ARG(path), STR_ARG(stream.n > 0 ? url_escape(c->a, stream) : str_of("stdout")));
	ask.path = tail == 0 ? path : str_fmt(c->a, "%.*s?tail=%lld", STR_ARG(path), (long long)tail);
	if (!cli_send(c, &ask, &r, err))
		return false;
	out_text(c, r.text);
	return true;
}

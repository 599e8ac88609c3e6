#include "api/work.h"

#include "api/handlers.h"
#include "api/view.h"
#include "api/webhook_group.h"
#include "api/webhook_known.h"
#include "base/codec.h"
#include "base/log.h"
#include "engine/webhooks.h"
#include "model/webhook.h"
#include "store/webhook.h"

enum { AGENT_MOST = 1024 };

/* One request to a webhook. */
typedef struct Hook {
	Arena *a;
	const Req *q;
	TriggerDef trigger;
	WebhookConfig config;
	Str ip;   /* of the client; none: a proxy of ours says nothing that could be believed */
	Str tick; /* the mark by which its event is known again */
	bool verified, limited, allowed, again;
	int64_t version; /* of the definitions as they were remembered; 0: the database was asked */
	Id event;
	TimeUs received;
} Hook;

/* ---- who and what ---- */

/* A stranger is not told which keys we have. */
static bool
config_open(App *app, Hook *h, Json *ret, Err *err)
{
	const TriggerDef *d = &h->trigger;
	Err why = { 0 };

	if (webhook_config_open(app->engine->vault, h->a, d->id, &d->webhook_config, ret, &why))
		return true;
	log_error("the secrets of the webhook of '%.*s' cannot be read: %s", STR_ARG(d->ref), why.text);
	return err_set(err, ERR_INTERNAL, "The secrets of this webhook cannot be read; the log of the server says why");
}

static bool
hook_find(App *app, Hook *h, bool fresh, Err *err)
{
	const TriggerDef *trigger;
	Json config;

	if (!hooks_known_get(
		app->hooks_known, app->uow, req_param(h->q, "webhook_key"), fresh, &trigger, &h->version, err))
		return false;
	if (trigger == NULL)
		return err_set(err, ERR_NOT_FOUND, "Invalid webhook key");
	h->trigger = *trigger;
	if (!h->trigger.webhook_enabled)
		return err_set(err, ERR_INVALID, "Webhooks are not enabled for this trigger");
	h->ip = req_client(h->q);
	return config_open(app, h, &config, err) && webhook_config_read(h->a, &config, &h->config, err);
}

/* What its sender calls it, else, where an answer must find it again, what we call it. */
static bool
hook_mark(App *app, Hook *h, Err *err)
{
	Str id = req_header(h->q, "webhook-id");

	if (id.n > WEBHOOK_ID_MOST || !utf8_valid(id))
		return err_set(err, ERR_INVALID, "webhook-id must be a text of at most %d bytes", WEBHOOK_ID_MOST);
	if (id.n > 0)
		h->tick = str_fmt(h->a, "webhook:%lld:%.*s", (long long)h->trigger.id, STR_ARG(id));
	else if (h->config.wait)
		h->tick = str_fmt(h->a, "webhook:%.*s:%.*s:%lld", STR_ARG(app->engine->process),
		    STR_ARG(req_id_text(h->q)), (long long)req_began(h->q));
	return true;
}

/* ---- may it? ---- */

static bool
size_fits(const App *app, const Hook *h, Err *err)
{
	int64_t most = config_int(app->config, "events.max_payload_kb") * 1024;
	Str body = req_body(h->q);

	if (h->config.size_limit > 0 && h->config.size_limit < most)
		most = h->config.size_limit;
	return (int64_t)body.n <= most ||
	       err_set(err, ERR_TOO_LARGE, "The body has %zu bytes: this webhook takes at most %lld", body.n,
		   (long long)most);
}

/* A list that is empty, or an address that is not known, lets nobody in. */
static bool
ip_allowed(Hook *h, Err *err)
{
	Address a;

	h->allowed = !h->config.limited_ips;
	if (!h->allowed && address_parse(h->ip, &a))
		for (size_t i = 0; i < h->config.network_count; i++)
			h->allowed = h->allowed || network_holds(&h->config.networks[i], &a);
	return h->allowed || err_set(err, ERR_FORBIDDEN, "The address %.*s may not use this webhook",
				 STR_ARG(str_none(h->ip) ? str_of("of the sender, which is not known,") : h->ip));
}

static bool
rate_fits(App *app, Hook *h, Err *err)
{
	int64_t n = 0;

	if (h->config.requests == 0)
		return true;
	if (!webhook_recent(app_db(app), h->a, h->trigger.id, h->trigger.webhook_key,
		str_none(h->ip) ? str_of("") : h->ip, app_now(app) - h->config.window, &n, err))
		return false;
	h->limited = n >= h->config.requests;
	return !h->limited || hook_too_many(h->config.requests, h->config.window, err);
}

static bool
signed_well(App *app, Hook *h, Err *err)
{
	const Req *q = h->q;
	WebhookSignature s = {
		.id = req_header(q, "webhook-id"),
		.timestamp = req_header(q, "webhook-timestamp"),
		.standard = req_header(q, "webhook-signature"),
		.plain = req_header(q, "X-Webhook-Signature"),
	};

	if (!h->config.signed_only)
		return true;
	if (str_none(s.plain))
		s.plain = req_header(q, "X-Hub-Signature-256");
	h->verified = webhook_verify(h->a, &h->config, &s, req_body(q), app_now(app), err);
	return h->verified;
}

static bool
hook_admit(App *app, Hook *h, const HookPart *p, Err *err)
{
	return size_fits(app, h, err) && ip_allowed(h, err) && rate_fits(app, h, err) && signed_well(app, h, err) &&
	       hook_mark(app, h, err) && storable("The payload", p->payload, err) &&
	       storable("The config", p->headers, err);
}

/* ---- handing it over ---- */

/* The database does not wait longer for anything. */
enum { STORED_WITHIN_S = 60 };

static int64_t
key_of(const Req *q)
{
	return -req_serial(q); /* ids of executions, which requests also wait for, are positive */
}

static Str
agent_of(const Hook *h, Arena *a)
{
	Str agent = req_header(h->q, "User-Agent");

	return str_none(agent) || !utf8_valid(agent) ? (Str){ 0 } : str_copy(a, utf8_clip(agent, AGENT_MOST));
}

static Str
kept(Arena *a, Str s)
{
	return str_none(s) ? s : str_copy(a, s);
}

/* What is to be remembered of a request until its group is written, in the part's own memory. */
static void
part_fill(const Hook *h, HookPart *p)
{
	p->part.key = key_of(h->q);
	p->trigger = h->trigger.id;
	p->trigger_ref = str_copy(p->a, h->trigger.ref);
	p->webhook_key = str_copy(p->a, h->trigger.webhook_key);
	p->requests = h->config.requests;
	p->window = h->config.window;
	p->ip = str_none(h->ip) ? str_of("") : str_copy(p->a, h->ip);
	p->agent = agent_of(h, p->a);
	p->tick = kept(p->a, h->tick);
	p->correlation = trace_parent(req_header(h->q, "traceparent"));
	p->bytes = (int64_t)req_body(h->q).n;
	p->began = req_began(h->q);
	p->signed_only = h->config.signed_only;
	p->version = h->version;
	p->verified = h->verified;
	p->allowed = h->allowed;
	p->limited = h->limited;
	p->wait_seconds = h->config.wait ? h->config.wait_seconds : 0;
}

/* It is woken when its group has been written. Takes the part, where it could be given. */
static bool
hook_give(App *app, HookPart **part, Res *s, Err *err)
{
	HookPart *p = *part;
	int64_t key = p->part.key;
	TimeUs until = p->began + STORED_WITHIN_S * (TimeUs)US_PER_S;

	if (!hook_group_give(app->hooks, p, err))
		return false;
	*part = NULL;
	return res_wait(s, key, until);
}

static bool
answer_limited(Arena *a, TimeUs window, Str error, Res *s)
{
	Json body = json_object();

	json_add(a, &body, "error", json_str(error));
	json_add(a, &body, "code", json_cstr("TOO_MANY_REQUESTS"));
	res_header(s, "Retry-After", str_fmt(a, "%lld", (long long)(window / US_PER_S)));
	return res_json(s, 429, &body);
}

static bool
answer_refused(Arena *a, const HookPart *p, Res *s, Err *err)
{
	if (p->limited)
		return answer_limited(a, p->window, str_of(p->err.text), s);
	*err = p->err;
	return false;
}

/* The refusal counts, not whether it could be written down. */
static bool
hook_refuse(App *app, HookPart **part, Arena *a, Res *s, Err *err)
{
	HookPart *p = *part;
	Err why = { 0 };

	p->refused = true;
	p->err = *err;
	if (hook_give(app, part, s, &why))
		return true;
	log_warn("webhook of '%.*s': %s", STR_ARG(p->trigger_ref), why.text);
	return answer_refused(a, p, s, err);
}

/* ---- answering ---- */

static bool
hook_answer(Hook *h, Res *s, const Json *runs)
{
	Json o = json_object();

	json_add(h->a, &o, "event_id", json_int(h->event));
	json_add(h->a, &o, "trigger_ref", json_str(h->trigger.ref));
	json_add(h->a, &o, "received_at", json_time(h->a, h->received));
	json_add(
	    h->a, &o, "message", json_cstr(h->again ? "Webhook was received before" : "Webhook received successfully"));
	if (runs != NULL)
		json_add(h->a, &o, "executions", *runs);
	return res_data(s, 200, o, NULL);
}

/* Looks until all that came of the event has ended, the seldomer the longer it takes; then answers with what there is. */
static bool
hook_wait(App *app, Hook *h, Res *s, Err *err)
{
	enum { SOONEST = 10 * US_PER_MS, LATEST = 500 * US_PER_MS };
	TimeUs now = clock_mono(clock_real()), began = req_began(h->q);
	TimeUs deadline = began + h->config.wait_seconds * US_PER_S, pause = (now - began) / 4;
	bool open = false;
	Json runs;

	if (!event_runs(app_db(app), h->a, h->event, &runs, &open, err))
		return false;
	if (!open || now >= deadline)
		return hook_answer(h, s, &runs);
	pause = pause < SOONEST ? SOONEST : pause > LATEST ? LATEST : pause;
	return res_wait(s, -h->event, now + pause < deadline ? now + pause : deadline);
}

/* The request slept until its event was stored, and then for what comes of it: it is known by its mark. */
static bool
hook_look_again(App *app, Hook *h, Res *s, Err *err)
{
	if (!hook_find(app, h, true, err) || !hook_mark(app, h, err))
		return false;
	if (str_none(h->tick))
		return err_set(err, ERR_TIMEOUT, "It is not known whether this request was stored: it waited too long");
	return event_of_tick(app_db(app), h->a, h->tick, &h->event, &h->received, err) && hook_wait(app, h, s, err);
}

/* Nobody is refused by what is only remembered. */
static bool
hook_let_in(App *app, Hook *h, const HookPart *p, bool fresh, bool *ret_good, Err *err)
{
	const Hook begun = *h;

	if (!hook_find(app, h, fresh, err))
		return false;
	*ret_good = hook_admit(app, h, p, err);
	if (*ret_good || h->version == 0)
		return true;
	*h = begun;
	err_clear(err);
	return hook_let_in(app, h, p, true, ret_good, err);
}

static bool
hook_take(App *app, Hook *h, bool fresh, Res *s, Err *err)
{
	CLEANUP(hook_part_done) HookPart *p = hook_part_open(app->hooks);
	bool good = false;

	if (!json_parse(p->a, req_body(h->q), NULL, &p->body, err))
		return err_wrap(err, "The body is not JSON");
	webhook_unwrap(&p->body, &p->payload, &p->headers);
	if (!hook_let_in(app, h, p, fresh, &good, err))
		return false;
	part_fill(h, p);
	return good ? hook_give(app, &p, s, err) : hook_refuse(app, &p, h->a, s, err);
}

static bool
hook_resume(App *app, Hook *h, Res *s, Err *err)
{
	CLEANUP(hook_part_done) HookPart *p = hook_group_take(app->hooks, key_of(h->q));

	if (p == NULL)
		return hook_look_again(app, h, s, err);
	if (p->stale)
		return hook_take(app, h, true, s, err);
	if (!p->ok)
		return answer_refused(h->a, p, s, err);
	h->event = p->event;
	h->received = p->received;
	h->again = p->again;
	h->trigger.ref = str_copy(h->a, p->trigger_ref);
	h->config.wait = p->wait_seconds > 0;
	h->config.wait_seconds = p->wait_seconds;
	return h->config.wait ? hook_wait(app, h, s, err) : hook_answer(h, s, NULL);
}

bool
webhook_receive(App *app, Req *q, Res *s, Err *err)
{
	Hook h = { .a = req_arena(q), .q = q };

	return req_waited(q) ? hook_resume(app, &h, s, err) : hook_take(app, &h, false, s, err);
}

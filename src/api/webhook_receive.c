#include "api/work.h"

#include "api/handlers.h"
#include "api/view.h"
#include "base/codec.h"
#include "base/log.h"
#include "engine/webhooks.h"
#include "model/webhook.h"
#include "store/trigger.h"
#include "store/webhook.h"

enum { AGENT_MOST = 1024 };

/* One request to a webhook. */
typedef struct Hook {
	Arena *a;
	const Req *q;
	TriggerDef trigger;
	WebhookConfig config;
	Json body;
	const Json *payload, *headers;
	Str ip;   /* of the client; none: a proxy of ours says nothing that could be believed */
	Str tick; /* the mark by which its event is known again */
	bool verified, limited, allowed, again;
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
hook_find(App *app, Hook *h, Err *err)
{
	bool found = false;
	Json config;

	if (!trigger_get_webhook(app_db(app), h->a, req_param(h->q, "webhook_key"), &h->trigger, &found, err))
		return false;
	if (!found)
		return err_set(err, ERR_NOT_FOUND, "Invalid webhook key");
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
	return !h->limited || err_set(err, ERR_FORBIDDEN, "Too many requests: this webhook takes %lld in %lld s",
				  (long long)h->config.requests, (long long)(h->config.window / US_PER_S));
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
hook_admit(App *app, Hook *h, Err *err)
{
	return size_fits(app, h, err) && ip_allowed(h, err) && rate_fits(app, h, err) && signed_well(app, h, err) &&
	       hook_mark(app, h, err);
}

/* ---- taking it ---- */

static bool
log_add(App *app, Hook *h, int status, Str error, Err *err)
{
	Str agent = req_header(h->q, "User-Agent");
	WebhookLogNew row = {
		.trigger = h->trigger.id,
		.trigger_ref = h->trigger.ref,
		.key = h->trigger.webhook_key,
		.event = h->event,
		.source_ip = str_none(h->ip) ? str_of("") : h->ip,
		.user_agent = utf8_valid(agent) ? utf8_clip(agent, AGENT_MOST) : (Str){ 0 },
		.bytes = (int64_t)req_body(h->q).n,
		.status = status,
		.took_ms = (clock_mono(clock_real()) - req_began(h->q)) / US_PER_MS,
		.error = error,
		.verified = h->verified,
		.limited = h->limited,
		.allowed = h->allowed,
	};

	return webhook_log_add(app_db(app), app->uow->arena, &row, app->uow->now, err);
}

typedef struct Refusal {
	Hook *h;
	int status;
	Str error;
} Refusal;

static bool
refuse_work(App *app, void *self, Err *err)
{
	Refusal *r = self;

	return log_add(app, r->h, r->status, r->error, err);
}

/* The refusal counts, not whether it could be written down. */
static bool
hook_refuse(App *app, Hook *h, Res *s, Err *err)
{
	Refusal r = { h, h->limited ? 429 : err_http_status(err->code), str_copy(h->a, str_of(err->text)) };
	Json body = json_object();
	Err why = { 0 };

	if (!app_work(app, &points_create, refuse_work, &r, &why))
		log_warn("webhook of '%.*s': %s", STR_ARG(h->trigger.ref), why.text);
	if (!h->limited)
		return false;
	json_add(h->a, &body, "error", json_str(r.error));
	json_add(h->a, &body, "code", json_cstr("TOO_MANY_REQUESTS"));
	res_header(s, "Retry-After", str_fmt(h->a, "%lld", (long long)(h->config.window / US_PER_S)));
	return res_json(s, 429, &body);
}

static Json
event_config(const Hook *h, TimeUs now)
{
	Arena *a = h->a;
	Str at = time_text(a, now), agent = req_header(h->q, "User-Agent");
	Json o = json_object();

	json_add(a, &o, "source", json_cstr("webhook"));
	json_add(a, &o, "webhook_key", json_str(h->trigger.webhook_key));
	json_add(a, &o, "received_at", json_str(str_fmt(a, "%.*s+00:00", STR_ARG(str_sub(at, 0, at.n - 1)))));
	if (h->headers != NULL)
		json_add(a, &o, "headers", *h->headers);
	if (!str_none(h->ip))
		json_add(a, &o, "source_ip", json_str(h->ip));
	if (!str_none(agent) && utf8_valid(agent))
		json_add(a, &o, "user_agent", json_str(utf8_clip(agent, AGENT_MOST)));
	if (h->config.signed_only)
		json_add(a, &o, "hmac_verified", json_bool(h->verified));
	return o;
}

static bool
take_work(App *app, void *self, Err *err)
{
	Hook *h = self;
	Json config = event_config(h, app->uow->now);
	EventIn in = {
		.trigger_ref = h->trigger.ref,
		.source_ref = str_of("webhook"),
		.payload = h->payload,
		.config = &config,
		.tick_key = h->tick,
		.correlation = trace_parent(req_header(h->q, "traceparent")),
	};
	EventOut out;

	/* Of those that came at once each has seen room for itself: now they come one after the other. */
	if (h->config.requests > 0 && (!webhook_lock(app_db(app), h->a, h->trigger.id, err) || !rate_fits(app, h, err)))
		return false;
	if (!ingest(app->uow, &in, 1, &out, err))
		return false;
	h->event = out.id;
	h->received = app->uow->now;
	h->again = out.id == 0; /* its sender has sent it before */
	if (h->again && !event_of_tick(app_db(app), h->a, h->tick, &h->event, &h->received, err))
		return false;
	return log_add(app, h, 200, (Str){ 0 }, err);
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

/* The request slept: its event is there already. */
static bool
hook_resume(App *app, Hook *h, Res *s, Err *err)
{
	if (!hook_find(app, h, err) || !hook_mark(app, h, err) ||
	    !event_of_tick(app_db(app), h->a, h->tick, &h->event, &h->received, err))
		return false;
	return hook_wait(app, h, s, err);
}

bool
webhook_receive(App *app, Req *q, Res *s, Err *err)
{
	Hook h = { .a = req_arena(q), .q = q };

	if (req_waited(q))
		return hook_resume(app, &h, s, err);
	if (!json_parse(h.a, req_body(q), NULL, &h.body, err))
		return err_wrap(err, "The body is not JSON");
	if (!hook_find(app, &h, err))
		return false;
	webhook_unwrap(&h.body, &h.payload, &h.headers);
	if (!hook_admit(app, &h, err))
		return hook_refuse(app, &h, s, err);
	if (!app_work(app, &points_ingest, take_work, &h, err))
		return h.limited && hook_refuse(app, &h, s, err);
	return h.config.wait ? hook_wait(app, &h, s, err) : hook_answer(&h, s, NULL);
}

#include "bus/bus_impl.h"

#include "base/codec.h"

#include <limits.h>

enum {
	BODY_MAX = 64 * 1024 * 1024,
	BODY_DEPTH = 80, /* a payload of 64 levels inside an envelope */
};

static const MsgItem no_item;

static const void *
place(const MsgItem *item, const Field *f)
{
	const char *p = (const char *)item;

	/* the second place counts when the first is empty: a heartbeat's worker */
	if (f->also != 0 && *(const Id *)(const void *)(p + f->at) == 0)
		return p + f->also;
	return p + f->at;
}

static void
write_int(Buf *b, int64_t v)
{
	char text[24];
	char *p = text + sizeof(text);
	uint64_t u = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;

	do
		*--p = (char)('0' + u % 10);
	while ((u /= 10) != 0);
	if (v < 0)
		*--p = '-';
	buf_add(b, (Str){ p, (size_t)(text + sizeof(text) - p) });
}

static void
write_uuid(Buf *b, Uuid u)
{
	char text[UUID_TEXT];

	uuid_write(u, text);
	buf_char(b, '"');
	buf_add(b, (Str){ text, UUID_TEXT });
	buf_char(b, '"');
}

static bool
is_zero(FieldType type, const void *p)
{
	switch (type) {
	case FIELD_ID: return *(const Id *)p == 0;
	case FIELD_TIME: return *(const TimeUs *)p == 0;
	case FIELD_INT: return *(const int *)p == 0;
	case FIELD_UUID: return uuid_none(*(const Uuid *)p);
	case FIELD_STR:
	case FIELD_STATUS: return str_none(*(const Str *)p);
	}
	return true;
}

static void
write_value(Buf *b, FieldType type, const void *p)
{
	switch (type) {
	case FIELD_ID: write_int(b, *(const Id *)p); break;
	case FIELD_INT: write_int(b, *(const int *)p); break;
	case FIELD_UUID: write_uuid(b, *(const Uuid *)p); break;
	case FIELD_TIME: json_print_string(b, time_text(b->a, *(const TimeUs *)p)); break;
	case FIELD_STR: json_print_string(b, *(const Str *)p); break;
	case FIELD_STATUS: json_print_string(b, str_lower(b->a, *(const Str *)p)); break;
	}
}

static void
write_item(Buf *b, MsgKind kind, const MsgItem *item)
{
	const FieldSet *set = &topic_fields[kind];
	char before = '{';

	for (size_t i = 0; i < set->n; i++) {
		const Field *f = &set->fields[i];
		const void *p = place(item, f);

		if (!f->needed && is_zero(f->type, p))
			continue;
		buf_char(b, before);
		buf_char(b, '"');
		buf_text(b, f->name);
		buf_text(b, "\":");
		write_value(b, f->type, p);
		before = ',';
	}
	buf_text(b, before == '{' ? "{}" : "}");
}

void
payload_write(Buf *b, MsgKind kind, const MsgItem *items, size_t n)
{
	if (!topics[kind].internal) {
		const MsgItem *item = n > 0 ? items : &no_item;

		if (item->json.kind == JSON_OBJECT)
			json_print(b, &item->json);
		else
			write_item(b, kind, item);
		return;
	}
	buf_char(b, '[');
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			buf_char(b, ',');
		write_item(b, kind, &items[i]);
	}
	buf_char(b, ']');
}

Str
envelope_write(Arena *a, const Envelope *e, const MsgItem *items, size_t n)
{
	/* times and lower-case words are made beside the text, so that it can grow in place */
	Buf b = buf_open(a);

	buf_room(&b, 512 + n * 256);
	buf_text(&b, "{\"message_id\":");
	write_uuid(&b, e->message_id);
	buf_text(&b, ",\"correlation_id\":");
	write_uuid(&b, uuid_none(e->correlation) ? e->message_id : e->correlation);
	buf_text(&b, ",\"message_type\":");
	json_print_string(&b, str_of(topics[e->kind].type));
	buf_text(&b, ",\"version\":\"1.0\",\"timestamp\":");
	json_print_string(&b, time_text(a, e->timestamp));
	buf_text(&b, ",\"headers\":{\"retry_count\":0");
	if (e->source != NULL) {
		buf_text(&b, ",\"source_service\":");
		json_print_string(&b, str_of(e->source));
	}
	buf_text(&b, "},\"payload\":");
	payload_write(&b, e->kind, items, n);
	buf_char(&b, '}');
	return buf_str(&b);
}

static bool
read_number(const Field *f, const Json *v, void *p, Err *err)
{
	if (v->kind != JSON_INT)
		return err_set(err, ERR_INVALID, "'%s' is not a whole number", f->name);
	if (f->type == FIELD_ID) {
		*(Id *)p = v->i;
		return true;
	}
	if (v->i < INT_MIN || v->i > INT_MAX)
		return err_set(err, ERR_INVALID, "'%s' is out of range", f->name);
	*(int *)p = (int)v->i;
	return true;
}

static bool
read_text(Arena *a, const Field *f, const Json *v, void *p, Err *err)
{
	Str text = json_as_str(v);

	if (v->kind != JSON_STRING)
		return err_set(err, ERR_INVALID, "'%s' is not a string", f->name);
	if (f->type == FIELD_UUID)
		return uuid_parse(text, p) || err_set(err, ERR_INVALID, "'%s' is not a UUID", f->name);
	if (f->type == FIELD_TIME)
		return time_parse(text, p) || err_set(err, ERR_INVALID, "'%s' is not a time", f->name);
	/* older writers capitalise some states */
	*(Str *)p = f->type == FIELD_STATUS ? str_lower(a, text) : text;
	return true;
}

static bool
read_field(Arena *a, const Field *f, const Json *object, MsgItem *item, Err *err)
{
	const Json *v = json_get(object, f->name);
	char *p = (char *)item + f->at;

	if (json_is_null(v))
		return !f->needed || err_set(err, ERR_INVALID, "'%s' is missing", f->name);
	if (f->type == FIELD_ID || f->type == FIELD_INT ? !read_number(f, v, p, err) : !read_text(a, f, v, p, err))
		return false;
	if (f->also != 0)
		*(Id *)(void *)((char *)item + f->also) = *(const Id *)(void *)p;
	return true;
}

static bool
read_item(Arena *a, MsgKind kind, const Json *object, Uuid correlation, MsgItem *item, Err *err)
{
	const FieldSet *set = &topic_fields[kind];

	if (!json_is(object, JSON_OBJECT))
		return err_set(err, ERR_INVALID, "%s instead of an object",
		    object == NULL ? "nothing" : json_kind_name(object->kind));
	for (size_t i = 0; i < set->n; i++)
		if (!read_field(a, &set->fields[i], object, item, err))
			return false;
	if (uuid_none(item->correlation))
		item->correlation = correlation;
	if (!topics[kind].internal)
		item->json = *object;
	return true;
}

bool
payload_read(Arena *a, MsgKind kind, const Json *payload, Uuid correlation, MsgItem **ret, size_t *ret_n, Err *err)
{
	bool list = topics[kind].internal && json_is(payload, JSON_ARRAY);
	size_t n = list ? payload->n : 1;
	MsgItem *items;

	if (n == 0 || n > MSG_ITEMS_MAX)
		return err_set(err, ERR_INVALID, "payload: %zu items, 1 to %d can be", n, MSG_ITEMS_MAX);
	items = arena_array(a, MsgItem, n);
	for (size_t i = 0; i < n; i++) {
		if (read_item(a, kind, list ? json_at(payload, i) : payload, correlation, &items[i], err))
			continue;
		return list ? err_wrap(err, "payload[%zu]", i) : err_wrap(err, "payload");
	}
	*ret = items;
	*ret_n = n;
	return true;
}

static bool
read_id(const Json *root, const char *name, Uuid *ret, Err *err)
{
	const Json *v = json_get(root, name);

	if (json_is_null(v))
		return true;
	return uuid_parse(json_as_str(v), ret) || err_set(err, ERR_INVALID, "'%s' is not a UUID", name);
}

static bool
read_head(const Json *root, Envelope *e, Err *err)
{
	Str type = json_get_text(root, "message_type");
	Str version = json_get_text(root, "version");
	Str time = json_get_text(root, "timestamp");

	if (!json_is(root, JSON_OBJECT))
		return err_set(err, ERR_INVALID, "the message is not an object");
	if (str_none(type))
		return err_set(err, ERR_INVALID, "'message_type' is missing");
	e->kind = topic_of_type(type);
	if (e->kind == MSG_NONE)
		return err_set(err, ERR_INVALID, "'%.*s' is no kind of message", STR_ARG(utf8_clip(type, 80)));
	if (!str_none(version) && !str_starts(version, str_of("1.")))
		return err_set(err, ERR_INVALID, "version '%.*s' cannot be read", STR_ARG(utf8_clip(version, 20)));
	if (!str_none(time) && !time_parse(time, &e->timestamp))
		return err_set(err, ERR_INVALID, "'timestamp' is not a time");
	if (!read_id(root, "message_id", &e->message_id, err) || !read_id(root, "correlation_id", &e->correlation, err))
		return false;
	if (uuid_none(e->correlation))
		e->correlation = e->message_id;
	return true;
}

bool
envelope_read(Arena *a, Str text, Envelope *ret, MsgItem **ret_items, size_t *ret_n, Err *err)
{
	static const JsonLimits limits = { .size = BODY_MAX, .depth = BODY_DEPTH };
	Envelope e = { 0 };
	Json root;

	if (!json_parse(a, text, &limits, &root, err))
		return false;
	if (!read_head(&root, &e, err))
		return false;
	if (!payload_read(a, e.kind, json_get(&root, "payload"), e.correlation, ret_items, ret_n, err))
		return err_wrap(err, "%s", topics[e.kind].type);
	e.source = str_cstr(a, json_get_text(json_get(&root, "headers"), "source_service"));
	*ret = e;
	return true;
}

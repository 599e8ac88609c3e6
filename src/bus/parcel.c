#include "bus/parcel.h"

#include <stdio.h>
#include <stdlib.h>

static bool
is_text(FieldType t)
{
	return t == FIELD_STR || t == FIELD_STATUS;
}

static size_t
field_size(FieldType t)
{
	static const size_t sizes[] = {
		[FIELD_ID] = sizeof(Id),
		[FIELD_INT] = sizeof(int),
		[FIELD_STR] = sizeof(Str),
		[FIELD_STATUS] = sizeof(Str),
		[FIELD_TIME] = sizeof(TimeUs),
		[FIELD_UUID] = sizeof(Uuid),
	};

	return sizes[t];
}

static size_t
texts_size(const FieldSet *set, const MsgItem *items, size_t n)
{
	size_t size = 0;

	for (size_t i = 0; i < n; i++)
		for (size_t f = 0; f < set->n; f++)
			if (is_text(set->fields[f].type))
				size += ((const Str *)(const void *)((const char *)&items[i] + set->fields[f].at))->n;
	return size;
}

static Str
text_put(char **tail, Str s, bool lower)
{
	Str r = { *tail, s.n };

	if (str_none(s))
		return s;
	for (size_t i = 0; i < s.n; i++)
		(*tail)[i] = lower && s.p[i] >= 'A' && s.p[i] <= 'Z' ? (char)(s.p[i] | 0x20) : s.p[i];
	*tail += s.n;
	return r;
}

/* Only the fields of the kind travel, exactly as on the wire. */
static void
item_pack(const FieldSet *set, MsgItem *to, const MsgItem *from, Uuid correlation, char **tail)
{
	*to = (MsgItem){ 0 };
	for (size_t i = 0; i < set->n; i++) {
		const Field *f = &set->fields[i];
		const char *src = (const char *)from + f->at;
		char *dst = (char *)to + f->at;

		if (is_text(f->type)) {
			*(Str *)(void *)dst = text_put(tail, *(const Str *)(const void *)src, f->type == FIELD_STATUS);
			continue;
		}
		if (f->also != 0 && *(const Id *)(const void *)src == 0)
			src = (const char *)from + f->also;
		memcpy(dst, src, field_size(f->type));
		if (f->also != 0)
			memcpy((char *)to + f->also, dst, sizeof(Id));
	}
	if (uuid_none(to->correlation))
		to->correlation = correlation;
}

static Parcel *
parcel_new(const ParcelHead *head, size_t more)
{
	Parcel *p = malloc(sizeof(Parcel) + more);

	if (p == NULL) {
		fprintf(stderr, "attune: out of memory (%zu bytes)\n", more);
		abort();
	}
	*p = (Parcel){
		.size = sizeof(Parcel) + more,
		.kind = head->kind,
		.message_id = head->message_id,
		.correlation = uuid_none(head->correlation) ? head->message_id : head->correlation,
	};
	return p;
}

static Parcel *
parcel_text(Arena *scratch, const ParcelHead *head, const MsgItem *items, size_t n)
{
	Buf b = buf_open(scratch);
	Parcel *p;

	payload_write(&b, head->kind, items, n);
	p = parcel_new(head, b.n);
	memcpy(p->items, b.p, b.n);
	p->text = (Str){ (const char *)p->items, b.n };
	return p;
}

Parcel *
parcel_make(Arena *scratch, const ParcelHead *head, const MsgItem *items, size_t n)
{
	const FieldSet *set = &topic_fields[head->kind];
	char *tail;
	Parcel *p;

	if (!topics[head->kind].internal)
		return parcel_text(scratch, head, items, n);
	p = parcel_new(head, n * sizeof(MsgItem) + texts_size(set, items, n));
	p->n = n;
	tail = (char *)&p->items[n];
	for (size_t i = 0; i < n; i++)
		item_pack(set, &p->items[i], &items[i], p->correlation, &tail);
	return p;
}

void
parcel_free(Parcel *p)
{
	free(p);
}

static void
move_text(Str *s, const char *from, char *to)
{
	if (s->p != NULL)
		s->p = to + (s->p - from);
}

static MsgItem *
items_copy(const Parcel *p, Arena *a)
{
	size_t size = p->size - sizeof(Parcel);
	const char *from = (const char *)p->items;
	char *to = arena_alloc_raw(a, size);
	MsgItem *items = (MsgItem *)(void *)to;

	memcpy(to, from, size);
	for (size_t i = 0; i < p->n; i++) {
		move_text(&items[i].status, from, to);
		move_text(&items[i].previous, from, to);
		move_text(&items[i].ref, from, to);
		move_text(&items[i].ref2, from, to);
	}
	return items;
}

bool
parcel_open(const Parcel *p, Arena *a, Msg *msg, Err *err)
{
	Json payload;

	*msg = (Msg){
		.kind = p->kind,
		.message_id = p->message_id,
		.correlation = p->correlation,
		.redelivered = p->redelivered,
	};
	if (topics[p->kind].internal) {
		msg->items = items_copy(p, a);
		msg->n = p->n;
		return true;
	}
	return json_parse(a, p->text, NULL, &payload, err) &&
	       payload_read(a, p->kind, &payload, p->correlation, &msg->items, &msg->n, err);
}

Str
parcel_body(const Parcel *p, Arena *a, TimeUs now, const char *source)
{
	Envelope e = { p->message_id, p->correlation, p->kind, now, source };
	MsgItem item = { 0 };

	if (topics[p->kind].internal)
		return envelope_write(a, &e, p->items, p->n);
	/* our own writer made this text */
	if (!json_parse(a, p->text, NULL, &item.json, NULL))
		return p->text;
	return envelope_write(a, &e, &item, 1);
}

Str
parcel_key(const Parcel *p, Arena *a)
{
	return name_fill(a, topics[p->kind].key, p->n > 0 ? p->items[0].worker : 0, "");
}

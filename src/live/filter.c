#include "live/filter.h"

#include "base/codec.h"
#include "base/names.h"

enum { SHOWN = 80 };

/* Known to clients, and nothing of the kind happens here. */
static const char *const never_types[] = { "workflow_execution", "work_queue", "work_queue_item" };
static const char *const never_kinds[] = { "workflow_execution_status_changed", "work_queue_created",
	"work_queue_updated", "work_queue_item_created", "work_queue_item_updated", "attune_notifications" };

static bool
subject_parse(Str text, Filter *f, Err *err)
{
	if (subject_of(text, &f->subject))
		return true;
	if (name_index(never_types, countof(never_types), text) < 0)
		return err_set(err, ERR_INVALID,
		    "Nothing of the type '%.*s' changes. Types: execution, event, enforcement, inquiry, artifact",
		    STR_ARG(utf8_clip(text, SHOWN)));
	f->kind = FILTER_NEVER;
	return true;
}

static bool
id_parse(Str text, Id *ret, Err *err)
{
	return (str_to_int(text, ret) && *ret > 0) ||
	       err_set(err, ERR_INVALID, "'%.*s' is not an id", STR_ARG(utf8_clip(text, SHOWN)));
}

static bool
type_filter(Str rest, Filter *f, Err *err)
{
	f->kind = FILTER_SUBJECT;
	return subject_parse(rest, f, err);
}

static bool
row_filter(Str rest, Filter *f, Err *err)
{
	Str type = { 0 };

	f->kind = FILTER_ROW;
	return (str_cut(&rest, ':', &type) && !str_none(rest))
		   ? subject_parse(type, f, err) && id_parse(rest, &f->id, err)
		   : err_set(err, ERR_INVALID, "entity needs a type and an id: entity:execution:12");
}

static bool
user_filter(Str rest, Filter *f, Err *err)
{
	f->kind = FILTER_USER;
	return id_parse(rest, &f->id, err);
}

static bool
kind_filter(Str rest, Filter *f, Err *err)
{
	f->kind = FILTER_KIND;
	f->change = change_of(rest);
	if (f->change != CHANGE_NONE)
		return true;
	if (name_index(never_kinds, countof(never_kinds), rest) < 0)
		return err_set(err, ERR_INVALID,
		    "There is no notification_type '%.*s', try execution_status_changed or event_created",
		    STR_ARG(utf8_clip(rest, SHOWN)));
	f->kind = FILTER_NEVER;
	return true;
}

static const struct {
	const char *word;
	bool (*parse)(Str rest, Filter *f, Err *err);
} words[] = {
	{ "entity_type:", type_filter },
	{ "entity:", row_filter },
	{ "user:", user_filter },
	{ "notification_type:", kind_filter },
};

bool
filter_parse(Str text, Filter *ret, Err *err)
{
	Filter f = { .kind = FILTER_ALL };

	if (!str_is(text, "all")) {
		size_t i = 0;

		while (i < countof(words) && !str_starts(text, str_of(words[i].word)))
			i++;
		if (i == countof(words))
			return err_set(err, ERR_INVALID,
			    "'%.*s' is no filter. Filters: all, entity_type:TYPE, entity:TYPE:ID, user:ID, "
			    "notification_type:NAME",
			    STR_ARG(utf8_clip(text, SHOWN)));
		if (!words[i].parse(str_sub(text, strlen(words[i].word), text.n), &f, err))
			return false;
	}
	*ret = f;
	return true;
}

unsigned
filter_subjects(const Filter *f)
{
	switch (f->kind) {
	case FILTER_ALL:
	case FILTER_USER: return (1u << SUBJECTS) - 1;
	case FILTER_SUBJECT:
	case FILTER_ROW: return 1u << f->subject;
	case FILTER_KIND: return 1u << change_rows[f->change].subject;
	case FILTER_NEVER: return 0;
	}
	return 0;
}

bool
filter_match(const Filter *f, const Notice *n)
{
	switch (f->kind) {
	case FILTER_ALL: return true;
	case FILTER_SUBJECT: return change_rows[n->kind].subject == f->subject;
	case FILTER_ROW: return n->id == f->id && change_rows[n->kind].subject == f->subject;
	case FILTER_USER: return n->user == f->id;
	case FILTER_KIND: return n->kind == f->change;
	case FILTER_NEVER: return false;
	}
	return false;
}

bool
filter_same(const Filter *a, const Filter *b)
{
	return a->kind == b->kind && a->subject == b->subject && a->change == b->change && a->id == b->id;
}

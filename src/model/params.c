#include "model/params.h"

#include "model/params_inner.h"

Props
props_of(const Json *schema)
{
	const Json *type = json_get(schema, "type"), *props = json_get(schema, "properties");

	if (!json_is(schema, JSON_OBJECT))
		return (Props){ 0 };
	if (str_is(json_as_str(type), "object") && json_is(props, JSON_OBJECT))
		return (Props){ props->members, props->n, json_get(schema, "required") };
	return (Props){ schema->members, schema->n, NULL };
}

bool
params_name(const Json *schema, size_t i, Str *ret)
{
	Props p = props_of(schema);

	if (i >= p.n)
		return false;
	*ret = p.members[i].key;
	return true;
}

static bool
array_holds(const Json *array, Str text)
{
	for (size_t i = 0; json_is(array, JSON_ARRAY) && i < array->n; i++)
		if (str_eq(json_as_str(&array->items[i]), text) && json_is(&array->items[i], JSON_STRING))
			return true;
	return false;
}

bool
prop_required(const Props *p, const JsonMember *prop)
{
	return json_as_bool(json_get(&prop->value, "required"), false) || array_holds(p->required, prop->key);
}

Json
params_spare(Arena *a, const Json *schema, Str name)
{
	Json copy = json_clone(a, schema), left = json_array();
	Props p = props_of(&copy);
	Json *prop = NULL;

	for (size_t i = 0; i < p.n; i++)
		if (str_eq(p.members[i].key, name))
			prop = (Json *)(uintptr_t)&p.members[i].value;
	if (json_is(prop, JSON_OBJECT) && json_get(prop, "required") != NULL)
		json_set(a, prop, "required", json_bool(false));
	for (size_t i = 0; json_is(p.required, JSON_ARRAY) && i < p.required->n; i++)
		if (!str_eq(json_as_str(&p.required->items[i]), name))
			json_push(a, &left, p.required->items[i]);
	if (json_is(p.required, JSON_ARRAY))
		json_set(a, &copy, "required", left);
	return copy;
}

bool
is_template(const Json *v)
{
	Str s = json_as_str(v);
	size_t at;

	return json_is(v, JSON_STRING) && str_find(s, str_of("{{"), &at) &&
	       str_find(str_sub(s, at + 2, s.n), str_of("}}"), NULL);
}

static bool
read_int(Str s, Json *ret)
{
	int64_t i;

	if (!str_to_int(s, &i))
		return false;
	*ret = json_int(i);
	return true;
}

static bool
read_number(Str s, Json *ret)
{
	double d;

	if (read_int(s, ret))
		return true;
	if (!str_to_real(s, &d) || d - d != 0)
		return false;
	*ret = json_real(d);
	return true;
}

static bool
read_bool(Str s, Json *ret)
{
	if (!str_is(s, "true") && !str_is(s, "false"))
		return false;
	*ret = json_bool(str_is(s, "true"));
	return true;
}

static const struct {
	const char *type;
	bool (*read)(Str s, Json *ret);
} conversions[] = {
	{ "integer", read_int },
	{ "number", read_number },
	{ "boolean", read_bool },
};

/* A string that plainly is the wanted number or boolean. Where a string is welcome too (a list of types) it stays one. */
static bool
convert_text(const Json *schema, const Json *v, Json *ret)
{
	Str type = json_get_text(schema, "type");

	for (size_t i = 0; i < countof(conversions); i++)
		if (str_is(type, conversions[i].type))
			return conversions[i].read(str_trim(json_as_str(v)), ret);
	return false;
}

static bool
type_named(const Json *type, const char *name)
{
	for (uint32_t i = 0; type != NULL && type->kind == JSON_ARRAY && i < type->n; i++)
		if (str_is(json_as_str(&type->items[i]), name))
			return true;
	return str_is(json_as_str(type), name);
}

/* A number or a boolean where a text is wanted and nothing like it is: `message: "{{ count }}"` is a number, and so is what the command
 * line reads of `message=5`. What an author writes is taken as it stands. */
static bool
convert_plain(Arena *a, const Json *schema, const Json *v, bool as_written, Json *ret)
{
	const Json *type = json_get(schema, "type");
	bool is_bool = v->kind == JSON_BOOL;

	if (as_written || !type_named(type, "string") || type_named(type, is_bool ? "boolean" : "number") ||
	    (!is_bool && type_named(type, "integer")))
		return false;
	*ret = json_str(json_text(a, v));
	return true;
}

static bool convert(Arena *a, const Json *schema, const Json *v, bool as_written, Json *ret);

static Json
shallow_copy(Arena *a, const Json *v)
{
	Json c = *v;

	c.cap = c.n;
	if (v->kind == JSON_OBJECT)
		c.members = arena_copy(a, v->members, v->n * sizeof(*v->members));
	else
		c.items = arena_copy(a, v->items, v->n * sizeof(*v->items));
	return c;
}

/* Sets a member, copying the object at the first change. */
static void
put_member(Arena *a, Json *object, bool *copied, Str key, Json value)
{
	if (!*copied)
		*object = shallow_copy(a, object);
	*copied = true;
	json_set_str(a, object, key, value);
}

static bool
convert_object(Arena *a, const Props *p, const Json *v, bool as_written, Json *ret)
{
	bool copied = false;

	*ret = *v;
	for (size_t i = 0; i < p->n; i++) {
		const Json *have = json_get_str(ret, p->members[i].key);
		Json made;

		if (have != NULL && convert(a, &p->members[i].value, have, as_written, &made))
			put_member(a, ret, &copied, p->members[i].key, made);
	}
	return copied;
}

static bool
convert_array(Arena *a, const Json *schema, const Json *v, bool as_written, Json *ret)
{
	const Json *item_schema = json_get(schema, "items");
	bool copied = false;
	Json made;

	*ret = *v;
	for (size_t i = 0; json_is(item_schema, JSON_OBJECT) && i < v->n; i++) {
		if (!convert(a, item_schema, &v->items[i], as_written, &made))
			continue;
		if (!copied)
			*ret = shallow_copy(a, v);
		copied = true;
		ret->items[i] = made;
	}
	return copied;
}

/* false: the value stays as it is. */
static bool
convert(Arena *a, const Json *schema, const Json *v, bool as_written, Json *ret)
{
	const Json *props = json_get(schema, "properties");

	if (v->kind == JSON_STRING)
		return convert_text(schema, v, ret);
	if (v->kind == JSON_BOOL || v->kind == JSON_INT || v->kind == JSON_REAL)
		return convert_plain(a, schema, v, as_written, ret);
	if (v->kind == JSON_ARRAY)
		return convert_array(a, schema, v, as_written, ret);
	if (v->kind == JSON_OBJECT && json_is(props, JSON_OBJECT)) {
		Props p = { props->members, props->n, NULL };

		return convert_object(a, &p, v, as_written, ret);
	}
	return false;
}

static void
fill_defaults(Arena *a, const Props *p, Json *values, bool *copied)
{
	for (size_t i = 0; i < p->n; i++) {
		const Json *fallback = json_get(&p->members[i].value, "default");

		if (fallback != NULL && json_is_null(json_get_str(values, p->members[i].key)))
			put_member(a, values, copied, p->members[i].key, *fallback);
	}
}

bool
params_prepare(Arena *a, const char *kind, Str ref, const Json *schema, Json *values, bool templates_pass, Err *err)
{
	Violations v = { .a = a, .text = buf_open(a), .templates_pass = templates_pass };
	Props p = props_of(schema);
	Json made = *values, converted;
	bool copied = false;

	if (json_is_null(&made))
		made = json_object();
	if (p.n == 0) {
		*values = made;
		return true;
	}
	if (made.kind != JSON_OBJECT)
		return err_set(err, ERR_VALIDATION, "Invalid parameters for %s '%.*s': parameters must be an object",
		    kind, STR_ARG(ref));
	fill_defaults(a, &p, &made, &copied);
	if (convert_object(a, &p, &made, templates_pass, &converted))
		made = converted;
	if (p.members == schema->members)
		schema_check_props(&v, &p, &made, NULL);
	else
		schema_check_value(&v, schema, &made, NULL);
	if (v.n > 0)
		return err_set(err, ERR_VALIDATION, "Invalid parameters for %s '%.*s': %.*s", kind, STR_ARG(ref),
		    STR_ARG(buf_str(&v.text)));
	*values = made;
	return true;
}

/* Five hundred values that no language likes, through each language, format and delivery, in one process each; readers/ reads them. */
#include "rig.h"

#include "os/fs.h"

#include <stdlib.h>

enum { VALUES = 500, LARGE = 3, MEGABYTE = 1 << 20 };

static const char *const pieces[] = { "'", "\"", "`", "$(touch pwned)", "${HOME}", "$HOME", "\\", "\n", "\r\n", "\t",
	";", "&&", "|", "#", "!!", "%s%n", "{{ x }}", "{}", "[]", "- a", ": ", "'\\''", "\"\"\"", "-----", "\xc3\xa9",
	"\xf0\x9f\x92\xa9", "\xe2\x80\xa8", "\xef\xbb\xbf", "\x01", "\x1b[31m", "\x7f", " ", "~", "*", "?", "<x>",
	"null", "true", "0x10", "1e3", "=", "EOF", "\\u0000", "\\n", "key='", "v001='x'", "--help", "/etc/passwd",
	"../..", "\b", "\f", "\v", "yes", "|\n  x", ">-", "&a", "*a", "!tag", "@", "%YAML" };

static const char *const fixed[] = { "", " ", "\n", "'", "\\", "'\n'", "$(touch pwned)", "`touch pwned`",
	"'; touch pwned; '", "\"; touch pwned; \"", "\n\n", "a\n", "\na", " a ", "-", "--", "null", "~", "true", "1",
	"1.0", "0123", "1_000", "12:30:45", "2026-01-01", "=", "<<", "?", "\xe2\x80\xa8", "\xc2\x85", "\xef\xbf\xbd",
	"\xef\xbf\xbe", "\xf4\x8f\xbf\xbf", "\r", "\r\n", "\t", "a: b", "a #b", "#", "{", "[", "\\'", "'''" };

static unsigned
next(unsigned *seed)
{
	*seed = *seed * 1103515245u + 12345u;
	return *seed >> 16;
}

static Str
value_at(Arena *a, size_t i)
{
	unsigned seed = (unsigned)i * 7919u + 1;
	Buf b = buf_open(a);

	if (i < countof(fixed))
		return str_of(fixed[i]);
	for (unsigned k = next(&seed) % 12 + 1; k > 0; k--)
		buf_text(&b, pieces[next(&seed) % countof(pieces)]);
	while (i >= VALUES - LARGE && b.n < MEGABYTE)
		buf_text(&b, pieces[next(&seed) % countof(pieces)]);
	return buf_str(&b);
}

#define BASH "{\"interpreter\":{\"binary\":\"/bin/bash\"},\"inline_execution\":{\"strategy\":\"temp_file\"}}"
#define RUN_BY(binary) "{\"interpreter\":{\"binary\":\"" binary "\"}}"

/* The file of readers/ that reads them, in each of its formats, and writes "length:bytes" of each in order. */
typedef struct Reader {
	const char *runtime, *program, *config, *file, *formats[4];
	size_t values; /* of them: some are slow */
} Reader;

static const Reader shell = { "shell", "bash", BASH, "read.sh", { "dotenv" }, VALUES };
static const Reader python = { "python", "python3", RUN_BY("/usr/bin/python3"), "read.py", { "json", "yaml", "dotenv" },
	VALUES };
static const Reader native = { "native", NULL, "{}", "read.py", { "json", "yaml", "dotenv" }, VALUES };
static const Reader node = { "nodejs", "node", RUN_BY("node"), "read.js", { "json", "yaml", "dotenv" }, VALUES };
static const Reader perl = { "perl", "perl", RUN_BY("perl"), "read.pl", { "json", "dotenv" }, VALUES - LARGE };
static const Reader ruby = { "ruby", "ruby", RUN_BY("ruby"), "read.rb", { "json", "yaml", "dotenv" }, VALUES };
static const Reader in_r = { "r", "Rscript", RUN_BY("Rscript"), "read.R", { "dotenv" }, VALUES };
static const Reader java = { "java", "java", RUN_BY("java"), "Read.java", { "json", "dotenv" }, VALUES };
static const Reader go = { "go", "go", "{\"interpreter\":{\"binary\":\"go\",\"args\":[\"run\"]}}", "read.go",
	{ "json", "dotenv" }, VALUES };

/* Inline, too: there values come as variables and arguments. */
static const Reader inline_shell = { "shell", "bash", BASH,
	"export LC_ALL=C\nfor ((i = 0; i < n; i++)); do printf -v k v%03d $i; v=${!k}; printf '%s:%s' ${#v} \"$v\"; "
	"done >\"$out\"\n[ \"$PARAM_V001\" = \"$v001\" ] && ! env | grep -qi 'v001='",
	{ "json" }, VALUES };
static const Reader inline_python = { "python", "python3", RUN_BY("/usr/bin/python3"),
	"def run(**given):\n"
	" with open(given.pop('out'), 'wb') as f:\n"
	"  for k in sorted(given):\n"
	"   if k[0] == 'v': b = given[k].encode(); f.write(b'%d:' % len(b) + b)\n",
	{ "json" }, VALUES };

/* What `make deps` does not install may be missing. */
static bool
is_there(const Reader *k)
{
	CLEANUP(arena_done) Arena *a = arena_open();

	return k->program == NULL || !str_none(interpreter_find(a, &(Interpreters){ 0 }, str_of(k->program)));
}

static void
write_readers(Rig *r)
{
	const char *from = ATTUNE_SOURCE_ROOT "/tests/unit/runtime/readers";
	DirEntry *list;
	Err err = { 0 };
	size_t n;
	Str text;

	CHECK_OK(dir_list(r->a, from, &list, &n, &err), err);
	for (size_t i = 0; i < n; i++) {
		CHECK_OK(file_read(r->a, str_fmt(r->a, "%s/%.*s", from, STR_ARG(list[i].name)).p, 1 << 20, &text, &err),
		    err);
		rig_file(r, str_fmt(r->a, "actions/%.*s", STR_ARG(list[i].name)).p, text.p);
	}
}

static void
check_way(Rig *r, const Reader *k, const char *format, const char *delivery, bool nul)
{
	const char *out = str_fmt(r->a, "%s/told", r->dir.p).p;
	RunSpec spec = rig_spec(r, k->runtime, k->file);
	Json params = json_object(), config = rig_json(r, k->config);
	Buf want = buf_open(r->a);
	Err err = { 0 };
	RunEnd end;
	Str got;

	for (size_t i = 0; i < k->values; i++) {
		Str v = nul && i == 7 ? (Str){ "a\0b", 3 } : value_at(r->a, i);

		json_add(r->a, &params, str_fmt(r->a, "v%03zu", i).p, json_str(v));
		buf_fmt(&want, "%zu:", v.n);
		buf_add(&want, v);
	}
	json_add(r->a, &params, "n", json_int((int64_t)k->values));
	json_add(r->a, &params, "out", json_cstr(out));
	spec.params = &params;
	spec.runtime_config = &config;
	spec.parameter_format = str_of(format);
	spec.parameter_delivery = str_of(delivery);
	end = rig_run(r, &spec);
	if (end.outcome != RUN_SUCCEEDED)
		test_fail(__FILE__, __LINE__, "%s with %s by %s: %.*s: %.*s", k->file, format, delivery,
		    STR_ARG(rig_text(&end, "error")), STR_ARG(rig_text(&end, "stderr")));
	CHECK_OK(file_read(r->a, out, 64 << 20, &got, &err), err);
	if (!str_eq(got, buf_str(&want)))
		test_fail(__FILE__, __LINE__, "%s with %s by %s: what arrived differs", k->file, format, delivery);
	CHECK(!file_exists(str_fmt(r->a, "%s/packs/demo/pwned", r->dir.p).p));
}

static void
check_reader(const Reader *k)
{
	Rig *r;

	if (!is_there(k))
		test_skip(k->program);
	r = rig_open();
	write_readers(r);
	for (size_t i = 0; k->formats[i] != NULL; i++) {
		ArenaMark m = arena_mark(r->a);

		check_way(r, k, k->formats[i], "stdin", false);
		check_way(r, k, k->formats[i], "file", false);
		arena_rewind(r->a, m);
	}
	rig_done(&r);
}

TEST(five_hundred_hostile_values_arrive_byte_for_byte_in_shell_in_each_format)
{
	check_reader(&shell);
	check_reader(&inline_shell);
}

TEST(five_hundred_hostile_values_arrive_byte_for_byte_in_python_in_each_format)
{
	check_reader(&python);
	check_reader(&inline_python);
}

TEST(five_hundred_hostile_values_arrive_byte_for_byte_in_a_program_in_each_format)
{
	check_reader(&native);
}

TEST(five_hundred_hostile_values_arrive_byte_for_byte_in_node_in_each_format)
{
	check_reader(&node);
}

TEST(five_hundred_hostile_values_arrive_byte_for_byte_in_perl_in_each_format)
{
	check_reader(&perl);
}

TEST(five_hundred_hostile_values_arrive_byte_for_byte_in_ruby_in_each_format)
{
	check_reader(&ruby);
}

TEST(five_hundred_hostile_values_arrive_byte_for_byte_in_go_in_each_format)
{
	check_reader(&go);
}

TEST(five_hundred_hostile_values_arrive_byte_for_byte_in_java_in_each_format)
{
	check_reader(&java);
}

TEST(five_hundred_hostile_values_arrive_byte_for_byte_in_r_in_each_format)
{
	check_reader(&in_r);
}

/* Numbers at the edges of what can be told, nested values, and keys that no format likes. */
static const char edges[] =
    "{\"echo\":true,\"ints\":[0,-1,2147483648,9007199254740993,9223372036854775807,-9223372036854775808],"
    "\"reals\":[0.1,-0.5,1e300,1e-300,5e-324,1.7976931348623157e308,123456789.125,1e22],"
    "\"words\":{\"true\":\"true\",\"null\":null,\"no\":\"no\",\"1\":\"1\",\"~\":\"~\",\"1e3\":\"1e3\",\"\":\"\",\": "
    "\":\"- \","
    "\"a\\nb\":\"\\t\",\"\\u2028\":\"\\ufeff\",\"'\":[],\"\\\"\":{}},"
    "\"deep\":[[[[[[[[{\"a\":[{\"b\":[[],{},[{}],\"x\"]},[[1,[2,[3]]]]]}]]]]]]]]}";

static void
check_echo(Rig *r, const Reader *k, const char *format)
{
	RunSpec spec = rig_spec(r, k->runtime, k->file);
	Json params = rig_json(r, edges), config = rig_json(r, k->config);
	const Json *data;
	RunEnd end;

	spec.params = &params;
	spec.runtime_config = &config;
	spec.parameter_format = str_of(format);
	spec.output_format = str_of("json");
	end = rig_run(r, &spec);
	data = json_get(&end.result, "data");
	if (data == NULL || !json_eq(data, &params))
		test_fail(__FILE__, __LINE__, "%s with %s gave back %.*s", k->file, format,
		    STR_ARG(json_text(r->a, data == NULL ? &end.result : data)));
}

TEST(numbers_nested_values_and_keys_go_through_an_action_and_come_back_the_same)
{
	static const Reader *const readers[] = { &python, &native, &ruby, &go };
	CLEANUP(rig_done) Rig *r = rig_open();

	write_readers(r);
	for (size_t i = 0; i < countof(readers); i++) {
		if (!is_there(readers[i]))
			continue;
		check_echo(r, readers[i], "json");
		if (readers[i] != &go)
			check_echo(r, readers[i], "yaml");
	}
}

TEST(a_nul_arrives_where_the_format_can_carry_it_and_is_refused_by_name_where_not)
{
	static const Reader *const readers[] = { &python, &native, &node, &perl, &ruby, &java, &go };
	CLEANUP(rig_done) Rig *r = rig_open();
	Json params = json_object(), inner = json_object(), config = rig_json(r, BASH);
	RunSpec spec = rig_spec(r, "shell", "read.sh");
	RunEnd end;

	write_readers(r);
	for (size_t i = 0; i < countof(readers); i++) {
		Reader few = *readers[i];

		few.values = 20;
		if (is_there(&few))
			check_way(r, &few, "json", "stdin", true);
	}
	check_way(r, &python, "yaml", "file", true);
	json_add(r->a, &inner, "key", json_str((Str){ "a\0b", 3 }));
	json_add(r->a, &params, "deep", inner);
	spec.params = &params;
	spec.parameter_format = str_of("dotenv");
	end = rig_run(r, &spec);
	CHECK_INT(end.outcome, RUN_UNSTARTED);
	CHECK_STR(rig_text(&end, "error"),
	    str_of("parameter 'deep.key' holds a NUL character, which dotenv cannot carry: use the "
		   "parameter_format json or yaml"));
	spec = rig_spec(r, "shell", "echo \"$text\"");
	params = json_object();
	json_add(r->a, &params, "text", json_str((Str){ "a\0b", 3 }));
	spec.params = &params;
	spec.runtime_config = &config;
	end = rig_run(r, &spec);
	CHECK_STR(rig_text(&end, "error"),
	    str_of("parameter 'text' holds a NUL character, which a shell's variables cannot carry"));
}

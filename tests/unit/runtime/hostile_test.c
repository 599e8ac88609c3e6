/* Five hundred values that no language likes, through each language, format and delivery, in one process each. */
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

typedef struct Way {
	const char *runtime, *config, *entry, *format, *delivery;
	size_t values; /* of them: some readers are slow */
} Way;

#define BASH "{\"interpreter\":{\"binary\":\"/bin/bash\"},\"inline_execution\":{\"strategy\":\"temp_file\"}}"
#define PYTHON "{\"interpreter\":{\"binary\":\"/usr/bin/python3\",\"args\":[\"-u\"]}}"
#define NODE "{\"interpreter\":{\"binary\":\"node\"}}"
#define PERL "{\"interpreter\":{\"binary\":\"perl\"}}"

/* Each writes "length:bytes" of the values in order; the length in bytes. */
#define BASH_TELLS \
	"export LC_ALL=C\nfor ((i = 0; i < n; i++)); do printf -v k v%03d $i; v=${!k}; printf '%s:%s' ${#v} \"$v\"; " \
	"done >\"$out\"\n"
#define PYTHON_TELLS \
	"with open(given.pop('out'), 'wb') as f:\n" \
	" for k in sorted(given):\n" \
	"  if k[0] == 'v': b = given[k].encode('utf-8', 'surrogatepass'); f.write(b'%d:' % len(b) + b)\n"

static const char inline_bash[] = BASH_TELLS "[ \"$PARAM_V001\" = \"$v001\" ] && ! env | grep -qi 'v001='";

static const char inline_python[] = "def run(**given):\n"
				    " with open(given.pop('out'), 'wb') as f:\n"
				    "  for k in sorted(given):\n"
				    "   if k[0] == 'v': b = given[k].encode(); f.write(b'%d:' % len(b) + b)\n";

static const Way ways[] = {
	{ "shell", BASH, "source.sh", "dotenv", "stdin", VALUES },
	{ "shell", BASH, "source.sh", "dotenv", "file", VALUES },
	{ "shell", BASH, inline_bash, "json", "stdin", VALUES },
	{ "python", PYTHON, "by_json.py", "json", "stdin", VALUES },
	{ "python", PYTHON, "by_yaml.py", "yaml", "file", VALUES },
	{ "python", PYTHON, "by_dotenv.py", "dotenv", "file", VALUES },
	{ "python", PYTHON, inline_python, "json", "stdin", VALUES },
	{ "nodejs", NODE, "json.js", "json", "stdin", VALUES },
	{ "perl", PERL, "json.pl", "json", "stdin", VALUES - LARGE },
	{ "native", NULL, "by_json.py", "json", "file", VALUES },
};

static void
write_actions(Rig *r)
{
	rig_file(r, "actions/source.sh",
	    "if [ -n \"$ATTUNE_PARAMETER_FILE\" ]; then . \"$ATTUNE_PARAMETER_FILE\"; else . /dev/stdin; "
	    "fi\n" BASH_TELLS);
	rig_file(r, "actions/by_json.py",
	    "#!/usr/bin/python3\nimport json, os, sys\n"
	    "name = os.environ.get('ATTUNE_PARAMETER_FILE')\n"
	    "given = json.load(open(name) if name else sys.stdin)\n" PYTHON_TELLS);
	rig_file(r, "actions/by_yaml.py",
	    "import os, yaml\nloader = getattr(yaml, 'CSafeLoader', yaml.SafeLoader)\n"
	    "given = yaml.load(open(os.environ['ATTUNE_PARAMETER_FILE'], encoding='utf-8', newline=''), "
	    "loader)\n" PYTHON_TELLS);
	rig_file(r, "actions/by_dotenv.py",
	    "import os, re\n"
	    "text = open(os.environ['ATTUNE_PARAMETER_FILE'], encoding='utf-8', newline='').read()\n"
	    "given = {k: v.replace(\"'\\\\''\", \"'\") for k, v in re.findall(\n"
	    "    r\"^([A-Za-z0-9_.]+)='((?:[^']|'\\\\'')*)'$\", text, re.M)}\n" PYTHON_TELLS);
	rig_file(r, "actions/json.js",
	    "const given = JSON.parse(require('fs').readFileSync(0, 'utf8'));\n"
	    "const all = Object.keys(given).filter(k => k[0] === 'v').sort().map(k => {\n"
	    "  const b = Buffer.from(given[k]); return Buffer.concat([Buffer.from(b.length + ':'), b]); });\n"
	    "require('fs').writeFileSync(given.out, Buffer.concat(all));\n");
	rig_file(r, "actions/json.pl",
	    "use JSON::PP; local $/; my $g = JSON::PP->new->utf8->decode(<STDIN>);\n"
	    "open my $f, '>:raw', $g->{out} or die;\n"
	    "for my $k (sort grep /^v/, keys %$g) { my $b = $g->{$k}; utf8::encode($b); print $f length($b) . ':' . "
	    "$b; }\n"
	    "close $f;\n");
}

static void
check_way(Rig *r, const Way *w, bool nul)
{
	const char *out = str_fmt(r->a, "%s/told", r->dir.p).p;
	RunSpec spec = rig_spec(r, w->runtime, w->entry);
	Json params = json_object(), config = w->config == NULL ? json_object() : rig_json(r, w->config);
	Buf want = buf_open(r->a);
	Err err = { 0 };
	RunEnd end;
	Str got;

	for (size_t i = 0; i < w->values; i++) {
		Str v = nul && i == 7 ? (Str){ "a\0b", 3 } : value_at(r->a, i);

		json_add(r->a, &params, str_fmt(r->a, "v%03zu", i).p, json_str(v));
		buf_fmt(&want, "%zu:", v.n);
		buf_add(&want, v);
	}
	json_add(r->a, &params, "n", json_int((int64_t)w->values));
	json_add(r->a, &params, "out", json_cstr(out));
	spec.params = &params;
	spec.runtime_config = &config;
	spec.parameter_format = str_of(w->format);
	spec.parameter_delivery = str_of(w->delivery);
	end = rig_run(r, &spec);
	CHECK_STR(rig_text(&end, "error"), (Str){ 0 });
	CHECK_OK(file_read(r->a, out, 64 << 20, &got, &err), err);
	if (!str_eq(got, buf_str(&want)))
		test_fail(
		    __FILE__, __LINE__, "%s with %s by %s: what arrived differs", w->runtime, w->format, w->delivery);
	CHECK(!file_exists(str_fmt(r->a, "%s/packs/demo/pwned", r->dir.p).p));
}

TEST(five_hundred_hostile_values_arrive_byte_for_byte_in_each_language_and_format)
{
	CLEANUP(rig_done) Rig *r = rig_open();

	write_actions(r);
	for (size_t i = 0; i < countof(ways); i++) {
		ArenaMark m = arena_mark(r->a);

		check_way(r, &ways[i], false);
		arena_rewind(r->a, m);
	}
}

TEST(a_nul_arrives_where_the_format_can_carry_it_and_is_refused_by_name_where_not)
{
	static const Way small[] = {
		{ "python", PYTHON, "by_json.py", "json", "stdin", 20 },
		{ "python", PYTHON, "by_yaml.py", "yaml", "file", 20 },
		{ "nodejs", NODE, "json.js", "json", "stdin", 20 },
	};
	CLEANUP(rig_done) Rig *r = rig_open();
	Json params = json_object(), inner = json_object(), config = rig_json(r, BASH);
	RunSpec spec = rig_spec(r, "shell", "source.sh");
	RunEnd end;

	write_actions(r);
	for (size_t i = 0; i < countof(small); i++)
		check_way(r, &small[i], true);
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

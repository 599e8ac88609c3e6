#include "base/regex.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

enum {
	STEPS_MOST = 200000,
	DEPTH_MOST = 2000,
	HEAP_KIB_MOST = 1024,
	PATTERN_MOST = 4096,
	BYTES_PER_STEP = 16,
};

struct Regex {
	pcre2_code *code;
};

static void *
arena_malloc(size_t size, void *arena)
{
	return arena_alloc_raw(arena, size);
}

static void
arena_free(void *memory, void *arena)
{
	(void)memory;
	(void)arena;
}

static uint32_t
options_of(bool ignore_case)
{
	return PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C | (ignore_case ? PCRE2_CASELESS : 0);
}

static bool
compile(Arena *a, Str pattern, uint32_t options, Regex **ret, Err *err)
{
	pcre2_general_context *general = pcre2_general_context_create(arena_malloc, arena_free, a);
	pcre2_compile_context *context = pcre2_compile_context_create(general);
	PCRE2_UCHAR why[120];
	PCRE2_SIZE at;
	Regex *x = arena_new(a, Regex);
	int code;

	if (pattern.n > PATTERN_MOST)
		return err_set(err, ERR_INVALID, "pattern of %zu bytes is longer than %d", pattern.n, PATTERN_MOST);
	x->code = pcre2_compile((PCRE2_SPTR)(pattern.n == 0 ? "" : pattern.p), pattern.n, options, &code, &at, context);
	if (x->code == NULL) {
		pcre2_get_error_message(code, why, sizeof(why));
		return err_set(
		    err, ERR_INVALID, "pattern '%.*s' at character %zu: %s", STR_ARG(pattern), at + 1, (char *)why);
	}
	*ret = x;
	return true;
}

bool
regex_compile(Arena *a, Str pattern, bool ignore_case, Regex **ret, Err *err)
{
	return compile(a, pattern, options_of(ignore_case), ret, err);
}

bool
regex_compile_metered(Arena *a, Str pattern, Regex **ret, Err *err)
{
	return compile(a, pattern, options_of(false) | PCRE2_AUTO_CALLOUT, ret, err);
}

bool
regex_found(Arena *a, const Regex *x, Str text)
{
	pcre2_general_context *general = pcre2_general_context_create(arena_malloc, arena_free, a);
	pcre2_match_context *limits = pcre2_match_context_create(general);
	pcre2_match_data *found = pcre2_match_data_create(1, general);

	pcre2_set_match_limit(limits, STEPS_MOST);
	pcre2_set_depth_limit(limits, DEPTH_MOST);
	pcre2_set_heap_limit(limits, HEAP_KIB_MOST);
	/* 0: it matched, though the groups had no room. Values of JSON are strict UTF-8 already. */
	return pcre2_match(
		   x->code, (PCRE2_SPTR)(text.n == 0 ? "" : text.p), text.n, 0, PCRE2_NO_UTF_CHECK, found, limits) >= 0;
}

/* What a search has taken so far. */
typedef struct Meter {
	uint64_t *steps;
	size_t last; /* where it looked */
} Meter;

/* Called before every item of the pattern that is tried. Its own limits count per start only, so a long text would multiply them. */
static int
count_item(pcre2_callout_block *at, void *meter)
{
	Meter *m = meter;
	size_t moved = at->current_position > m->last ? at->current_position - m->last : m->last - at->current_position;
	uint64_t cost = 1 + moved / BYTES_PER_STEP;

	m->last = at->current_position;
	if (*m->steps < cost)
		return PCRE2_ERROR_CALLOUT;
	*m->steps -= cost;
	return 0;
}

bool
regex_search(
    Arena *a, const Regex *x, Str text, size_t from, uint64_t *steps, RegexSpan *spans, size_t most, size_t *ret_n)
{
	pcre2_general_context *general = pcre2_general_context_create(arena_malloc, arena_free, a);
	pcre2_match_context *limits = pcre2_match_context_create(general);
	pcre2_match_data *found = pcre2_match_data_create((uint32_t)most, general);
	Meter meter = { .steps = steps, .last = from };
	PCRE2_SIZE *at;
	int n;

	pcre2_set_depth_limit(limits, DEPTH_MOST * 10);
	pcre2_set_heap_limit(limits, HEAP_KIB_MOST);
	pcre2_set_callout(limits, count_item, &meter);
	n = pcre2_match(
	    x->code, (PCRE2_SPTR)(text.n == 0 ? "" : text.p), text.n, from, PCRE2_NO_UTF_CHECK, found, limits);
	if (n < 0 && n != PCRE2_ERROR_NOMATCH)
		return false;
	*ret_n = n < 0 ? 0 : n == 0 ? most : (size_t)n;
	at = pcre2_get_ovector_pointer(found);
	for (size_t i = 0; i < *ret_n; i++)
		spans[i] = (RegexSpan){ at[2 * i], at[2 * i + 1] };
	return true;
}

#include "cli/table.h"

#include "base/codec.h"
#include "test.h"

static Str
printed(Arena *a, const char *const *rows, size_t n, unsigned width)
{
	static const char *const titles[] = { "ID", "NAME" };
	Table t = table_open(a, titles, 2);
	Buf b = buf_open(a);

	for (size_t i = 0; i < n; i++) {
		Str cells[] = { str_of(rows[2 * i]), str_of(rows[2 * i + 1]) };

		table_add(&t, cells);
	}
	table_print(&t, width, &b);
	return buf_str(&b);
}

TEST(without_a_terminal_columns_are_aligned_and_nothing_is_cut)
{
	static const char *const rows[] = { "1", "short", "12345", "a long name that stays whole" };
	CLEANUP(arena_done) Arena *a = arena_open();

	CHECK_STR(printed(a, rows, 2, 0), str_of("ID     NAME\n1      short\n12345  a long name that stays whole\n"));
}

TEST(on_a_terminal_the_table_has_a_box)
{
	static const char *const rows[] = { "1", "é" };
	CLEANUP(arena_done) Arena *a = arena_open();

	CHECK_STR(printed(a, rows, 1, 80),
	    str_of("┌────┬──────┐\n│ ID │ NAME │\n├────┼──────┤\n│ 1  │ é    │\n└────┴──────┘\n"));
}

TEST(a_wide_table_is_fitted_to_the_terminal)
{
	CLEANUP(arena_done) Arena *a = arena_open();
	Buf wide = buf_open(a);
	const char *rows[] = { "1", NULL };
	Str text, line;

	for (int i = 0; i < 300; i++)
		buf_text(&wide, "ü");
	rows[1] = buf_str(&wide).p;
	text = printed(a, rows, 1, 70);
	CHECK(str_find(text, str_of("…"), NULL));
	while (str_cut(&text, '\n', &line)) {
		CHECK(line.n == 0 || utf8_length(line) == 70);
		CHECK(utf8_valid(line));
	}
}

TEST(a_terminal_narrower_than_sixty_gets_sixty)
{
	static const char *const rows[] = { "1",
		"0123456789012345678901234567890123456789012345678901234567890123456789" };
	CLEANUP(arena_done) Arena *a = arena_open();
	Str text = printed(a, rows, 1, 20), line;

	CHECK(str_cut(&text, '\n', &line));
	CHECK_INT((int64_t)utf8_length(line), 60);
}

TEST(a_cell_cannot_break_its_line_or_the_terminal)
{
	static const char *const rows[] = { "1", "a\nb\x1b[31m\xff" };
	CLEANUP(arena_done) Arena *a = arena_open();

	CHECK_STR(printed(a, rows, 1, 0), str_of("ID  NAME\n1   a b [31m\xef\xbf\xbd\n"));
}

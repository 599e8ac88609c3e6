#include "base/yaml.h"

#include "test.h"

static const char text[] = "# a file\n"
			   "ref: core\n"
			   "list:\n"
			   "  - one\n"
			   "  - {a: 1, b: [x, y]}\n"
			   "deep:\n"
			   "  er:\n"
			   "    key: &k value\n"
			   "    other: *k\n"
			   "\"a/b~c\": 1\n";

TEST(a_pointer_leads_to_its_line_and_column)
{
	static const struct {
		const char *pointer;
		unsigned line, column;
		bool found;
	} table[] = {
		{ "", 2, 1, true },
		{ "/ref", 2, 1, true },
		{ "/list", 3, 1, true },
		{ "/list/0", 4, 5, true },
		{ "/list/1", 5, 5, true },
		{ "/list/1/b", 5, 12, true },
		{ "/list/1/b/1", 5, 19, true },
		{ "/list/7", 3, 1, false },
		{ "/deep/er/other", 9, 5, true },
		{ "/deep/none/x", 6, 1, false },
		{ "/a~1b~0c", 10, 1, true },
		{ "/none", 2, 1, false },
		{ "/ref/x", 2, 1, false },
	};

	for (size_t i = 0; i < countof(table); i++) {
		unsigned line = 0, column = 0;
		bool found = yaml_locate(str_of(text), str_of(table[i].pointer), &line, &column);

		if (found != table[i].found || line != table[i].line || column != table[i].column)
			test_fail(__FILE__, __LINE__, "%s: %d %u:%u", table[i].pointer, found, line, column);
	}
}

TEST(a_text_that_is_no_yaml_has_a_first_line)
{
	static const char *const texts[] = { "", "[", "a: [1, 2", "\t", "a: b: c" };

	for (size_t i = 0; i < countof(texts); i++) {
		unsigned line = 0, column = 0;

		(void)yaml_locate(str_of(texts[i]), str_of("/a/9"), &line, &column);
		CHECK(line >= 1 && column >= 1);
	}
}

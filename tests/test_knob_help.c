/*
 * test_knob_help.c - help, man page and Markdown say what the tables say.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/knob.h"
#include "tests/sample_knobs.h"
#include "tests/test.h"

/* What a printer of the set writes, kept until the next call. */
static const char *printed(void (*print)(const struct knob_set *, FILE *))
{
	static char buf[8192];
	struct fixture *f = setup();
	FILE *out = fmemopen(buf, sizeof(buf), "w");

	CU_ASSERT_FATAL(out != NULL);
	print(&f->set, out);
	fclose(out);
	return buf;
}

static void check_contains(const char *text, const char *part)
{
	if (!strstr(text, part))
		printf("\n    \"%s\" is not in:\n%s", part, text);
	CU_ASSERT(strstr(text, part) != NULL);
}

static void test_help_lists_every_knob_with_what_the_table_says(void)
{
	const char *help = printed(knob_set_help);
	char key[64];

	for (const struct knob *k = basic_knobs; k->name; k++)
		check_contains(help, knob_key(&basic, k, key, sizeof(key)));
	check_contains(help,
		       "Options:\n"
		       "  -t, --threads=N           worker threads (1 to 256; default 1)\n"
		       "      --nice=N              nice value (-20 to 19; default 0)\n"
		       "      --timeout=TIME        how long to wait (at least 1us; default 1s)\n");
	check_contains(help, "      --backend=select|poll|epoll|io_uring\n"
			     "                            I/O interface (default epoll; also "
			     "--poll-mode)\n");
	check_contains(help, "  -w, --wait-spin           spin instead of sleeping\n");
	check_contains(help, "  -R, --reply[=SIZE]        add a reply (may be repeated)\n");
	check_contains(help, "\nepoll: epoll(7):\n"
			     "      --epoll.trigger=level|edge|oneshot\n");
}

static void test_help_stays_within_eighty_columns(void)
{
	for (const char *line = printed(knob_set_help); *line; line += strcspn(line, "\n") + 1)
		CU_ASSERT(strcspn(line, "\n") <= 80);
}

static void print_epoll(const struct knob_set *set, FILE *out)
{
	CU_ASSERT(!knob_set_help_part(set, "epo", out));
	CU_ASSERT(!knob_set_help_part(set, "", out));
	CU_ASSERT(knob_set_help_part(set, "epoll", out));
}

static void test_a_part_of_the_help_is_one_group(void)
{
	const char *help = printed(print_epoll);

	CHECK_INT(strncmp(help, "epoll: epoll(7):\n", 17), 0);
	CU_ASSERT(strstr(help, "--epoll.trigger") && !strstr(help, "--threads"));
	check_contains(printed(knob_set_parts), "  Options, epoll");
}

static void test_usage_is_the_form_of_every_option(void)
{
	const char *usage = printed(knob_set_usage);

	check_contains(usage, "  [-t, --threads=N] [--nice=N] [--timeout=TIME]");
	check_contains(usage, "[-R, --reply[=SIZE]]");
	for (const char *line = usage; *line; line += strcspn(line, "\n") + 1)
		CU_ASSERT(strcspn(line, "\n") <= 80);
}

static void test_the_man_page_escapes_what_roff_would_read(void)
{
	const char *man = printed(knob_set_man);

	check_contains(man, ".SS epoll: epoll(7)\n");
	check_contains(man, ".TP\n\\fB\\-t, \\-\\-threads=N\\fR\nworker threads (1 to 256; ");
	check_contains(man, "\\-\\-bind\\-addr=ADDRESS");
}

static void test_markdown_is_a_table_with_bars_escaped(void)
{
	const char *table = printed(knob_set_markdown);

	check_contains(table,
		       "### Options\n\n| option | meaning |\n|---|---|\n| `-t, --threads=N` |");
	check_contains(table,
		       "| `--epoll.trigger=level\\|edge\\|oneshot` | how descriptors are armed "
		       "(default level) |\n");
}

static const struct knob sample_asked_knobs[] = {
	{ .name = "nice",
	  .type = &knob_int,
	  KNOB_FIELD(struct basic_opts, nice, int64_t),
	  .help = "nice value",
	  .read_back = "a|b(2)" },
	{ .name = "wait-spin",
	  .type = &knob_bool,
	  KNOB_FIELD(struct basic_opts, spin, bool),
	  .help = "spin" },
	{ 0 },
};
static const struct knob_group asked = { "asked", "of the kernel", sample_asked_knobs,
					 sizeof(struct basic_opts) };
static const struct knob_group other = { "other.asked", "for others", sample_asked_knobs,
					 sizeof(struct basic_opts), &asked };

/* What a printer writes of a group that the kernel is asked about, and of one that is like it. */
static const char *printed_asked(void (*print)(const struct knob_set *, FILE *))
{
	static char buf[4096];
	struct basic_opts opts[2] = { 0 };
	struct knob_set set = { 0 };
	FILE *out = fmemopen(buf, sizeof(buf), "w");

	CU_ASSERT_FATAL(out != NULL);
	knob_set_add(&set, &asked, &opts[0]);
	knob_set_add(&set, &other, &opts[1]);
	print(&set, out);
	fclose(out);
	return buf;
}

static void test_what_is_read_back_has_a_column_and_what_is_like_it_a_line(void)
{
	CHECK_TEXT(printed_asked(knob_set_markdown),
		   "### asked: of the kernel\n\n"
		   "| option | meaning | read back by |\n|---|---|---|\n"
		   "| `--asked.nice=N` | nice value | a\\|b(2) |\n"
		   "| `--asked.wait-spin` | spin | |\n\n"
		   "`--other.asked.*` is as `--asked.*`: for others\n\n");
	CHECK_TEXT(printed_asked(knob_set_man),
		   ".SS asked: of the kernel\n"
		   ".TP\n\\fB\\-\\-asked.nice=N\\fR\nnice value (read back by a|b(2))\n"
		   ".TP\n\\fB\\-\\-asked.wait\\-spin\\fR\nspin\n"
		   ".SS other.asked: for others\n"
		   ".TP\n\\fB\\-\\-other.asked.*\\fR\nas \\-\\-asked.*\n");
	check_contains(printed_asked(knob_set_help), "(read back by a|b(2))\n");
	check_contains(printed_asked(knob_set_help), "      --other.asked.*       as --asked.*\n");
}

static CU_TestInfo tests[] = {
	{ "help lists every knob with what the table says",
	  test_help_lists_every_knob_with_what_the_table_says },
	{ "help stays within eighty columns", test_help_stays_within_eighty_columns },
	{ "the man page escapes what roff would read",
	  test_the_man_page_escapes_what_roff_would_read },
	{ "a part of the help is one group", test_a_part_of_the_help_is_one_group },
	{ "usage is the form of every option", test_usage_is_the_form_of_every_option },
	{ "markdown is a table with bars escaped", test_markdown_is_a_table_with_bars_escaped },
	{ "what is read back has a column, and what is like it a line",
	  test_what_is_read_back_has_a_column_and_what_is_like_it_a_line },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return test_main("knob_help", tests);
}

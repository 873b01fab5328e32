/*
 * test_knob_set.c - who set a value last, lists, and the arguments of a command by rows.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>

#include "base/knob.h"
#include "tests/sample_knobs.h"
#include "tests/test.h"

static void test_each_origin_replaces_a_list_and_then_appends(void)
{
	struct fixture *f = setup();

	CHECK_INT(knob_set_assign(&f->set, "bind-addr", ":1", KNOB_FILE, &f->err), 0);
	CHECK_INT(knob_set_assign(&f->set, "bind-addr", ":2", KNOB_FILE, &f->err), 0);
	CHECK_TEXT(value_of(f, "bind-addr"), ":1;:2");
	CHECK_INT(knob_set_assign(&f->set, "bind-addr", ":3", KNOB_ARGUMENT, &f->err), 0);
	CHECK_TEXT(value_of(f, "bind-addr"), ":3");
}

static void test_a_full_list_refuses_and_keeps_what_it_has(void)
{
	struct fixture *f = setup();
	static char longest[KNOB_LIST_BYTES + 1];

	for (int i = 0; i < KNOB_LIST_MAX - 1; i++)
		CHECK_INT(knob_set_assign(&f->set, "bind-addr", "x", KNOB_FILE, &f->err), 0);
	CHECK_INT(knob_set_assign(&f->set, "bind-addr", "y;z", KNOB_FILE, &f->err), -EINVAL);
	CHECK_TEXT(f->err.text, "bind-addr: \"z\" is one too many: at most 512");
	CHECK_INT(f->basic.bind.count, KNOB_LIST_MAX - 1);

	memset(longest, 'a', KNOB_LIST_BYTES);
	CHECK_INT(knob_set_assign(&f->set, "bind-addr", longest, KNOB_ARGUMENT, &f->err), -EINVAL);
	CHECK_TEXT(f->err.text, "bind-addr: \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa...\" is too "
				"long: 16376 of 16376 bytes are left for it");
	CHECK_INT(f->basic.bind.count, KNOB_LIST_MAX - 1);
	CHECK_INT(origin_of(f, "bind-addr"), KNOB_FILE);
	CHECK_INT(knob_set_assign(&f->set, "bind-addr", longest + 1, KNOB_ARGUMENT, &f->err), 0);
	CHECK_TEXT(knob_list_text(&f->basic.bind, 0), longest + 1);
}

/* Several options of one program: each adds to the same field, in the order of the arguments. */
static const struct knob shared_knobs[] = {
	{ .name = "comp",
	  .type = &knob_texts,
	  KNOB_FIELD(struct basic_opts, bind, struct knob_list),
	  .letter = 'C',
	  .help = "compute" },
	{ .name = "reply",
	  .type = &knob_texts,
	  KNOB_FIELD(struct basic_opts, bind, struct knob_list),
	  .letter = 'R',
	  .help = "reply" },
	{ 0 },
};
static const struct knob_group shared = {
	.name = "", .help = "Program", .knobs = shared_knobs, .opts_size = sizeof(struct basic_opts)
};

static void test_options_that_share_a_field_keep_their_order(void)
{
	char *argv[] = { "x", "-C", "1us", "-R", "64B", "-C", "2us", NULL };
	static struct basic_opts opts;
	static struct knob_set set;
	int positional;

	knob_set_add(&set, &shared, &opts);
	CHECK_INT(knob_set_assign(&set, "comp", "9us", KNOB_FILE, NULL), 0);
	CHECK_INT(knob_set_args(&set, 7, argv, &positional, NULL), 0);
	CHECK_INT(opts.bind.count, 3);
	CHECK_TEXT(knob_list_text(&opts.bind, 0), "1us");
	CHECK_TEXT(knob_list_text(&opts.bind, 1), "64B");
	CHECK_TEXT(knob_list_text(&opts.bind, 2), "2us");
}

#define ARGS_MAX 8

/* Arguments, then a key with the value it has afterwards, or the sentence; positional ones. */
static const struct {
	const char *args[ARGS_MAX];
	int code;
	const char *key, *says;
	const char *positional[ARGS_MAX];
} arg_rows[] = {
	{ { "--threads=4" }, 0, "threads", "4", { 0 } },
	{ { "--threads", "4" }, 0, "threads", "4", { 0 } },
	{ { "-t4" }, 0, "threads", "4", { 0 } },
	{ { "-t", "4" }, 0, "threads", "4", { 0 } },
	{ { "-t", "4", "-t", "5" }, 0, "threads", "5", { 0 } },
	{ { "--thr=4" }, 0, "threads", "4", { 0 } },
	{ { "--nice", "-5" }, 0, "nice", "-5", { 0 } },
	{ { "--poll-mode=poll" }, 0, "backend", "poll", { 0 } },
	{ { "--poll", "select" }, 0, "backend", "select", { 0 } },
	{ { "--epoll.trigger=edge" }, 0, "epoll.trigger", "edge", { 0 } },
	{ { "--epoll.t", "edge" }, 0, "epoll.trigger", "edge", { 0 } },
	{ { "--wait-spin" }, 0, "wait-spin", "yes", { 0 } },
	{ { "--wait-spin=no" }, 0, "wait-spin", "no", { 0 } },
	{ { "--wait-spin", "no" }, 0, "wait-spin", "yes", { "no" } },
	{ { "-wq" }, 0, "quiet", "yes", { 0 } },
	{ { "-wqt4" }, 0, "threads", "4", { 0 } },
	{ { "--name=" }, 0, "name", "", { 0 } },
	{ { "--name", "" }, 0, "name", "", { 0 } },
	{ { "--name=a=b" }, 0, "name", "a=b", { 0 } },
	{ { "-b", ":1", "-b:2", "--bind=:3" }, 0, "bind-addr", ":1;:2;:3", { 0 } },
	{ { "-R" }, 0, "reply", "", { 0 } },
	{ { "-R64" }, 0, "reply", "64", { 0 } },
	{ { "-R", "64" }, 0, "reply", "", { "64" } },
	{ { "--reply", "-R", "--reply=5" }, 0, "reply", ";;5", { 0 } },
	{ { "a", "-t4", "b" }, 0, "threads", "4", { "a", "b" } },
	{ { "-t", "4", "a", "--", "-t5", "--" }, 0, "threads", "4", { "a", "-t5", "--" } },
	{ { "--", "--threads=9" }, 0, "threads", "1", { "--threads=9" } },
	{ { "-", "-t2" }, 0, "threads", "2", { "-" } },
	{ { "", "-t2" }, 0, "threads", "2", { "" } },
	{ { NULL }, 0, "threads", "1", { 0 } },

	{ { "--epoll.triger=edge" },
	  -ENOENT,
	  NULL,
	  "--epoll.triger: no such option; did you mean --epoll.trigger?",
	  { 0 } },
	{ { "--trigger", "edge" },
	  -ENOENT,
	  NULL,
	  "--trigger: no such option; did you mean --epoll.trigger?",
	  { 0 } },
	{ { "--frobnicate" }, -ENOENT, NULL, "--frobnicate: no such option", { 0 } },
	{ { "-z" }, -ENOENT, NULL, "-z: no such option", { 0 } },
	{ { "-wz" }, -ENOENT, NULL, "-z: no such option", { 0 } },
	{ { "--epoll.=1" },
	  -EINVAL,
	  NULL,
	  "--epoll.: could be any of --epoll.trigger, --epoll.events",
	  { 0 } },
	{ { "--rate", "20kk" },
	  -EINVAL,
	  NULL,
	  "--rate: \"20kk\" is not a rate: try 20k (units are k, M, G)",
	  { 0 } },
	{ { "-r20kk" },
	  -EINVAL,
	  NULL,
	  "--rate: \"20kk\" is not a rate: try 20k (units are k, M, G)",
	  { 0 } },
	{ { "--timeout=10" },
	  -EINVAL,
	  NULL,
	  "--timeout: \"10\" has no unit: try 10ms or 10s",
	  { 0 } },
	{ { "a", "--timeout" }, -EINVAL, NULL, "--timeout: needs a value: --timeout=TIME", { 0 } },
	{ { "-b" }, -EINVAL, NULL, "--bind-addr: needs a value: --bind-addr=ADDRESS", { 0 } },
	{ { "--wait-spin=maybe" },
	  -EINVAL,
	  NULL,
	  "--wait-spin: \"maybe\" is neither yes nor no",
	  { 0 } },
};

static int count_args(const char *const *args)
{
	int count = 0;

	while (count < ARGS_MAX && args[count])
		count++;
	return count;
}

static void check_args(size_t row)
{
	int argc = 1 + count_args(arg_rows[row].args), positional = -1, code;
	char *argv[ARGS_MAX + 2] = { "ringwalk" };
	struct fixture *f = setup();

	memcpy(argv + 1, arg_rows[row].args, sizeof(arg_rows[row].args));
	code = knob_set_args(&f->set, argc, argv, &positional, &f->err);
	CHECK_INT(code, arg_rows[row].code);
	if (code) {
		CHECK_TEXT(f->err.text, arg_rows[row].says);
		CHECK_INT(positional, -1);
		return;
	}
	CHECK_TEXT(value_of(f, arg_rows[row].key), arg_rows[row].says);
	CHECK_INT(positional, count_args(arg_rows[row].positional));
	for (int i = 0; i < positional; i++)
		CHECK_TEXT(argv[1 + i], arg_rows[row].positional[i]);
	CHECK_TEXT(argv[0], "ringwalk");
}

static void test_arguments_are_read_as_getopt_long_users_expect(void)
{
	for (size_t i = 0; i < sizeof(arg_rows) / sizeof(*arg_rows); i++)
		check_args(i);
}

struct path_opts {
	char json[16], folder[16], rows[16], name[16];
};

static const struct knob path_knobs[] = {
	{ .name = "json",
	  .type = &knob_text,
	  KNOB_FIELD(struct path_opts, json, char[16]),
	  .metavar = "FILE" },
	{ .name = "folder",
	  .type = &knob_text,
	  KNOB_FIELD(struct path_opts, folder, char[16]),
	  .metavar = "DIR" },
	{ .name = "rows",
	  .type = &knob_text,
	  KNOB_FIELD(struct path_opts, rows, char[16]),
	  .metavar = "FILE.csv|.txt",
	  .optional_value = true },
	{ .name = "name",
	  .type = &knob_text,
	  KNOB_FIELD(struct path_opts, name, char[16]),
	  .metavar = "NAME" },
	{ 0 },
};
static const struct knob_group paths = { .name = "",
					 .knobs = path_knobs,
					 .opts_size = sizeof(struct path_opts) };

static void test_an_empty_name_is_no_file(void)
{
	static const struct {
		char *argument;
		const char *says; /* NULL: that is fine */
	} rows[] = {
		{ "--json=", "--json: the name of the file is empty: give one, or leave this out" },
		{ "--folder=",
		  "--folder: the name of the folder is empty: give one, or leave this out" },
		{ "--rows=", NULL },
		{ "--rows", NULL },
		{ "--name=", NULL },
		{ "--json=x", NULL },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char *argv[] = { "ringwalk", rows[i].argument, NULL };
		struct path_opts opts;
		struct knob_set set = { 0 };
		struct err err = { 0 };
		int positional;

		knob_set_add(&set, &paths, &opts);
		CHECK_INT(knob_set_args(&set, 2, argv, &positional, &err),
			  rows[i].says ? -EINVAL : 0);
		CHECK_TEXT(err.text, rows[i].says ? rows[i].says : "");
	}
}

static void test_an_empty_name_is_no_file_in_a_file_either(void)
{
	struct path_opts opts;
	struct knob_set set = { 0 };
	struct err err = { 0 };

	knob_set_add(&set, &paths, &opts);
	CHECK_INT(knob_set_assign(&set, "json", "", KNOB_FILE, &err), -EINVAL);
	CHECK_TEXT(err.text, "json: the name of the file is empty: give one, or leave this out");
	CHECK_INT(knob_set_assign(&set, "name", "", KNOB_FILE, &err), 0);
}

static void test_arguments_outrank_a_file_and_the_origin_tells(void)
{
	char *argv[] = { "ringwalk", "--threads=3", NULL };
	struct fixture *f = setup();
	int positional;

	CHECK_INT(knob_set_assign(&f->set, "threads", "2", KNOB_FILE, &f->err), 0);
	CHECK_INT(knob_set_assign(&f->set, "rate", "2", KNOB_FILE, &f->err), 0);
	CHECK_INT(knob_set_args(&f->set, 2, argv, &positional, &f->err), 0);
	CHECK_TEXT(value_of(f, "threads"), "3");
	CHECK_INT(origin_of(f, "threads"), KNOB_ARGUMENT);
	CHECK_INT(origin_of(f, "rate"), KNOB_FILE);
	CHECK_INT(origin_of(f, "size"), KNOB_DEFAULT);
}

static void test_help_is_wanted_before_the_end_of_options(void)
{
	char *yes[] = { "x", "a", "--help", NULL }, *letter[] = { "x", "-h", NULL };
	char *no[] = { "x", "--", "--help", NULL };

	CU_ASSERT(knob_wants_help(3, yes));
	CU_ASSERT(knob_wants_help(2, letter));
	CU_ASSERT(!knob_wants_help(3, no));
	CU_ASSERT(!knob_wants_help(1, no));
}

static void test_usage_is_not_help(void)
{
	char *usage[] = { "x", "--usage", NULL }, *no[] = { "x", "--", "--usage", NULL };

	CU_ASSERT(knob_wants_usage(2, usage));
	CU_ASSERT(!knob_wants_help(2, usage));
	CU_ASSERT(!knob_wants_usage(3, no));
}

static CU_TestInfo tests[] = {
	{ "each origin replaces a list and then appends",
	  test_each_origin_replaces_a_list_and_then_appends },
	{ "a full list refuses and keeps what it has",
	  test_a_full_list_refuses_and_keeps_what_it_has },
	{ "options that share a field keep their order",
	  test_options_that_share_a_field_keep_their_order },
	{ "arguments are read as getopt_long users expect",
	  test_arguments_are_read_as_getopt_long_users_expect },
	{ "an empty name is no file", test_an_empty_name_is_no_file },
	{ "an empty name is no file in a file either",
	  test_an_empty_name_is_no_file_in_a_file_either },
	{ "arguments outrank a file and the origin tells",
	  test_arguments_outrank_a_file_and_the_origin_tells },
	{ "help is wanted before the end of options",
	  test_help_is_wanted_before_the_end_of_options },
	{ "usage is not help", test_usage_is_not_help },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return test_main("knob_set", tests);
}

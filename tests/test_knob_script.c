/*
 * test_knob_script.c - options from files: what is read, what is refused, and where.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/knob_script.h"

#include <errno.h>
#include <unistd.h>

#include "tests/sample_knobs.h"
#include "tests/test.h"

#define SAMPLE "/tmp/ringwalk-script-%d-%s"

static struct script_opts opts;

static const char *path_of(const char *name)
{
	static char paths[4][128];
	static unsigned turn;
	char *path = paths[turn++ % 4];

	snprintf(path, sizeof(paths[0]), SAMPLE, getpid(), name);
	return path;
}

static const char *write_script(const char *name, const char *text)
{
	const char *path = path_of(name);
	FILE *file = fopen(path, "w");

	CU_ASSERT_FATAL(file != NULL);
	fputs(text, file);
	fclose(file);
	return path;
}

/* The fixture with -f among its options. */
static struct fixture *script_setup(void)
{
	struct fixture *f = setup();

	knob_set_add(&f->set, &script_knobs, &opts);
	opts.script.set = &f->set;
	return f;
}

static int read_script(struct fixture *f, const char *text)
{
	const char *path = write_script("main", text);
	int rc = knob_set_assign(&f->set, "script-filename", path, KNOB_ARGUMENT, &f->err);

	unlink(path);
	return rc;
}

static void test_options_are_read_with_dashes_and_without(void)
{
	static const struct {
		const char *text, *key, *value;
	} rows[] = {
		{ "--threads=4", "threads", "4" },
		{ "--threads 4\n", "threads", "4" },
		{ "-t 4", "threads", "4" },
		{ "-t4", "threads", "4" },
		{ "threads 4", "threads", "4" },
		{ "t 4", "threads", "4" },
		{ "thr 4", "threads", "4" },
		{ "threads=4", "threads", "4" },
		{ "\xef\xbb\xbfthreads 4\r\n", "threads", "4" },
		{ "threads\n\n\t4", "threads", "4" },
		{ "# nothing\nt 4 # and more: t 5\n", "threads", "4" },
		{ "t 4 t 5", "threads", "5" },
		{ "nice -5", "nice", "-5" },
		{ "name a#b", "name", "a#b" },
		{ "name \"a b\"", "name", "a b" },
		{ "name '#x'", "name", "#x" },
		{ "name \"a\\\"b\"", "name", "a\"b" },
		{ "name 'a\\b'", "name", "a\\b" },
		{ "name=\"a b\"", "name", "a b" },
		{ "name \"\"", "name", "" },
		{ "wait-spin\nt 4", "wait-spin", "yes" },
		{ "wait-spin=no", "wait-spin", "no" },
		{ "bind-addr :1 bind-addr :2", "bind-addr", ":1;:2" },
		{ "epoll.trigger edge", "epoll.trigger", "edge" },
		{ "", "threads", "1" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct fixture *f = script_setup();

		CHECK_INT(read_script(f, rows[i].text), 0);
		CHECK_TEXT(value_of(f, rows[i].key), rows[i].value);
	}
}

static void test_a_value_that_may_be_left_out_is_not_taken_from_the_next_option(void)
{
	static const struct {
		const char *text, *reply, *threads;
	} rows[] = {
		{ "reply", "", "1" },	       { "reply 512 t 3", "512", "3" },
		{ "reply t 3", "", "3" },      { "reply -t 3", "", "3" },
		{ "reply=64 t 3", "64", "3" }, { "reply \"t\" t 3", "t", "3" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct fixture *f = script_setup();

		CHECK_INT(read_script(f, rows[i].text), 0);
		CHECK_TEXT(value_of(f, "threads"), rows[i].threads);
		CHECK_TEXT(value_of(f, "reply"), rows[i].reply);
	}
}

static void test_refusals_say_file_line_and_what(void)
{
	static const struct {
		const char *text, *error;
	} rows[] = {
		{ "t 4\nthraeds 5", ":2: thraeds: no such option; did you mean threads?" },
		{ "t 4\n\nt 0", ":3: threads: " },
		{ "\nt", ":2: threads needs a value: threads N" },
		{ "t 4 \"t\" 5", ":1: an option is expected here" },
		{ "t 4 --", ":1: an option is expected here" },
		{ "t 4 = 5", ":1: an option is expected here" },
		{ "name \"abc\nt 4", ":1: a quote that is opened here is not closed" },
		{ "z 4", ":1: z: no such option" },
		{ "--s 4", ": could be any of " },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct fixture *f = script_setup();

		CHECK_INT(read_script(f, rows[i].text), -EINVAL);
		CU_ASSERT(strstr(f->err.text, rows[i].error) != NULL);
		if (!strstr(f->err.text, rows[i].error))
			printf("\n    %s\n", f->err.text);
		CU_ASSERT(strstr(f->err.text, path_of("main")) != NULL);
	}
}

static void test_a_file_can_name_another_beside_it(void)
{
	struct fixture *f = script_setup();
	const char *other = write_script("other", "t 7");
	char text[256];

	snprintf(text, sizeof(text), "t 5 -f %s", strrchr(other, '/') + 1);
	CHECK_INT(read_script(f, text), 0);
	CHECK_TEXT(value_of(f, "threads"), "7");
	unlink(other);
}

static void test_a_file_that_names_itself_is_refused(void)
{
	struct fixture *f = script_setup();
	char text[256];

	snprintf(text, sizeof(text), "f %s", path_of("main"));
	CHECK_INT(read_script(f, text), -EINVAL);
	CU_ASSERT(strstr(f->err.text, "files within files") != NULL);
}

static void test_a_file_that_is_none_is_refused(void)
{
	struct fixture *f = script_setup();

	CHECK_INT(knob_set_assign(&f->set, "script-filename", path_of("absent"), KNOB_ARGUMENT,
				  &f->err),
		  -EINVAL);
	CU_ASSERT(strstr(f->err.text, "No such file") != NULL);
	CHECK_INT(knob_set_assign(&f->set, "script-filename", "/dev/zero", KNOB_ARGUMENT, &f->err),
		  -EINVAL);
	CU_ASSERT(strstr(f->err.text, "longer than 1 MiB") != NULL);
	CHECK_INT(knob_set_assign(&f->set, "script-filename", "/tmp", KNOB_ARGUMENT, &f->err),
		  -EINVAL);
}

static void test_what_comes_later_on_the_command_line_wins(void)
{
	struct fixture *f = script_setup();
	const char *path = write_script("main", "t 4 nice 3");
	char *argv[] = { "x", "--threads=2", "-f", (char *)path, "--nice=5", NULL };
	int positional;

	CHECK_INT(knob_set_args(&f->set, 5, argv, &positional, &f->err), 0);
	CHECK_TEXT(value_of(f, "threads"), "4");
	CHECK_TEXT(value_of(f, "nice"), "5");
	unlink(path);
}

static CU_TestInfo tests[] = {
	{ "options are read with dashes and without",
	  test_options_are_read_with_dashes_and_without },
	{ "a value that may be left out is not taken from the next option",
	  test_a_value_that_may_be_left_out_is_not_taken_from_the_next_option },
	{ "refusals say file, line and what", test_refusals_say_file_line_and_what },
	{ "a file can name another beside it", test_a_file_can_name_another_beside_it },
	{ "a file that names itself is refused", test_a_file_that_names_itself_is_refused },
	{ "a file that is none is refused", test_a_file_that_is_none_is_refused },
	{ "what comes later on the command line wins",
	  test_what_comes_later_on_the_command_line_wins },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return test_main("knob_script", tests);
}

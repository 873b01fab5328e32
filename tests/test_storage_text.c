/*
 * test_storage_text.c - what --storage understands, and what it refuses.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/knob.h"
#include "node/node.h"
#include "node/storage_text.h"
#include "tests/test.h"

static const struct device_opts given = { .size = 1 << 30, .sync_period_ns = 5 * MS };

static void test_what_is_given_replaces_what_holds_for_all(void)
{
	static const struct {
		const char *text;
		struct device_opts opts;
	} rows[] = {
		{ "/a", { "/a", 0, 1 << 30, 5 * MS, false, false } },
		{ "file=/a", { "/a", 0, 1 << 30, 5 * MS, false, false } },
		{ "file=/a=b", { "/a=b", 0, 1 << 30, 5 * MS, false, false } },
		{ "file=odirect", { "odirect", 0, 1 << 30, 5 * MS, false, false } },
		{ "/a,size=1000", { "/a", 0, 1000, 5 * MS, false, false } },
		{ "/a,size=64KiB", { "/a", 0, 65536, 5 * MS, false, false } },
		{ "/a,size=5G", { "/a", 0, 5000000000, 5 * MS, false, false } },
		{ "/a,size=1048576GiB", { "/a", 0, 1LL << 50, 5 * MS, false, false } },
		{ "/a,sync=20", { "/a", 0, 1 << 30, 20 * MS, false, false } },
		{ "/a,sync=1s", { "/a", 0, 1 << 30, SEC, false, false } },
		{ "/a,sync=0", { "/a", 0, 1 << 30, 0, false, false } },
		{ "/a,odirect", { "/a", 0, 1 << 30, 5 * MS, true, false } },
		{ "odirect,file=/a", { "/a", 0, 1 << 30, 5 * MS, true, false } },
		{ "/a,wait-spin", { "/a", 0, 1 << 30, 5 * MS, false, true } },
		{ "/a,count=3", { "/a", 3, 1 << 30, 5 * MS, false, false } },
		{ "count=1,wait-spin,odirect,sync=1us,size=1,file=a%d",
		  { "a%d", 1, 1, US, true, true } },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct device_opts opts = given;
		struct err err = { 0 };

		CHECK_INT(storage_text_parse(rows[i].text, &opts, &err), 0);
		CHECK_TEXT(err.text, "");
		CHECK_TEXT(opts.path, rows[i].opts.path);
		CHECK_INT(opts.clones, rows[i].opts.clones);
		CHECK_INT(opts.size, rows[i].opts.size);
		CHECK_INT(opts.sync_period_ns, rows[i].opts.sync_period_ns);
		CHECK_INT(opts.direct, rows[i].opts.direct);
		CHECK_INT(opts.spin, rows[i].opts.spin);
	}
}

/* D27: a misspelt key never becomes a path. */
static void test_what_is_not_known_is_refused_in_words(void)
{
	static const struct {
		const char *text, *part;
	} rows[] = {
		{ "", "no path" },
		{ "odirect", "names no file" },
		{ "size=10", "names no file" },
		{ "file=", "no path" },
		{ "file=/tmp/q.dat,siez=10", "unknown key \"siez\" (did you mean \"size\"?)" },
		{ "/tmp/q.dat,siez=10", "unknown key \"siez\"" },
		{ "/a=b", "unknown key \"/a\"" },
		{ "/a,odirct", "unknown word \"odirct\" (did you mean \"odirect\"?)" },
		{ "/a,/b", "unknown word \"/b\"" },
		{ "/a,file=/b", "a second file \"/b\"" },
		{ "/a,", "unknown word \"\"" },
		{ "/a,,odirect", "unknown word \"\"" },
		{ "/a,size=", "size: " },
		{ "/a,size=0", "size: \"0\" is not from 1B to 1PiB" },
		{ "/a,size=-1", "size: " },
		{ "/a,size=1048577GiB", "is not from 1B to 1PiB" },
		{ "/a,size=99999999999999999999", "size: " },
		{ "/a,size=10ms", "size: " },
		{ "/a,sync=", "sync: " },
		{ "/a,sync=3601s", "is not from 0 to 1h" },
		{ "/a,sync=-1ms", "sync: " },
		{ "/a,count=0", "count: \"0\" is not from 1 to 256" },
		{ "/a,count=257", "is not from 1 to 256" },
		{ "/a,count=x", "count: " },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct device_opts opts = given;
		struct err err = { 0 };

		CHECK_INT(storage_text_parse(rows[i].text, &opts, &err), -EINVAL);
		if (!strstr(err.text, rows[i].part))
			CHECK_TEXT(err.text, rows[i].part);
		CU_ASSERT(!memcmp(&opts, &given, sizeof(opts)));
	}
}

static void test_a_text_that_is_too_long_is_refused(void)
{
	struct device_opts opts = given;
	char text[STORAGE_TEXT + 1];

	memset(text, 'a', STORAGE_TEXT);
	text[STORAGE_TEXT] = '\0';
	CHECK_INT(storage_text_parse(text, &opts, NULL), -EINVAL);
	text[DEVICE_PATH] = '\0';
	CHECK_INT(storage_text_parse(text, &opts, NULL), -EINVAL);
	text[DEVICE_PATH - 1] = '\0';
	CHECK_INT(storage_text_parse(text, &opts, NULL), 0);
}

static void test_clones_have_files_of_their_own(void)
{
	static const struct {
		struct device_opts opts;
		unsigned clone;
		const char *path;
	} rows[] = {
		{ { "/a", 0 }, 0, "/a" },
		{ { "/a%d", 0 }, 0, "/a%d" },
		{ { "/a", 1 }, 0, "/a_0" },
		{ { "/a", 3 }, 2, "/a_2" },
		{ { "/a%d.dat", 3 }, 2, "/a2.dat" },
		{ { "/%d/%d", 300 }, 255, "/255/%d" },
		{ { "/a%s", 2 }, 1, "/a%s_1" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char path[DEVICE_PATH] = "";

		CHECK_INT(storage_text_path(&rows[i].opts, rows[i].clone, path, NULL), 0);
		CHECK_TEXT(path, rows[i].path);
	}
}

static void test_a_path_that_grows_too_long_is_refused(void)
{
	struct device_opts opts = { .clones = 2 };
	char path[DEVICE_PATH] = "as before";
	struct err err = { 0 };

	memset(opts.path, 'a', DEVICE_PATH - 1);
	CHECK_INT(storage_text_path(&opts, 1, path, &err), -EINVAL);
	CU_ASSERT(strstr(err.text, "is longer than 255 bytes") != NULL);
	CHECK_TEXT(path, "as before");
}

static CU_TestInfo tests[] = {
	{ "what is given replaces what holds for all",
	  test_what_is_given_replaces_what_holds_for_all },
	{ "what is not known is refused in words", test_what_is_not_known_is_refused_in_words },
	{ "a text that is too long is refused", test_a_text_that_is_too_long_is_refused },
	{ "clones have files of their own", test_clones_have_files_of_their_own },
	{ "a path that grows too long is refused", test_a_path_that_grows_too_long_is_refused },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return test_main("storage_text", tests);
}

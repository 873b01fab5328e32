/*
 * test_provenance.c - what is kept of a machine, what is not, and how two differ.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <unistd.h>

#include "lab/provenance.h"
#include "tests/test.h"

static const char *text_at(const json_t *json, const char *section, const char *key)
{
	const char *text = json_string_value(json_object_get(json_object_get(json, section), key));

	return text ? text : "(none)";
}

static void test_the_machine_is_described(void)
{
	json_t *e = provenance_collect("/proc/self/exe");

	CU_ASSERT(strlen(text_at(e, "kernel", "release")) > 3);
	CU_ASSERT(strlen(text_at(e, "kernel", "boot")) == 36);
	CU_ASSERT(strcmp(text_at(e, "kernel", "clocksource"), "(none)") != 0);
	CU_ASSERT(strcmp(text_at(e, "cpu", "online"), "(none)") != 0);
	CU_ASSERT(strcmp(text_at(e, "cpu", "governor"), "(none)") != 0);
	CU_ASSERT(!strncmp(text_at(e, "ringwalk", "program"), "crc32 ", 6));
	CU_ASSERT(json_object_size(json_object_get(json_object_get(e, "sysctl"), "net.ipv4")) > 10);
	CU_ASSERT(json_is_array(json_object_get(e, "tuning_daemons")));
	json_decref(e);
}

/* How the machine differs from what it was a moment ago; the caller's to free. */
static char *differences_of_now(void)
{
	json_t *a = provenance_collect("/proc/self/exe"), *b = provenance_collect("/proc/self/exe");
	json_t *differences = provenance_differences(a, b);
	char *text = json_dumps(differences, JSON_ENCODE_ANY);

	json_decref(differences);
	json_decref(a);
	json_decref(b);
	return text;
}

/* Somebody else may change the machine in between, but not each time. */
static void test_nothing_differs_from_itself(void)
{
	char *text = differences_of_now();

	for (int tries = 0; tries < 20 && strcmp(text, "[]") != 0; tries++) {
		free(text);
		text = differences_of_now();
	}
	CHECK_TEXT(text, "[]");
	free(text);
}

/* A report may be given away: nothing in it may say where it comes from. */
static void test_it_names_no_host_and_no_key(void)
{
	json_t *e = provenance_collect("/proc/self/exe");
	char *text = json_dumps(e, 0), host[256] = "";

	gethostname(host, sizeof(host) - 1);
	if (strlen(host) > 4)
		CU_ASSERT(strstr(text, host) == NULL);
	CU_ASSERT(strstr(text, "fastopen_key") == NULL);
	CU_ASSERT(strstr(text, "rss_key") == NULL);
	CU_ASSERT(strstr(text, "--addr") == NULL);
	free(text);
	json_decref(e);
}

static void test_differences_are_sentences(void)
{
	static const struct {
		const char *before, *after, *differences;
	} rows[] = {
		{ "{'a': {'b': '1'}}", "{'a': {'b': '1'}}", "[]" },
		{ "{'a': {'b': '1'}}", "{'a': {'b': '2'}}", "['a.b: 1 -> 2']" },
		{ "{'a': {'b': '1'}}", "{'a': {}}", "['a.b: 1 -> (none)']" },
		{ "{'a': {}}", "{'a': {'b': true}}", "['a.b: (none) -> true']" },
		{ "{'l': ['x']}", "{'l': ['x', 'y']}", "['l: [*x*] -> [*x*,*y*]']" },
		{ "{'a': {'b': '1'}}", "{'a': '3'}", "['a: {*b*:*1*} -> 3']" },
		{ "{'now': {'load': '1'}}", "{'now': {'load': '9'}}", "[]" },
		{ "{'a': '1', 'b': '1'}", "{'a': '2', 'c': '1'}",
		  "['a: 1 -> 2', 'b: 1 -> (none)', 'c: (none) -> 1']" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		json_t *before, *after, *differences;
		char in[3][200], *text;
		const char *const from[] = { rows[i].before, rows[i].after, rows[i].differences };

		for (int j = 0; j < 3; j++)
			for (size_t k = 0; k <= strlen(from[j]); k++)
				in[j][k] = from[j][k] == '\'' ? '"' : from[j][k];
		before = json_loads(in[0], 0, NULL);
		after = json_loads(in[1], 0, NULL);
		differences = provenance_differences(before, after);
		text = json_dumps(differences, 0);
		/* In the row, ' is a quotation mark and * one inside a text. */
		for (char *c = text; *c; c++)
			if (*c == '\\' && c[1] == '"') {
				memmove(c, c + 1, strlen(c));
				*c = '*';
			}
		CHECK_TEXT(text, in[2]);
		free(text);
		json_decref(differences);
		json_decref(after);
		json_decref(before);
	}
}

static CU_TestInfo tests[] = {
	{ "the machine is described", test_the_machine_is_described },
	{ "nothing differs from itself", test_nothing_differs_from_itself },
	{ "it names no host and no key", test_it_names_no_host_and_no_key },
	{ "differences are sentences", test_differences_are_sentences },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return test_main("provenance", tests);
}

/*
 * test_allow.c - where a node may forward to, by rows.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "node/allow.h"
#include "tests/test.h"

static struct knob_list list_of(const char *texts)
{
	struct knob_list list = { 0 };
	const char *end;

	for (; *texts; texts = *end ? end + 1 : end) {
		end = strchrnul(texts, ';');
		knob_list_add(&list, texts, (size_t)(end - texts), NULL);
	}
	return list;
}

static const struct {
	const char *rules, *address;
	bool permitted;
} permits[] = {
	{ "", "127.0.0.1:1", true },
	{ "", "127.9.9.9:1", true },
	{ "", "[::1]:7", true },
	{ "", "[::ffff:127.0.0.1]:7", true },
	{ "", "unix:/tmp/x", true },
	{ "", "unix:@x", true },
	{ "", "10.0.0.1:1", false },
	{ "", "0.0.0.0:1", false },
	{ "", "[::2]:1", false },
	{ "none", "127.0.0.1:1", false },
	{ "none", "unix:/tmp/x", false },
	{ "loopback", "127.0.0.1:1", true },
	{ "loopback", "unix:/tmp/x", false },
	{ "unix", "unix:/tmp/x", true },
	{ "unix", "127.0.0.1:1", false },
	{ "any", "10.0.0.1:1", true },
	{ "any", "unix:@x", true },
	{ "10.1.0.0/16", "10.1.255.3:9", true },
	{ "10.1.0.0/16", "10.2.0.1:9", false },
	{ "10.1.0.0/16", "127.0.0.1:9", false },
	{ "10.1.2.128/25", "10.1.2.127:9", false },
	{ "10.1.2.128/25", "10.1.2.128:9", true },
	{ "0.0.0.0/0", "1.2.3.4:9", true },
	{ "0.0.0.0/0", "[fd00::1]:9", false },
	{ "10.1.2.3/32", "10.1.2.3:9", true },
	{ "10.1.2.3/31", "10.1.2.2:9", true },
	{ "10.1.2.3/32", "10.1.2.2:9", false },
	{ "fd00::/8", "[fdff::1]:9", true },
	{ "fd00::/8", "[fe00::1]:9", false },
	{ "10.1.0.0/16", "[::ffff:10.1.2.3]:9", true },
	{ "10.1.2.3", "10.1.2.3:9", true },
	{ "10.1.2.3", "10.1.2.4:9", false },
	{ "10.1.2.3:9", "10.1.2.3:9", true },
	{ "10.1.2.3:9", "10.1.2.3:8", false },
	{ "[fd00::1]:9", "[fd00::1]:9", true },
	{ "[fd00::1]:9", "[fd00::1]:8", false },
	{ "fd00::1", "[fd00::1]:8", true },
	{ "10.1.2.3;10.1.2.5", "10.1.2.5:1", true },
	{ "10.1.2.3;10.1.2.5", "10.1.2.4:1", false },
	{ "unix:/run/nodes/", "unix:/run/nodes/a", true },
	{ "unix:/run/nodes/", "unix:/run/node", false },
	{ "unix:/run/nodes/", "unix:/run/nodes/../x", false },
	{ "unix:/run/nodes/", "unix:/run/nodes/a/..", false },
	{ "unix:@rw", "unix:@rw1", true },
	{ "unix:@rw", "unix:/rw1", false },
};

static void test_rules_permit_what_they_name(void)
{
	for (size_t i = 0; i < sizeof(permits) / sizeof(*permits); i++) {
		struct knob_list texts = list_of(permits[i].rules);
		struct allow_list list;
		struct address a;
		struct err err = { 0 };
		bool permitted;

		CHECK_INT(allow_parse(&texts, &list, &err), 0);
		CHECK_INT(address_parse(permits[i].address, &a, &err), 0);
		permitted = allow_permits(&list, &a);
		if (permitted != permits[i].permitted)
			printf("\n    \"%s\" and %s", permits[i].rules, permits[i].address);
		CU_ASSERT(permitted == permits[i].permitted);
	}
}

static void test_nonsense_is_refused_with_what_would_be_right(void)
{
	static const struct {
		const char *rule, *part;
	} rows[] = {
		{ "10.1.0.0/33", "number of bits" },
		{ "10.1.0.0/", "number of bits" },
		{ "10.1.0.0/x", "number of bits" },
		{ "10.1.0.0/-1", "number of bits" },
		{ "fd00::/129", "number of bits" },
		{ "10.1/16", "no address" },
		{ "/16", "no address" },
		{ "unix:", "107 bytes" },
		{ "host:99999", "port" },
		{ "lopback", "write loopback, unix" },
		{ "10.1.0.0/16x", "10.1.0.0/16" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct knob_list texts = list_of(rows[i].rule);
		struct allow_list list = { .count = 77 };
		struct err err = { 0 };

		CU_ASSERT(allow_parse(&texts, &list, &err) < 0);
		CHECK_INT(list.count, 77);
		if (!strstr(err.text, rows[i].part))
			printf("\n    %s", err.text);
		CU_ASSERT(strstr(err.text, rows[i].part) != NULL);
	}
}

static void test_too_many_rules_are_refused(void)
{
	struct knob_list texts = { 0 };
	struct err err = { 0 };
	struct allow_list list;
	struct address a;

	for (int i = 0; i < ALLOW_MAX / 2 - 1; i++)
		knob_list_add(&texts, "loopback", 8, NULL);
	knob_list_add(&texts, "10.0.0.0/8", 10, NULL);
	CHECK_INT(allow_parse(&texts, &list, NULL), 0);
	CHECK_INT(address_parse("10.1.1.1:1", &a, NULL), 0);
	CU_ASSERT(allow_permits(&list, &a));
	for (int i = 0; i < ALLOW_MAX; i++)
		knob_list_add(&texts, "unix", 4, NULL);
	CU_ASSERT(allow_parse(&texts, &list, &err) < 0);
	CU_ASSERT(strstr(err.text, "one too many") != NULL);
}

static CU_TestInfo tests[] = {
	{ "rules permit what they name", test_rules_permit_what_they_name },
	{ "nonsense is refused with what would be right",
	  test_nonsense_is_refused_with_what_would_be_right },
	{ "too many rules are refused", test_too_many_rules_are_refused },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return test_main("allow", tests);
}

/*
 * test_avoid.c - an experiment's node knows where its client is, and only if a strategy asks.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "lab/avoid.h"
#include "tests/test.h"

/* Settings as "node.pin.cpus=1 client.threads=2"; what avoid_client() added, the same way. */
static const char *added(const char *words)
{
	char text[512], *rest = text, *word;
	static char out[512];
	struct settings s = { 0 };
	unsigned before;
	size_t len = 0;

	snprintf(text, sizeof(text), "%s", words);
	while ((word = strsep(&rest, " "))) {
		struct setting item = { .role = *word == 'n' ? ROLE_NODE : ROLE_CLIENT };
		char *value = strchr(word, '=');

		*value++ = '\0';
		snprintf(item.key, sizeof(item.key), "%s", strchr(word, '.') + 1);
		snprintf(item.text, sizeof(item.text), "%s", value);
		CHECK_INT(settings_add(&s, &item, NULL), 0);
	}
	before = s.count;
	CHECK_INT(avoid_client(&s, NULL), 0);
	*out = '\0';
	for (unsigned i = before; i < s.count; i++)
		len += (size_t)snprintf(out + len, sizeof(out) - len, "%s%s.%s=%s", len ? " " : "",
					role_names[s.items[i].role], s.items[i].key,
					s.items[i].text);
	settings_finish(&s);
	return out;
}

static void test_a_strategy_of_the_node_gets_the_clients_cpus(void)
{
	CHECK_TEXT(added("node.pin.strategy=away client.pin.cpus=0-1"), "node.pin.avoid=0-1");
	CHECK_TEXT(added("client.pin.at=core:1 node.pin.strategy=same-l3"),
		   "node.pin.avoid=core:1");
	CHECK_TEXT(added("node.pin.strategy=compact node.storage.pin.strategy=away "
			 "client.pin.cpus=0"),
		   "node.pin.avoid=0 node.storage.pin.avoid=0");
}

static void test_nothing_is_added_where_nothing_asks_or_it_is_said_already(void)
{
	CHECK_TEXT(added("node.pin.cpus=1 client.pin.cpus=0"), "");
	CHECK_TEXT(added("node.pin.strategy=none client.pin.cpus=0"), "");
	CHECK_TEXT(added("client.pin.strategy=compact client.pin.cpus=0"), "");
	CHECK_TEXT(added("node.pin.strategy=away node.pin.avoid=2 client.pin.cpus=0"), "");
	CHECK_TEXT(added("node.pin.strategy=away client.threads=2"), "");
}

static void test_what_a_level_says_counts_and_not_what_was_fixed(void)
{
	CHECK_TEXT(added("node.pin.strategy=away client.pin.cpus=0 client.pin.cpus=1"),
		   "node.pin.avoid=1");
	CHECK_TEXT(added("node.pin.strategy=away client.pin.cpus=0 node.pin.strategy=none"), "");
}

static CU_TestInfo tests[] = {
	{ "a strategy of the node gets the client's CPUs",
	  test_a_strategy_of_the_node_gets_the_clients_cpus },
	{ "nothing is added where nothing asks, or it is said already",
	  test_nothing_is_added_where_nothing_asks_or_it_is_said_already },
	{ "what a level says counts, and not what was fixed",
	  test_what_a_level_says_counts_and_not_what_was_fixed },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return test_main("avoid", tests);
}

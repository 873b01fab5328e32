/*
 * test_possible.c - settings are tried for real; real-time scheduling never gets every CPU.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <sched.h>
#include <unistd.h>

#include "lab/possible.h"
#include "tests/lab_fake.h"
#include "tests/test.h"

/* All roles with "node.KEY=VALUE client.KEY=VALUE ..." */
static void assign(struct role_knobs *knobs[ROLES], const char *words)
{
	char text[256], *rest = text, *word;
	struct settings s = { 0 };
	struct err err = { 0 };

	snprintf(text, sizeof(text), "%s", words);
	while ((word = strsep(&rest, " "))) {
		bool fixed = *word == '!'; /* the same in every run; else it is a factor's */
		struct setting item = { .role = word[fixed] == 'n'   ? ROLE_NODE
						: word[fixed] == 'h' ? ROLE_HOG
								     : ROLE_CLIENT,
					.swept = !fixed };
		char *key = strchr(word, '.'), *value = word + strcspn(word, "=");

		if (!key || !*value)
			continue;
		*value++ = '\0';
		snprintf(item.key, sizeof(item.key), "%s", key + 1);
		snprintf(item.text, sizeof(item.text), "%s", value);
		settings_add(&s, &item, NULL);
	}
	for (int role = 0; role < ROLES; role++) {
		role_knobs_create(&fake_parts, (enum role)role, &knobs[role], NULL);
		if (role_knobs_assign(knobs[role], &s, &err) < 0)
			CU_FAIL("bad row");
	}
	settings_finish(&s);
}

static void release(struct role_knobs *knobs[ROLES])
{
	for (int role = 0; role < ROLES; role++)
		role_knobs_destroy(knobs[role]);
}

static const struct {
	int cpus;
	const char *settings;
	bool possible;
} realtime_rows[] = {
	{ 2, "", true },
	{ 1, "node.sched.policy=fifo", false },
	{ 2, "node.sched.policy=fifo", true },
	{ 2, "node.sched.policy=fifo node.threads=2", false },
	{ 4, "node.sched.policy=fifo node.threads=2", true },
	{ 2, "node.sched.policy=rr node.threads=8 node.pin.cpus=1", true },
	{ 2, "node.sched.policy=fifo client.sched.policy=fifo", false },
	{ 2, "node.sched.policy=fifo node.pin.cpus=0 client.sched.policy=rr client.pin.cpus=1",
	  false },
	{ 2, "node.sched.policy=fifo node.pin.cpus=0 client.sched.policy=rr client.pin.cpus=0",
	  true },
	{ 4,
	  "node.sched.policy=fifo node.pin.cpus=0-2 client.sched.policy=rr "
	  "client.pin.cpus=2-3 node.threads=3",
	  false },
	{ 8,
	  "node.sched.policy=fifo node.pin.cpus=0-2 client.sched.policy=rr "
	  "client.pin.cpus=2-3 node.threads=3",
	  true },
	{ 2, "node.sched.policy=batch node.threads=2", true },
	{ 2, "node.sched.policy=fifo node.pin.cpus=1 client.pin.cpus=1 client.wait=spin", false },
	{ 2, "node.sched.policy=fifo node.pin.cpus=1 client.pin.cpus=0 client.wait=spin", true },
	{ 2, "node.pin.cpus=1 client.pin.cpus=1 client.wait=spin", true },
	{ 2, "node.sched.policy=fifo node.threads=8 node.pin.at=pu:0", true },
	{ 2, "node.sched.policy=fifo node.threads=8 node.pin.at=pu:1000", false },
	{ 2, "node.sched.policy=fifo node.threads=2 node.pin.cpus=0 node.pin.strategy=compact",
	  true },
	{ 2, "node.sched.policy=fifo node.pin.at=pu:0 client.pin.at=pu:0 client.wait=spin", false },
	{ 2, "node.sched.policy=fifo hog.sched.policy=fifo hog.threads=0", true },
	{ 2, "node.sched.policy=fifo hog.sched.policy=fifo", false },
	{ 2, "hog.sched.policy=rr hog.threads=2", false },
	{ 4, "hog.sched.policy=rr hog.threads=2 hog.pin.cpus=1-3", true },
};

static void test_real_time_never_gets_every_cpu(void)
{
	for (size_t i = 0; i < sizeof(realtime_rows) / sizeof(*realtime_rows); i++) {
		struct role_knobs *knobs[ROLES];
		cpu_set_t online;
		char why[256];
		bool possible;

		CPU_ZERO(&online);
		for (int cpu = 0; cpu < realtime_rows[i].cpus; cpu++)
			CPU_SET(cpu, &online);
		assign(knobs, realtime_rows[i].settings);
		possible = possible_realtime(knobs, &online, why, sizeof(why));
		if (possible != realtime_rows[i].possible)
			printf("\n    %d CPUs, %s", realtime_rows[i].cpus,
			       realtime_rows[i].settings);
		CU_ASSERT(possible == realtime_rows[i].possible);
		release(knobs);
	}
}

/* Asks for settings; gives "" or the reason, and in *ret_possible the answer. */
static const char *ask(const char *settings, bool *ret_possible)
{
	static char why[256];
	struct role_knobs *knobs[ROLES];

	assign(knobs, settings);
	*ret_possible = possible_here(knobs, why, sizeof(why));
	release(knobs);
	return why;
}

static void test_defaults_are_possible_and_nothing_is_said(void)
{
	bool possible;

	CHECK_TEXT(ask("", &possible), "");
	CU_ASSERT(possible);
}

static void test_a_backend_that_refuses_is_quoted(void)
{
	bool possible;

	CHECK_TEXT(ask("client.backend=broken", &possible),
		   "client: broken: this kernel has no such thing");
	CU_ASSERT(!possible);
}

static void test_a_cpu_that_does_not_exist_is_named(void)
{
	bool possible;
	const char *why = ask("node.pin.cpus=1000", &possible);

	CU_ASSERT(!possible);
	CU_ASSERT(strstr(why, "node: worker 0: pin: ") == why && strstr(why, "1000") != NULL);
}

static void test_the_trial_changes_nothing_here(void)
{
	cpu_set_t before, after;
	bool possible;

	sched_getaffinity(0, sizeof(before), &before);
	ask("node.pin.cpus=0 node.sched.policy=batch", &possible);
	sched_getaffinity(0, sizeof(after), &after);
	CU_ASSERT(possible);
	CU_ASSERT(CPU_EQUAL(&before, &after));
	CHECK_INT(sched_getscheduler(0), SCHED_OTHER);
}

static void test_socket_options_are_tried_on_a_connection(void)
{
	static const struct {
		const char *settings, *why;
		bool possible;
	} rows[] = {
		{ "node.socket.defer-accept=7s client.socket.quickack=on", "", true },
		{ "node.socket.defer-accept=5s", "node: listening socket: socket.defer-accept",
		  false },
		{ "client.socket.timestamping=hardware", "client: connected socket: ", false },
		{ "node.socket.timestamping=hardware", "node: accepted socket: ", false },
		{ "client.socket.syncnt=3 node.socket.incoming-cpu=4000", "cpu 4000 does not exist",
		  false },
		{ "node.socket.syncnt=3", "vacuous: node.socket: ", true },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		bool possible;
		const char *why = ask(rows[i].settings, &possible);

		CHECK_INT(possible, rows[i].possible);
		if (*rows[i].why ? !strstr(why, rows[i].why) : *why)
			CHECK_TEXT(why, rows[i].why);
	}
}

static void test_a_setting_of_another_backend_is_vacuous(void)
{
	bool possible;

	CHECK_TEXT(ask("node.backend=poll node.epoll.trigger=edge", &possible),
		   "vacuous: node.epoll.trigger does nothing with backend poll");
	CU_ASSERT(possible);
	CHECK_TEXT(ask("node.backend=epoll node.epoll.trigger=edge", &possible), "");
}

static void test_only_a_factor_can_be_vacuous(void)
{
	char all[64];
	bool possible;

	snprintf(all, sizeof(all), "node.pin.cpus=0-%ld node.pin.spread=all",
		 sysconf(_SC_NPROCESSORS_ONLN) - 1);
	CU_ASSERT(strstr(ask(all, &possible), "vacuous: node.pin: ") != NULL);
	snprintf(all, sizeof(all), "!node.pin.cpus=0-%ld !node.pin.spread=all",
		 sysconf(_SC_NPROCESSORS_ONLN) - 1);
	CHECK_TEXT(ask(all, &possible), "");
	CU_ASSERT(possible);
}

static CU_TestInfo tests[] = {
	{ "only a factor can be vacuous", test_only_a_factor_can_be_vacuous },
	{ "real time never gets every CPU", test_real_time_never_gets_every_cpu },
	{ "defaults are possible and nothing is said",
	  test_defaults_are_possible_and_nothing_is_said },
	{ "a backend that refuses is quoted", test_a_backend_that_refuses_is_quoted },
	{ "a CPU that does not exist is named", test_a_cpu_that_does_not_exist_is_named },
	{ "the trial changes nothing here", test_the_trial_changes_nothing_here },
	{ "socket options are tried on a connection",
	  test_socket_options_are_tried_on_a_connection },
	{ "a setting of another backend is vacuous", test_a_setting_of_another_backend_is_vacuous },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return test_main("possible", tests);
}

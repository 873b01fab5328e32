/*
 * test_run_system.c - a run with settings of the whole machine: there while it lasts, gone with it.
 *
 * Changes vm.stat_interval, which is how often the kernel adds up its statistics, and settings of
 * network namespaces made here. Its journals are in a folder of its own.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "lab/run_system.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "lab/files.h"
#include "lab/possible.h"
#include "lab/run.h"
#include "system/kernel_value.h"
#include "tests/lab_fake.h"
#include "tests/possible.h"

#define INTERVAL "/proc/sys/vm/stat_interval"
#define CORKING	 "/proc/sys/net/ipv4/tcp_autocorking"
#define CLIENT	 "client: {duration: 10ms, program: [compute 10us]}\nblocks: 1\nseed: 9\n"

static const char *program;

/* Settings of the machine can be changed, and a journal kept of it (not under valgrind). */
static bool is_root_here(void)
{
	if (!access(INTERVAL, W_OK))
		return possible_journal();
	test_not_possible(INTERVAL ": %s", strerror(errno));
	return false;
}

static const char *now(const char *path)
{
	static char text[64];

	*text = '\0';
	kernel_value_read(path, text, sizeof(text));
	return text;
}

struct trip {
	struct plan *plan;
	char *folder;
	struct run_result result;
	json_t *json, *node; /* run.json, node.json */
	char before[64];
};

/* One run of the configuration with this number. stop may be NULL. */
static int travel(struct trip *t, const char *text, unsigned config,
		  const volatile sig_atomic_t *stop)
{
	struct watch watch = { .stop = stop };
	struct run_order order = { .program = program, .id = 1, .slot = { .config = config } };
	struct err err = { 0 };
	char path[200];
	int rc;

	*t = (struct trip){ .plan = fake_plan(text), .folder = fake_folder() };
	CU_ASSERT_FATAL(t->plan != NULL);
	snprintf(t->before, sizeof(t->before), "%s", now(INTERVAL));
	t->plan->configs[config].limit_ns = 60 * SEC;
	order.plan = t->plan;
	order.folder = t->folder;
	snprintf(path, sizeof(path), "%s/runs", t->folder);
	folder_create(path, NULL);
	rc = run_once(&order, &watch, &t->result, &err);
	snprintf(path, sizeof(path), "%s/runs/00001/run.json", t->folder);
	file_read_json(path, &t->json, NULL);
	snprintf(path, sizeof(path), "%s/runs/00001/node.json", t->folder);
	file_read_json(path, &t->node, NULL);
	return rc;
}

/* Wherever it went, the machine is as it was. */
static void come_home(struct trip *t)
{
	CHECK_TEXT(now(INTERVAL), t->before);
	json_decref(t->json);
	json_decref(t->node);
	plan_destroy(t->plan);
	fake_folder_remove(t->folder);
}

static const char *text_at(const json_t *json, const char *key)
{
	const char *text = json_string_value(json_object_get(json, key));

	return text ? text : "(none)";
}

static const char *node_saw(const struct trip *t, const char *key)
{
	return text_at(json_object_get(t->node, "seen"), key);
}

/* The entry of run.json about this setting. */
static const json_t *told(const struct trip *t, const char *name)
{
	const json_t *list = json_object_get(json_object_get(t->json, "system"), "tunables");
	const json_t *entry;
	size_t i;

	json_array_foreach(list, i, entry) if (!strcmp(text_at(entry, "name"), name)) return entry;
	return NULL;
}

static void test_the_node_has_the_setting_and_then_it_is_back(void)
{
	struct trip t;

	if (!is_root_here())
		return;
	CHECK_INT(travel(&t, CLIENT "factors: {system.vm.stat_interval: [7, 8]}\n", 1, NULL), 0);
	CU_ASSERT(!t.result.failed);
	CHECK_TEXT(node_saw(&t, "vm.stat_interval"), "8");
	CHECK_TEXT(text_at(told(&t, "vm.stat_interval"), "subject"), "machine");
	CHECK_TEXT(text_at(told(&t, "vm.stat_interval"), "requested"), "8");
	CHECK_TEXT(text_at(told(&t, "vm.stat_interval"), "effective"), "8");
	CHECK_TEXT(text_at(told(&t, "vm.stat_interval"), "verdict"), "ok");
	CHECK_TEXT(text_at(json_object_get(json_object_get(t.json, "requested"),
					   "system.vm.stat_interval"),
			   "from"),
		   "sweep");
	come_home(&t);
}

static void test_a_stopped_run_takes_it_back(void)
{
	volatile sig_atomic_t stop = 1;
	struct trip t;

	if (!is_root_here())
		return;
	CHECK_INT(travel(&t,
			 "client: {duration: 5s, program: [compute 10us]}\nseed: 9\n"
			 "factors: {system.vm.stat_interval: [7, 8]}\n",
			 1, &stop),
		  -EINTR);
	come_home(&t);
}

static void test_a_namespace_of_its_own_has_its_own_settings(void)
{
	char outside[64] = "", folder[4096], corking[64];
	struct trip t;

	if (!is_root_here() || !possible_own_net())
		return;
	CU_ASSERT(readlink("/proc/self/ns/net", outside, sizeof(outside) - 1) > 0);
	snprintf(corking, sizeof(corking), "%s", now(CORKING));
	CHECK_INT(travel(&t,
			 CLIENT "system: {network-namespace: yes, vm.stat_interval: 9}\n"
				"factors: {system.net.ipv4.tcp_autocorking: [1, 0]}\n",
			 1, NULL),
		  0);
	CU_ASSERT(!t.result.failed);
	CU_ASSERT(*node_saw(&t, "network") && strcmp(node_saw(&t, "network"), outside) != 0);
	CHECK_TEXT(node_saw(&t, "net.ipv4.tcp_autocorking"), "0");
	CHECK_TEXT(node_saw(&t, "vm.stat_interval"), "9");
	CHECK_TEXT(node_saw(&t, "folder"), getcwd(folder, sizeof(folder)));
	CHECK_TEXT(text_at(told(&t, "net.ipv4.tcp_autocorking"), "subject"), "network namespace");
	CHECK_TEXT(text_at(told(&t, "net.ipv4.tcp_autocorking"), "effective"), "0");
	CHECK_TEXT(text_at(told(&t, "vm.stat_interval"), "subject"), "machine");
	CHECK_TEXT(now(CORKING), corking);
	come_home(&t);
}

static void test_without_one_the_node_is_where_the_lab_is(void)
{
	char outside[64] = "";
	struct trip t;

	CU_ASSERT(readlink("/proc/self/ns/net", outside, sizeof(outside) - 1) > 0);
	CHECK_INT(travel(&t, CLIENT "factors: {node.backend: [epoll, poll]}\n", 0, NULL), 0);
	CHECK_TEXT(node_saw(&t, "network"), outside);
	CU_ASSERT(!json_object_get(t.json, "system"));
	come_home(&t);
}

static void test_what_the_kernel_refuses_fails_the_run_before_it_starts(void)
{
	struct trip t;

	if (!is_root_here())
		return;
	CHECK_INT(travel(&t,
			 CLIENT "system: {vm.stat_interval: 7}\n"
				"factors: {system.vm.overcommit_memory: [0, 9]}\n",
			 1, NULL),
		  0);
	CU_ASSERT(t.result.failed && t.result.impossible);
	CU_ASSERT(strstr(t.result.reasons, "system: vm.overcommit_memory=9: unsupported: the "
					   "kernel does not take '9'") != NULL);
	CHECK_TEXT(text_at(told(&t, "vm.overcommit_memory"), "verdict"), "unsupported");
	CU_ASSERT(t.node == NULL);
	come_home(&t);
}

static void test_a_degraded_run_is_one_that_was_allowed(void)
{
	struct trip t;

	if (!is_root_here())
		return;
	CHECK_INT(travel(&t,
			 CLIENT "system: {allow-degraded: yes}\n"
				"factors: {system.vm.overcommit_memory: [0, 9]}\n",
			 1, NULL),
		  0);
	CU_ASSERT(!t.result.failed);
	CHECK_TEXT(text_at(told(&t, "vm.overcommit_memory"), "verdict"), "unsupported");
	CHECK_INT(json_integer_value(json_object_get(told(&t, "vm.overcommit_memory"), "not_ok")),
		  1);
	come_home(&t);
}

/* The journals' folder is a file. */
static void test_without_a_journal_nothing_is_changed(void)
{
	char *was = strdup(getenv("RINGWALK_STATE"));
	struct trip t;

	if (!is_root_here()) {
		free(was);
		return;
	}
	setenv("RINGWALK_STATE", program, 1);
	CHECK_INT(travel(&t,
			 CLIENT "system: {allow-degraded: yes}\n"
				"factors: {system.vm.stat_interval: [7, 8]}\n",
			 1, NULL),
		  0);
	CU_ASSERT(!t.result.failed);
	CHECK_TEXT(text_at(told(&t, "vm.stat_interval"), "verdict"), "denied");
	CU_ASSERT(strstr(text_at(told(&t, "vm.stat_interval"), "why"),
			 "there is no journal to take it back by: ") != NULL);
	CHECK_TEXT(node_saw(&t, "vm.stat_interval"), t.before);
	come_home(&t);
	CHECK_INT(travel(&t, CLIENT "factors: {system.vm.stat_interval: [7, 8]}\n", 1, NULL), 0);
	CU_ASSERT(t.result.failed);
	CU_ASSERT(strstr(t.result.reasons, program) != NULL);
	come_home(&t);
	setenv("RINGWALK_STATE", was, 1);
	free(was);
}

static void test_another_who_holds_the_setting_is_named(void)
{
	struct journal *other = NULL;
	struct err err = { 0 };
	char text[64];
	struct trip t;

	if (!is_root_here())
		return;
	CHECK_INT(journal_open(&other, "ringwalk test", &err), 0);
	CHECK_INT(journal_write(other, INTERVAL, "5", text, sizeof(text), &err), 0);
	CHECK_INT(travel(&t, CLIENT "factors: {system.vm.stat_interval: [7, 8]}\n", 1, NULL), 0);
	CU_ASSERT(t.result.failed && !t.result.impossible);
	CU_ASSERT(strstr(t.result.reasons, "ringwalk test") != NULL);
	come_home(&t); /* it is still the other's 5 */
	journal_close(other);
}

/* "KEY=VALUE KEY=VALUE" of the system, all of them a factor's. */
static struct settings settings_of(const char *words)
{
	char text[256], *rest = text, *word;
	struct settings s = { 0 };

	snprintf(text, sizeof(text), "%s", words);
	while ((word = strsep(&rest, " "))) {
		struct setting item = { .role = ROLE_SYSTEM, .swept = true };
		char *value = strchr(word, '=');

		*value++ = '\0';
		snprintf(item.key, sizeof(item.key), "%s", word);
		snprintf(item.text, sizeof(item.text), "%s", value);
		settings_add(&s, &item, NULL);
	}
	return s;
}

static void test_what_is_not_there_is_not_possible_here(void)
{
	static const struct {
		const char *words, *why;
		bool possible;
	} rows[] = {
		{ "/proc/sys/vm/no_such_file=1",
		  "system./proc/sys/vm/no_such_file: unsupported: there is no such file in this "
		  "kernel",
		  false },
		{ "/proc/sys/vm/no_such_file=1 allow-degraded=yes", "", true },
		{ "irq.9999.affinity=0", "there is no such interrupt", false },
		{ "kernel.ostype=BSD", "system.kernel.ostype: denied: ", false },
		{ "kernel.ostype=Linux", "", true },
		{ "vm.swappiness=1 /proc/sys/vm/swappiness=2", "system: vm.swappiness is set twice",
		  false },
	};

	for (unsigned i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct settings s = settings_of(rows[i].words);
		char why[256];

		CU_ASSERT(possible_system(&s, why, sizeof(why)) == rows[i].possible);
		if (!strstr(why, rows[i].why) || (!*rows[i].why && *why))
			CHECK_TEXT(why, rows[i].why);
		settings_finish(&s);
	}
}

/* A profile's value gives way to what stands in the experiment. */
static void test_a_profile_is_what_is_not_said_otherwise(void)
{
	char *folder = fake_folder(), words[200], path[100];
	static const char text[] = "vm.stat_interval = 7\nvm.swappiness = 8\n";
	struct system_plan p;
	struct settings s;

	snprintf(path, sizeof(path), "%s/own.conf", folder);
	CHECK_INT(file_write_text(path, text, strlen(text), NULL), 0);
	snprintf(words, sizeof(words), "vm.swappiness=9 profile=%s", path);
	s = settings_of(words);
	CHECK_INT(system_plan_make(&p, &s, NULL), 0);
	CHECK_INT(p.settings.count, 2);
	CHECK_TEXT(p.settings.changes[0].wanted, "7");
	CHECK_TEXT(p.settings.changes[1].wanted, "9");
	system_plan_finish(&p);
	settings_finish(&s);
	fake_folder_remove(folder);
}

static CU_TestInfo tests[] = {
	{ "the node has the setting, and then it is back",
	  test_the_node_has_the_setting_and_then_it_is_back },
	{ "a stopped run takes it back", test_a_stopped_run_takes_it_back },
	{ "a namespace of its own has its own settings",
	  test_a_namespace_of_its_own_has_its_own_settings },
	{ "without one, the node is where the lab is",
	  test_without_one_the_node_is_where_the_lab_is },
	{ "what the kernel refuses fails the run before it starts",
	  test_what_the_kernel_refuses_fails_the_run_before_it_starts },
	{ "a degraded run is one that was allowed", test_a_degraded_run_is_one_that_was_allowed },
	{ "without a journal nothing is changed", test_without_a_journal_nothing_is_changed },
	{ "another who holds the setting is named", test_another_who_holds_the_setting_is_named },
	{ "what is not there is not possible here", test_what_is_not_there_is_not_possible_here },
	{ "a profile is what is not said otherwise", test_a_profile_is_what_is_not_said_otherwise },
	CU_TEST_INFO_NULL,
};

int main(int argc, char **argv)
{
	char state[] = "/tmp/test_run_system-XXXXXX";
	int status;

	if (argc != 2)
		return test_skip("needs the path of fake_ringwalk");
	program = argv[1];
	if (!mkdtemp(state) || setenv("RINGWALK_STATE", state, 1))
		return test_skip("no folder for journals");
	status = test_main("run_system", tests);
	fake_folder_remove(strdup(state));
	return status;
}

/*
 * test_distwalk.c - dw_node's spellings become the settings they stand for.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <sched.h>
#include <stdlib.h>

#include "backends/backend.h"
#include "cli/distwalk.h"
#include "tests/test.h"
#include "tunables/tunable.h"

struct fixture {
	struct knob_set set;
	struct distwalk_opts distwalk;
	_Alignas(max_align_t) char tunable[2][TUNABLE_OPTS_MAX];
	_Alignas(max_align_t) char backend[512];
	struct err err;
};

static struct fixture *setup(void)
{
	static struct fixture f;

	memset(&f, 0, sizeof(f));
	knob_set_add(&f.set, &distwalk_knobs, &f.distwalk);
	knob_set_add(&f.set, &tunable_find("pin")->group, f.tunable[0]);
	knob_set_add(&f.set, &tunable_find("sched")->group, f.tunable[1]);
	knob_set_add(&f.set, &backend_find("epoll", &f.err)->group, f.backend);
	f.distwalk.set = &f.set;
	return &f;
}

static int give(struct fixture *f, const char *key, const char *text)
{
	return knob_set_assign(&f->set, key, text, KNOB_ARGUMENT, &f->err);
}

static const char *value_of(struct fixture *f, const char *key)
{
	static char buf[CPU_SETSIZE * 5];
	const struct knob_bind *bind;
	const struct knob *k = knob_set_find(&f->set, key, &bind);

	knob_format(k, bind->opts, buf, sizeof(buf));
	return buf;
}

static void test_a_policy_becomes_all_that_belongs_to_it(void)
{
	static const struct row {
		const char *text, *policy, *nice, *priority, *runtime, *deadline;
	} rows[] = {
		{ "other", "other", "0", "0", "0ns", "0ns" },
		{ "other:5", "other", "5", "0", "0ns", "0ns" },
		{ "other:-5", "other", "-5", "0", "0ns", "0ns" },
		{ "rr:10", "rr", "0", "10", "0ns", "0ns" },
		{ "fifo:99", "fifo", "0", "99", "0ns", "0ns" },
		{ "dl:2000,10000", "deadline", "0", "0", "2ms", "10ms" },
		{ "dl:2ms,1s", "deadline", "0", "0", "2ms", "1s" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct row *r = &rows[i];
		struct fixture *f = setup();

		CHECK_INT(give(f, "sched-policy", r->text), 0);
		CHECK_TEXT(value_of(f, "sched-policy"), r->text);
		CHECK_TEXT(value_of(f, "sched.policy"), r->policy);
		CHECK_TEXT(value_of(f, "sched.nice"), r->nice);
		CHECK_TEXT(value_of(f, "sched.priority"), r->priority);
		CHECK_TEXT(value_of(f, "sched.runtime"), r->runtime);
		CHECK_TEXT(value_of(f, "sched.deadline"), r->deadline);
	}
}

static void test_the_last_policy_counts_alone(void)
{
	struct fixture *f = setup();

	CHECK_INT(give(f, "sched-policy", "dl:2000,10000"), 0);
	CHECK_INT(give(f, "sched-policy", "rr:10"), 0);
	CHECK_TEXT(value_of(f, "sched.runtime"), "0ns");
	CHECK_TEXT(value_of(f, "sched.priority"), "10");
	CHECK_INT(give(f, "sched.priority", "20"), 0);
	CHECK_TEXT(value_of(f, "sched.priority"), "20");
}

static void test_policies_that_are_none_are_refused(void)
{
	static const struct {
		const char *text, *says;
	} rows[] = {
		{ "", "is no policy" },
		{ "otter:5", "is no policy" },
		{ "rr", "write rr:PRIORITY" },
		{ "rr:", "write rr:PRIORITY" },
		{ "rr:1,2", "write rr:PRIORITY" },
		{ "rr:100", "at most 99" },
		{ "fifo:high", "high" },
		{ "other:20", "at most 19" },
		{ "dl:2000", "write dl:RUNTIME_US,DEADLINE_US" },
		{ "dl:2000,", "sched.deadline" },
		{ "dl:1,2,3", "write dl:" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct fixture *f = setup();

		CHECK_INT(give(f, "sched-policy", rows[i].text), -EINVAL);
		if (!strstr(f->err.text, rows[i].says))
			printf("\n    \"%s\": %s", rows[i].text, f->err.text);
		CU_ASSERT(strstr(f->err.text, rows[i].says) != NULL);
		CHECK_TEXT(value_of(f, "sched.policy"), "inherit");
	}
}

static void test_cpus_are_those_of_pin(void)
{
	struct fixture *f = setup();

	CHECK_INT(give(f, "thread-affinity", "5,0-4:2"), 0);
	CHECK_TEXT(value_of(f, "pin.cpus"), "5,0,2,4");
	CHECK_INT(give(f, "thread-affinity", "0-"), -EINVAL);
	CHECK_TEXT(value_of(f, "pin.cpus"), "5,0,2,4");
}

static void test_auto_is_every_cpu_of_this_process(void)
{
	struct fixture *f = setup();
	cpu_set_t own, one;
	char number[16];
	int cpu = 0;

	CHECK_INT(sched_getaffinity(0, sizeof(own), &own), 0);
	while (!CPU_ISSET(cpu, &own))
		cpu++;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	CHECK_INT(sched_setaffinity(0, sizeof(one), &one), 0);
	CHECK_INT(give(f, "thread-affinity", "auto"), 0);
	CHECK_INT(sched_setaffinity(0, sizeof(own), &own), 0);
	snprintf(number, sizeof(number), "%d", cpu);
	CHECK_TEXT(value_of(f, "pin.cpus"), number);
	CHECK_TEXT(value_of(f, "thread-affinity"), "auto");
}

static void test_spinning_is_the_chosen_backends(void)
{
	struct fixture *f = setup();

	CHECK_INT(distwalk_spin(&f->distwalk, "epoll", &f->err), 0);
	CHECK_TEXT(value_of(f, "epoll.busy-wait"), "0ns");
	CHECK_INT(give(f, "ws", "yes"), 0);
	CHECK_INT(distwalk_spin(&f->distwalk, "epoll", &f->err), 0);
	CHECK_TEXT(value_of(f, "epoll.busy-wait"), "1s");
	CHECK_INT(distwalk_spin(&f->distwalk, "abacus", &f->err), -ENOENT);
}

static CU_TestInfo tests[] = {
	{ "a policy becomes all that belongs to it", test_a_policy_becomes_all_that_belongs_to_it },
	{ "the last policy counts alone", test_the_last_policy_counts_alone },
	{ "policies that are none are refused", test_policies_that_are_none_are_refused },
	{ "cpus are those of pin", test_cpus_are_those_of_pin },
	{ "auto is every cpu of this process", test_auto_is_every_cpu_of_this_process },
	{ "spinning is the chosen backend's", test_spinning_is_the_chosen_backends },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return test_main("distwalk", tests);
}

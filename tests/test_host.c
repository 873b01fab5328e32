/*
 * test_host.c - recorded texts of /proc, damaged ones, and this machine.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "observe/host.h"

#include "base/clock.h"
#include "tests/test.h"

/* CPU 1 is offline. */
static const char stat_text[] = "cpu  30 3 30 300 30 6 9 15 0 0\n"
				"cpu0 10 1 10 100 10 2 3 5 0 0\n"
				"cpu2 20 2 20 200 20 4 6 10 0 0\n"
				"intr 48492124 0 0 1\nctxt 153033428\nbtime 1795297520\n"
				"processes 1198040\nprocs_running 29\n"
				"softirq 358094253 0 2394120\n";
static const char softirqs_text[] = "                    CPU0       CPU2\n"
				    "          HI:          0          0\n"
				    "      NET_RX:  275936023   62264278\n"
				    "       TIMER:       1200\n";

static void test_each_cpu_has_its_own_time(void)
{
	struct host m = { 0 };
	cpu_set_t two;
	struct cpu_time all, one;

	CHECK_INT(host_parse_stat(stat_text, &m), 0);
	CHECK_INT(m.cpus, 3);
	CU_ASSERT(m.cpu[0].is_there && !m.cpu[1].is_there && m.cpu[2].is_there);
	CHECK_INT(m.interrupts, 48492124);
	CHECK_INT(m.switches, 153033428);
	CHECK_INT(m.forks, 1198040);
	all = host_cpu_time(&m, NULL);
	CHECK_INT(all.busy, 63);
	CHECK_INT(all.idle, 330);
	CHECK_INT(all.irq, 6);
	CHECK_INT(all.softirq, 9);
	CHECK_INT(all.steal, 15);
	CHECK_NEAR(cpu_time_share(&all, all.steal), 15.0 / 423, 1e-9);
	CPU_ZERO(&two);
	CPU_SET(2, &two);
	CPU_SET(1, &two);
	one = host_cpu_time(&m, &two);
	CHECK_INT(one.busy, 42);
	host_finish(&m);
}

static void test_softirqs_are_by_kind_and_cpu(void)
{
	struct host m = { 0 };

	CHECK_INT(host_parse_stat(stat_text, &m), 0);
	CHECK_INT(host_parse_softirqs(softirqs_text, &m), 0);
	CHECK_INT(m.softirqs, 3);
	CHECK_TEXT(m.softirq_name[1], "NET_RX");
	CHECK_INT(m.softirq[1 * 3 + 0], 275936023);
	CHECK_INT(m.softirq[1 * 3 + 1], 0);
	CHECK_INT(m.softirq[1 * 3 + 2], 62264278);
	CHECK_INT(host_softirq(&m, 1), 275936023 + 62264278);
	CHECK_INT(host_softirq(&m, 2), 1200);
	host_finish(&m);
}

static void test_softnet_is_hexadecimal_and_added_up(void)
{
	struct host m = { .softnet = { -1, -1, -1 } };

	host_parse_softnet("111135c0 00000000 00000034 00000000\n0000000a 00000318 00000015 0\n",
			   &m);
	CHECK_INT(m.softnet[SOFTNET_PROCESSED], 0x111135ca);
	CHECK_INT(m.softnet[SOFTNET_DROPPED], 0x318);
	CHECK_INT(m.softnet[SOFTNET_SQUEEZED], 0x49);
}

static void test_pressure_is_what_has_added_up(void)
{
	static const struct {
		const char *text;
		int64_t some, full;
	} rows[] = {
		{ "some avg10=99.30 avg60=93.74 avg300=45.88 total=10256201428\n"
		  "full avg10=0.00 avg60=0.00 avg300=0.00 total=5\n",
		  10256201428, 5 },
		{ "some avg10=0.00 avg60=0.00 avg300=0.00 total=7\n", 7, -1 },
		{ "some avg10=0.00 total=7\n", -1, -1 },
		{ "some avg10=0.00 avg60=0.00 avg300=0.00 total=-7\n", -1, -1 },
		{ "some\n", -1, -1 },
		{ "", -1, -1 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		int64_t some, full;

		host_parse_pressure(rows[i].text, &some, &full);
		CHECK_INT(some, rows[i].some);
		CHECK_INT(full, rows[i].full);
	}
}

static void test_damaged_texts_are_not_believed(void)
{
	static const char *const stats[] = {
		"",
		"cpu",
		"cpu0",
		"cpu0 1 2 3\n",
		"cpu0 1 2 3 4 5 6 7 x\n",
		"cpu0 1 2 3 4 5 6 7 -8\n",
		"cpu99999999999999999999 1 2 3 4 5 6 7 8\n",
		"cpu70000 1 2 3 4 5 6 7 8\n",
		"cpux 1 2 3 4 5 6 7 8\n",
	};
	static const char *const softirqs[] = {
		"",
		"CPU0 CPU7\nHI: 1 2\n",
		"CPUx\nHI: 1\n",
		"      CPU0\nA_NAME_THAT_IS_TOO_LONG: 1\n: 1\nno colon\n",
		"CPU0 CPU0 CPU0 CPU0 CPU0 CPU0 CPU0 CPU0\nHI: 1 2 3 4 5 6 7 8\n",
	};

	for (size_t i = 0; i < sizeof(stats) / sizeof(*stats); i++) {
		struct host m = { 0 };

		CHECK_INT(host_parse_stat(stats[i], &m), 0);
		CU_ASSERT(!host_cpu_time(&m, NULL).is_there);
		CHECK_INT(m.switches, HOST_UNKNOWN);
		host_finish(&m);
	}
	for (size_t i = 0; i < sizeof(softirqs) / sizeof(*softirqs); i++) {
		struct host m = { 0 };

		CHECK_INT(host_parse_stat(stat_text, &m), 0);
		CHECK_INT(host_parse_softirqs(softirqs[i], &m), 0);
		CU_ASSERT(m.softirqs <= 1);
		host_finish(&m);
	}
}

static void test_more_kinds_than_there_is_room_for_are_left_out(void)
{
	struct host m = { 0 };
	char text[2000] = "CPU0\n";

	for (int i = 0; i < 2 * HOST_SOFTIRQS; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "K%d: 1\n", i);
	CHECK_INT(host_parse_stat(stat_text, &m), 0);
	CHECK_INT(host_parse_softirqs(text, &m), 0);
	CHECK_INT(m.softirqs, HOST_SOFTIRQS);
	host_finish(&m);
}

static void test_what_goes_backwards_or_is_unknown_is_no_change(void)
{
	struct host from = { .switches = 10, .interrupts = -1, .forks = 5 };
	struct host to = { .at_ns = SEC, .switches = 7, .interrupts = 9, .forks = 8 }, change;

	CHECK_INT(host_parse_stat("cpu0 10 0 0 0 90 0 0 0\n", &from), 0);
	CHECK_INT(host_parse_stat("cpu0 30 0 0 0 80 0 0 0\ncpu1 1 1 1 1 1 1 1 1\n", &to), 0);
	from.switches = 10;
	from.forks = 5;
	to.switches = 7;
	to.interrupts = 9;
	to.forks = 8;
	CHECK_INT(host_between(&from, &to, &change), 0);
	CHECK_INT(change.cpus, 1);
	CHECK_INT(change.cpu[0].busy, 20);
	CHECK_INT(change.cpu[0].idle, 0);
	CHECK_INT(change.switches, 0);
	CHECK_INT(change.interrupts, HOST_UNKNOWN);
	CHECK_INT(change.forks, 3);
	host_finish(&from);
	host_finish(&to);
	host_finish(&change);
}

/* 60 ms more. True: ticks have met somebody; while a machine stands still there are none. */
static bool spend_some(const struct host *from)
{
	struct host to, change;
	struct cpu_time all;

	for (int64_t end = clock_now_ns() + 60 * MS; clock_now_ns() < end;)
		;
	CHECK_INT(host_sample_take(&to), 0);
	CHECK_INT(host_between(from, &to, &change), 0);
	all = host_cpu_time(&change, NULL);
	CU_ASSERT(all.is_there && change.at_ns >= 60 * MS);
	CU_ASSERT(change.switches >= 0 && change.softirqs > 0);
	host_finish(&to);
	host_finish(&change);
	return all.busy + all.idle + all.softirq + all.irq + all.steal > 0;
}

static void test_this_machine_spends_its_time_on_something(void)
{
	int64_t end_ns = clock_now_ns() + 10 * SEC;
	struct host from;

	CHECK_INT(host_sample_take(&from), 0);
	while (!spend_some(&from) && clock_now_ns() < end_ns)
		;
	CU_ASSERT(spend_some(&from));
	host_finish(&from);
}

static CU_TestInfo tests[] = {
	{ "each CPU has its own time", test_each_cpu_has_its_own_time },
	{ "softirqs are by kind and CPU", test_softirqs_are_by_kind_and_cpu },
	{ "softnet is hexadecimal and added up", test_softnet_is_hexadecimal_and_added_up },
	{ "pressure is what has added up", test_pressure_is_what_has_added_up },
	{ "damaged texts are not believed", test_damaged_texts_are_not_believed },
	{ "more kinds than there is room for are left out",
	  test_more_kinds_than_there_is_room_for_are_left_out },
	{ "what goes backwards or is unknown is no change",
	  test_what_goes_backwards_or_is_unknown_is_no_change },
	{ "this machine spends its time on something",
	  test_this_machine_spends_its_time_on_something },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return test_main("host", tests);
}

/*
 * test_affinity_strategy.c - the order in which strategies hand out CPUs, on machines of all kinds.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/test.h"
#include "tunables/affinity.h"

/* hwloc numbers through: siblings are 0 and 1, the second package begins with 8. */
#define TWO_PACKAGES "pack:2 [numa] l3:1 core:4 pu:2"
#define TWO_CACHES   "pack:1 [numa] l3:2 core:2 pu:1"
#define FLAT	     "pack:1 [numa] l3:1 core:4 pu:1"
#define NO_CACHE     "pack:1 [numa] core:2 pu:2"

/* The order, or the refusal. */
static const char *order(const char *machine, enum pin_strategy strategy, const char *domain,
			 const char *avoid)
{
	struct topology_source from = { .synthetic = machine };
	struct topology *t = NULL;
	struct cpu_order out = { 0 };
	struct err err = { 0 };
	cpu_set_t from_cpus, theirs;
	static char buf[512];

	if (topology_open(&t, &from, &err) == 0) {
		cpus_read(domain, &from_cpus);
		cpus_read(avoid, &theirs);
		if (pin_order(t, strategy, &from_cpus, &theirs, &out, &err) == 0)
			cpu_order_write(&out, buf, sizeof(buf));
	}
	if (err.code)
		snprintf(buf, sizeof(buf), "%s", err.text);
	topology_close(t);
	return buf;
}

static void test_compact_takes_cpus_as_they_lie(void)
{
	CHECK_TEXT(order(TWO_PACKAGES, PIN_COMPACT, "0-15", ""), "0-15");
	CHECK_TEXT(order(TWO_PACKAGES, PIN_COMPACT, "4-11", ""), "4-11");
}

static void test_scatter_takes_packages_in_turn_and_siblings_last(void)
{
	CHECK_TEXT(order(TWO_PACKAGES, PIN_SCATTER, "0-15", ""),
		   "0,8,2,10,4,12,6,14,1,9,3,11,5,13,7,15");
	CHECK_TEXT(order(TWO_CACHES, PIN_SCATTER, "0-3", ""), "0,2,1,3");
	CHECK_TEXT(order(NO_CACHE, PIN_SCATTER, "0-3", ""), "0,2,1,3");
	CHECK_TEXT(order(TWO_PACKAGES, PIN_SCATTER, "0-3", ""), "0,2,1,3");
}

static void test_same_core_shares_a_core_and_not_a_cpu_if_it_can(void)
{
	CHECK_TEXT(order(TWO_PACKAGES, PIN_SAME_CORE, "0-15", "4"), "5");
	CHECK_TEXT(order(TWO_PACKAGES, PIN_SAME_CORE, "0-15", "4,8"), "5,9");
	CHECK_TEXT(order(TWO_PACKAGES, PIN_SAME_CORE, "0-15", "4-5"), "4-5");
	CHECK_TEXT(order(FLAT, PIN_SAME_CORE, "0-3", "2"), "2");
	CHECK_TEXT(order(TWO_PACKAGES, PIN_SAME_CORE, "0-15", ""), "0-1");
	CHECK_TEXT(order(TWO_PACKAGES, PIN_SAME_CORE, "6-15", ""), "6-7");
}

static void test_same_l3_shares_the_cache_and_takes_cores_first(void)
{
	CHECK_TEXT(order(TWO_PACKAGES, PIN_SAME_L3, "0-15", "8"), "10,12,14,9,11,13,15");
	CHECK_TEXT(order(TWO_CACHES, PIN_SAME_L3, "0-3", "3"), "2");
	CHECK_TEXT(order(TWO_CACHES, PIN_SAME_L3, "2-3", ""), "2-3");
	CHECK_TEXT(order(NO_CACHE, PIN_SAME_L3, "0-3", ""),
		   "pin.strategy=same-l3: this machine shows no L3 cache");
}

static void test_other_node_is_where_they_are_not(void)
{
	CHECK_TEXT(order(TWO_PACKAGES, PIN_OTHER_NODE, "0-15", "1"), "8,10,12,14,9,11,13,15");
	CHECK_TEXT(order(TWO_PACKAGES, PIN_OTHER_NODE, "0-15", ""), "8,10,12,14,9,11,13,15");
	CHECK_TEXT(order(TWO_PACKAGES, PIN_OTHER_NODE, "0-9", "8"), "0,2,4,6,1,3,5,7");
	CHECK_TEXT(order(FLAT, PIN_OTHER_NODE, "0-3", "0"),
		   "pin.strategy=other-node: this machine has one NUMA node only");
	CHECK_TEXT(order(TWO_PACKAGES, PIN_OTHER_NODE, "0-7", "0"),
		   "pin.strategy=other-node, seen from cpus 0, leaves none of the CPUs to choose "
		   "from");
}

static void test_away_keeps_off_their_cores_and_at_least_off_their_cpus(void)
{
	CHECK_TEXT(order(FLAT, PIN_AWAY, "0-3", "1"), "0,2-3");
	CHECK_TEXT(order(TWO_PACKAGES, PIN_AWAY, "0-3", "0"), "2-3");
	CHECK_TEXT(order(TWO_PACKAGES, PIN_AWAY, "0-1", "0"), "1");
	CHECK_TEXT(order(TWO_PACKAGES, PIN_AWAY, "0-1", "0-1"),
		   "pin.strategy=away, seen from cpus 0-1, leaves none of the CPUs to choose from");
}

static void test_compact_and_scatter_leave_their_cpus_out_if_they_can(void)
{
	CHECK_TEXT(order(FLAT, PIN_COMPACT, "0-3", "1"), "0,2-3");
	CHECK_TEXT(order(FLAT, PIN_SCATTER, "1", "1"), "1");
}

static void test_cpus_that_do_not_exist_are_not_handed_out(void)
{
	CHECK_TEXT(order(FLAT, PIN_COMPACT, "3-9", ""), "3");
	CHECK_TEXT(order(FLAT, PIN_COMPACT, "8-9", ""),
		   "pin.strategy=compact: none of the CPUs to choose from exists");
}

static const char *vacuous(const char *machine, enum pin_strategy strategy)
{
	struct topology_source from = { .synthetic = machine };
	struct topology *t = NULL;
	const char *why = "not opened";

	if (topology_open(&t, &from, NULL) == 0)
		why = pin_vacuous(t, strategy);
	topology_close(t);
	return why;
}

static void test_a_strategy_that_cannot_differ_here_says_why(void)
{
	CHECK_TEXT(vacuous(FLAT, PIN_COMPACT),
		   "compact and scatter are the same with one package, one L3 cache and one CPU a "
		   "core");
	CU_ASSERT(vacuous(FLAT, PIN_SCATTER) != NULL);
	CHECK_TEXT(vacuous(FLAT, PIN_SAME_CORE),
		   "cores have one CPU each: the same core is the same CPU");
	CHECK_TEXT(vacuous(FLAT, PIN_SAME_L3), "there is one L3 cache, and every CPU is at it");
	CU_ASSERT(!vacuous(FLAT, PIN_AWAY));
	for (int s = PIN_COMPACT; pin_strategy_names[s]; s++)
		CU_ASSERT(!vacuous(TWO_PACKAGES, (enum pin_strategy)s));
	CU_ASSERT(!vacuous(TWO_CACHES, PIN_SCATTER));
	CU_ASSERT(!vacuous(NO_CACHE, PIN_COMPACT));
}

static CU_TestInfo tests[] = {
	{ "compact takes CPUs as they lie", test_compact_takes_cpus_as_they_lie },
	{ "scatter takes packages in turn and siblings last",
	  test_scatter_takes_packages_in_turn_and_siblings_last },
	{ "same-core shares a core, and not a CPU if it can",
	  test_same_core_shares_a_core_and_not_a_cpu_if_it_can },
	{ "same-l3 shares the cache and takes cores first",
	  test_same_l3_shares_the_cache_and_takes_cores_first },
	{ "other-node is where they are not", test_other_node_is_where_they_are_not },
	{ "away keeps off their cores, and at least off their CPUs",
	  test_away_keeps_off_their_cores_and_at_least_off_their_cpus },
	{ "compact and scatter leave their CPUs out if they can",
	  test_compact_and_scatter_leave_their_cpus_out_if_they_can },
	{ "CPUs that do not exist are not handed out",
	  test_cpus_that_do_not_exist_are_not_handed_out },
	{ "a strategy that cannot differ here says why",
	  test_a_strategy_that_cannot_differ_here_says_why },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return test_main("affinity_strategy", tests);
}

/*
 * test_topology.c - parts of a machine by name, on machines that are not here.
 *
 * Two packages, each with a node, an L3 cache, four cores and two CPUs a core. The argument is the
 * folder of an hwloc file of such a machine, whose kernel numbers siblings 0 and 8, and cores anew
 * in each package; hwloc's own synthetic machines number everything through.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "system/topology.h"

#include <errno.h>

#include "system/cpus.h"
#include "tests/test.h"

#define TWO_PACKAGES "pack:2 [numa(memory=1GB)] l3:1(size=32MB) l2:4(size=1MB) core:1 pu:2"

static const char *folder;

static struct topology *open_synthetic(const char *words)
{
	struct topology_source from = { .synthetic = words };
	struct topology *t = NULL;
	struct err err = { 0 };

	if (topology_open(&t, &from, &err))
		printf("\n    %s", err.text);
	CU_ASSERT_FATAL(t != NULL);
	return t;
}

static struct topology *open_file(void)
{
	char path[512];
	struct topology_source from = { .xml = path };
	struct topology *t = NULL;
	struct err err = { 0 };

	snprintf(path, sizeof(path), "%s/two-packages.xml", folder);
	if (topology_open(&t, &from, &err))
		printf("\n    %s", err.text);
	CU_ASSERT_FATAL(t != NULL);
	return t;
}

/* The CPUs of a name, or the sentence that refuses it. */
static const char *find(const struct topology *t, const char *text)
{
	static char buf[512];
	struct topology_name name;
	struct err err = { 0 };
	cpu_set_t cpus;

	if (topology_parse(text, &name, &err) || topology_find(t, &name, &cpus, &err))
		snprintf(buf, sizeof(buf), "%s", err.text);
	else
		cpus_write(&cpus, buf, sizeof(buf));
	return buf;
}

static void test_parts_are_found_by_name(void)
{
	struct topology *t = open_synthetic(TWO_PACKAGES);

	CHECK_TEXT(find(t, "package:0"), "0-7");
	CHECK_TEXT(find(t, "package:1"), "8-15");
	CHECK_TEXT(find(t, "node:1"), "8-15");
	CHECK_TEXT(find(t, "l3:1"), "8-15");
	CHECK_TEXT(find(t, "l2:1"), "2-3");
	CHECK_TEXT(find(t, "core:5"), "10-11");
	CHECK_TEXT(find(t, "pu:9"), "9");
	topology_close(t);
}

static void test_names_are_the_kernels_where_it_has_numbers(void)
{
	struct topology *t = open_file();

	CHECK_TEXT(find(t, "package:1"), "4-7,12-15");
	CHECK_TEXT(find(t, "core:1"), "1,9");
	CHECK_TEXT(find(t, "core:4"), "4,12");
	CHECK_TEXT(find(t, "l3:0"), "0-3,8-11");
	CHECK_TEXT(find(t, "pu:12"), "12");
	topology_close(t);
}

static void test_tsload_spells_chip_core_and_strand(void)
{
	struct topology *t = open_file();

	CHECK_TEXT(find(t, "chip:1"), "4-7,12-15");
	CHECK_TEXT(find(t, "core:1:0"), "4,12");
	CHECK_TEXT(find(t, "core:0:3"), "3,11");
	CHECK_TEXT(find(t, "strand:0:0:0"), "0");
	CHECK_TEXT(find(t, "strand:0:0:8"), "8");
	CHECK_TEXT(find(t, "strand:1:1:13"), "13");
	CHECK_TEXT(find(t, "cache:l3:1"), "4-7,12-15");
	topology_close(t);
}

static void test_what_does_not_exist_is_refused_with_what_does(void)
{
	static const char more[] = " (`ringwalk info topology` has all of their names)";
	struct topology *t = open_file(), *bare = open_synthetic("core:2 pu:1");
	char want[256];

	CHECK_TEXT(find(t, "core:9"), "there is no core:9 on this machine, which has core:0-7");
	CHECK_TEXT(find(t, "node:2"), "there is no node:2 on this machine, which has node:0-1");
	CHECK_TEXT(find(t, "pu:16"), "there is no pu:16 on this machine, which has pu:0-15");
	snprintf(want, sizeof(want),
		 "there is no strand:1:0:0 on this machine, which has pu:0-15%s", more);
	CHECK_TEXT(find(t, "strand:1:0:0"), want);
	snprintf(want, sizeof(want), "there is no core:2:0 on this machine, which has core:0-7%s",
		 more);
	CHECK_TEXT(find(t, "core:2:0"), want);
	CHECK_TEXT(find(bare, "l3:0"), "there is no l3:0: this machine shows no l3 at all");
	topology_close(bare);
	topology_close(t);
}

static void test_what_is_no_name_is_refused_everywhere(void)
{
	static const char *const wrong[] = { "",	   "core",	 "core:",	 "core:x",
					     "core:1:2:3", "strand:0:0", "pu:1:2",	 "pu:-1",
					     "pu:1 ",	   "pu:1,",	 "node:9999999", "l4:0" };
	struct topology_name name;
	struct err err = { 0 };

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		CHECK_INT(topology_parse(wrong[i], &name, &err), -EINVAL);
	topology_parse("corr:1", &name, &err);
	CHECK_TEXT(err.text, "\"corr:1\" is no part of a machine; did you mean core?");
}

static void test_a_cpu_knows_what_it_is_part_of(void)
{
	struct topology *t = open_file();

	CHECK_INT(topology_of_cpu(t, TOPOLOGY_PACKAGE, 13), 1);
	CHECK_INT(topology_of_cpu(t, TOPOLOGY_CORE, 13), 5);
	CHECK_INT(topology_of_cpu(t, TOPOLOGY_PU, 13), 11);
	CHECK_INT(topology_of_cpu(t, TOPOLOGY_CORE, 16), -1);
	topology_close(t);
}

static void test_a_summary_counts_and_gives_sizes_that_are_all_the_same(void)
{
	struct topology *t = open_synthetic(TWO_PACKAGES);
	char text[256];

	CHECK_TEXT(
		topology_summary(t, text, sizeof(text)),
		"2 packages, 2 nodes, 8 cores, 16 CPUs, 2 L3 caches of 32MB, 8 L2 caches of 1MB");
	CU_ASSERT(!topology_is_real(t));
	topology_close(t);
}

static void test_what_hwloc_cannot_read_is_refused(void)
{
	struct topology_source words = { .synthetic = "towers:2" };
	struct topology_source file = { .xml = "/nowhere.xml" };
	struct topology *t = NULL;
	struct err err = { 0 };

	CHECK_INT(topology_open(&t, &words, &err), -EINVAL);
	CHECK_INT(topology_open(&t, &file, &err), -EINVAL);
	CU_ASSERT(t == NULL);
}

static void test_this_machine_has_the_cpus_that_are_online(void)
{
	struct topology_object o;
	struct topology *t = NULL;
	struct err err = { 0 };
	cpu_set_t online, all;

	CHECK_INT(topology_open(&t, NULL, &err), 0);
	CU_ASSERT_FATAL(t != NULL);
	cpus_online(&online);
	CPU_ZERO(&all);
	for (unsigned i = 0; topology_object(t, TOPOLOGY_PU, i, &o); i++)
		CPU_OR(&all, &all, &o.cpus);
	if (topology_is_real(t))
		CU_ASSERT(CPU_EQUAL(&all, &online));
	topology_close(t);
}

static CU_TestInfo tests[] = {
	{ "parts are found by name", test_parts_are_found_by_name },
	{ "names are the kernel's where it has numbers",
	  test_names_are_the_kernels_where_it_has_numbers },
	{ "TSLoad spells chip, core and strand", test_tsload_spells_chip_core_and_strand },
	{ "what does not exist is refused with what does",
	  test_what_does_not_exist_is_refused_with_what_does },
	{ "what is no name is refused everywhere", test_what_is_no_name_is_refused_everywhere },
	{ "a CPU knows what it is part of", test_a_cpu_knows_what_it_is_part_of },
	{ "a summary counts, and gives sizes that are all the same",
	  test_a_summary_counts_and_gives_sizes_that_are_all_the_same },
	{ "what hwloc cannot read is refused", test_what_hwloc_cannot_read_is_refused },
	{ "this machine has the CPUs that are online",
	  test_this_machine_has_the_cpus_that_are_online },
	CU_TEST_INFO_NULL,
};

int main(int argc, char **argv)
{
	folder = argc > 1 ? argv[1] : "tests/fixtures/topology";
	return test_main("topology", tests);
}

/*
 * test_cgroup.c - where a group lies, from the texts of machines of several kinds.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <unistd.h>

#include "base/cleanup.h"
#include "system/cgroup.h"
#include "tests/test.h"

/* A machine with systemd: version 2 alone. */
#define V2_MOUNTS                                                \
	"22 1 0:21 / /sys rw,nosuid shared:7 - sysfs sysfs rw\n" \
	"26 22 0:24 / /sys/fs/cgroup rw,nosuid,nodev shared:9 - cgroup2 cgroup2 rw,nsdelegate\n"
#define V2_GROUPS "0::/user.slice/user-1000.slice/session-2.scope\n"

/* An old one: version 1 alone, two controllers in one hierarchy. */
#define V1_MOUNTS                                                                              \
	"25 20 0:22 / /sys/fs/cgroup ro,nosuid shared:8 - tmpfs tmpfs ro,mode=755\n"           \
	"30 25 0:27 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:14 - cgroup cgroup "       \
	"rw,cpu,cpuacct\n"                                                                     \
	"31 25 0:28 / /sys/fs/cgroup/cpuset rw,relatime shared:15 - cgroup cgroup rw,cpuset\n" \
	"32 25 0:29 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,xattr,name=systemd\n"
#define V1_GROUPS                       \
	"4:cpuset:/\n"                  \
	"3:cpu,cpuacct:/system.slice\n" \
	"1:name=systemd:/init.scope\n"

/* Both: cpu is version 1's, the rest version 2's, which lies beside. */
#define HYBRID_MOUNTS                                                          \
	"32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu\n" \
	"41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n"
#define HYBRID_GROUPS "1:cpu:/lab/a\n0::/lab\n"

/* In a container: the file system shows a part of the hierarchy, the path all of it. */
#define CONTAINER_MOUNTS                                                                       \
	"700 690 0:27 /docker/4af1 /sys/fs/cgroup/cpu,cpuacct ro,nosuid master:14 - cgroup "   \
	"cgroup rw,cpu,cpuacct\n"                                                              \
	"701 690 0:28 /docker/4af1 /sys/fs/cgroup/cpuset ro,nosuid master:15 - cgroup cgroup " \
	"rw,cpuset\n"
#define CONTAINER_GROUPS "4:cpuset:/docker/4af1\n3:cpuacct,cpu:/docker/4af1/inner\n"

static const struct row {
	const char *name, *groups, *mounts, *controller;
	int version; /* 0: none */
	const char *mount, *folder;
} rows[] = {
	{ "version 2", V2_GROUPS, V2_MOUNTS, "cpu", 2, "/sys/fs/cgroup",
	  "/sys/fs/cgroup/user.slice/user-1000.slice/session-2.scope" },
	{ "version 2 at the top", "0::/\n", V2_MOUNTS, "cpuset", 2, "/sys/fs/cgroup",
	  "/sys/fs/cgroup" },
	{ "two controllers in one", V1_GROUPS, V1_MOUNTS, "cpu", 1, "/sys/fs/cgroup/cpu,cpuacct",
	  "/sys/fs/cgroup/cpu,cpuacct/system.slice" },
	{ "cpu is not cpuset", V1_GROUPS, V1_MOUNTS, "cpuset", 1, "/sys/fs/cgroup/cpuset",
	  "/sys/fs/cgroup/cpuset" },
	{ "no such controller", V1_GROUPS, V1_MOUNTS, "memory", 0, NULL, NULL },
	{ "both: version 1's", HYBRID_GROUPS, HYBRID_MOUNTS, "cpu", 1, "/sys/fs/cgroup/cpu",
	  "/sys/fs/cgroup/cpu/lab/a" },
	{ "both: version 2's", HYBRID_GROUPS, HYBRID_MOUNTS, "cpuset", 2, "/sys/fs/cgroup/unified",
	  "/sys/fs/cgroup/unified/lab" },
	{ "a container's top", CONTAINER_GROUPS, CONTAINER_MOUNTS, "cpuset", 1,
	  "/sys/fs/cgroup/cpuset", "/sys/fs/cgroup/cpuset" },
	{ "a group in a container", CONTAINER_GROUPS, CONTAINER_MOUNTS, "cpu", 1,
	  "/sys/fs/cgroup/cpu,cpuacct", "/sys/fs/cgroup/cpu,cpuacct/inner" },
	{ "moved out of what can be seen", "3:cpu:/docker/9999\n", CONTAINER_MOUNTS, "cpu", 0, NULL,
	  NULL },
	{ "a neighbour with a longer name", "3:cpu:/docker/4af12\n", CONTAINER_MOUNTS, "cpu", 0,
	  NULL, NULL },
	{ "above the namespace", "0::/../other\n", V2_MOUNTS, "cpu", 0, NULL, NULL },
	{ "a folder with a blank", "0::/\n",
	  "26 22 0:24 / /mnt/my\\040groups rw - cgroup2 cgroup2 rw\n", "cpu", 2, "/mnt/my groups",
	  "/mnt/my groups" },
	{ "not mounted", V2_GROUPS, "22 1 0:21 / /sys rw - sysfs sysfs rw\n", "cpu", 0, NULL,
	  NULL },
	{ "nothing", "", "", "cpu", 0, NULL, NULL },
	{ "no text of this kind", "cpu\n:\n::\n", "x\n - \n1 2 - cgroup2\n", "cpu", 0, NULL, NULL },
	{ 0 },
};

static void test_groups_are_found_on_every_kind_of_machine(void)
{
	for (const struct row *row = rows; row->name; row++) {
		AUTO(auto_fclose)
		FILE *groups = fmemopen((void *)row->groups, strlen(row->groups) + 1, "r");
		AUTO(auto_fclose)
		FILE *mounts = fmemopen((void *)row->mounts, strlen(row->mounts) + 1, "r");
		struct cgroup_place place = { 0 };
		bool found = cgroup_parse(groups, mounts, row->controller, &place);

		if (found != (row->version != 0) || place.version != row->version)
			printf("\n    %s", row->name);
		CHECK_INT(found, row->version != 0);
		CHECK_INT(place.version, row->version);
		CHECK_TEXT(place.mount, row->mount ? row->mount : "");
		CHECK_TEXT(place.folder, row->folder ? row->folder : "");
	}
}

static void test_a_path_that_does_not_fit_is_not_cut(void)
{
	char groups[CGROUP_PATH + 64] = "0::/";
	AUTO(auto_fclose) FILE *mounts = fmemopen((void *)V2_MOUNTS, strlen(V2_MOUNTS), "r");
	AUTO(auto_fclose) FILE *file = NULL;
	struct cgroup_place place;

	memset(groups + 4, 'a', CGROUP_PATH - 2);
	file = fmemopen(groups, strlen(groups), "r");
	CU_ASSERT(!cgroup_parse(file, mounts, "cpu", &place));
}

static void test_words_of_lists_are_whole_words(void)
{
	CU_ASSERT(cgroup_list_has("cpu,cpuacct", ',', "cpu"));
	CU_ASSERT(cgroup_list_has("cpuset,cpu", ',', "cpu"));
	CU_ASSERT(!cgroup_list_has("cpuset,cpuacct", ',', "cpu"));
	CU_ASSERT(!cgroup_list_has("", ',', "cpu"));
}

/* Where everybody mounts them: cgroups(7). */
static bool is_mounted(void)
{
	FILE *file = fopen("/sys/fs/cgroup/cgroup.controllers", "re");
	char line[256] = "";
	bool has_cpu = file && fgets(line, sizeof(line), file) && strstr(line, "cpu ");

	if (file)
		fclose(file);
	return has_cpu || !access("/sys/fs/cgroup/cpu/cgroup.procs", F_OK);
}

/* What is found must be there, and hold this very process. */
static void test_the_group_of_this_process_has_it_in_its_list(void)
{
	struct cgroup_place place;
	char path[CGROUP_PATH + 16], line[32];
	bool listed = false;
	FILE *file;

	if (!is_mounted()) {
		test_not_possible("no cpu groups are mounted");
		return;
	}
	CU_ASSERT_FATAL(cgroup_find(0, "cpu", &place));
	snprintf(path, sizeof(path), "%s/cgroup.procs", place.folder);
	file = fopen(path, "re");
	while (file && !listed && fgets(line, sizeof(line), file))
		listed = atoi(line) == getpid();
	if (file)
		fclose(file);
	CU_ASSERT(listed);
}

static CU_TestInfo tests[] = {
	{ "groups are found on every kind of machine",
	  test_groups_are_found_on_every_kind_of_machine },
	{ "a path that does not fit is not cut", test_a_path_that_does_not_fit_is_not_cut },
	{ "words of lists are whole words", test_words_of_lists_are_whole_words },
	{ "the group of this process has it in its list",
	  test_the_group_of_this_process_has_it_in_its_list },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return test_main("cgroup", tests);
}

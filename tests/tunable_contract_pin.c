/*
 * tunable_contract_pin.c - the contract's rows for affinity.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/tunable_contract.h"

static const struct row rows[] = {
	{ "cpus=A", 0, DONE, "cpus=A spread=all", "cpus=A spread=all", NULL, "A" },
	{ "cpus=B,A", 0, DONE, "cpus=B spread=all", "cpus=B spread=all", NULL, "B" },
	{ "cpus=B,A", 1, DONE, "cpus=A spread=all", "cpus=A spread=all", NULL, "A" },
	{ "cpus=B,A", 2, DONE, "cpus=B spread=all", "cpus=B spread=all", NULL, "B" },
	{ "cpus=B,A spread=all", 1, DONE, NULL, NULL, NULL, NULL },
	{ "cpus=A,1000", 0, DONE, "cpus=A spread=all", "cpus=A spread=all", NULL, "A" },
	{ "cpus=A,1000", 1, UNSUPPORTED, "cpus=1000 spread=all", "",
	  "cpu 1000 does not exist (online O)", NULL },
	{ "cpus=1000-1001 spread=all", 0, UNSUPPORTED, "cpus=1000-1001 spread=all", "",
	  "cpus 1000-1001 do not exist (online O)", NULL },
	{ "cpus=A,1000 spread=all", 0, CLAMPED, "cpus=A,1000 spread=all", "cpus=A spread=all",
	  "cpu 1000 does not exist (online O)", "A" },
	{ 0 },
};

static const char *const nonsense[] = { "cpus=x", "cpus=1-", "spread=some", NULL };
static int kernel_cpus(const struct target *t, char *buf, size_t size)
{
	char line[256];
	FILE *file = fopen("/proc/thread-self/status", "r");
	int found = 0;

	while (!found && fgets(line, sizeof(line), file))
		found = sscanf(line, "Cpus_allowed_list: %255s", buf);
	fclose(file);
	return (int)size * found;
}

const struct suite suite_pin = {
	.name = "pin",
	.rows = rows,
	.nonsense = nonsense,
	.change = "cpus=A",
	.kernel = kernel_cpus,
	.gone = { .tid = 0x3fffffff, .fd = -1 },
	.gone_code = -ESRCH,
};

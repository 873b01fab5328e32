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
	{ "at=pu:A", 0, DONE, "at=pu:A -> cpus=A", "cpus=A", NULL, "A" },
	{ "at=pu:B,pu:A", 0, DONE, "at=pu:B,pu:A -> cpus=B", "cpus=B", NULL, "B" },
	{ "at=pu:B,pu:A", 1, DONE, "at=pu:B,pu:A -> cpus=A", "cpus=A", NULL, "A" },
	{ "at=pu:B,pu:A spread=all", 1, DONE, NULL, NULL, NULL, NULL },
	{ "at=pu:1000", 0, UNSUPPORTED, "at=pu:1000", "",
	  "there is no pu:1000 on this machine, which has pu:O", NULL },
	{ "at=pu:A,package:999", 0, UNSUPPORTED, "at=pu:A,package:999", "",
	  "there is no package:999 on this machine, which has package:", NULL },
	{ "strategy=compact cpus=A", 0, DONE, "strategy=compact -> cpus=A", "cpus=A", NULL, "A" },
	{ "strategy=scatter at=pu:B", 3, DONE, "at=pu:B strategy=scatter -> cpus=B", "cpus=B", NULL,
	  "B" },
	{ "strategy=same-core avoid=A cpus=A", 0, DONE, "strategy=same-core avoid=A -> cpus=A",
	  "cpus=A", NULL, "A" },
	{ "strategy=away avoid=pu:A cpus=A", 0, UNSUPPORTED, NULL, "",
	  "pin.strategy=away, seen from cpus A, leaves none of the CPUs to choose from", NULL },
	{ "strategy=away", 0, UNSUPPORTED, "strategy=away", "",
	  "pin.strategy=away needs pin.avoid=CPUS", NULL },
	{ "cpus=A at=pu:A", 0, UNSUPPORTED, NULL, "", "pin.cpus and pin.at both say where", NULL },
	{ "avoid=A", 0, UNSUPPORTED, "avoid=A", "", "pin.avoid means nothing without", NULL },
	{ 0 },
};

static const char *const nonsense[] = { "cpus=x",	"cpus=1-",    "spread=some",
					"at=cpu",	"at=core:0,", "at=roof:1",
					"strategy=far", "avoid=x",    NULL };
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

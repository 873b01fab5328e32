/*
 * tunable_contract_numa.c - the contract's rows for memory nodes.
 *
 * On a machine with one node all that works is vacuous, and node 1 does not exist; the rows that
 * tell nodes apart are for a machine, or a guest, with two: test_numa.c has them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <linux/mempolicy.h>
#include <sys/syscall.h>

#include "tests/tunable_contract.h"

static const struct row rows[] = {
	{ "policy=local", 0, DONE, "policy=local", "policy=local", NULL, "4 " },
	{ "policy=bind nodes=0", 0, DONE, "policy=bind nodes=0", "policy=bind nodes=0", NULL,
	  "2 0" },
	{ "policy=preferred nodes=0", 0, DONE, "policy=preferred nodes=0",
	  "policy=preferred nodes=0", NULL, "1 0" },
	{ "policy=preferred-many nodes=0", 0, DONE | UNSUPPORTED, "policy=preferred-many nodes=0",
	  NULL, NULL, NULL },
	{ "policy=interleave nodes=0", 0, DONE, "policy=interleave nodes=0",
	  "policy=interleave nodes=0", NULL, "3 0" },
	{ "policy=weighted-interleave nodes=0", 0, DONE | UNSUPPORTED,
	  "policy=weighted-interleave nodes=0", NULL, NULL, NULL },
	{ "policy=bind nodes=0 balancing=yes", 0, DONE | UNSUPPORTED,
	  "policy=bind nodes=0 balancing=yes", NULL, NULL, NULL },
	{ "policy=bind nodes=0 migrate=yes", 0, DONE, "policy=bind nodes=0", "policy=bind nodes=0",
	  NULL, "2 0" },
	{ "policy=bind nodes=1023", 0, UNSUPPORTED, "policy=bind nodes=1023", "",
	  "node 1023 does not exist on this machine, or has no memory; there is (0", "0 " },
	{ "policy=interleave nodes=0,1022-1023", 0, UNSUPPORTED,
	  "policy=interleave nodes=0,1022-1023", "", "nodes 1022-1023 do not exist on this machine",
	  "0 " },
	{ "policy=bind nodes=0 home-node=1023", 0, UNSUPPORTED, NULL, "",
	  "node 1023 does not exist", "0 " },
	{ "policy=bind", 0, UNSUPPORTED, NULL, "", "numa.policy=bind needs numa.nodes", "0 " },
	{ "policy=local nodes=0", 0, UNSUPPORTED, NULL, "",
	  "numa.nodes means nothing to policy local", "0 " },
	{ "nodes=0", 0, UNSUPPORTED, NULL, "", "numa.nodes means nothing to policy default", "0 " },
	{ "policy=preferred nodes=0,1", 0, UNSUPPORTED, NULL, "",
	  "numa.policy=preferred takes one node; preferred-many takes several", "0 " },
	{ "policy=interleave nodes=0 home-node=0", 0, UNSUPPORTED, NULL, "",
	  "numa.home-node means nothing to policy interleave", "0 " },
	{ "policy=interleave nodes=0 balancing=yes", 0, UNSUPPORTED, NULL, "",
	  "numa.balancing means nothing to policy interleave", "0 " },
	{ "policy=local migrate=yes", 0, UNSUPPORTED, NULL, "",
	  "numa.migrate means nothing to policy local", "0 " },
	{ 0 },
};

static const char *const nonsense[] = {
	"policy=everywhere", "nodes=x",	       "nodes=1-", "nodes=1024",
	"home-node=-2",	     "home-node=1024", NULL
};

/* Mode, and the first 64 nodes as a list of numbers. */
static int kernel_policy(const struct target *t, char *buf, size_t size)
{
	unsigned long nodes[16] = { 0 };
	int mode = -1, len;
	bool several = false;

	(void)t;
	syscall(SYS_get_mempolicy, &mode, nodes, 1025UL, NULL, 0UL);
	len = snprintf(buf, size, "%d ", mode & ~MPOL_MODE_FLAGS);
	for (unsigned node = 0; node < 64; node++) {
		if (!(nodes[0] >> node & 1))
			continue;
		len += snprintf(buf + len, size - len, "%s%u", several ? "," : "", node);
		several = true;
	}
	return len;
}

const struct suite suite_numa = {
	.name = "numa",
	.rows = rows,
	.nonsense = nonsense,
	.change = "policy=bind nodes=0",
	.kernel = kernel_policy,
	.gone = { .tid = 0x3fffffff, .fd = -1 },
	.gone_code = -EOPNOTSUPP,
};

/*
 * test_behaviour.c - every operation over every transport, on the backend that the argument names.
 *
 *	test_behaviour BACKEND [mptcp]
 *
 * mptcp: what is TCP otherwise is Multipath TCP.
 *
 * behaviour.h says how, behaviour_*.c what.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/behaviour.h"

/* 0, a protocol, or -1: this machine has none, and *ret is the status to end with. */
static int choose_protocol(int argc, char **argv, int *ret)
{
	int fd;

	if (argc < 3)
		return 0;
	*ret = 1;
	if (strcmp(argv[2], "mptcp") != 0)
		return -1;
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_MPTCP);
	if (fd < 0)
		*ret = test_skip(
			"no MPTCP: the kernel was built without, or net.mptcp.enabled is 0");
	else
		close(fd);
	return fd < 0 ? -1 : IPPROTO_MPTCP;
}

int main(int argc, char **argv)
{
	CU_SuiteInfo suites[] = {
		{ .pName = "work", .pTests = behaviour_work_tests },
		{ .pName = "forwards", .pTests = behaviour_forward_tests },
		{ .pName = "failures", .pTests = behaviour_failure_tests },
		{ .pName = "refusals", .pTests = behaviour_refusal_tests },
		{ .pName = "nodes", .pTests = behaviour_node_tests },
		CU_SUITE_INFO_NULL,
	};
	const struct backend_ops *backend;
	int result, protocol;

	backend = choose_backend(argc, argv, &result);
	if (!backend)
		return result;
	protocol = choose_protocol(argc, argv, &result);
	if (protocol < 0)
		return result;
	if (stage_open(backend, protocol))
		return 1;
	result = test_main_suites(suites);
	return stage_close() || result;
}

/*
 * test_behaviour.c - every operation over every transport, on the backend that the argument names.
 *
 * behaviour.h says how, behaviour_*.c what.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/behaviour.h"

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
	int result;

	backend = choose_backend(argc, argv, &result);
	if (!backend)
		return result;
	if (stage_open(backend))
		return 1;
	result = test_main_suites(suites);
	return stage_close() || result;
}

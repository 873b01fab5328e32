/*
 * test_backend_contract.c - the rules of src/backends/backend.h, for any backend.
 *
 *	test_backend_contract BACKEND [KNOB=VALUE ...]
 *
 * The same suite runs against every backend and against every way to set it up that changes how it
 * works (tests/meson.build). The rules are tested in contract_*.c; how, says contract.h.
 * Exit status 77: this machine cannot run the backend, or not with these knobs.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>

#include "backends/sim.h"
#include "tests/contract.h"

struct subject subject;

static int choose(int argc, char **argv, void *opts, struct err *err)
{
	const struct knob_group *group = &subject.ops->group;

	knob_defaults(group, opts);
	for (int i = 2; i < argc; i++) {
		char *value = strchr(argv[i], '=');
		const struct knob *knob;

		if (!value)
			return err_set(err, -EINVAL, "'%s' is not KNOB=VALUE", argv[i]);
		*value++ = '\0';
		knob = knob_find(group, argv[i]);
		if (!knob)
			return err_set(err, -ENOENT, "%s has no knob '%s'", argv[1], argv[i]);
		if (knob_parse(knob, value, opts, err) < 0)
			return err->code;
	}
	return 0;
}

static int run(void)
{
	CU_SuiteInfo suites[] = {
		{ .pName = "streams", .pTests = stream_tests },
		{ .pName = "ends", .pTests = end_tests },
		{ .pName = "sockets", .pTests = socket_tests },
		{ .pName = "datagrams", .pTests = datagram_tests },
		{ .pName = "turns", .pTests = turn_tests },
		{ .pName = "cancelling", .pTests = cancel_tests },
		{ .pName = "crowds", .pTests = crowd_tests },
		CU_SUITE_INFO_NULL,
	};

	return test_main_suites(suites);
}

int main(int argc, char **argv)
{
	struct err err = { 0 };
	void *opts AUTO(auto_free) = NULL;
	bool sim = argc > 1 && !strcmp(argv[1], "sim");

	if (argc < 2) {
		fprintf(stderr, "usage: test_backend_contract BACKEND [KNOB=VALUE ...]\n");
		return 2;
	}
	subject.peer = sim ? &peer_sim : &peer_kernel;
	subject.ops = sim ? &backend_sim : backend_find(argv[1], &err);
	if (!subject.ops) {
		fprintf(stderr, "%s\n", err.text);
		return 2;
	}
	subject.opts = opts = calloc(1, subject.ops->group.opts_size + 1);
	if (choose(argc, argv, opts, &err) < 0) {
		fprintf(stderr, "%s\n", err.text);
		return 2;
	}
	if (subject.ops->probe(&err) < 0)
		return test_skip(err.text);
	return run();
}

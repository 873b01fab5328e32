/*
 * test_backend_contract.c - the rules of src/backends/backend.h, for any backend.
 *
 *	test_backend_contract BACKEND [files=MODE | beside=yes] [KNOB=VALUE ...]
 *
 * The same suite runs against every backend and against every way to set it up that changes how it
 * works (tests/meson.build). The rules are tested in contract_*.c; how, says contract.h.
 * With files=own, inline or thread only the suites about files run: for the others it is all one.
 * With beside=yes another backend of the same set-up is at work in a thread of its own meanwhile.
 * Exit status 77: this machine cannot run the backend, or not with these knobs.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <stdlib.h>

#include "backends/sim.h"
#include "tests/choose_backend.h"
#include "tests/contract.h"

struct subject subject;

static int choose(int first, int argc, char **argv, void *opts, struct err *err)
{
	const struct knob_group *group = &subject.ops->group;

	knob_defaults(group, opts);
	for (int i = first; i < argc; i++) {
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

static const char *const files_names[] = { "own", "inline", "thread" };

static int choose_files(const char *name, struct err *err)
{
	for (int i = 0; i < 3; i++)
		if (!strcmp(name, files_names[i])) {
			subject.files = i;
			return 0;
		}
	return err_set(err, -EINVAL, "files= is own, inline or thread, not '%s'", name);
}

static int run(bool only_files)
{
	CU_SuiteInfo suites[] = {
		{ .pName = "files", .pTests = file_tests },
		{ .pName = "files sent", .pTests = send_file_tests },
		{ .pName = "streams", .pTests = stream_tests },
		{ .pName = "ends", .pTests = end_tests },
		{ .pName = "half closed", .pTests = half_tests },
		{ .pName = "sockets", .pTests = socket_tests },
		{ .pName = "datagrams", .pTests = datagram_tests },
		{ .pName = "turns", .pTests = turn_tests },
		{ .pName = "cancelling", .pTests = cancel_tests },
		{ .pName = "crowds", .pTests = crowd_tests },
		CU_SUITE_INFO_NULL,
	};

	if (only_files)
		suites[2] = (CU_SuiteInfo)CU_SUITE_INFO_NULL;
	return test_main_suites(suites);
}

#define NEWEST 13 /* Linux 6.13 has all that the variants ask for */

/* What only newer kernels have is refused so; everything else is for the rules to find. */
static int try_open(struct err *err)
{
	struct backend *b = NULL;
	int code = subject.ops->open(&b, subject.opts, err);

	subject.ops->close(b);
	return code;
}

int main(int argc, char **argv)
{
	struct err err = { 0 };
	void *opts AUTO(auto_free) = NULL;
	bool sim = argc > 1 && !strcmp(argv[1], "sim");
	bool only_files = argc > 2 && !strncmp(argv[2], "files=", 6);
	bool beside = argc > 2 && !strcmp(argv[2], "beside=yes"), lacks = false;
	int status;

	if (argc < 2) {
		fprintf(stderr, "usage: test_backend_contract BACKEND [files=MODE | beside=yes] "
				"[KNOB=VALUE ...]\n");
		return 2;
	}
	subject.peer = sim ? &peer_sim : &peer_kernel;
	subject.ops = sim ? &backend_sim : backend_find(argv[1], &err);
	if (!subject.ops) {
		fprintf(stderr, "%s\n", err.text);
		return 2;
	}
	subject.opts = opts = calloc(1, subject.ops->group.opts_size + 1);
	if ((only_files && choose_files(argv[2] + 6, &err) < 0) ||
	    choose(2 + (only_files || beside), argc, argv, opts, &err) < 0) {
		fprintf(stderr, "%s\n", err.text);
		return 2;
	}
	if (subject.ops->probe(&err) < 0)
		return choose_refused(subject.ops, err.text);
	for (int i = 2; i < argc && !lacks; i++)
		lacks = possible_lack(argv[i], NEWEST);
	if (try_open(&err) == -EOPNOTSUPP && lacks)
		return test_skip(err.text);
	if (beside)
		beside_start();
	status = run(only_files);
	return beside && !beside_stop() ? 1 : status;
}

/*
 * runq_none.c - runq.h where libbpf, clang or bpftool were missing when this was built.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>

#include "observe/runq.h"

int runq_start(pid_t pid, struct runq **ret, struct err *err)
{
	return err_set(err, -ENOSYS,
		       "built without eBPF: needs libbpf, clang and bpftool (./dev build --bpf)");
}

void runq_read(const struct runq *r, struct hist *ret)
{
}

void runq_stop(struct runq *r)
{
}

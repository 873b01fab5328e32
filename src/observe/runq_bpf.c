/*
 * runq_bpf.c - loads the program of runq.bpf.c and reads its buckets; see runq.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "observe/runq.bpf.h"
#include "observe/runq.h"

/* The program's bytes are one long string, and ISO C guarantees no more than 4095. */
#pragma GCC diagnostic ignored "-Woverlength-strings"
#include "runq.skel.h"

#define BTF "/sys/kernel/btf/vmlinux"

struct runq {
	struct runq_bpf *program;
	int cpus;
	uint64_t *count; /* one a CPU: room for runq_read() */
};

/* libbpf would write to standard error; what it says comes back as a code, too. */
static int say_nothing(enum libbpf_print_level level, const char *fmt, va_list args)
{
	return 0;
}

static int refuse(int code, const char *what, struct err *err)
{
	if (access(BTF, R_OK) < 0)
		return err_set(err, code, "this kernel has no %s (CONFIG_DEBUG_INFO_BTF)", BTF);
	if (code == -EPERM || code == -EACCES)
		return err_set(err, code,
			       "the kernel lets nobody without CAP_BPF and CAP_PERFMON %s its "
			       "BPF program; try as root",
			       what);
	return err_sys(err, code, "cannot %s the BPF program of the run queue", what);
}

static int load(struct runq *r, pid_t pid, struct err *err)
{
	int rc;

	r->program = runq_bpf__open();
	if (!r->program)
		return refuse(-errno, "open", err);
	r->program->rodata->observed_process = pid;
	rc = runq_bpf__load(r->program);
	if (rc < 0)
		return refuse(rc, "load", err);
	rc = runq_bpf__attach(r->program);
	return rc < 0 ? refuse(rc, "attach", err) : 0;
}

int runq_start(pid_t pid, struct runq **ret, struct err *err)
{
	struct runq *r = calloc(1, sizeof(*r));
	int rc = -ENOMEM;

	libbpf_set_print(say_nothing);
	if (r) {
		r->cpus = libbpf_num_possible_cpus();
		r->count = calloc((size_t)(r->cpus > 0 ? r->cpus : 1), sizeof(*r->count));
	}
	if (r && r->cpus > 0 && r->count)
		rc = load(r, pid, err);
	else
		err_sys(err, rc, "the run queue's latencies");
	if (rc < 0)
		runq_stop(r);
	else
		*ret = r;
	return rc;
}

void runq_read(const struct runq *r, struct hist *ret)
{
	int fd = bpf_map__fd(r->program->maps.waits);

	for (uint32_t bucket = 0; bucket < RUNQ_BUCKETS; bucket++) {
		uint64_t from = runq_bucket_from(bucket), to = runq_bucket_from(bucket + 1);
		uint64_t count = 0;

		if (bpf_map_lookup_elem(fd, &bucket, r->count) < 0)
			continue;
		for (int cpu = 0; cpu < r->cpus; cpu++)
			count += r->count[cpu];
		if (count)
			hist_record_n(ret, (int64_t)(from + (to - from) / 2), count);
	}
}

void runq_stop(struct runq *r)
{
	if (!r)
		return;
	runq_bpf__destroy(r->program);
	free(r->count);
	free(r);
}

/*
 * runq.bpf.c - the kernel's side of runq.h: from becoming ready to run to running, in buckets.
 *
 * A thread of the observed process waits from its wake-up, or from being put back while it could
 * go on (preempted), until the scheduler switches to it. Only struct members that are named here
 * are known; where they lie is found when the program is loaded (CO-RE), so it does not depend on
 * the kernel it was built on.
 *
 * The helpers that read the clock and the kernel's memory are open only to programs under a licence
 * compatible with the GPL, which Apache-2.0 is not, to version 2; hence the choice below.
 *
 * SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
 */
#include <linux/bpf.h>
#include <stdbool.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "observe/runq.bpf.h"

#define THREADS	     16384
#define TASK_RUNNING 0

struct task_struct {
	int pid, tgid; /* in the kernel's words: the thread, the process */
	unsigned int __state;
} __attribute__((preserve_access_index));

/* Its name before Linux 5.14. */
struct task_struct___before_5_14 {
	long state;
} __attribute__((preserve_access_index));

const volatile int observed_process = 0;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, THREADS);
	__type(key, int);
	__type(value, __u64);
} ready_since SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, RUNQ_BUCKETS);
	__type(key, __u32);
	__type(value, __u64);
} waits SEC(".maps");

__u64 lost; /* threads that found no room in ready_since */

static __always_inline int note_ready(struct task_struct *task)
{
	__u64 now;
	int tid;

	if (task->tgid != observed_process)
		return 0;
	tid = task->pid;
	now = bpf_ktime_get_ns();
	if (bpf_map_update_elem(&ready_since, &tid, &now, BPF_ANY))
		__sync_fetch_and_add(&lost, 1);
	return 0;
}

static __always_inline bool is_runnable(struct task_struct *task)
{
	struct task_struct___before_5_14 *old = (void *)task;

	if (bpf_core_field_exists(task->__state))
		return task->__state == TASK_RUNNING;
	return BPF_CORE_READ(old, state) == TASK_RUNNING;
}

static __always_inline void note_running(struct task_struct *task)
{
	__u64 *since, *count;
	__u32 bucket;
	int tid;

	if (task->tgid != observed_process)
		return;
	tid = task->pid;
	since = bpf_map_lookup_elem(&ready_since, &tid);
	if (!since)
		return;
	bucket = runq_bucket(bpf_ktime_get_ns() - *since);
	bpf_map_delete_elem(&ready_since, &tid);
	count = bpf_map_lookup_elem(&waits, &bucket);
	if (count)
		++*count;
}

SEC("tp_btf/sched_wakeup")
int BPF_PROG(on_wakeup, struct task_struct *task)
{
	return note_ready(task);
}

SEC("tp_btf/sched_wakeup_new")
int BPF_PROG(on_wakeup_new, struct task_struct *task)
{
	return note_ready(task);
}

SEC("tp_btf/sched_switch")
int BPF_PROG(on_switch, bool preempt, struct task_struct *from, struct task_struct *to)
{
	if (preempt || is_runnable(from))
		note_ready(from);
	note_running(to);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";

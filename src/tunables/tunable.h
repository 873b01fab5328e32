/*
 * tunable.h - the contract for what the kernel can be told: probe, apply, read back, restore.
 *
 * A tunable is a group of knobs that the kernel takes in one step (policy, runtime, deadline and
 * period are one sched_setattr). apply() and read_back() are inverse functions on the same
 * options struct; so checking that the kernel took a value is a comparison, and restoring is
 * apply() of what read_back() said before. There is no silent no-op: the verdict says what became
 * of a request, and a refusal names the cause.
 *
 * Order of application to a thread (the order of tunables[]): affinity, then scheduling policy
 * last, because a SCHED_DEADLINE thread can neither move nor make threads.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_TUNABLES_TUNABLE_H
#define RW_TUNABLES_TUNABLE_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/knob.h"

enum verdict {
	VERDICT_OK,	     /* the kernel has what was asked for */
	VERDICT_CLAMPED,     /* it has something nearby */
	VERDICT_IGNORED,     /* it said yes and did nothing */
	VERDICT_UNSUPPORTED, /* this kernel or machine cannot */
	VERDICT_DENIED,	     /* not allowed here */
	VERDICT_VACUOUS,     /* done, and makes no difference on this machine */
};
extern const char *const verdict_names[];

/* What to apply to. Which fields count depends on the tunable's scope. */
struct target {
	pid_t tid;	/* a thread of this process or of another; 0: the caller */
	int fd;		/* a socket; -1: none */
	unsigned index; /* of the worker, for knobs that hand out one value per thread */
};

enum scope { SCOPE_THREAD, SCOPE_SOCKET };

#define TUNABLE_OPTS_MAX 512

/*
 * One applied tunable: requested beside effective, both as "key=value key=value" without what was
 * left at its default.
 */
struct tunable_report {
	const struct tunable *tunable;
	enum verdict verdict;
	char requested[160], effective[160];
	char why[256]; /* when not ok; when ok empty or a remark */
};

struct tunable {
	/* "sched": --sched.policy; keys node.sched.policy, client.sched.policy */
	struct knob_group group;
	enum scope scope;

	/* 0, or -errno and why it cannot work here. NULL: it always can. */
	int (*probe)(struct err *why);
	/* True when opts asks for nothing (all defaults): then nothing is touched. */
	bool (*is_default)(const void *opts);
	/* 0, or -EINVAL when the knobs contradict each other on any machine. Optional. */
	int (*check)(const void *opts, struct err *err);
	/*
	 * Fills in what opts leaves open for this target (the CPU of worker t->index, the default
	 * priority), so that apply() and read_back() are inverse. Optional.
	 */
	int (*resolve)(const struct target *t, void *opts, struct err *err);
	/* 0, or -errno with the cause in words. Leaves nothing changed on failure. */
	int (*apply)(const struct target *t, const void *opts, struct err *err);
	/* What the kernel has now, as options. */
	int (*read_back)(const struct target *t, void *opts, struct err *err);
	/*
	 * Sees what was asked for (resolved) and what the kernel has, with the verdict of the
	 * comparison in *report, and may put a better verdict and sentence there. Optional.
	 */
	void (*explain)(const struct target *t, const void *requested, const void *effective,
			struct tunable_report *report);
};

/*
 * check, probe, resolve, apply, read back, compare, explain. Returns 0 when the verdict is ok or
 * vacuous; else -errno, and err says why. *ret is always filled. Knobs left at their default ask
 * for nothing and are not compared. After clamped or ignored the thread keeps what the kernel made
 * of it.
 */
int tunable_apply(const struct tunable *tn, const struct target *t, const void *opts,
		  struct tunable_report *ret, struct err *err);

/* registry.c - in the order of application; ends with NULL. */
extern const struct tunable *const tunables[];
const struct tunable *tunable_find(const char *name);

#endif

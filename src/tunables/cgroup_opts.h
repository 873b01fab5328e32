/*
 * cgroup_opts.h - the tunable "cgroup": the options, and what differs between versions 1 and 2.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_TUNABLES_CGROUP_OPTS_H
#define RW_TUNABLES_CGROUP_OPTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "system/cgroup.h"
#include "system/journal.h"

struct cgroup_opts {
	char parent[128];   /* "/lab"; empty: the group this process is in */
	int64_t cpu_weight; /* 1 to 10000; 0: not asked for, as below */
	int64_t cpu_shares; /* version 1's own number */
	int64_t quota_ns, period_ns, burst_ns;
	bool is_idle;
	int64_t rt_runtime_ns;
	char cpus[128], mems[64];
	int partition; /* enum cgroup_partition */
};

enum cgroup_partition { PARTITION_NO, PARTITION_ROOT };

/* A group of this process: made, or to be made. */
struct cgroup_own {
	const struct cgroup_version *version;
	char mount[CGROUP_PATH];  /* the topmost group */
	char base[CGROUP_PATH];	  /* the group above it */
	char folder[CGROUP_PATH]; /* itself */
	char home[CGROUP_PATH]; /* where the process goes when it leaves: not inside, where it is */
	bool is_inside;		/* this process is in it */
};

/* What one version has and how. Each function gives 0, or -errno and a sentence. */
struct cgroup_version {
	int number;
	const char *effective_cpus, *effective_mems; /* names of files */
	const char *throttled;			     /* line of cpu.stat */
	int64_t throttled_unit_ns;
	/* Before the folder is made: the group above must hand the controller on. */
	int (*admit)(const struct cgroup_own *g, const char *controller, struct journal *j,
		     struct err *err);
	/* What is not asked for is left as it is. */
	int (*write_cpu)(const struct cgroup_own *g, const struct cgroup_opts *o, struct err *err);
	void (*read_cpu)(const struct cgroup_own *g, struct cgroup_opts *o);
	/* The CPUs become a root domain of their own: what SCHED_DEADLINE is admitted to. */
	int (*part)(const struct cgroup_own *g, const struct cgroup_opts *o, struct journal *j,
		    struct err *err);
	bool (*is_part)(const struct cgroup_own *g);
	/* Takes back what part() did outside of the group's own folder. NULL: nothing. */
	void (*unpart)(const struct cgroup_own *g, struct journal *j);
};
extern const struct cgroup_version cgroup_v1, cgroup_v2;

/* Where the own group of this controller is, or would be. False: there is none on this machine. */
bool cgroup_own_find(const char *controller, const char *parent, struct cgroup_own *ret);
int cgroup_own_make(const struct cgroup_own *g, const char *controller, struct journal *j,
		    struct err *err);
int cgroup_own_enter(const struct cgroup_own *g, struct err *err);
/* Home, and the group is removed; what is gone already is fine. */
void cgroup_own_leave(const struct cgroup_own *g, const char *controller, struct journal *j);

/* Of one file of a group. put: 0 or -errno; get: false when there is none. */
int cgroup_put(const char *folder, const char *file, const char *text);
bool cgroup_get(const char *folder, const char *file, char *buf, size_t size);
int64_t cgroup_get_number(const char *folder, const char *file, int64_t missing);

/* What a knob asks for, into its file of the own group: 0, or a code and the sentence. */
int cgroup_set(const struct cgroup_own *g, const char *knob, const char *file, const char *text,
	       struct err *err);
int cgroup_set_number(const struct cgroup_own *g, const char *knob, const char *file,
		      int64_t number, struct err *err);

/* The sentence for a knob whose file refused, or is not there. Returns a code. */
int cgroup_refuse(const struct cgroup_own *g, const char *knob, const char *file, int code,
		  struct err *err);

#endif

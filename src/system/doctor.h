/*
 * doctor.h - is this machine fit to measure on: what is seen, why it matters, what to do about it.
 *
 * Each check looks at one thing and ends in one finding. What cannot be known is a finding, too,
 * with the reason; nothing is guessed. All files are read below a root (system/machine.h), so that
 * machines that are not here can be looked at. What takes time, how often the CPU is taken away and
 * who else runs, is measured once, in one window that the checks share.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_SYSTEM_DOCTOR_H
#define RW_SYSTEM_DOCTOR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cpus.h"
#include "base/err.h"

enum severity {
	SEVERITY_OK,
	SEVERITY_NOTE, /* worth knowing when results are read */
	SEVERITY_WARN, /* adds noise that a good experiment can live with */
	SEVERITY_BAD,  /* results would be about this, and not about what was to be measured */
	SEVERITIES
};
extern const char *const severity_names[];

enum { DOCTOR_FINDINGS = 48 };

struct finding {
	const char *id;
	enum severity severity;
	bool is_unknown; /* seen then begins "unknown: "; severity is a note */
	char seen[256];
	const char *why;    /* it matters, in one clause */
	const char *remedy; /* a command, or words where no command helps */
};

struct doctor_request {
	const char *root;  /* "": this machine */
	const char *later; /* the root after the window; NULL: the same one (tests) */
	int64_t window_ns; /* how long to watch; 0: not at all */
	cpu_set_t planned; /* CPUs that a run is to be pinned to; empty: not known */
};

struct doctor_report {
	unsigned count;
	struct finding findings[DOCTOR_FINDINGS];
};

/* Takes window_ns and some 100 ms. -ENOMEM is all that can go wrong. */
int doctor_examine(const struct doctor_request *r, struct doctor_report *ret, struct err *err);

/* The worst of all findings. */
enum severity doctor_worst(const struct doctor_report *report);

#endif

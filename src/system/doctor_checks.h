/*
 * doctor_checks.h - what the doctor's checks are made of; for doctor*.c and their tests alone.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_SYSTEM_DOCTOR_CHECKS_H
#define RW_SYSTEM_DOCTOR_CHECKS_H

#include "system/doctor.h"
#include "system/doctor_window.h"

struct doctor {
	const char *root;
	const cpu_set_t *planned;
	const struct doctor_window *window; /* NULL: nothing was watched */
};

struct doctor_check {
	const char *id, *why, *remedy;
	/* Says what is there with finding_say() or finding_unknown(), exactly once. */
	void (*look)(const struct doctor *d, struct finding *f);
};

/* Each ends with a check without an id. */
extern const struct doctor_check doctor_cpu_checks[], doctor_kernel_checks[],
	doctor_memory_checks[], doctor_place_checks[], doctor_load_checks[];

void finding_say(struct finding *f, enum severity severity, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* A file is not there: not built, if the kernel's other files beside it are; else unknown. */
void finding_absent(const struct doctor *d, struct finding *f, const char *folder);
void finding_unknown(struct finding *f, const char *fmt, ...) PRINTF_LIKE(2, 3);

#endif

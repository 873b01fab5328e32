/*
 * lab_sweep.h - a small sweep with the fake program, for the tests of sweep and resume.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_TESTS_LAB_SWEEP_H
#define RW_TESTS_LAB_SWEEP_H

#include "lab/sweep.h"
#include "tests/lab_fake.h"

extern const char *lab_sweep_program;	     /* path of fake_ringwalk */
extern volatile sig_atomic_t lab_sweep_stop; /* given to every sweep */
extern const char lab_sweep_text[];	     /* 4 configurations, 2 blocks: 10 runs */

struct plan *lab_sweep_plan(const char *text);
int lab_sweep_run(const struct plan *plan, const char *folder, bool resume, bool force,
		  struct sweep_result *ret, struct err *err);
struct dataset *lab_sweep_load(const char *folder);
bool lab_sweep_has(const char *folder, const char *name);

/* Checks that every run of the plan is there once, numbered from 1 without a gap. */
void lab_sweep_check_complete(const char *folder, const struct plan *plan);

#endif

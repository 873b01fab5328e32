/*
 * lab_fake.h - small tables of settings for tests of the lab, and folders to write in.
 *
 * The roles have the settings that the lab itself looks at, and one more, `behave`, which tells
 * tests/fake_ringwalk.c what to do. The backends open everywhere, but for "broken", which says why
 * not. The tunables are the real ones.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_TESTS_LAB_FAKE_H
#define RW_TESTS_LAB_FAKE_H

#include "lab/plan.h"

extern const struct parts fake_parts;
extern const char *const fake_behaviours[];

/* An experiment or plan from text; prints what is wrong and gives NULL when it is refused. */
struct experiment *fake_experiment(const char *text);
struct plan *fake_plan(const char *text);

/* A new empty folder below /tmp; the caller frees. */
char *fake_folder(void);
/* The folder and all in it, then the text. NULL is fine. */
void fake_folder_remove(char *folder);

#endif

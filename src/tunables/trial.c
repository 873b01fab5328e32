/*
 * trial.c - a setting tried in a thread of its own, for those who list what works here.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdalign.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "tunables/tunable.h"

struct trial {
	const struct tunable *tunable;
	alignas(max_align_t) char opts[TUNABLE_OPTS_MAX];
	struct verdict_report *report;
};

/* "policy=fifo priority=10" on top of the defaults. */
static int read_settings(struct trial *t, const char *settings, struct err *err)
{
	char text[256], *rest = text, *word;
	int rc = 0;

	knob_defaults(&t->tunable->group, t->opts);
	snprintf(text, sizeof(text), "%s", settings);
	while (!rc && (word = strsep(&rest, " "))) {
		const struct knob *k = knob_find(&t->tunable->group, strsep(&word, "="));

		rc = k && word ? knob_parse(k, word, t->opts, err) : -EINVAL;
	}
	return rc;
}

static void *carry_out(void *arg)
{
	const struct target self = { .fd = -1 };
	struct trial *t = arg;

	tunable_apply(t->tunable, &self, t->opts, t->report, NULL);
	return NULL;
}

int tunable_try(const struct tunable *tn, const char *settings, struct verdict_report *ret,
		struct err *err)
{
	struct trial t = { .tunable = tn, .report = ret };
	pthread_t thread;
	int rc = read_settings(&t, settings, err);

	assert(tn->scope == SCOPE_THREAD);
	if (!rc)
		rc = -pthread_create(&thread, NULL, carry_out, &t);
	if (!rc)
		pthread_join(thread, NULL);
	return rc;
}

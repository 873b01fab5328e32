/*
 * speaker.h - sentences for a person, at most ten a second, and how many were left out.
 *
 * A peer that sends nonsense must not be able to fill a disk. All threads of a role share one
 * speaker; it is never used on the data path.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_ENGINE_SPEAKER_H
#define RW_ENGINE_SPEAKER_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "engine/hooks.h"

#define SPEAKER_SENTENCES 10 /* a second */

struct speaker {
	const struct hooks *hooks;
	pthread_mutex_t lock;
	int64_t second_ns; /* beginning of the second that is counted */
	unsigned said;
	uint64_t left_out;
};

void speaker_init(struct speaker *s, const struct hooks *hooks);

/* False: left out, to be counted by a later speaker_rest(). */
bool speaker_say(struct speaker *s, int64_t now_ns, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* Says how many sentences were left out, if any. */
void speaker_rest(struct speaker *s);

#endif

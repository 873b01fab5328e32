/*
 * program_write.c - the bytes of one request: see program_text.h. The data path: no text here.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "client/program_text.h"

/* Behind the operation number of the arrivals' key, so that no two streams are the same. */
#define KEY_OPERATION_FIRST 1
#define KEY_PARAMETER_SKIP  1

#define ID_OFFSET	8
#define BODY_LEN_OFFSET 16

void program_keys(const struct program *p, uint64_t seed, unsigned thread, struct program_keys *ret)
{
	for (unsigned i = 0; i < p->count; i++)
		ret->skip[i] =
			random_key(seed, thread, KEY_OPERATION_FIRST + i, KEY_PARAMETER_SKIP);
}

static bool skips(const struct program_step *step, const struct random_key *key, uint64_t number)
{
	if (number % step->every)
		return false;
	return step->probability >= 1 || random_unit(key, number) < step->probability;
}

/* The body is made anew, without what is skipped; what it is shorter by becomes padding. */
static unsigned write_body(const struct program *p, const struct program_keys *keys,
			   uint64_t number, uint8_t *at)
{
	uint32_t len = 0, room = p->prefix_len - WIRE_HEAD;
	unsigned skipped = 0;
	uint64_t to_skip = 0;

	for (unsigned i = 0; i < p->count; i++) {
		const struct program_step *step = &p->steps[i];
		struct wire_operation op = { .code = step->code,
					     .flags = step->flags,
					     .value = step->value };

		if (step->code == PROGRAM_STEP_SKIP) {
			if (!to_skip && skips(step, &keys->skip[i], number))
				to_skip = step->value;
		} else if (to_skip) {
			to_skip--;
			skipped++;
		} else {
			len += wire_put_operation(at + WIRE_HEAD + len, &op);
		}
	}
	memset(at + WIRE_HEAD + len, 0, room - len);
	wire_put32(at + BODY_LEN_OFFSET, len);
	return skipped;
}

unsigned program_write(const struct program *p, const struct program_keys *keys, uint64_t number,
		       uint64_t id, uint8_t *at)
{
	unsigned skipped = 0;

	if (p->has_skips) {
		memcpy(at, p->bytes, WIRE_HEAD);
		skipped = write_body(p, keys, number, at);
	} else {
		memcpy(at, p->bytes, p->prefix_len);
	}
	wire_put64(at + ID_OFFSET, id);
	return skipped;
}

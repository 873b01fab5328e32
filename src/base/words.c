/*
 * words.c - the nearest word, for "did you mean"; a word as a number.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <limits.h>
#include <string.h>

#include "base/knob.h"

enum { WORD_MAX = 63 };

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/*
 * Optimal string alignment: one step inserts, removes or replaces a letter, or exchanges two that
 * stand side by side, which is how fingers err most. Three rows of the table are enough.
 */
unsigned word_distance(const char *a, const char *b)
{
	size_t a_len = strlen(a), b_len = strlen(b);
	unsigned rows[3][WORD_MAX + 1];

	if (a_len > WORD_MAX || b_len > WORD_MAX)
		return UINT_MAX;
	for (size_t j = 0; j <= b_len; j++)
		rows[0][j] = (unsigned)j;
	for (size_t i = 1; i <= a_len; i++) {
		unsigned *row = rows[i % 3], *above = rows[(i + 2) % 3];
		const unsigned *two_above = rows[(i + 1) % 3];

		row[0] = (unsigned)i;
		for (size_t j = 1; j <= b_len; j++) {
			row[j] = least(least(above[j], row[j - 1]) + 1,
				       above[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				row[j] = least(row[j], two_above[j - 2] + 1);
		}
	}
	return rows[a_len % 3][b_len];
}

unsigned word_distance_limit(const char *word)
{
	return (unsigned)strlen(word) / 3;
}

const char *nearest_word(const char *word, const char *const *list)
{
	unsigned best = word_distance_limit(word) + 1, distance;
	const char *near = NULL;

	for (; *list; list++) {
		distance = word_distance(word, *list);
		if (distance < best) {
			best = distance;
			near = *list;
		}
	}
	return near;
}

/* FNV-1a (Fowler, Noll and Vo). */
uint64_t word_hash(const char *text)
{
	uint64_t hash = 0xcbf29ce484222325;

	for (; *text; text++)
		hash = (hash ^ (uint8_t)*text) * 0x100000001b3;
	return hash;
}

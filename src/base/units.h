/*
 * units.h - numbers with units: text to base units and back.
 *
 * Time: ns us (µs) ms s, base ns. Size: B kB MB GB (powers of 1000), KiB MiB GiB (powers of
 * 1024), base bytes. Counts: k M G (powers of 1000). Share: %, base 1. Fractions are allowed
 * ("1.5ms") when the result is a whole number of base units.
 * Refused with a sentence that says what would be right: no unit where one belongs, an unknown
 * unit (with the nearest), overflow, a sign where none makes sense, trailing characters.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_BASE_UNITS_H
#define RW_BASE_UNITS_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* That some editors write at the beginning of a text: it is none of it. */
#define UTF8_MARK "\xef\xbb\xbf"

enum unit { UNIT_TIME, UNIT_SIZE, UNIT_COUNT };

/*
 * bare: the unit assumed for a number without one ("us"), or NULL: refuse (counts need none).
 * k, M and G in either case multiply counts and, as in DistWalk, bare numbers: with bare "us",
 * "10k" is 10 ms. With a bare unit sizes may also end in "b", as there: "10kb" is 10 kB. Counts may
 * be negative. All refusals are -EINVAL.
 */
int units_parse(enum unit unit, const char *text, const char *bare, int64_t *ret, struct err *err);
/* The same without the wish for whole base units, and "1.5e3us" is understood: at most 9e18. */
int units_parse_real(enum unit unit, const char *text, const char *bare, double *ret,
		     struct err *err);

/* Non-negative fractional numbers: "20k", "0.5", "20k/s" for rates; "5%" and "0.05" for shares. */
int units_parse_rate(const char *text, double *ret_per_s, struct err *err);
int units_parse_share(const char *text, double *ret, struct err *err);

/* Exact and shortest: parses back to the same value ("1500us" prints as "1.5ms"). Return buf. */
const char *units_format(enum unit unit, int64_t value, char *buf, size_t size);
const char *units_format_real(enum unit unit, double value, char *buf, size_t size);
const char *units_format_rate(double per_s, char *buf, size_t size);
const char *units_format_share(double share, char *buf, size_t size);

/* For people: three significant digits, "1.23 ms", "45.6 us", "12.3 k". Not to be parsed. */
const char *units_human_time(double ns, char *buf, size_t size);
const char *units_human_count(double value, char *buf, size_t size);

#endif

/*
 * units.c - numbers with units: text to base units and back.
 *
 * Whole quantities (times, sizes, counts) are computed in integers, so "0.1us" is exactly 100 ns
 * and "1.5ns" is refused instead of rounded. Rates and shares are doubles: the decimal point is
 * moved in the text ("1.1k" is read as "1.1e3"), so that reading rounds once, and a value is
 * written with the fewest digits that read back as the same double.
 *
 * All refusals are -EINVAL; they are written at the end of each path, in one sentence that starts
 * with the refused text and ends with one that would do.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/units.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct scale {
	const char *name;
	uint64_t factor;
	bool input_only; /* another spelling, never written */
};

struct family {
	const char *noun;  /* "a time" */
	const char *known; /* the units, for refusals */
	const char *usual; /* suggested when nothing else is near */
	const char *other; /* suggested beside it */
	bool bare;	   /* a number needs no unit */
	bool sign;	   /* may be negative */
	struct scale scales[10];
};

/* By enum unit. Scales ascend, so that the first of two equally short texts is the plainer one. */
static const struct family families[] = {
	[UNIT_TIME] = { "a time",
			"ns, us, ms, s",
			"ms",
			"s",
			false,
			false,
			{ { "ns", 1, false },
			  { "us", 1000, false },
			  { "ms", 1000000, false },
			  { "s", 1000000000, false },
			  { "\u00b5s", 1000, true },	 /* micro sign */
			  { "\u03bcs", 1000, true } } }, /* Greek mu */
	[UNIT_SIZE] = { "a size",
			"B, kB, MB, GB, KiB, MiB, GiB",
			"KiB",
			"B",
			false,
			false,
			{ { "B", 1, false },
			  { "kB", 1000, false },
			  { "KiB", 1 << 10, false },
			  { "MB", 1000000, false },
			  { "MiB", 1 << 20, false },
			  { "GB", 1000000000, false },
			  { "GiB", 1 << 30, false } } },
	[UNIT_COUNT] = { "a whole number",
			 "k, M, G",
			 "",
			 "k",
			 true,
			 true,
			 { { "", 1, false },
			   { "k", 1000, false },
			   { "M", 1000000, false },
			   { "G", 1000000000, false } } },
};

/* Above this a rate has less than 1 ps between two events, which is a slip of the keyboard. */
#define RATE_MAX_PER_S 1e12

/* Whole numbers up to here are written as such. */
#define REAL_MAX 9e18

/* 10^9 times the largest factor, 2^30, fits in 64 bits. */
#define FRACTION_DIGITS 9
#define FRACTION_ONE	1000000000ULL

/* Longest rate or share: enough for every double above 1e-30. */
#define NUMBER_CHARS 48

/* Length of "12", "1.5" or ".5" at the start of text, 0 if there is none. */
static size_t number_span(const char *text)
{
	static const char digits[] = "0123456789";
	size_t whole = strspn(text, digits);
	size_t fraction = text[whole] == '.' ? strspn(text + whole + 1, digits) : 0;

	return fraction ? whole + 1 + fraction : whole;
}

/* A decimal number taken apart: whole + fraction / 10^FRACTION_DIGITS. */
struct number {
	uint64_t whole, fraction;
	bool finer; /* there are more digits than the fraction holds, and not only zeros */
};

/* False: the whole part does not fit in 64 bits. */
static bool number_read(const char *text, size_t len, struct number *ret)
{
	size_t i = 0;
	int digits = 0;

	*ret = (struct number){ 0 };
	for (; i < len && text[i] != '.'; i++) {
		if (__builtin_mul_overflow(ret->whole, 10, &ret->whole) ||
		    __builtin_add_overflow(ret->whole, text[i] - '0', &ret->whole))
			return false;
	}
	for (i++; digits < FRACTION_DIGITS; i++, digits++)
		ret->fraction = ret->fraction * 10 + (i < len ? text[i] - '0' : 0);
	for (; i < len; i++)
		ret->finer |= text[i] != '0';
	return true;
}

/* *ret = n * factor without what is below one base unit. False: does not fit in 64 bits. */
static bool number_scale(const struct number *n, uint64_t factor, bool *ret_exact, uint64_t *ret)
{
	uint64_t part;

	if (__builtin_mul_overflow(n->fraction, factor, &part) ||
	    __builtin_mul_overflow(n->whole, factor, ret))
		return false;
	*ret_exact = !n->finer && part % FRACTION_ONE == 0;
	return !__builtin_add_overflow(*ret, part / FRACTION_ONE, ret);
}

static const struct scale *scale_find(const struct family *f, const char *name)
{
	const struct scale *s;

	for (s = f->scales; s->name; s++)
		if (!strcmp(s->name, name))
			return s;
	return NULL;
}

/* k, m, g in either case: the decimal factors of counts, and of bare numbers as DistWalk has them.
 */
static uint64_t decimal_factor(const char *name)
{
	const struct scale *s;

	for (s = families[UNIT_COUNT].scales; s->name; s++)
		if (!strcasecmp(s->name, name))
			return s->factor;
	return 0;
}

/* The unit that starts most like the given one; the usual one when none does. */
static const char *scale_guess(const struct family *f, const char *name)
{
	const char *best = f->usual;
	size_t best_len = 0, len;
	const struct scale *s;

	for (s = f->scales; s->name; s++) {
		for (len = 0; s->name[len] && name[len]; len++)
			if (strncasecmp(s->name, name, len + 1))
				break;
		if (len > best_len) {
			best = s->name;
			best_len = len;
		}
	}
	return best;
}

/* "b", "kb", "mb", "gb": sizes as DistWalk has them. 0: it is none. */
static uint64_t bytes_factor(const char *name)
{
	size_t len = strlen(name);
	char decimal[2] = "";

	if (!len || len > 2 || name[len - 1] != 'b')
		return 0;
	memcpy(decimal, name, len - 1);
	return decimal_factor(decimal);
}

/* 0: no such unit. */
static uint64_t factor_find(const struct family *f, const char *name, const char *bare)
{
	const struct scale *s = scale_find(f, name);
	uint64_t factor = s ? s->factor : 0;

	if (bare && !*name)
		return scale_find(f, bare)->factor;
	if (!factor && (f->bare || bare))
		factor = decimal_factor(name);
	if (!s && factor && bare)
		factor *= scale_find(f, bare)->factor;
	if (!factor && bare && scale_find(f, "KiB"))
		factor = bytes_factor(name);
	return factor;
}

static int refuse_unit(const struct family *f, const char *text, size_t len, struct err *err)
{
	const char *unit = text + len;
	const char *guess = scale_guess(f, unit);

	if (!len)
		return err_set(err, -EINVAL, "\"%s\" is not %s: try 10%s", text, f->noun, f->usual);
	if (f->bare)
		return err_set(err, -EINVAL, "\"%s\" is not %s: try %.*s%s", text, f->noun,
			       (int)len, text, guess);
	if (!*unit)
		return err_set(err, -EINVAL, "\"%s\" has no unit: try %s%s or %s%s", text, text,
			       f->usual, text, f->other);
	return err_set(err, -EINVAL, "\"%s\" has an unknown unit: try %.*s%s (units are %s)", text,
		       (int)len, text, guess, f->known);
}

static int refuse_fraction(enum unit unit, const char *text, uint64_t below, struct err *err)
{
	const char *base = families[unit].scales[0].name;

	return err_set(err, -EINVAL,
		       "\"%s\" is not a whole number%s%s: try %" PRIu64 "%s or %" PRIu64 "%s", text,
		       *base ? " of " : "", base, below, base, below + 1, base);
}

int units_parse(enum unit unit, const char *text, const char *bare, int64_t *ret, struct err *err)
{
	const struct family *f = &families[unit];
	bool negative = f->sign && *text == '-', exact;
	const char *digits = text + negative;
	size_t len = number_span(digits);
	uint64_t factor, value;
	struct number n;

	if (*text == '-' && !f->sign)
		return err_set(err, -EINVAL, "\"%s\" is negative: %s starts at 0", text, f->noun);
	factor = len ? factor_find(f, digits + len, bare) : 0;
	if (!factor)
		return refuse_unit(f, text, len ? len + negative : 0, err);
	if (!number_read(digits, len, &n) || !number_scale(&n, factor, &exact, &value) ||
	    value > INT64_MAX)
		return err_set(err, -EINVAL, "\"%s\" is too large: at most %" PRId64 "%s", text,
			       INT64_MAX, f->scales[0].name);
	if (!exact)
		return refuse_fraction(unit, text, value, err);
	*ret = negative ? -(int64_t)value : (int64_t)value;
	return 0;
}

/* Length of "12", "1.5" or "1.5e-3" at the start of text, 0 if there is none. */
static size_t exponent_span(const char *text)
{
	size_t len = number_span(text), sign, digits;

	if (!len || (text[len] != 'e' && text[len] != 'E'))
		return len;
	sign = text[len + 1] == '-' || text[len + 1] == '+';
	digits = strspn(text + len + 1 + sign, "0123456789");
	return digits ? len + 1 + sign + digits : len;
}

int units_parse_real(enum unit unit, const char *text, const char *bare, double *ret,
		     struct err *err)
{
	struct family f = families[unit];
	bool negative = f.sign && *text == '-';
	const char *digits = text + negative;
	size_t len = exponent_span(digits);
	uint64_t factor;
	double value;

	if (unit == UNIT_COUNT)
		f.noun = "a number";
	if (*text == '-' && !f.sign)
		return err_set(err, -EINVAL, "\"%s\" is negative: %s starts at 0", text, f.noun);
	factor = len ? factor_find(&f, digits + len, bare) : 0;
	if (!factor)
		return refuse_unit(&f, text, len ? len + negative : 0, err);
	/* The longer mantissa makes that the product is rounded as if it were rounded once. */
	value = (double)(strtold(digits, NULL) * factor);
	if (value > REAL_MAX)
		return err_set(err, -EINVAL, "\"%s\" is too large: at most %g%s", text, REAL_MAX,
			       f.scales[0].name);
	*ret = negative ? -value : value;
	return 0;
}

/* Writes value in the given scale; false if that needs more digits than can be read back. */
static bool write_scaled(uint64_t value, uint64_t factor, char *buf, size_t size)
{
	uint64_t whole = value / factor, rest = value % factor;
	int digits = FRACTION_DIGITS;

	/* factor is at most 2^30, so rest * 10^9 fits. */
	if (rest * FRACTION_ONE % factor)
		return false;
	rest = rest * FRACTION_ONE / factor;
	if (!rest)
		return snprintf(buf, size, "%" PRIu64, whole) > 0;
	for (; rest % 10 == 0; rest /= 10)
		digits--;
	return snprintf(buf, size, "%" PRIu64 ".%0*" PRIu64, whole, digits, rest) > 0;
}

const char *units_format(enum unit unit, int64_t value, char *buf, size_t size)
{
	uint64_t magnitude = value < 0 ? -(uint64_t)value : (uint64_t)value;
	const struct scale *s = families[unit].scales, *best_scale = s;
	char best[40], text[40];

	write_scaled(magnitude, 1, best, sizeof(best));
	for (s++; s->name; s++) {
		if (!s->input_only && write_scaled(magnitude, s->factor, text, sizeof(text)) &&
		    strlen(text) < strlen(best)) {
			strcpy(best, text);
			best_scale = s;
		}
	}
	snprintf(buf, size, "%s%s%s", value < 0 ? "-" : "", best, best_scale->name);
	return buf;
}

const char *units_format_real(enum unit unit, double value, char *buf, size_t size)
{
	char text[40];
	int digits = 15;

	if (value == trunc(value) && fabs(value) <= REAL_MAX)
		return units_format(unit, (int64_t)value, buf, size);
	do
		snprintf(text, sizeof(text), "%.*g", digits, value);
	while (strtod(text, NULL) != value && digits++ < 17);
	snprintf(buf, size, "%s%s", text, families[unit].scales[0].name);
	return buf;
}

/* Reads the first len characters, times 10^exponent, rounding once. */
static double read_real(const char *text, size_t len, int exponent)
{
	char buf[NUMBER_CHARS + 8];

	snprintf(buf, sizeof(buf), "%.*se%d", (int)len, text, exponent);
	return strtod(buf, NULL);
}

/* A non-negative number at the start; 0: there is none, and err says what is wrong. */
static size_t real_span(const char *text, const char *noun, const char *like, struct err *err)
{
	size_t len = number_span(text);

	if (*text == '-')
		err_set(err, -EINVAL, "\"%s\" is negative: %s starts at 0", text, noun);
	else if (!len)
		err_set(err, -EINVAL, "\"%s\" is not %s: try %s", text, noun, like);
	else if (len > NUMBER_CHARS)
		err_set(err, -EINVAL, "\"%s\" has too many digits: at most %d", text, NUMBER_CHARS);
	return len > NUMBER_CHARS ? 0 : len;
}

int units_parse_rate(const char *text, double *ret_per_s, struct err *err)
{
	size_t len = real_span(text, "a rate", "20k", err), unit_len;
	uint64_t factor = 1, step;
	int exponent = 0;
	char unit[2] = "";
	double per_s;

	if (!len)
		return -EINVAL;
	unit_len = strcspn(text + len, "/");
	if (unit_len < sizeof(unit)) {
		memcpy(unit, text + len, unit_len);
		factor = decimal_factor(unit);
	}
	if (unit_len >= sizeof(unit) || !factor ||
	    (text[len + unit_len] && strcmp(text + len + unit_len, "/s")))
		return err_set(err, -EINVAL, "\"%s\" is not a rate: try %.*s%s (units are k, M, G)",
			       text, (int)len, text,
			       scale_guess(&families[UNIT_COUNT], text + len));
	for (step = factor; step > 1; step /= 10)
		exponent++;
	per_s = read_real(text, len, exponent);
	if (per_s > RATE_MAX_PER_S)
		return err_set(err, -EINVAL, "\"%s\" is too large: at most 1000G", text);
	*ret_per_s = per_s;
	return 0;
}

int units_parse_share(const char *text, double *ret, struct err *err)
{
	size_t len = real_span(text, "a share", "5%", err);
	double share;

	if (!len)
		return -EINVAL;
	if (text[len] && strcmp(text + len, "%"))
		return err_set(err, -EINVAL, "\"%s\" is not a share: try %.*s%%", text, (int)len,
			       text);
	share = read_real(text, len, text[len] ? -2 : 0);
	if (share > 1 && share <= 100 && !text[len])
		return err_set(err, -EINVAL, "\"%s\" is more than 1: did you mean %s%%?", text,
			       text);
	if (share > 1)
		return err_set(err, -EINVAL, "\"%s\" is more than 1: at most 100%%", text);
	*ret = share;
	return 0;
}

/* Fewest decimals with which number-and-unit reads back as value; false if there are none. */
static bool write_real(double value, double factor, const char *unit,
		       int (*parse)(const char *, double *, struct err *), char *buf, size_t size)
{
	int decimals;
	double back;

	for (decimals = 0; decimals < NUMBER_CHARS; decimals++) {
		snprintf(buf, size, "%.*f%s", decimals, value / factor, unit);
		if (!parse(buf, &back, NULL) && back == value)
			return true;
	}
	return false;
}

const char *units_format_rate(double per_s, char *buf, size_t size)
{
	const struct scale *s = families[UNIT_COUNT].scales;
	char best[NUMBER_CHARS * 2] = "0", text[NUMBER_CHARS * 2];
	size_t best_len = SIZE_MAX, len;

	for (; s->name; s++) {
		if (s->factor > 1 && (double)s->factor > per_s)
			break;
		if (!write_real(per_s, (double)s->factor, s->name, units_parse_rate, text,
				sizeof(text)))
			continue;
		len = strlen(text) - strlen(s->name);
		if (len < best_len) {
			strcpy(best, text);
			best_len = len;
		}
	}
	snprintf(buf, size, "%s", best);
	return buf;
}

const char *units_format_share(double share, char *buf, size_t size)
{
	char text[NUMBER_CHARS * 2];

	if (!write_real(share, 0.01, "%", units_parse_share, text, sizeof(text)))
		strcpy(text, "0%");
	snprintf(buf, size, "%s", text);
	return buf;
}

/* Three significant digits in the largest of `count` scales of 1000 that keeps them below 1000. */
static const char *human(double value, const char *const *names, int count, char *buf, size_t size)
{
	double shown = fabs(value);
	int i = 0;

	/* 999.5 would be shown as 1000. */
	for (; i + 1 < count && shown >= 999.5; i++)
		shown /= 1000;
	if (!i && (shown == floor(shown) || shown < 1))
		snprintf(buf, size, "%s%.3g", value < 0 ? "-" : "", shown);
	else
		snprintf(buf, size, "%s%.*f", value < 0 ? "-" : "",
			 shown < 9.995	 ? 2
			 : shown < 99.95 ? 1
					 : 0,
			 shown);
	if (*names[i])
		snprintf(buf + strlen(buf), size - strlen(buf), " %s", names[i]);
	return buf;
}

const char *units_human_time(double ns, char *buf, size_t size)
{
	static const char *const names[] = { "ns", "us", "ms", "s" };

	return human(ns, names, 4, buf, size);
}

const char *units_human_count(double value, char *buf, size_t size)
{
	static const char *const names[] = { "", "k", "M", "G" };

	return human(value, names, 4, buf, size);
}

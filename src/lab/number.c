/*
 * number.c - measured values as text; see number.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "lab/number.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const struct number_unit time_units[] = {
	{ 1e9, "s" }, { 1e6, "ms" }, { 1e3, "us" }, { 1, "ns" }
};
static const struct number_unit per_cent[] = { { 1, "%" } };
static const struct number_unit rate_units[] = { { 1e6, "M/s" }, { 1e3, "k/s" }, { 1, "/s" } };

struct number_unit number_unit_for(enum metric m, double typical)
{
	const char *unit = metric_infos[m].unit;
	const struct number_unit *units = !strcmp(unit, "ns")  ? time_units
					  : !strcmp(unit, "%") ? per_cent
							       : rate_units;

	if (!*unit)
		return (struct number_unit){ 1, "" };
	while (units->divisor > 1 && !(typical >= units->divisor))
		units++;
	return *units;
}

struct number_unit number_unit_of(const struct analysis *a, enum metric m)
{
	double sum = 0;
	unsigned n = 0;

	for (unsigned c = 0; c < a->data->config_count; c++) {
		double value = a->configs[c].at[m].value;

		if (value > 0 && isfinite(value)) {
			sum += log(value);
			n++;
		}
	}
	return n ? number_unit_for(m, exp(sum / n)) : (struct number_unit){ 1, "" };
}

const char *number_plain(double value, char *buf)
{
	double size = fabs(value);
	int digits = size < 9.995 ? 2 : size < 99.95 ? 1 : 0;

	if (!isfinite(value))
		return strcpy(buf, "-");
	snprintf(buf, NUMBER_TEXT, size < 1e12 ? "%.*f" : "%.*e", digits, value);
	return buf;
}

const char *number_in(double value, struct number_unit unit, char *buf)
{
	return number_plain(value / unit.divisor, buf);
}

const char *number_human(enum metric m, double value, char *buf)
{
	struct number_unit unit = number_unit_for(m, value);
	size_t len = strlen(number_in(value, unit, buf));

	if (isfinite(value) && *unit.name)
		snprintf(buf + len, NUMBER_TEXT - len, "%s%s", *unit.name == '/' ? "" : " ",
			 unit.name);
	return buf;
}

/* One digit after the point, none from 100 on; never "-0.0", never more than ten characters. */
static void put_percent(double percent, bool sign, char *buf, size_t size)
{
	int digits = fabs(percent) < 99.95 ? 1 : 0;

	if (fabs(percent) < 0.05)
		percent = 0;
	if (!isfinite(percent))
		snprintf(buf, size, "-");
	else if (fabs(percent) >= 1e6)
		snprintf(buf, size, "%+.1e", percent);
	else
		snprintf(buf, size, sign && percent != 0 ? "%+.*f" : "%.*f", digits, percent);
}

const char *number_percent(double ratio, char *buf)
{
	put_percent(100 * (ratio - 1), true, buf, NUMBER_TEXT - 3);
	return isfinite(ratio) ? strcat(buf, " %") : buf;
}

const char *number_share(double share, char *buf)
{
	put_percent(100 * share, false, buf, NUMBER_TEXT - 3);
	return isfinite(share) ? strcat(buf, " %") : buf;
}

const char *number_interval(double low, double high, char *buf)
{
	char from[NUMBER_TEXT / 2 - 2], to[NUMBER_TEXT / 2 - 2];

	if (!isfinite(low) || !isfinite(high))
		return strcpy(buf, "-");
	put_percent(100 * (low - 1), true, from, sizeof(from));
	put_percent(100 * (high - 1), true, to, sizeof(to));
	snprintf(buf, NUMBER_TEXT, "[%s, %s]", from, to);
	return buf;
}

const char *number_range_in(double low, double high, struct number_unit unit, char *buf)
{
	char from[NUMBER_TEXT], to[NUMBER_TEXT];

	if (!isfinite(low) || !isfinite(high))
		return strcpy(buf, "-");
	snprintf(buf, NUMBER_TEXT, "%.14s-%.14s", number_in(low, unit, from),
		 number_in(high, unit, to));
	return buf;
}

const char *number_p(double p, char *buf)
{
	if (isnan(p))
		return strcpy(buf, "-");
	if (p < 0.001)
		return strcpy(buf, "<0.001");
	snprintf(buf, NUMBER_TEXT, "%.*f", p < 0.1 ? 3 : 2, p);
	return buf;
}

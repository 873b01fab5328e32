/*
 * arrival_text.c - see arrival_text.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "client/arrival_text.h"

#include <errno.h>
#include <string.h>

#include "base/units.h"

static const struct law {
	const char *prefix;
	enum arrival_law law;
} laws[] = {
	{ "exp:", ARRIVAL_EXPONENTIAL },
	{ "", ARRIVAL_CONSTANT },
};

/* DistWalk has more laws, and bounds behind another colon. */
static int refuse_more(const char *text, const char *mean, struct err *err)
{
	if (!strchr(mean, ':'))
		return 0;
	return err_set(
		err, -EINVAL,
		"\"%s\": only a time (\"100us\") or exponential gaps (\"exp:100us\"), without "
		"bounds, are understood",
		text);
}

int arrival_parse_period(const char *text, enum arrival_law *ret_law, int64_t *ret_ns,
			 struct err *err)
{
	const struct law *law = laws;
	const char *mean;
	int64_t ns;
	int rc;

	while (strncmp(text, law->prefix, strlen(law->prefix)))
		law++;
	mean = text + strlen(law->prefix);
	rc = refuse_more(text, mean, err);
	if (!rc)
		rc = units_parse(UNIT_TIME, mean, "us", &ns, err);
	if (rc)
		return rc;
	if (ns <= 0)
		return err_set(err, -EINVAL, "\"%s\" must be above 0", text);
	*ret_law = law->law;
	*ret_ns = ns;
	return 0;
}

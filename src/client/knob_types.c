/*
 * knob_types.c - the kinds of values that only a client has: see knob_types.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "client/knob_types.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "client/client.h"

/* --wait-spin is --wait=spin under DistWalk's name. */
static int parse_spin(const struct knob *k, const char *text, void *field, struct err *err)
{
	struct knob as_bool = *k;
	bool is_on;
	int rc, spin = WAIT_SPIN;

	as_bool.size = sizeof(is_on);
	rc = knob_bool.parse(&as_bool, text, &is_on, err);
	if (!rc && is_on)
		memcpy(field, &spin, sizeof(spin));
	return rc;
}

static void format_spin(const struct knob *k, const void *field, char *buf, size_t size)
{
	int wait;

	(void)k;
	memcpy(&wait, field, sizeof(wait));
	snprintf(buf, size, "%s", wait == WAIT_SPIN ? "yes" : "no");
}

/* DistWalk's --non-block: how it always is here. */
static int parse_always(const struct knob *k, const char *text, void *field, struct err *err)
{
	bool is_on;
	int rc = knob_bool.parse(k, text, &is_on, err);

	if (!rc && !is_on)
		return err_set(err, -EINVAL, "there is no other way: leave it out");
	if (!rc)
		memcpy(field, &is_on, sizeof(is_on));
	return rc;
}

static void format_always(const struct knob *k, const void *field, char *buf, size_t size)
{
	knob_bool.format(k, field, buf, size);
}

const struct knob_type client_spin = { "yes|no", parse_spin, format_spin, .is_flag = true };
const struct knob_type client_always = { "yes", parse_always, format_always, .is_flag = true };

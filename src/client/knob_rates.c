/*
 * knob_rates.c - -r, -p and -n as knobs: several options that mean one thing. See knob_types.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "client/client.h"
#include "client/knob_types.h"
#include "client/rates.h"

static struct client_opts *opts_of(const struct knob *k, const void *field)
{
	return (struct client_opts *)((char *)(uintptr_t)field - k->offset);
}

/* What came with the rate or the period before goes with it. */
static void forget_before(struct client_opts *o)
{
	if (!strncmp(o->period, "exp:", 4))
		o->arrivals = ARRIVAL_CONSTANT;
	*o->period = '\0';
	*o->ramp = '\0';
}

static int check_length(const char *text, size_t size, struct err *err)
{
	if (strlen(text) < size)
		return 0;
	return err_set(err, -EINVAL, "\"%.40s...\" is too long: at most %zu bytes", text, size - 1);
}

static int parse_rate(const struct knob *k, const char *text, void *field, struct err *err)
{
	struct client_opts *o = opts_of(k, field);
	bool is_ramp;
	double rate;
	int rc = check_length(text, sizeof(o->ramp), err);

	if (!rc)
		rc = rates_parse_rate(text, &rate, &is_ramp, err);
	if (rc)
		return rc;
	forget_before(o);
	memcpy(field, &rate, sizeof(rate));
	if (is_ramp)
		strcpy(o->ramp, text);
	return 0;
}

static void format_rate(const struct knob *k, const void *field, char *buf, size_t size)
{
	const struct client_opts *o = opts_of(k, field);

	if (*o->ramp)
		snprintf(buf, size, "%s", o->ramp);
	else
		knob_rate.format(k, field, buf, size);
}

/* Gives the rate too, so that there is one number to show. "": no period, the rate counts. */
static int parse_period(const struct knob *k, const char *text, void *field, struct err *err)
{
	struct client_opts *o = opts_of(k, field);
	enum arrival_law law;
	int64_t ns;
	int rc;

	if (!*text)
		return 0;
	rc = check_length(text, k->size, err);
	if (!rc)
		rc = rates_parse_period(text, &law, &ns, err);
	if (rc)
		return rc;
	forget_before(o);
	strcpy(field, text);
	o->rate = 1e9 / ns;
	if (law != ARRIVAL_CONSTANT)
		o->arrivals = law;
	return 0;
}

static void format_period(const struct knob *k, const void *field, char *buf, size_t size)
{
	(void)k;
	snprintf(buf, size, "%s", (const char *)field);
}

static int parse_requests(const struct knob *k, const char *text, void *field, struct err *err)
{
	const int64_t automatic = CLIENT_REQUESTS_AUTO;

	if (strcmp(text, "auto"))
		return knob_int.parse(k, text, field, err);
	memcpy(field, &automatic, sizeof(automatic));
	return 0;
}

static void format_requests(const struct knob *k, const void *field, char *buf, size_t size)
{
	int64_t requests;

	memcpy(&requests, field, sizeof(requests));
	if (requests == CLIENT_REQUESTS_AUTO)
		snprintf(buf, size, "auto");
	else
		knob_int.format(k, field, buf, size);
}

const struct knob_type client_rate = { "RATE", parse_rate, format_rate };
const struct knob_type client_period = { "TIME", parse_period, format_period };
const struct knob_type client_requests = { "N|auto", parse_requests, format_requests };

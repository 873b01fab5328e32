/*
 * program_text.c - see program_text.h. How the bytes are made is in program_write.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "client/program_text.h"

#include <errno.h>
#include <string.h>

#include "base/units.h"

/* A compute or sleep longer than an hour is a slip of the pen; nodes refuse far less. */
#define TIME_MAX_NS (3600LL * 1000000000)

static int parse_time(const char *argument, struct program_step *step, struct err *err)
{
	int64_t ns;

	if (!*argument)
		return err_set(err, -EINVAL, "needs a time, such as 10us");
	if (units_parse(UNIT_TIME, argument, NULL, &ns, err))
		return -EINVAL;
	if (ns > TIME_MAX_NS)
		return err_set(err, -EINVAL, "\"%s\" is too long: at most 1 hour", argument);
	step->value = ns;
	return 0;
}

static int parse_size(const char *argument, struct program_step *step, struct err *err)
{
	int64_t bytes = step->value;

	if (*argument && units_parse(UNIT_SIZE, argument, NULL, &bytes, err))
		return -EINVAL;
	if (bytes < WIRE_HEAD)
		return err_set(err, -EINVAL, "a reply has at least %d bytes, its head; not %lld",
			       WIRE_HEAD, (long long)bytes);
	if (bytes > UINT32_MAX)
		return err_set(err, -EINVAL, "a reply has at most %u bytes; not %lld", UINT32_MAX,
			       (long long)bytes);
	step->value = bytes;
	return 0;
}

static int parse_count(const char *name, const char *text, uint64_t *ret, struct err *err)
{
	int64_t n;

	if (units_parse(UNIT_COUNT, text, NULL, &n, err))
		return -EINVAL;
	if (n < 1)
		return err_set(err, -EINVAL, "%s \"%s\" must be at least 1", name, text);
	*ret = n;
	return 0;
}

static int parse_skip_option(const char *word, struct program_step *step, struct err *err)
{
	if (!strncmp(word, "prob=", 5)) {
		if (units_parse_share(word + 5, &step->probability, err))
			return -EINVAL;
		if (step->probability > 1)
			return err_set(err, -EINVAL, "prob \"%s\" must be from 0 to 1", word + 5);
		return 0;
	}
	if (!strncmp(word, "every=", 6))
		return parse_count("every", word + 6, &step->every, err);
	return err_set(err, -EINVAL, "\"%s\" is not understood: skip N,prob=P,every=M", word);
}

static int parse_skip(const char *argument, struct program_step *step, struct err *err)
{
	char words[128], *rest = words, *word;

	step->probability = 1;
	step->every = 1;
	snprintf(words, sizeof(words), "%s", argument);
	word = strsep(&rest, ",");
	if (!*word)
		return err_set(err, -EINVAL, "needs a count: skip N,prob=P,every=M");
	if (parse_count("count", word, &step->value, err))
		return -EINVAL;
	while ((word = strsep(&rest, ",")))
		if (parse_skip_option(word, step, err))
			return -EINVAL;
	return 0;
}

/* Names longer than their beginnings come first: "compute:cpu" before "compute". */
static const struct operation {
	const char *name;
	uint8_t code, flags;
	int (*parse)(const char *argument, struct program_step *step, struct err *err);
} operations[] = {
	{ "compute:wall", WIRE_COMPUTE, COMPUTE_WALL, parse_time },
	{ "compute:cpu", WIRE_COMPUTE, COMPUTE_CPU, parse_time },
	{ "compute:loops", WIRE_COMPUTE, COMPUTE_LOOPS, parse_time },
	{ "compute", WIRE_COMPUTE, COMPUTE_WALL, parse_time },
	{ "sleep", WIRE_SLEEP, 0, parse_time },
	{ "reply", WIRE_SEND_REPLY, 0, parse_size },
	{ "skip", PROGRAM_STEP_SKIP, 0, parse_skip },
};
#define OPERATIONS (sizeof(operations) / sizeof(*operations))

static int refuse_name(const char *name, struct err *err)
{
	const char *names[OPERATIONS + 1] = { NULL }, *near;

	for (size_t i = 0; i < OPERATIONS; i++)
		names[i] = operations[i].name;
	near = nearest_word(name, names);
	return err_set(err, -EINVAL,
		       "no such operation%s%s%s; there are compute, sleep, reply, skip",
		       near ? ", did you mean " : "", near ? near : "", near ? "?" : "");
}

int program_parse_step(const char *text, int64_t default_reply_size, struct program_step *ret,
		       struct err *err)
{
	size_t len = strcspn(text, " ");
	const char *argument = text + len + strspn(text + len, " ");
	struct program_step step = { .value = default_reply_size };
	char name[128];
	int rc = 1;

	snprintf(name, sizeof(name), "%.*s", (int)len, text);
	for (size_t i = 0; i < OPERATIONS && rc > 0; i++) {
		if (strcmp(operations[i].name, name))
			continue;
		step.code = operations[i].code;
		step.flags = operations[i].flags;
		rc = operations[i].parse(argument, &step, err);
	}
	if (rc > 0)
		rc = refuse_name(name, err);
	if (rc) {
		err_wrap(err, "operation \"%s\"", text);
		return rc;
	}
	*ret = step;
	return 0;
}

static void add_step(struct program *p, const struct program_step *step)
{
	struct program_step *last = p->count ? &p->steps[p->count - 1] : NULL;

	if (last && last->code == WIRE_SEND_REPLY && step->code == WIRE_SEND_REPLY)
		*last = *step;
	else
		p->steps[p->count++] = *step;
	p->has_skips |= step->code == PROGRAM_STEP_SKIP;
}

/* Only the last step is a reply, and no skip reaches it. */
static int check_order(const struct program *p, struct err *err)
{
	for (unsigned i = 0; i + 1 < p->count; i++) {
		const struct program_step *step = &p->steps[i];
		unsigned left = 0;

		if (step->code == WIRE_SEND_REPLY)
			return err_set(err, -EINVAL,
				       "the reply must come last in a program: the "
				       "operations behind it would never run");
		if (step->code != PROGRAM_STEP_SKIP)
			continue;
		for (unsigned j = i + 1; j + 1 < p->count; j++)
			left += p->steps[j].code != PROGRAM_STEP_SKIP;
		if (step->value > left)
			return err_set(
				err, -EINVAL,
				"skip %llu leaves no reply: only %u operations stand between "
				"it and the reply",
				(unsigned long long)step->value, left);
	}
	return 0;
}

static uint32_t write_body(const struct program *p, uint8_t *at)
{
	uint32_t len = 0;

	for (unsigned i = 0; i < p->count; i++) {
		const struct program_step *step = &p->steps[i];
		struct wire_operation op = { .code = step->code,
					     .flags = step->flags,
					     .value = step->value };

		if (step->code != PROGRAM_STEP_SKIP)
			len += wire_put_operation(at + len, &op);
	}
	return len;
}

/* Fills in the sizes and the bytes of a request that skips nothing. */
static int make_bytes(struct program *p, int64_t request_size, struct err *err)
{
	struct wire_head head = {
		.version = WIRE_VERSION,
		.type = WIRE_REQUEST,
		.hops = WIRE_HOPS,
		.deadline_us = p->deadline_us,
	};
	uint32_t least;

	head.body_len = write_body(p, p->bytes + WIRE_HEAD);
	least = WIRE_HEAD + head.body_len;
	if (request_size < least)
		return err_set(
			err, -EINVAL,
			"a request of %lld bytes cannot hold this program: at least %u bytes",
			(long long)request_size, least);
	if (request_size > UINT32_MAX)
		return err_set(err, -EINVAL, "a request has at most %u bytes; not %lld", UINT32_MAX,
			       (long long)request_size);
	head.length = request_size;
	p->request_size = request_size;
	p->prefix_len = request_size - least <= PROGRAM_PADDING ? request_size : least;
	p->payload_len = p->request_size - p->prefix_len;
	p->reply_size = p->steps[p->count - 1].value;
	wire_put_head(p->bytes, &head);
	return 0;
}

int program_parse(const struct knob_list *texts, int64_t request_size, int64_t default_reply_size,
		  uint32_t deadline_us, struct program *ret, struct err *err)
{
	struct program p = { .deadline_us = deadline_us };
	struct program_step step;
	int rc;

	const char *text = NULL;

	while ((text = knob_list_next(texts, text))) {
		rc = program_parse_step(text, default_reply_size, &step, err);
		if (rc)
			return rc;
		if (p.count == PROGRAM_STEPS - 1)
			return err_set(err, -EINVAL, "a program has at most %d operations",
				       PROGRAM_STEPS - 1);
		add_step(&p, &step);
	}
	if (!p.count || p.steps[p.count - 1].code != WIRE_SEND_REPLY) {
		rc = program_parse_step("reply", default_reply_size, &step, err);
		if (rc)
			return rc;
		add_step(&p, &step);
	}
	rc = check_order(&p, err);
	if (!rc)
		rc = make_bytes(&p, request_size, err);
	if (!rc)
		*ret = p;
	return rc;
}

/*
 * program_format.c - steps back to text, and a whole program as a person reads it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/units.h"
#include "client/program_step.h"
#include "client/program_text.h"

/* A text that grows to the end of its buffer and no further. */
struct text {
	char *buf;
	size_t len, size;
	unsigned words;
};

static void add(struct text *t, const char *name, const char *value)
{
	if (t->len < t->size)
		t->len += snprintf(t->buf + t->len, t->size - t->len, "%s%s%s",
				   t->words++ ? "," : " ", name, value);
}

/* name "": without one. */
static void add_value(struct text *t, const struct program_step *step, enum program_parameter which,
		      const char *name)
{
	char value[VALUE_TEXT_MAX];

	if (program_step_has(step, which))
		add(t, name, value_format(&step->value[which], value, sizeof(value)));
}

static void add_storage(struct text *t, const struct program_step *step)
{
	add_value(t, step, PARAMETER_AMOUNT, "");
	add_value(t, step, PARAMETER_OFFSET, "offset=");
	add_value(t, step, PARAMETER_DEVICE, "device=");
	if (step->is_sequential)
		add(t, "offset=", "sequential");
	if (step->code == WIRE_STORE && !(step->flags & WIRE_STORE_SYNC))
		add(t, "nosync", "");
}

static void add_reply(struct text *t, const struct program_step *step)
{
	static const char *const modes[REPLY_VARIANTS] = { "", "sendfile", "zero-copy" };

	add_value(t, step, PARAMETER_AMOUNT, "");
	if (step->flags)
		add(t, modes[step->flags], "");
	add_value(t, step, PARAMETER_DEVICE, "device=");
}

static void add_forward(struct text *t, const struct program_step *step)
{
	for (unsigned i = 0; i < step->destinations; i++)
		add(t, step->destination[i], "");
	add_value(t, step, PARAMETER_TIMEOUT, "timeout=");
	add_value(t, step, PARAMETER_RETRIES, "retries=");
	add_value(t, step, PARAMETER_QUORUM, step->has_many ? "nack=" : "quorum=");
	add_value(t, step, PARAMETER_MESSAGE, "size=");
	if (step->pick)
		add(t, "pick=", program_pick_names[step->pick]);
	if (step->is_branch)
		add(t, "branch", "");
	if (step->flags & WIRE_MEANWHILE)
		add(t, "meanwhile", "");
}

static void add_skip(struct text *t, const struct program_step *step)
{
	char number[32];

	add_value(t, step, PARAMETER_AMOUNT, "");
	if (step->probability < 1)
		add(t, "prob=", units_format_share(step->probability, number, sizeof(number)));
	snprintf(number, sizeof(number), "%llu", (unsigned long long)step->every);
	if (step->every > 1)
		add(t, "every=", number);
}

const char *program_step_format(const struct program_step *step, char *buf, size_t size)
{
	struct text t = { buf, 0, size, 0 };

	t.len = snprintf(buf, size, "%s", program_step_name(step->code, step->flags));
	switch (step->code) {
	case WIRE_LOAD:
	case WIRE_STORE:
		add_storage(&t, step);
		break;
	case WIRE_SEND_REPLY:
		add_reply(&t, step);
		break;
	case WIRE_FORWARD_TO:
		add_forward(&t, step);
		break;
	case PROGRAM_STEP_SKIP:
		add_skip(&t, step);
		break;
	default:
		add_value(&t, step, PARAMETER_AMOUNT, "");
	}
	return buf;
}

/* What is drawn, in numbers that can be checked. */
static void print_means(const struct program_step *step, FILE *out)
{
	static const char *const names[PARAMETERS] = {
		[PARAMETER_OFFSET] = "offset ",	  [PARAMETER_DEVICE] = "device ",
		[PARAMETER_TIMEOUT] = "timeout ", [PARAMETER_MESSAGE] = "size ",
		[PARAMETER_RETRIES] = "retries ", [PARAMETER_QUORUM] = "quorum ",
	};

	for (unsigned i = 0; i < PARAMETERS; i++) {
		const struct value *v = &step->value[i];
		char number[32];

		if (!program_step_has(step, i) || value_is_constant(v))
			continue;
		if (v->kind == VALUE_TIME)
			units_human_time(value_mean(v), number, sizeof(number));
		else
			units_human_count(value_mean(v), number, sizeof(number));
		fprintf(out, "    mean %s%s%s", names[i] ? names[i] : "", number,
			v->kind == VALUE_SIZE ? "B" : "");
	}
	fputc('\n', out);
}

static void print_step(const struct program_step *step, unsigned depth, FILE *out)
{
	char text[PROGRAM_TEXT_MAX + 2 * VALUE_TEXT_MAX];

	fprintf(out, "  %*s%s", (int)(2 * depth), "",
		program_step_format(step, text, sizeof(text)));
	print_means(step, out);
}

/* The texts are known to be fine. */
static void print_steps(const struct program_setup *setup, struct program_step *step, FILE *out)
{
	bool is_over = false;
	const char *text = NULL;
	unsigned depth = 0;

	while ((text = knob_list_next(setup->texts, text))) {
		if (program_step_parse(text, false, step, NULL))
			return;
		print_step(step, depth, out);
		if (step->code == WIRE_FORWARD_TO)
			depth++;
		else if (step->code == WIRE_SEND_REPLY && !depth)
			is_over = true;
		else if (step->code == WIRE_SEND_REPLY)
			depth--;
		program_step_finish(step);
	}
	for (depth += !is_over; depth--;)
		fprintf(out, "  %*sreply    added\n", (int)(2 * depth), "");
}

int program_print(const struct program_setup *setup, FILE *out, struct err *err)
{
	struct program_step *step AUTO(auto_free) = malloc(sizeof(*step));
	char size[VALUE_TEXT_MAX], bytes[32];
	struct program p;
	int rc = step ? program_parse(setup, &p, err)
		      : err_set(err, -ENOMEM, "no memory for the program");

	if (rc)
		return rc;
	fprintf(out,
		"program     %u operations in %u bytes; a request has %s, a reply at most %s\n",
		p.operations, p.body_len, value_format(&p.size, size, sizeof(size)),
		units_format(UNIT_SIZE, p.reply_size, bytes, sizeof(bytes)));
	print_steps(setup, step, out);
	program_finish(&p);
	return 0;
}

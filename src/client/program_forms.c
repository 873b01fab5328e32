/*
 * program_forms.c - the table of operations: what each is called and takes, and where it goes.
 *
 * A new operation is a row of operations[] and its parameters; program_step.c reads it from then
 * on, program_build.c writes it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "client/program_forms.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/knob.h"
#include "base/units.h"

#define HOUR_NS	  (3600.0 * 1e9)
#define BYTES_MAX 0x1p62
#define COUNT_MAX 1e6

static const struct program_parameter_form time_forms[] = {
	{ .noun = "a time",
	  .parameter = PARAMETER_AMOUNT,
	  .kind = VALUE_TIME,
	  .most = HOUR_NS,
	  .at = 4,
	  .width = 8,
	  .unit = 1 },
	{ 0 },
};

static const struct program_parameter_form reply_forms[] = {
	{ .name = "size",
	  .noun = "a reply",
	  .parameter = PARAMETER_AMOUNT,
	  .kind = VALUE_SIZE,
	  .least = WIRE_HEAD,
	  .most = UINT32_MAX,
	  .at = 4,
	  .width = 4,
	  .unit = 1 },
	{ .name = "device",
	  .other_name = "dev",
	  .noun = "a device",
	  .parameter = PARAMETER_DEVICE,
	  .kind = VALUE_NUMBER,
	  .most = UINT16_MAX,
	  .at = 8,
	  .width = 4,
	  .unit = 1 },
	{ 0 },
};

static const struct program_parameter_form storage_forms[] = {
	{ .name = "size",
	  .noun = "a size",
	  .parameter = PARAMETER_AMOUNT,
	  .kind = VALUE_SIZE,
	  .most = BYTES_MAX,
	  .at = 12,
	  .width = 8,
	  .unit = 1 },
	{ .name = "offset",
	  .noun = "an offset",
	  .parameter = PARAMETER_OFFSET,
	  .kind = VALUE_SIZE,
	  .most = BYTES_MAX,
	  .at = 4,
	  .width = 8,
	  .unit = 1 },
	{ .name = "device",
	  .other_name = "dev",
	  .noun = "a device",
	  .parameter = PARAMETER_DEVICE,
	  .kind = VALUE_NUMBER,
	  .most = UINT16_MAX,
	  .at = 20,
	  .width = 4,
	  .unit = 1 },
	{ 0 },
};

static const struct program_parameter_form forward_forms[] = {
	{ .name = "timeout",
	  .noun = "a timeout",
	  .parameter = PARAMETER_TIMEOUT,
	  .kind = VALUE_TIME,
	  .most = HOUR_NS,
	  .at = 4,
	  .width = 4,
	  .unit = 1000 },
	{ .name = "size",
	  .noun = "a forward",
	  .parameter = PARAMETER_MESSAGE,
	  .kind = VALUE_SIZE,
	  .least = WIRE_HEAD,
	  .most = UINT32_MAX,
	  .at = 8,
	  .width = 4,
	  .unit = 1 },
	{ .name = "retries",
	  .other_name = "retry",
	  .noun = "the number of retries",
	  .parameter = PARAMETER_RETRIES,
	  .kind = VALUE_NUMBER,
	  .most = UINT8_MAX,
	  .at = 20,
	  .width = 1,
	  .unit = 1 },
	{ .name = "quorum",
	  .other_name = "nack",
	  .noun = "a quorum",
	  .parameter = PARAMETER_QUORUM,
	  .kind = VALUE_NUMBER,
	  .most = UINT16_MAX,
	  .at = 18,
	  .width = 2,
	  .unit = 1 },
	{ 0 },
};

static const struct program_parameter_form skip_forms[] = {
	{ .noun = "a count of operations",
	  .parameter = PARAMETER_AMOUNT,
	  .kind = VALUE_NUMBER,
	  .least = 1,
	  .most = COUNT_MAX,
	  .unit = 1 },
	{ 0 },
};

static const struct program_flag_word reply_words[] = { { "sendfile", REPLY_SENDFILE },
							{ "zero-copy", REPLY_ZERO_COPY },
							{ NULL, 0 } };
static const struct program_flag_word store_words[] = { { "sync", WIRE_STORE_SYNC },
							{ "nosync", 0 },
							{ NULL, 0 } };
static const struct program_flag_word forward_words[] = { { "meanwhile", WIRE_MEANWHILE },
							  { NULL, 0 } };

const char *const program_pick_names[] = {
	[PICK_ALL] = "all",	  [PICK_ROUND_ROBIN] = "round-robin",
	[PICK_RANDOM] = "random", [PICK_LEAST] = "least",
	[PICK_TWO] = "two",	  [PICK_HASH] = "hash",
	[PICKS] = NULL,
};

static int take_pick(const char *text, struct program_step *step, struct err *err)
{
	for (uint8_t i = 0; i < PICKS; i++) {
		step->pick = i;
		if (!strcmp(program_pick_names[i], text))
			return 0;
	}
	return err_set(err, -EINVAL,
		       "pick \"%s\" is not one of all, round-robin, random, least, two, hash",
		       text);
}

static int take_probability(const char *text, struct program_step *step, struct err *err)
{
	return units_parse_share(text, &step->probability, err);
}

static int take_every(const char *text, struct program_step *step, struct err *err)
{
	int64_t n;

	if (units_parse(UNIT_COUNT, text, NULL, &n, err))
		return -EINVAL;
	if (n < 1)
		return err_set(err, -EINVAL, "every \"%s\" must be at least 1", text);
	step->every = (uint64_t)n;
	return 0;
}

static const struct program_fixed_word forward_fixed[] = { { "pick", take_pick }, { NULL, NULL } };
static const struct program_fixed_word skip_fixed[] = { { "prob", take_probability },
							{ "every", take_every },
							{ NULL, NULL } };

#define COMPUTE(variant, number)                                                             \
	{                                                                                    \
		.name = variant, .code = WIRE_COMPUTE, .flags = number, .forms = time_forms, \
		.has_position = true, .is_needed = true, .usage = "a time, such as 10us",    \
	}

static const struct program_operation operations[] = {
	COMPUTE("compute", COMPUTE_WALL),
	COMPUTE("compute:wall", COMPUTE_WALL),
	COMPUTE("compute:cpu", COMPUTE_CPU),
	COMPUTE("compute:loops", COMPUTE_LOOPS),
	{ .name = "sleep",
	  .code = WIRE_SLEEP,
	  .forms = time_forms,
	  .has_position = true,
	  .is_needed = true,
	  .usage = "a time, such as 1ms" },
	{ .name = "load",
	  .code = WIRE_LOAD,
	  .forms = storage_forms,
	  .has_position = true,
	  .is_needed = true,
	  .usage = "a size: load 4KiB,offset=0B,device=0" },
	{ .name = "store",
	  .code = WIRE_STORE,
	  .flags = WIRE_STORE_SYNC,
	  .forms = storage_forms,
	  .words = store_words,
	  .has_position = true,
	  .is_needed = true,
	  .usage = "a size: store 4KiB,offset=0B,device=0,nosync" },
	{ .name = "forward",
	  .code = WIRE_FORWARD_TO,
	  .forms = forward_forms,
	  .words = forward_words,
	  .fixed = forward_fixed,
	  .usage = "a destination: forward HOST:PORT[,HOST:PORT...][,quorum=N][,pick=HOW]"
		   "[,timeout=TIME][,retries=N][,size=SIZE][,meanwhile][,branch]" },
	{ .name = "join", .code = WIRE_JOIN, .usage = "nothing" },
	{ .name = "reply",
	  .code = WIRE_SEND_REPLY,
	  .forms = reply_forms,
	  .words = reply_words,
	  .has_position = true,
	  .usage = "a size: reply 64B,sendfile,device=0" },
	{ .name = "skip",
	  .code = PROGRAM_STEP_SKIP,
	  .forms = skip_forms,
	  .fixed = skip_fixed,
	  .has_position = true,
	  .is_needed = true,
	  .usage = "a count: skip N,prob=P,every=M" },
};
#define OPERATIONS (sizeof(operations) / sizeof(*operations))

const char *program_step_name(unsigned code, unsigned flags)
{
	for (size_t i = 0; i < OPERATIONS; i++)
		if (operations[i].code == code &&
		    (code != WIRE_COMPUTE || operations[i].flags == flags))
			return operations[i].name;
	return NULL;
}

const struct program_parameter_form *program_step_form(unsigned code, enum program_parameter which)
{
	const struct program_parameter_form *form = NULL;

	for (size_t i = 0; i < OPERATIONS && !form; i++)
		if (operations[i].code == code)
			form = operations[i].forms;
	for (; form && form->parameter; form++)
		if (form->parameter == which)
			return form;
	return NULL;
}

/* -EINVAL, with the nearest name there is. */
static int refuse_name(const char *name, struct err *err)
{
	const char *names[OPERATIONS + 1] = { NULL }, *near;

	for (size_t i = 0; i < OPERATIONS; i++)
		names[i] = operations[i].name;
	near = nearest_word(name, names);
	return err_set(err, -EINVAL,
		       "no such operation%s%s%s; there are compute, sleep, load, store, forward, "
		       "join, reply, skip",
		       near ? ", did you mean " : "", near ? near : "", near ? "?" : "");
}

const struct program_operation *program_find_operation(const char *name, struct err *err)
{
	for (size_t i = 0; i < OPERATIONS; i++)
		if (!strcmp(operations[i].name, name))
			return &operations[i];
	refuse_name(name, err);
	return NULL;
}

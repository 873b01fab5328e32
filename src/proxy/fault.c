/*
 * fault.c - what the proxy does wrong on purpose: its text, and when it is time for it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "proxy/fault.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/knob.h"
#include "base/units.h"

const char *const fault_kind_names[] = { "refuse",     "silence", "reset",     "half-close",
					 "black-hole", "loss",	  "duplicate", "reorder",
					 "corrupt",    NULL };

static const char *const dir_names[] = { "none", "forth", "back", "both", NULL };

/* What each kind has: of what it is, and which keys mean something. */
static const struct traits {
	bool streams, datagrams, takes_after, takes_dir;
} traits[FAULT_KINDS] = {
	[FAULT_REFUSE] = { .streams = true },
	[FAULT_SILENCE] = { .streams = true },
	[FAULT_RESET] = { .streams = true, .takes_after = true, .takes_dir = true },
	[FAULT_HALF_CLOSE] = { .streams = true, .takes_after = true, .takes_dir = true },
	[FAULT_BLACK_HOLE] = { true, true, .takes_after = true, .takes_dir = true },
	[FAULT_LOSS] = { .datagrams = true, .takes_dir = true },
	[FAULT_DUPLICATE] = { .datagrams = true, .takes_dir = true },
	[FAULT_REORDER] = { .datagrams = true, .takes_dir = true },
	[FAULT_CORRUPT] = { .datagrams = true, .takes_dir = true },
};

static int find(const char *word, const char *const *names)
{
	for (int i = 0; names[i]; i++)
		if (!strcmp(word, names[i]))
			return i;
	return -1;
}

static int parse_kind(const char *word, struct fault *f, struct err *err)
{
	int kind = find(word, fault_kind_names);
	const char *near = nearest_word(word, fault_kind_names);

	if (kind < 0)
		return err_set(err, -EINVAL,
			       "\"%s\" is no fault%s%s%s; there are refuse, silence, reset, "
			       "half-close, black-hole, loss, duplicate, reorder, corrupt",
			       word, near ? "; did you mean " : "", near ? near : "",
			       near ? "?" : "");
	f->kind = (uint8_t)kind;
	f->dir = kind == FAULT_HALF_CLOSE ? DIR_FORTH : DIR_BOTH;
	return 0;
}

static int parse_prob(struct fault *f, const char *text, struct err *err)
{
	return units_parse_share(text, &f->prob, err);
}

static int parse_time(const char *text, int64_t *ret, struct err *err)
{
	int64_t ns;

	if (units_parse(UNIT_TIME, text, NULL, &ns, err) < 0)
		return -EINVAL;
	*ret = ns;
	return 0;
}

static int parse_after(struct fault *f, const char *text, struct err *err)
{
	if (!traits[f->kind].takes_after)
		return err_set(err, -EINVAL, "of reset, half-close and black-hole; %s has no such",
			       fault_kind_names[f->kind]);
	if (!units_parse(UNIT_TIME, text, NULL, &f->after_ns, NULL) ||
	    !units_parse(UNIT_SIZE, text, NULL, &f->after_bytes, NULL))
		return 0;
	return err_set(err, -EINVAL, "\"%s\" is neither a time (1s) nor a size (64KiB)", text);
}

static int parse_from(struct fault *f, const char *text, struct err *err)
{
	return parse_time(text, &f->from_ns, err);
}

static int parse_to(struct fault *f, const char *text, struct err *err)
{
	return parse_time(text, &f->to_ns, err);
}

static int parse_every(struct fault *f, const char *text, struct err *err)
{
	return parse_time(text, &f->every_ns, err);
}

static int parse_dir(struct fault *f, const char *text, struct err *err)
{
	int dir = find(text, dir_names);

	if (!traits[f->kind].takes_dir)
		return err_set(err, -EINVAL, "%s is of a whole connection and has no direction",
			       fault_kind_names[f->kind]);
	if (dir < DIR_FORTH)
		return err_set(err, -EINVAL, "\"%s\" is not one of forth, back, both", text);
	f->dir = (uint8_t)dir;
	return 0;
}

static int parse_by(struct fault *f, const char *text, struct err *err)
{
	if (f->kind != FAULT_REORDER)
		return err_set(err, -EINVAL, "of reorder; %s has no such",
			       fault_kind_names[f->kind]);
	return parse_time(text, &f->by_ns, err);
}

static const struct key {
	const char *name;
	int (*parse)(struct fault *f, const char *text, struct err *err);
} keys[] = {
	{ "prob", parse_prob }, { "after", parse_after }, { "from", parse_from },
	{ "to", parse_to },	{ "every", parse_every }, { "dir", parse_dir },
	{ "by", parse_by },
};
#define KEYS (sizeof(keys) / sizeof(*keys))

static int unknown_key(const char *name, struct err *err)
{
	const char *names[KEYS + 1] = { 0 };
	const char *near;

	for (size_t i = 0; i < KEYS; i++)
		names[i] = keys[i].name;
	near = nearest_word(name, names);
	return err_set(err, -EINVAL,
		       "\"%s\" is no key of a fault%s%s%s; there are prob, after, from, to, every, "
		       "dir, by",
		       name, near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
}

/* One "key=value"; seen: a set of keys. */
static int parse_pair(struct fault *f, char *pair, unsigned *seen, struct err *err)
{
	char *value = strchr(pair, '=');

	if (!value)
		return err_set(err, -EINVAL, "\"%s\" has no value: write key=value", pair);
	*value++ = '\0';
	for (size_t i = 0; i < KEYS; i++) {
		if (strcmp(pair, keys[i].name))
			continue;
		if (*seen & 1U << i)
			return err_set(err, -EINVAL, "%s is given twice", pair);
		*seen |= 1U << i;
		return keys[i].parse(f, value, err) < 0 ? err_wrap(err, "%s", pair) : 0;
	}
	return unknown_key(pair, err);
}

/* What only makes sense together. */
static int check(const struct fault *f, struct err *err)
{
	if (f->kind == FAULT_REORDER && f->by_ns <= 0)
		return err_set(err, -EINVAL,
			       "reorder: by=TIME is missing: how long one is held "
			       "back");
	if (f->to_ns <= f->from_ns)
		return err_set(err, -EINVAL, "to: not after from: it would never happen");
	if (f->every_ns && f->to_ns == INT64_MAX)
		return err_set(err, -EINVAL,
			       "every: needs a to: when it ends, before it begins "
			       "again");
	if (f->every_ns && f->to_ns - f->from_ns > f->every_ns)
		return err_set(err, -EINVAL,
			       "every: shorter than from..to, so that it would never "
			       "end");
	return 0;
}

int fault_parse(const char *text, struct fault *ret, struct err *err)
{
	struct fault f = { .prob = 1, .to_ns = INT64_MAX };
	char copy[FAULT_TEXT], *rest = copy;
	unsigned seen = 0;
	int result;

	if (strlen(text) >= sizeof(copy))
		return err_set(err, -EINVAL, "\"%.40s...\" is too long: at most %zu bytes", text,
			       sizeof(copy) - 1);
	strcpy(copy, text);
	result = parse_kind(strsep(&rest, ","), &f, err);
	while (!result && rest)
		result = parse_pair(&f, strsep(&rest, ","), &seen, err);
	if (!result)
		result = check(&f, err);
	if (!result)
		*ret = f;
	return result;
}

static size_t add_time(char *buf, size_t size, size_t len, const char *key, int64_t ns)
{
	char text[32];

	if (!ns || ns == INT64_MAX || len >= size)
		return len;
	units_format(UNIT_TIME, ns, text, sizeof(text));
	return len + (size_t)snprintf(buf + len, size - len, ",%s=%s", key, text);
}

static size_t add_text(char *buf, size_t size, size_t len, const char *key, const char *text)
{
	if (len >= size)
		return len;
	return len + (size_t)snprintf(buf + len, size - len, ",%s=%s", key, text);
}

const char *fault_format(const struct fault *f, char *buf, size_t size)
{
	size_t len = (size_t)snprintf(buf, size, "%s", fault_kind_names[f->kind]);
	char text[32];

	if (f->prob < 1)
		len = add_text(buf, size, len, "prob",
			       units_format_share(f->prob, text, sizeof(text)));
	len = add_time(buf, size, len, "after", f->after_ns);
	if (f->after_bytes)
		len = add_text(buf, size, len, "after",
			       units_format(UNIT_SIZE, f->after_bytes, text, sizeof(text)));
	len = add_time(buf, size, len, "from", f->from_ns);
	len = add_time(buf, size, len, "to", f->to_ns);
	len = add_time(buf, size, len, "every", f->every_ns);
	if (traits[f->kind].takes_dir)
		len = add_text(buf, size, len, "dir", dir_names[f->dir]);
	add_time(buf, size, len, "by", f->by_ns);
	return buf;
}

bool fault_is_of_streams(const struct fault *f)
{
	return traits[f->kind].streams;
}

bool fault_is_of_datagrams(const struct fault *f)
{
	return traits[f->kind].datagrams;
}

/* How far t_ns is into the round it belongs to. */
static int64_t phase(const struct fault *f, int64_t t_ns)
{
	return f->every_ns ? (t_ns - f->from_ns) % f->every_ns : t_ns - f->from_ns;
}

bool fault_is_open(const struct fault *f, int64_t t_ns)
{
	return t_ns >= f->from_ns &&
	       (f->to_ns == INT64_MAX || phase(f, t_ns) < f->to_ns - f->from_ns);
}

int64_t fault_opens_ns(const struct fault *f, int64_t t_ns)
{
	if (t_ns < f->from_ns)
		return f->from_ns;
	if (fault_is_open(f, t_ns))
		return t_ns;
	return f->every_ns ? t_ns + f->every_ns - phase(f, t_ns) : INT64_MAX;
}

int64_t fault_closes_ns(const struct fault *f, int64_t t_ns)
{
	if (f->to_ns == INT64_MAX || (f->every_ns && f->every_ns == f->to_ns - f->from_ns))
		return INT64_MAX;
	return t_ns + (f->to_ns - f->from_ns) - phase(f, t_ns);
}

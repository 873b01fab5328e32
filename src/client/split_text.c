/*
 * split_text.c - see split_text.h.
 *
 * Two columns: the mean of all answers, and of the slowest. What is below one in a hundred in both
 * is added up in one line.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "client/split_text.h"

#include <math.h>
#include <stdio.h>

#include "base/units.h"

#define SLOW_SHARE 0.01
#define SLOW_LEAST 10
#define ROW_LEAST  0.01

/* How a row and the sentence say it; the sentence's part goes on with the node's name. */
static const struct {
	const char *row, *sentence;
} words[SPLIT_PARTS] = {
	[SPLIT_NETWORK] = { "network of", "on the network to and from" },
	[SPLIT_QUEUE] = { "queue on", "waiting for a turn on" },
	[SPLIT_SERVICE] = { "service on", "in compute and sleep on" },
	[SPLIT_STORAGE] = { "storage on", "waiting for storage on" },
	[SPLIT_FORWARD] = { "untold behind", "waiting for nodes that told nothing, behind" },
};

struct columns {
	const struct split *split;
	struct split_view all, slow;
	double all_rest_ns, slow_rest_ns;
	FILE *out;
};

double split_slow_share(const struct split *s)
{
	double least = s->answers ? SLOW_LEAST / (double)s->answers : 1;

	return fmin(1, fmax(SLOW_SHARE, least));
}

static double share_of(double ns, const struct split_view *v)
{
	return v->response_ns > 0 ? ns / v->response_ns : 0;
}

static void write_cell(double ns, const struct split_view *v, FILE *out)
{
	char time[32];

	fprintf(out, " %10s %3.0f %%", units_human_time(ns, time, sizeof(time)),
		100 * share_of(ns, v));
}

static void write_row(const struct columns *c, const char *what, const char *where, double all_ns,
		      double slow_ns)
{
	char name[PROGRAM_HOP_NAME + 32];

	snprintf(name, sizeof(name), "  %s%s%s", what, *where ? " " : "", where);
	fprintf(c->out, "%-38s", name);
	write_cell(all_ns, &c->all, c->out);
	write_cell(slow_ns, &c->slow, c->out);
	fputc('\n', c->out);
}

/* In a row of its own, or with the rest. */
static void take_row(struct columns *c, const char *what, const char *where, double all_ns,
		     double slow_ns)
{
	if (fabs(share_of(all_ns, &c->all)) >= ROW_LEAST ||
	    fabs(share_of(slow_ns, &c->slow)) >= ROW_LEAST) {
		write_row(c, what, where, all_ns, slow_ns);
		return;
	}
	c->all_rest_ns += all_ns;
	c->slow_rest_ns += slow_ns;
}

/* "slowest 1 %", or how many they are. */
static const char *slow_name(const struct columns *c, char *buf, size_t size)
{
	if (split_slow_share(c->split) > SLOW_SHARE)
		snprintf(buf, size, "slowest %.0f", c->slow.answers);
	else
		snprintf(buf, size, "slowest %.0f %%", 100 * SLOW_SHARE);
	return buf;
}

static void write_sentence(const struct columns *c)
{
	const char *sentence = "sent late by this client", *where = "";
	double most_ns = c->slow.late_ns;
	char name[32];

	for (unsigned hop = 0; hop < c->split->hop_count; hop++) {
		for (unsigned i = 0; i < SPLIT_PARTS; i++) {
			if (c->slow.part_ns[hop][i] <= most_ns)
				continue;
			most_ns = c->slow.part_ns[hop][i];
			sentence = words[i].sentence;
			where = c->split->hops[hop].name;
		}
	}
	fprintf(c->out, "%s: %.0f %% %s%s%s\n", slow_name(c, name, sizeof(name)),
		100 * share_of(most_ns, &c->slow), sentence, *where ? " " : "", where);
}

static void write_head(const struct columns *c)
{
	char name[32];

	fprintf(c->out, "%-38s %16s %16s\n", "where the time went", "mean",
		slow_name(c, name, sizeof(name)));
}

static void write_notes(const struct split *s, FILE *out)
{
	if (s->cut)
		fprintf(out,
			"%llu answers were too small to tell of all nodes; larger ones are not: "
			"reply SIZE, --reply-size\n",
			(unsigned long long)s->cut);
	if (s->ignored)
		fprintf(out, "%llu records could not be true and are left out\n",
			(unsigned long long)s->ignored);
}

void split_write_text(const struct split *s, FILE *out)
{
	struct columns c = { .split = s, .out = out };

	if (!s->answers)
		return;
	split_view(s, 1, &c.all);
	split_view(s, split_slow_share(s), &c.slow);
	write_head(&c);
	take_row(&c, "sent late", "", c.all.late_ns, c.slow.late_ns);
	for (unsigned hop = 0; hop < s->hop_count; hop++)
		for (unsigned i = 0; i < SPLIT_PARTS; i++)
			take_row(&c, words[i].row, s->hops[hop].name, c.all.part_ns[hop][i],
				 c.slow.part_ns[hop][i]);
	if (fabs(c.all_rest_ns) > 0 || fabs(c.slow_rest_ns) > 0)
		write_row(&c, "less than 1 % each", "", c.all_rest_ns, c.slow_rest_ns);
	write_row(&c, "response", "", c.all.response_ns, c.slow.response_ns);
	write_sentence(&c);
	write_notes(s, out);
}

/*
 * split.c - see split.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "client/split.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const split_part_names[] = {
	[SPLIT_NETWORK] = "network", [SPLIT_QUEUE] = "queue",	  [SPLIT_SERVICE] = "service",
	[SPLIT_STORAGE] = "storage", [SPLIT_FORWARD] = "forward", NULL,
};

/* The first octave that is told apart: 1024 ns. */
#define OCTAVE_FIRST 10
#define STEP_BITS    4

/* Clocks are read once a batch, so a child can say a little more than its parent saw. */
#define SLACK_NS 1000

static unsigned row_size(const struct split *s)
{
	return 1 + SPLIT_PARTS * s->hop_count;
}

int split_init(struct split *s, const struct program *p)
{
	*s = (struct split){ .hop_count = p->hop_count, .has_more_hops = p->has_more_hops };
	s->hops = calloc(s->hop_count, sizeof(*s->hops));
	s->counts = calloc(SPLIT_BUCKETS, sizeof(*s->counts));
	s->sums = calloc(SPLIT_BUCKETS * (size_t)row_size(s), sizeof(*s->sums));
	if (!s->hops || !s->counts || !s->sums) {
		split_finish(s);
		return -ENOMEM;
	}
	/* Touched now, so that no page is missing while requests are timed; and not by memset(),
	 * which compilers take to be done by calloc(). */
	explicit_bzero(s->counts, SPLIT_BUCKETS * sizeof(*s->counts));
	explicit_bzero(s->sums, SPLIT_BUCKETS * (size_t)row_size(s) * sizeof(*s->sums));
	memcpy(s->hops, p->hops, s->hop_count * sizeof(*s->hops));
	return 0;
}

void split_finish(struct split *s)
{
	free(s->hops);
	free(s->counts);
	free(s->sums);
	*s = (struct split){ 0 };
}

/* Another hop has this name, too. */
static bool is_ambiguous(const struct split *s, unsigned hop)
{
	for (unsigned i = 0; i < s->hop_count; i++)
		if (i != hop && !strcmp(s->hops[i].name, s->hops[hop].name))
			return true;
	return false;
}

void split_name(struct split *s, const char *node)
{
	bool ambiguous[PROGRAM_HOPS];

	snprintf(s->hops[0].name, sizeof(s->hops[0].name), "%s", node);
	for (unsigned i = 0; i < s->hop_count; i++)
		ambiguous[i] = is_ambiguous(s, i);
	for (unsigned i = 1; i < s->hop_count; i++) {
		size_t len = strlen(s->hops[i].name);

		if (ambiguous[i])
			snprintf(s->hops[i].name + len, sizeof(s->hops[i].name) - len,
				 " (operation %u)", s->hops[i].tag + 1);
	}
}

static unsigned bucket_of(int64_t ns)
{
	unsigned octave;

	if (ns < 1 << OCTAVE_FIRST)
		return 0;
	octave = 63 - (unsigned)__builtin_clzll((uint64_t)ns);
	if (octave >= OCTAVE_FIRST + SPLIT_OCTAVES)
		return SPLIT_BUCKETS - 1;
	return 1 + (octave - OCTAVE_FIRST) * SPLIT_STEPS +
	       (unsigned)(ns >> (octave - STEP_BITS) & (SPLIT_STEPS - 1));
}

static double *row_of(const struct split *s, unsigned bucket)
{
	return s->sums + bucket * (size_t)row_size(s);
}

static double *parts_of(double *row, unsigned hop)
{
	return row + 1 + (size_t)SPLIT_PARTS * hop;
}

/*
 * False: these cannot all have been within so many ns. A node counts the queue from when it last
 * asked the kernel what is there, which may be before the request was: what is too much is cut.
 */
static bool add_up(struct wire_hop *hop, uint64_t within_ns, uint64_t *ret)
{
	uint64_t limit = within_ns + within_ns / 64 + SLACK_NS, others_ns, room_ns;

	/* Beyond that, sums could overflow. */
	if (within_ns > 1ULL << 60)
		return false;
	if (hop->service_ns > limit || hop->storage_ns > limit || hop->forward_ns > limit)
		return false;
	others_ns = hop->service_ns + hop->storage_ns + hop->forward_ns;
	if (others_ns > limit)
		return false;
	room_ns = others_ns < within_ns ? within_ns - others_ns : 0;
	if (hop->queue_ns > room_ns)
		hop->queue_ns = room_ns;
	*ret = hop->queue_ns + others_ns;
	return true;
}

/* A record that has been believed; its children come next. */
struct parent {
	double scale;
	uint64_t left_ns; /* of what it waited for others */
	double *parts;
};

/* Adds one hop that took elapsed_ns from the outside, the network included. */
static void add_hop(double *parts, const struct wire_hop *hop, uint64_t sum_ns, uint64_t elapsed_ns,
		    double scale)
{
	parts[SPLIT_NETWORK] += scale * ((double)elapsed_ns - (double)sum_ns);
	parts[SPLIT_QUEUE] += scale * (double)hop->queue_ns;
	parts[SPLIT_SERVICE] += scale * (double)hop->service_ns;
	parts[SPLIT_STORAGE] += scale * (double)hop->storage_ns;
	parts[SPLIT_FORWARD] += scale * (double)hop->forward_ns;
}

/* -1: the program has no such hop. */
static int find_hop(const struct split *s, const struct wire_child *child)
{
	for (unsigned i = 1; i < s->hop_count; i++)
		if (s->hops[i].tag == child->tag && s->hops[i].depth == child->depth &&
		    s->hops[i].destination == child->destination)
			return (int)i;
	return s->has_more_hops ? (int)s->hop_count - 1 : -1;
}

/* False: the record cannot be true. */
static bool add_child(struct split *s, struct wire_child *child, struct parent *parent,
		      struct parent *ret, double *row)
{
	int hop = find_hop(s, child);
	uint64_t sum_ns;
	double waited_ns;

	if (hop < 0 || child->waited_ns > parent->left_ns || child->waited_ns > child->elapsed_ns ||
	    !add_up(&child->hop, child->elapsed_ns, &sum_ns))
		return false;
	waited_ns = parent->scale * (double)child->waited_ns;
	*ret = (struct parent){
		.scale = child->elapsed_ns ? waited_ns / (double)child->elapsed_ns : 0,
		.left_ns = child->hop.forward_ns,
		.parts = parts_of(row, (unsigned)hop),
	};
	parent->left_ns -= child->waited_ns;
	parent->parts[SPLIT_FORWARD] -= waited_ns;
	add_hop(ret->parts, &child->hop, sum_ns, child->elapsed_ns, ret->scale);
	return true;
}

/* The records behind the node's own. */
static void add_children(struct split *s, const struct split_answer *a, struct parent *first,
			 double *row)
{
	struct parent parents[WIRE_DEPTH + 1] = { *first };
	unsigned deepest = 0; /* that has been believed, on the way to the next record */
	struct wire_child child;

	for (uint32_t at = WIRE_HOP; a->len - at >= WIRE_CHILD; at += WIRE_CHILD) {
		wire_get_child(a->records + at, &child);
		if (child.depth && child.depth <= deepest + 1 && child.depth <= WIRE_DEPTH &&
		    add_child(s, &child, &parents[child.depth - 1], &parents[child.depth], row)) {
			deepest = child.depth;
			continue;
		}
		s->ignored++;
		if (child.depth && child.depth <= deepest)
			deepest = child.depth - 1U;
	}
}

void split_add(struct split *s, const struct split_answer *a)
{
	unsigned bucket = bucket_of(a->late_ns + a->service_ns);
	double *row = row_of(s, bucket), *parts = parts_of(row, 0);
	uint64_t service_ns = a->service_ns > 0 ? (uint64_t)a->service_ns : 0, sum_ns = 0;
	struct wire_hop hop = { 0 };
	struct parent node = { .scale = 1, .parts = parts };
	bool is_told = a->len >= WIRE_HOP;

	s->counts[bucket]++;
	s->answers++;
	s->cut += a->is_cut;
	s->response_ns += (double)(a->late_ns + a->service_ns);
	row[0] += (double)a->late_ns;
	if (is_told)
		wire_get_hop(a->records, &hop);
	if (is_told && !add_up(&hop, service_ns, &sum_ns)) {
		is_told = false;
		sum_ns = 0;
		hop = (struct wire_hop){ 0 };
		s->ignored++;
	}
	add_hop(parts, &hop, sum_ns, service_ns, 1);
	node.left_ns = hop.forward_ns;
	if (is_told && a->len > WIRE_HOP)
		add_children(s, a, &node, row);
}

void split_merge(struct split *into, const struct split *from)
{
	for (size_t i = 0; i < SPLIT_BUCKETS; i++)
		into->counts[i] += from->counts[i];
	for (size_t i = 0; i < SPLIT_BUCKETS * (size_t)row_size(into); i++)
		into->sums[i] += from->sums[i];
	into->answers += from->answers;
	into->response_ns += from->response_ns;
	into->ignored += from->ignored;
	into->cut += from->cut;
}

static void add_row(const struct split *s, unsigned bucket, double part, struct split_view *v)
{
	double *row = row_of(s, bucket);

	v->late_ns += part * row[0];
	for (unsigned hop = 0; hop < s->hop_count; hop++)
		for (unsigned i = 0; i < SPLIT_PARTS; i++)
			v->part_ns[hop][i] += part * parts_of(row, hop)[i];
}

static void divide(const struct split *s, struct split_view *v)
{
	v->late_ns /= v->answers;
	v->response_ns = v->late_ns;
	for (unsigned hop = 0; hop < s->hop_count; hop++) {
		for (unsigned i = 0; i < SPLIT_PARTS; i++) {
			v->part_ns[hop][i] /= v->answers;
			v->response_ns += v->part_ns[hop][i];
		}
	}
}

void split_view(const struct split *s, double share, struct split_view *ret)
{
	double left = share * (double)s->answers;

	*ret = (struct split_view){ 0 };
	for (unsigned bucket = SPLIT_BUCKETS; bucket-- > 0 && left > 0;) {
		double count = (double)s->counts[bucket], taken = fmin(left, count);

		if (!s->counts[bucket])
			continue;
		add_row(s, bucket, taken / count, ret);
		ret->answers += taken;
		left -= taken;
	}
	if (ret->answers > 0)
		divide(s, ret);
}

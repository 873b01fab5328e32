/*
 * forward_pick.c - one of many: the policies of load balancing.
 *
 * Candidates are the targets that were not asked yet; when all were, all are again. Outstanding
 * requests are those of this worker that were sent and not answered, so a node that is silent
 * looks busy.
 *
 * A worker turns round-robin for each list of destinations by itself (lists that share a rotor by
 * chance still get even shares). The hash is rendezvous hashing (Thaler and Ravishankar, 1998): a
 * session goes to the destination with the highest weight, so when one goes only its sessions move.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "node/forward.h"

static uint32_t *rotor_of(struct forward *f)
{
	uint32_t hash = f->count;

	for (unsigned i = 0; i < f->count; i++)
		hash = hash * 31 + wire_destination_hash(&f->targets[i].to);
	return &f->all->rotors[(hash ^ hash >> 16) % FORWARD_ROTORS];
}

static bool is_candidate(const struct target *t)
{
	return t->state == TARGET_UNASKED;
}

static struct target *next_of(struct forward *f, unsigned from)
{
	for (unsigned i = 0; i < f->count; i++) {
		struct target *t = &f->targets[(from + i) % f->count];

		if (is_candidate(t))
			return t;
	}
	return NULL;
}

/* One for each request: a retry goes to the one behind. */
static struct target *pick_round_robin(struct forward *f)
{
	return next_of(f, f->tries ? *rotor_of(f) : (*rotor_of(f))++);
}

static struct target *pick_random(struct forward *f)
{
	unsigned candidates = 0, left;
	struct target *t = f->targets;

	for (unsigned i = 0; i < f->count; i++)
		candidates += is_candidate(&f->targets[i]);
	left = (unsigned)random_below(&f->all->key, f->all->draws++, candidates);
	for (; !is_candidate(t) || left--;)
		t++;
	return t;
}

static uint64_t load_of(const struct forward *f, const struct target *t)
{
	return upstream_unanswered(&f->all->upstreams, &t->to);
}

/* Equals take turns. */
static struct target *pick_least(struct forward *f)
{
	unsigned from = (*rotor_of(f))++;
	struct target *best = NULL;
	uint64_t best_load = 0;

	for (unsigned i = 0; i < f->count; i++) {
		struct target *t = &f->targets[(from + i) % f->count];
		uint64_t load = is_candidate(t) ? load_of(f, t) : 0;

		if (is_candidate(t) && (!best || load < best_load)) {
			best = t;
			best_load = load;
		}
	}
	return best;
}

static struct target *pick_two(struct forward *f)
{
	struct target *one = pick_random(f), *other;

	one->state = TARGET_PASSED;
	other = next_of(f, 0) ? pick_random(f) : one;
	one->state = TARGET_UNASKED;
	return load_of(f, other) < load_of(f, one) ? other : one;
}

static struct target *pick_hash(struct forward *f)
{
	struct target *best = NULL;
	uint64_t best_weight = 0;

	for (unsigned i = 0; i < f->count; i++) {
		struct target *t = &f->targets[i];
		struct random_key key = random_key(wire_destination_hash(&t->to), 0, 0, 0);
		uint64_t weight = random_u64(&key, f->asked.key);

		if (is_candidate(t) && (!best || weight > best_weight)) {
			best = t;
			best_weight = weight;
		}
	}
	return best;
}

static struct target *(*const picks[PICKS])(struct forward *f) = {
	[PICK_ROUND_ROBIN] = pick_round_robin,
	[PICK_RANDOM] = pick_random,
	[PICK_LEAST] = pick_least,
	[PICK_TWO] = pick_two,
	[PICK_HASH] = pick_hash,
};

struct target *forward_pick(struct forward *f)
{
	if (!next_of(f, 0)) {
		for (unsigned i = 0; i < f->count; i++)
			f->targets[i].state = TARGET_UNASKED;
	}
	return picks[f->asked.pick](f);
}

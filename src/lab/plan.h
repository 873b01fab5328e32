/*
 * plan.h - every run of a sweep, decided and written down before the first one.
 *
 * A block is every configuration that is possible here once, in a fresh random order, and once more
 * the baseline under a second label: the A/A run, whose difference from the baseline's run is what
 * this machine cannot tell apart. All runs of a block send the same seeded workload. Order and
 * seeds follow from the sweep's seed alone (base/random.h).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_LAB_PLAN_H
#define RW_LAB_PLAN_H

#include <stdio.h>

#include "lab/experiment.h"

struct plan_config {
	unsigned *levels; /* one a factor */
	char label[256];
	bool possible;
	char why[256];	     /* not possible here, or a setting that makes no difference: why */
	int64_t expected_ns; /* warm-up and measuring */
	int64_t limit_ns;    /* a client that takes longer is stopped, and the run has failed */
	double requests;     /* that it measures, at rate_hz; 0: not known (a closed loop, a plan
				from the disk) */
	double rate_hz;
};

struct plan_slot {
	unsigned config;
	bool is_aa;
};

struct plan {
	struct experiment *experiment;
	uint64_t seed;
	int64_t created_epoch_ns;
	char command[512]; /* how to do it again */
	unsigned config_count;
	struct plan_config *configs;
	unsigned baseline; /* index in configs */
	unsigned excluded_count;
	struct lab_excluded *excluded;
	unsigned slot_count;	 /* runs of a block, repeats aside */
	struct plan_slot *slots; /* slot_count for the first block, then the next one */
	int64_t *block_seeds;	 /* of the client's workload */
	json_t *environment;	 /* lab/provenance.h */
};

/*
 * Takes x over, also when it fails. Finds out what is possible here (lab/possible.h). A plan whose
 * baseline is not possible here is made nevertheless, to be looked at; sweep_run() refuses it.
 * program: the file to be run; command: the text for plan->command.
 */
int plan_create(struct experiment *x, const struct parts *parts, const char *program,
		const char *command, struct plan **ret, struct err *err);
void plan_destroy(struct plan *plan); /* NULL is fine */

const struct plan_slot *plan_slot(const struct plan *plan, unsigned block, unsigned position);
/* Of all runs, with so much around each of them. */
int64_t plan_expected_ns(const struct plan *plan, int64_t overhead_ns);

/* plan_json.c */
json_t *plan_to_json(const struct plan *plan);
int plan_from_json(const json_t *json, struct plan **ret, struct err *err);
int plan_save(const struct plan *plan, const char *path, struct err *err);
int plan_load(const char *path, struct plan **ret, struct err *err);

/*
 * What a sweep would do, for a person: configurations, what is left out and why, how long it
 * takes, and what can be concluded from so many blocks.
 */
void plan_write_text(const struct plan *plan, FILE *out);

#endif

/*
 * experiment.h - what an experiment file says, checked so far that no run can stumble over it.
 *
 *	sweep: io-backends
 *	node:     {threads: 1, pin.cpus: "0"}                 # the same in every run
 *	client:   {rate: 5k, duration: 700ms, program: ["compute 10us", "reply 64B"]}
 *	hog:      {pin.cpus: "0"}                             # beside them, if set
 *	system:   {network-namespace: yes}                    # the whole machine: lab/system.h
 *	factors:                                              # every combination is a configuration
 *	  node.backend: [select, poll, epoll, io_uring]
 *	  placement:  {same: {client.pin.cpus: "0"}, split: {client.pin.cpus: "1"}}
 *	  system.net.ipv4.tcp_autocorking: [1, 0]
 *	baseline: {node.backend: epoll}                       # else the first level
 *	exclude:
 *	  - {if: {node.backend: select, placement: [same]}, why: "a reason is asked for"}
 *	blocks: 5
 *	primary: p50
 *	margins: {p50: 3%}
 *	seed: 42
 *	invalid: {repeat: 2}
 *	observe: {hardware: yes}                              # counters that cost a little
 *
 * Keys below node, client and hog are those of the commands' options, nested or dotted; below
 * system they are names of settings as `ringwalk tune` knows them. A factor is a setting with a
 * list of values, or a name with named bundles of settings. A rule of `exclude` applies when all of
 * its conditions do; a condition names a factor or a setting and one or several values.
 * docs/METHOD.md says what is done with all this.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_LAB_EXPERIMENT_H
#define RW_LAB_EXPERIMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "lab/dataset.h"
#include "lab/observe_knobs.h"
#include "lab/parts.h"
#include "lab/settings.h"

#define FACTORS_MAX	12
#define LEVELS_MAX	64
#define CONFIGS_MAX	4096
#define BLOCKS_MAX	1000
#define LEVEL_TEXT	96
#define EXCLUDES_MAX	64
#define EXPERIMENT_NAME 128

struct level {
	char text[LEVEL_TEXT]; /* as in the file */
	struct settings settings;
};

struct factor {
	char key[SETTING_KEY]; /* "node.backend", or the name of bundles */
	bool is_bundle;
	unsigned level_count;
	struct level *levels;
	unsigned baseline; /* index of its level */
};

/* Holds for the levels of one factor whose bit is set. */
struct condition {
	unsigned factor;
	uint64_t levels;
};

struct exclude {
	unsigned condition_count;
	struct condition conditions[FACTORS_MAX];
	char rule[200]; /* "node.backend: select, client.connections: 2000" */
	char why[256];
};

struct experiment {
	char name[EXPERIMENT_NAME];
	char file[256];
	char *text; /* of the file; NULL when the experiment comes from a plan */
	struct settings fixed;
	unsigned factor_count;
	struct factor *factors;
	unsigned exclude_count;
	struct exclude *excludes;
	unsigned blocks;
	unsigned repeat; /* how often an INVALID run is repeated */
	enum metric primary;
	double margin[METRICS];
	bool margin_given[METRICS]; /* by the file */
	uint64_t seed;		    /* 0: a fresh one */
	struct observe_opts observe;
};

/* The first thing wrong, as "FILE:LINE:COLUMN: KEY: sentence". -EINVAL, or why it can't be read. */
int experiment_load(const char *path, const struct parts *parts, struct experiment **ret,
		    struct err *err);
int experiment_parse(const char *file, const char *text, size_t len, const struct parts *parts,
		     struct experiment **ret, struct err *err);
void experiment_destroy(struct experiment *x); /* NULL is fine */

/*
 * The combination of levels with this number, counted like digits: the last factor runs fastest.
 * levels has room for factor_count.
 */
unsigned experiment_combinations(const struct experiment *x);
void experiment_levels(const struct experiment *x, unsigned number, unsigned *levels);
/* The rule that excludes these levels, or NULL. */
const struct exclude *experiment_excluded(const struct experiment *x, const unsigned *levels);
/* "epoll other split". Returns buf. */
const char *experiment_label(const struct experiment *x, const unsigned *levels, char *buf,
			     size_t size);
/* Is anything set for this role, in any configuration? */
bool experiment_sets(const struct experiment *x, enum role role);
/* Is this set in every configuration, though to several values perhaps? */
bool experiment_always_sets(const struct experiment *x, enum role role, const char *key);
/* Everything that is set for these levels: what is fixed, what the levels say, and avoid.h. */
int experiment_settings(const struct experiment *x, const unsigned *levels, struct settings *ret,
			struct err *err);

#endif

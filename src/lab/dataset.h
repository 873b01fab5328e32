/*
 * dataset.h - a sweep as numbers: configurations, runs, metrics. What statistics and reports read.
 *
 * store.c fills it from a sweep directory; tests fill it by hand with known truth. One run gives
 * one number per metric: runs, not requests, are the unit of everything that is computed from here.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_LAB_DATASET_H
#define RW_LAB_DATASET_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/hist.h"
#include "base/verdict.h"
#include "client/client.h"

struct taken_list;

enum metric {
	METRIC_P50, /* response time, ns */
	METRIC_P90,
	METRIC_P99,
	METRIC_P999,
	METRIC_MEAN,
	METRIC_SERVICE_P50, /* from the actual send */
	METRIC_SERVICE_P99,
	METRIC_LATENESS_P99, /* of the generator */
	METRIC_RATE,	     /* requests done per second */
	METRIC_CPU,	     /* CPU time of the node per request, ns */
	METRIC_SYSCALLS,     /* of the node's backend, per request */
	/* Observed beside the run (lab/observation.h): of the node, per request unless said. */
	METRIC_RUN_DELAY,   /* its threads ready and not running, ns */
	METRIC_RUNQ_P99,    /* p99 of the single waits that run delay is the sum of, ns */
	METRIC_SWITCHES,    /* voluntary */
	METRIC_PREEMPTIONS, /* involuntary switches */
	METRIC_MIGRATIONS,  /* per second */
	METRIC_FAULTS,	    /* of pages, minor and major */
	METRIC_CYCLES,
	METRIC_INSTRUCTIONS,
	METRIC_CACHE_MISSES,
	METRIC_BRANCH_MISSES,
	METRIC_SOFTIRQ,	 /* of the machine, per cent of the time of all CPUs */
	METRIC_STEAL,	 /* likewise */
	METRIC_PRESSURE, /* of the machine: per cent of the time somebody waited for a CPU */
	METRIC_OTHERS,	 /* on the node's CPUs: per cent of their time used by anybody else */
	METRICS
};

struct metric_info {
	const char *name;  /* "p99": key in files and on the command line */
	const char *title; /* "p99 response" */
	const char *unit;  /* "ns", "1/s", "%", "" */
	bool higher_is_better;
	double margin; /* "same" when within this share: 0.02, 0.05 ... */
	/*
	 * Less than this is nothing: added to every value before its logarithm is taken, so that a
	 * counter may be 0, and a ratio of two values that hardly differ from 0 is about 1.
	 */
	double nothing;
	/* A counter that may say why an effect is there: its words ("run delay"); NULL: none. */
	const char *reason;
};
extern const struct metric_info metric_infos[METRICS];
/* The logarithm that comparisons work with, and back. NaN: not there, or it has none. */
double metric_log(enum metric m, double value);
double metric_exp(enum metric m, double log);
int metric_find(const char *name, struct err *err); /* enum metric or -EINVAL, with a suggestion */

struct lab_factor {
	char key[96]; /* "node.backend" */
	unsigned level_count;
	char (*levels)[96]; /* texts as in the file */
	unsigned baseline;  /* index of the baseline's level */
};

struct lab_config {
	char label[256];       /* "epoll other pinned", levels in the order of the factors */
	unsigned *levels;      /* one index a factor */
	bool possible;	       /* false: probe or every run said it cannot work here */
	char why[256];	       /* if not possible, or vacuous: the reason */
	struct hist *response; /* all usable runs merged, for pictures only; NULL: none */
};

struct lab_run {
	unsigned id; /* number of its directory, in order of execution: 1, 2, ... */
	unsigned config;
	unsigned block;	   /* 0 .. blocks-1 */
	unsigned position; /* within the block */
	unsigned attempt;  /* 0, or 1.. for repeats of an INVALID run at the end of the block */
	bool is_aa;	   /* the baseline under its second, hidden label */
	bool usable; /* the run that counts for (config, block): the last attempt, not INVALID */
	bool failed; /* no numbers: could not start, crashed, refused */
	enum validity validity;
	enum verdict taken;  /* the worst of what the kernel made of its settings */
	char reasons[512];   /* why not VALID, or why it failed; one a line */
	double started_s;    /* since the start of the sweep */
	double requests;     /* measured and answered; 0: not known */
	struct lab_foreign { /* who is no part of it, on its CPUs (foreign.h); 0: not known */
		double share, limit; /* of their time; above the limit it is a reason */
		char by[16];	     /* the name behind most of it; "": nobody's */
	} foreign;
	double metric[METRICS]; /* NaN: not there (fewer than 10 samples beyond, failed) */
	char directory[64];	/* "runs/00042" */
};

/* What became of a run, for tables: its validity, or that it has no numbers. */
enum run_status { RUN_IS_VALID, RUN_IS_SUSPECT, RUN_IS_INVALID, RUN_IS_FAILED };
extern const char *const run_status_names[];
enum run_status run_status(const struct lab_run *run);

struct dataset {
	char name[128];
	char file[256];
	unsigned factor_count, config_count, run_count, block_count;
	struct lab_factor *factors;
	struct lab_config *configs;
	struct lab_run *runs;
	unsigned baseline; /* index in configs */
	enum metric primary;
	double margin[METRICS];
	bool margin_given[METRICS]; /* somebody wants to know: the tables have them, too */
	uint64_t seed;
	struct taken_list
		*taken; /* what the kernel made of the settings (taken.h); NULL: unknown */
	unsigned excluded_count;
	struct lab_excluded {
		char label[256], why[256];
	} * excluded;
	json_t *environment; /* provenance, as in plan.json */
	json_t *settings;    /* what all runs have in common, as text values by key */
	char command[512];   /* how to do it again */
};

void dataset_destroy(struct dataset *d); /* NULL is fine */

/* A factor's name for a column: the end of its key that no other factor shares ("backend"). */
const char *factor_title(const struct dataset *d, unsigned factor);
/* Factors with more than one level. */
unsigned factors_varied(const struct dataset *d);

/* The usable run of (config, block), or the A/A run; NULL when there is none. */
const struct lab_run *dataset_run(const struct dataset *d, unsigned config, unsigned block);
const struct lab_run *dataset_aa_run(const struct dataset *d, unsigned block);

#endif

/*
 * compare.h - what the runs say: ratios to the baseline, with intervals and verdicts.
 *
 * Differences of natural logs, paired by block; so everything is a ratio and what a block has in
 * common cancels. Interval: n < 8 blocks Student's t of the mean; n >= 8 the exact signed-rank
 * interval around the Hodges-Lehmann median (measurement.md 2.4 c). p: paired t; family: all
 * configurations against the baseline on one metric, Holm. Verdict with margin delta: `same` when
 * the 90 % interval lies within +-delta (two one-sided tests at 5 %); `better` or `worse` when
 * Holm's p < 0.05 and the interval excludes 1; otherwise `unclear`, with the number of blocks that
 * would probably tell. Fewer than 3 blocks give a ranking and no verdicts.
 *
 * Who takes part: a configuration that is possible, is not vacuous (in effect the same as another)
 * and has a usable run in more blocks than it failed or was INVALID in. The others are described
 * but can neither win nor lose.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_LAB_COMPARE_H
#define RW_LAB_COMPARE_H

#include "lab/dataset.h"

enum outcome_verdict { SAYS_NOTHING, SAYS_BETTER, SAYS_WORSE, SAYS_SAME, SAYS_UNCLEAR };
extern const char *const says_names[]; /* "-", "better", "worse", "same", "unclear" */

struct effect {
	unsigned n;	  /* pairs of runs it rests on */
	double ratio;	  /* 1.05: 5 % more than the baseline */
	double low, high; /* 95 % interval of the ratio */
	double low90, high90;
	double sd;	  /* of the differences of logs */
	double p, p_holm; /* NaN: too few pairs, or not in the family */
	enum outcome_verdict says;
	bool small;		/* better or worse, yet within the margin */
	bool methods_disagree;	/* t and signed-rank intervals differ about 1 (n >= 8) */
	unsigned blocks_needed; /* when unclear: about so many in all; 0: cannot tell */
};

/* Geometric mean over blocks with its 95 % interval; arithmetic when a run has 0. NaN: none. */
struct estimate {
	double value, low, high;
};

/* A counter that moved together with a configuration's effect: why.h. */
#define WHY_MOST 3
struct moved {
	enum metric metric;
	struct effect effect; /* as in the configuration's; what it says is beside the point */
	double p_adjusted;    /* Benjamini and Hochberg over all counters of all configurations */
};

struct config_summary {
	struct estimate at[METRICS];
	unsigned usable, suspect, invalid, failed; /* runs; usable counts suspect in */
	unsigned blocks_lost;			   /* blocks with runs of it, none usable */
	bool takes_part;			   /* see above */
	struct effect effect[METRICS]; /* against the baseline; n == 0 for the baseline itself */
	unsigned rank;		       /* 1: best on the primary metric; 0: not ranked */
	bool in_best_set;	       /* not told apart from the best (Holm, one-sided) */
	unsigned moved_count;	       /* only where there is an effect */
	struct moved moved[WHY_MOST];  /* strongest first */
};

/* One level of one factor against the baseline's level: mean over the configurations that differ in
 * nothing else, paired by block. */
struct level_effect {
	unsigned factor, level;
	unsigned pairs; /* of configurations; 0: nothing to compare */
	struct effect effect[METRICS];
};

struct analysis {
	const struct dataset *data;
	struct config_summary *configs; /* one per data->configs */
	unsigned level_count;
	struct level_effect *levels; /* by factor, levels as in the file, without the baseline's */
	struct effect aa[METRICS];   /* baseline against itself; no verdict */
	double resolution[METRICS];  /* half width of the A/A interval, as a share: what today's
					machine can tell apart in one pair of configurations */
	bool aa_suspicious;	     /* the A/A interval excludes 1 at 99 %, or |A/A| > delta */
	double drift_share; /* trend of the baseline over the sweep, per sweep; NaN: too short */
	double drift_p;	    /* that there is none (Mann and Kendall) */
	unsigned blocks;    /* that have any run */
	unsigned usable, suspect, invalid, failed; /* runs; usable counts suspect in */
	unsigned ranked, best_set;		   /* configurations; best_set counts the best in */
	unsigned best;				   /* configuration of rank 1, when ranked > 0 */
	char headline[1024];			   /* the answer in a few sentences */
};

int analysis_create(const struct dataset *d, struct analysis **ret, struct err *err);
void analysis_destroy(struct analysis *a);

/* The table a sweep ends with. width: of the terminal; colour: use it. */
void report_text(const struct analysis *a, unsigned width, bool colour, FILE *out);
/* Self-contained, inline SVG, readable without scripts. */
int report_html(const struct analysis *a, FILE *out, struct err *err);
/* runs.csv: one line a run. */
int report_csv(const struct dataset *d, FILE *out, struct err *err);
/* Everything in the analysis for other programs (verdict.json). */
int report_json(const struct analysis *a, FILE *out, struct err *err);

#endif

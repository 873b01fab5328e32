/*
 * why.h - which counters moved together with an effect.
 *
 * A hint where to look, not a cause: a counter that moved in the same blocks may be the reason, a
 * consequence, or have the same reason. For every configuration that is better or worse than the
 * baseline on the primary metric, each counter that metric_infos calls a reason is compared like a
 * metric: paired log-ratio over blocks, with its 95 % interval. All counters of all these
 * configurations are one family, corrected by Benjamini and Hochberg: of what is named, at most
 * 5 % is expected to be there by chance. Named is what is left and lies wholly outside the
 * counter's margin; the strongest first, WHY_MOST at most.
 *
 * A counter may be 0; what is added to it then is its metric's `nothing`.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_LAB_WHY_H
#define RW_LAB_WHY_H

#include "lab/compare.h"

/* When effects have their verdicts. 0 or -ENOMEM. */
int why_find(struct analysis *a, struct err *err);

/* "run delay x0.02, preemptions x0.10"; "" when nothing moved. Returns buf: WHY_TEXT bytes. */
#define WHY_TEXT 160
const char *why_text(const struct config_summary *c, char *buf);
/* Of one counter: "x0.02"; of one ratio: "0.02". Likewise. */
const char *why_ratio(const struct moved *m, char *buf);
const char *why_number(double ratio, char *buf);
/* Is there anything to be said of any configuration? */
bool why_any(const struct analysis *a);

#endif

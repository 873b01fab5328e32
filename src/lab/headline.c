/*
 * headline.c - which sentence is honest, given what the runs can carry.
 *
 * From the weakest data to the strongest: no runs, no baseline, too few blocks, nothing better, a
 * winner. A suspicious A/A pair puts its warning in front of whatever follows.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "lab/headline.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lab/effect.h"
#include "lab/number.h"
#include "lab/reasons.h"

#define LABEL_MOST 120 /* characters of a configuration's label in a sentence */
#define TIMES	   3.0 /* from this ratio on "4.2 times" is easier to read than "320 % above" */

static void say(struct analysis *a, const char *fmt, ...) PRINTF_LIKE(2, 3);

static void say(struct analysis *a, const char *fmt, ...)
{
	size_t len = strlen(a->headline);
	va_list args;

	va_start(args, fmt);
	vsnprintf(a->headline + len, sizeof(a->headline) - len, fmt, args);
	va_end(args);
}

static const struct metric_info *primary(const struct analysis *a)
{
	return &metric_infos[a->data->primary];
}

static const struct effect *effect_of(const struct analysis *a, unsigned config)
{
	return &a->configs[config].effect[a->data->primary];
}

static const char *extreme(const struct analysis *a)
{
	return primary(a)->higher_is_better ? "highest" : "lowest";
}

static void say_label(struct analysis *a, unsigned config)
{
	const char *label = a->data->configs[config].label;

	say(a, "%.*s%s", LABEL_MOST, label, strlen(label) > LABEL_MOST ? "..." : "");
}

/* "14", "0.8": percent by which a ratio is off, without sign. */
static double percent_off(double ratio)
{
	return 100 * fabs(ratio - 1);
}

static int digits_of(double number)
{
	return number < 9.95;
}

static void say_interval(struct analysis *a, const struct effect *e)
{
	double near = percent_off(e->ratio < 1 ? e->high : e->low);
	double far = percent_off(e->ratio < 1 ? e->low : e->high);

	if (isnan(e->low))
		return;
	if (e->ratio >= TIMES)
		say(a, ", 95 %% interval %.*f to %.*f times", digits_of(e->low), e->low,
		    digits_of(e->high), e->high);
	else if (e->low <= 1 && e->high >= 1)
		say(a, ", 95 %% interval %+.1f to %+.1f %%", 100 * (e->low - 1),
		    100 * (e->high - 1));
	else
		say(a, ", 95 %% interval %.*f to %.*f %%", digits_of(near), near, digits_of(far),
		    far);
}

/* "14 % below the baseline (epoll), 95 % interval 11 to 17 %" */
static void say_effect(struct analysis *a, unsigned config)
{
	const struct effect *e = effect_of(a, config);
	double off = percent_off(e->ratio);

	if (e->ratio >= TIMES)
		say(a, "%.*f times", digits_of(e->ratio), e->ratio);
	else
		say(a, "%.*f %% %s", digits_of(off), off, e->ratio < 1 ? "below" : "above");
	say(a, " the baseline (");
	say_label(a, a->data->baseline);
	say(a, ")");
	say_interval(a, e);
}

static const struct lab_run *unusable_run(const struct analysis *a, unsigned config)
{
	const struct dataset *d = a->data;

	for (unsigned i = 0; i < d->run_count; i++)
		if (!d->runs[i].usable && d->runs[i].reasons[0] &&
		    (config == d->config_count || d->runs[i].config == config))
			return &d->runs[i];
	return NULL;
}

static void say_example(struct analysis *a, unsigned config)
{
	const struct lab_run *run = unusable_run(a, config);
	char reasons[sizeof(run->reasons) + 32];

	if (!run)
		return;
	say(a, " For example run %u (", run->id);
	say_label(a, run->config);
	say(a, "): %s.", reasons_line(run->reasons, reasons, sizeof(reasons)));
}

static void say_nothing_usable(struct analysis *a)
{
	say(a, "Nothing can be said: none of the %u runs is usable (%u invalid, %u failed).",
	    a->data->run_count, a->invalid, a->failed);
	say_example(a, a->data->config_count);
}

static void say_nothing_ranked(struct analysis *a)
{
	say(a, "Nothing can be said about %s: ", primary(a)->title);
	if (a->configs[a->data->baseline].takes_part)
		say(a, "no run has enough samples for it. Longer runs would tell, or another "
		       "primary metric.");
	else
		say(a, "no configuration has usable runs in most blocks.");
	say_example(a, a->data->config_count);
}

static void say_warning(struct analysis *a)
{
	const struct effect *e = &a->aa[a->data->primary];
	double off = percent_off(e->ratio);

	say(a, "Careful: the baseline differs from itself by ");
	if (e->ratio >= TIMES)
		say(a, "a factor of %.*f", digits_of(e->ratio), e->ratio);
	else
		say(a, "%.*f %%", digits_of(off), off);
	say_interval(a, e);
	say(a, ", so a difference of that size means nothing on this machine today. ");
}

/* Of the best: how many others a paired test does not tell from it. */
static void say_best_set(struct analysis *a, const char *it)
{
	unsigned others = a->ranked - 1, alike = a->best_set - 1;

	if (!others || a->blocks < EFFECT_BLOCKS_MIN)
		return;
	if (!alike)
		say(a, " No other configuration comes up to %s.", it);
	else
		say(a, " %u of the %u others cannot be told apart from %s.", alike, others, it);
}

static void say_without_baseline(struct analysis *a)
{
	char value[NUMBER_TEXT];

	say(a, "No comparison: the baseline (");
	say_label(a, a->data->baseline);
	say(a, ") has no usable run in most blocks. Among the others ");
	say_label(a, a->best);
	say(a, " has the %s %s (%s).", extreme(a), primary(a)->title,
	    number_human(a->data->primary, a->configs[a->best].at[a->data->primary].value, value));
	say_best_set(a, "it");
	say_example(a, a->data->baseline);
}

static void say_ranking_only(struct analysis *a)
{
	say(a,
	    "Ranking only: %u block%s too few for verdicts (3 at least, 8 are better). "
	    "The %s %s was that of ",
	    a->blocks, a->blocks == 1 ? " is" : "s are", extreme(a), primary(a)->title);
	if (a->best == a->data->baseline) {
		say(a, "the baseline (");
		say_label(a, a->best);
		say(a, ").");
	} else {
		say_label(a, a->best);
		say(a, ", ");
		say_effect(a, a->best);
		say(a, ".");
	}
}

static unsigned count_verdict(const struct analysis *a, enum outcome_verdict says)
{
	unsigned count = 0;

	for (unsigned c = 0; c < a->data->config_count; c++)
		count += a->configs[c].rank && effect_of(a, c)->says == says;
	return count;
}

/* "3 are worse, 1 is the same within 2 %, 4 are unclear" */
static void say_counts(struct analysis *a)
{
	unsigned worse = count_verdict(a, SAYS_WORSE), same = count_verdict(a, SAYS_SAME);
	unsigned unclear = count_verdict(a, SAYS_UNCLEAR);
	unsigned untold = count_verdict(a, SAYS_NOTHING) - 1; /* the baseline has none */
	double margin = 100 * a->data->margin[a->data->primary];

	say(a, " Of the %u others", a->ranked - 1);
	if (worse)
		say(a, " %u %s worse,", worse, worse == 1 ? "is" : "are");
	if (same)
		say(a, " %u %s the same within %g %%,", same, same == 1 ? "is" : "are", margin);
	if (unclear)
		say(a, " %u %s unclear,", unclear, unclear == 1 ? "is" : "are");
	if (untold)
		say(a, " %u %s too few pairs of runs for a verdict,", untold,
		    untold == 1 ? "has" : "have");
	if (a->headline[strlen(a->headline) - 1] == ',')
		a->headline[strlen(a->headline) - 1] = '.';
}

static void say_more_blocks(struct analysis *a, const struct effect *e)
{
	if (e->says == SAYS_UNCLEAR && e->blocks_needed)
		say(a, " About %u blocks might tell.", e->blocks_needed);
}

static void say_baseline_is_best(struct analysis *a)
{
	if (a->ranked == 1) {
		say(a, "Only the baseline (");
		say_label(a, a->best);
		say(a, ") has usable runs in most blocks; there is nothing to compare.");
		return;
	}
	say(a, "Nothing beats the baseline (");
	say_label(a, a->best);
	say(a, "): no configuration has a %s %s.",
	    primary(a)->higher_is_better ? "higher" : "lower", primary(a)->title);
	say_counts(a);
}

static void say_no_winner(struct analysis *a)
{
	say(a, "No configuration can be shown to beat the baseline on %s. The %s seen is that of ",
	    primary(a)->title, extreme(a));
	say_label(a, a->best);
	say(a, ", ");
	say_effect(a, a->best);
	say(a, ".");
	say_counts(a);
	say_more_blocks(a, effect_of(a, a->best));
}

static void say_drowned(struct analysis *a)
{
	say(a, "The %s %s is that of ", extreme(a), primary(a)->title);
	say_label(a, a->best);
	say(a, ", ");
	say_effect(a, a->best);
	say(a, ": no more than the baseline differs from itself, so there is no winner.");
}

static void say_winner(struct analysis *a, unsigned winner)
{
	say_label(a, winner);
	if (winner == a->best)
		say(a, " has the %s %s: ", extreme(a), primary(a)->title);
	else
		say(a,
		    " is the best that can be told from the baseline on %s: ", primary(a)->title);
	say_effect(a, winner);
	say(a, ".");
	if (effect_of(a, winner)->small)
		say(a, " That is less than the %g %% that count as a difference here.",
		    100 * a->data->margin[a->data->primary]);
	if (winner == a->best) {
		say_best_set(a, "it");
	} else {
		say(a, " ");
		say_label(a, a->best);
		say(a, " looked better still, but too unsteadily for a verdict.");
	}
}

/* The first by rank that is better; config_count: none. */
static unsigned find_winner(const struct analysis *a)
{
	unsigned winner = a->data->config_count;

	for (unsigned c = 0; c < a->data->config_count; c++)
		if (a->configs[c].rank && effect_of(a, c)->says == SAYS_BETTER &&
		    (winner == a->data->config_count ||
		     a->configs[c].rank < a->configs[winner].rank))
			winner = c;
	return winner;
}

static void say_comparison(struct analysis *a)
{
	unsigned winner = find_winner(a);

	if (a->best == a->data->baseline)
		say_baseline_is_best(a);
	else if (winner == a->data->config_count)
		say_no_winner(a);
	else if (a->aa_suspicious &&
		 fabs(log(effect_of(a, winner)->ratio)) <= fabs(log(a->aa[a->data->primary].ratio)))
		say_drowned(a);
	else
		say_winner(a, winner);
}

static void say_ranked(struct analysis *a)
{
	if (a->aa_suspicious)
		say_warning(a);
	if (!a->configs[a->data->baseline].takes_part)
		say_without_baseline(a);
	else if (a->blocks < EFFECT_BLOCKS_MIN)
		say_ranking_only(a);
	else
		say_comparison(a);
	if (a->blocks < a->data->block_count)
		say(a, " So far %u of %u blocks were run.", a->blocks, a->data->block_count);
}

void headline_write(struct analysis *a)
{
	a->headline[0] = 0;
	if (!a->data->run_count)
		say(a, "Nothing can be said yet: there are no runs.");
	else if (!a->usable)
		say_nothing_usable(a);
	else if (!a->ranked)
		say_nothing_ranked(a);
	else
		say_ranked(a);
}

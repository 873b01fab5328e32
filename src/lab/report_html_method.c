/*
 * report_html_method.c - how the numbers of report.html came about, in words that can be checked.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "lab/html.h"
#include "lab/report_html.h"

/* Plain text; escaped when written. */
static const struct {
	const char *term, *text;
} method[] = {
	{ "Unit",
	  "One run of one configuration, with fresh processes, is one observation. Requests of "
	  "a run are not: they queue behind each other, and counting them would make every "
	  "difference look certain." },
	{ "Design",
	  "Randomised complete blocks: each block runs every configuration once in a fresh "
	  "random order, all with the same seeded requests, and the baseline once more "
	  "under a second label (A/A). INVALID runs are repeated at the end of their "
	  "block, and kept." },
	{ "Effect",
	  "d = ln(run of the configuration) - ln(run of the baseline in the same block). The "
	  "effect is exp of the centre of d: the mean for fewer than 8 blocks, from 8 on "
	  "the Hodges-Lehmann median (the median of all pairwise means). Values are "
	  "geometric means over blocks." },
	{ "Interval",
	  "95 %: mean of d \xc2\xb1 t(n-1, 0.975) \xc2\xb7 s / \xe2\x88\x9an for fewer than 8 "
	  "blocks; from 8 on the exact signed-rank interval on the pairwise means. "
	  "Where the two disagree about zero, the verdict carries \xe2\x89\x88." },
	{ "Verdict",
	  "better, worse: the paired t test's p, corrected by Holm over all configurations "
	  "compared with the baseline on that metric, is below 5 %, and the interval "
	  "excludes zero; small: within the margin nevertheless. same: the 90 % interval "
	  "lies within the margin (two one-sided tests at 5 %). unclear: neither, and "
	  "the number of blocks that might tell is estimated from the spread." },
	{ "Factors",
	  "A level is compared with the baseline's level over all pairs of configurations "
	  "that differ in nothing else; a block's difference is the mean over its pairs. "
	  "Levels of all factors are one Holm family per metric. If factors interact, "
	  "this is the average over the settings in this sweep." },
	{ "What moved with it",
	  "Counters of the node and the machine, compared like a metric (paired log-ratios over "
	  "blocks) for every configuration that is better or worse. All counters of all these "
	  "configurations are one family (Benjamini and Hochberg, false discovery rate 5 %); "
	  "named is what also lies wholly outside the counter's margin, at most three, the "
	  "strongest first. A counter may be 0: what counts as nothing is added to it before "
	  "logarithms are taken (1 us of run delay, 0.01 switches a request ...). This is "
	  "correlation: a hint where to look, not a cause." },
	{ "Best set",
	  "All configurations that a one-sided paired t test against the best one seen "
	  "does not reject (Holm, 5 %). The best of many looks better than it is; run it "
	  "again before you rely on its number." },
	{ "A/A",
	  "The baseline's two runs of a block differ by chance only. Half the width of their "
	  "interval is what two configurations must differ by to be told apart here. "
	  "Suspicious: the 99 % interval excludes zero, or the difference is beyond the "
	  "margin." },
	{ "Drift",
	  "Theil-Sen slope of the baseline's runs over time, with Mann and Kendall's test; "
	  "seen when p is below 1 %. Pairing by block cancels what is slower than a block." },
	{ "Who is in",
	  "A configuration whose runs failed or were INVALID in half of its blocks or more "
	  "is neither ranked nor judged, whatever its other runs say." },
};

void sheet_put_method(const struct sheet *s)
{
	sheet_open(s, "method", "How this was computed", NULL);
	fputs("<dl class=\"method\">\n", s->out);
	for (unsigned i = 0; i < sizeof(method) / sizeof(method[0]); i++) {
		fprintf(s->out, "<dt>%s</dt><dd>", method[i].term);
		html_sentence(s->out, method[i].text);
		fputs("</dd>\n", s->out);
	}
	fputs("<dt>Margins</dt><dd>", s->out);
	for (int m = 0; m < METRICS; m++)
		html_printf(s->out, "%s%s %g %%",
			    m ? ", " : "Within these shares is the same: ", metric_infos[m].title,
			    100 * s->d->margin[m]);
	html_printf(s->out,
		    ". The primary metric is %s; the others are shown for what they cost, "
		    "each as a family of its own.",
		    metric_infos[s->d->primary].title);
	fputs("</dd></dl>\n", s->out);
	sheet_close(s);
}

/*
 * report_html_card.c - the top of report.html: the answer and how far to trust it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <math.h>

#include "lab/enough.h"
#include "lab/html.h"
#include "lab/load_text.h"
#include "lab/neighbours.h"
#include "lab/number.h"
#include "lab/report_html.h"
#include "lab/taken.h"
#include "lab/why.h"

static void put_title(const struct sheet *s)
{
	char load[512];

	fputs("<header><p>Ringwalk sweep</p><h1>", s->out);
	html_text(s->out, s->d->name);
	fputs("</h1><p>", s->out);
	html_text(s->out, load_text(s->d->settings, load, sizeof(load)));
	fputs("</p></header>\n", s->out);
}

static void open_fact(const struct sheet *s, const char *name)
{
	fprintf(s->out, "<div><dt>%s</dt><dd>", name);
}

static void close_fact(const struct sheet *s)
{
	fputs("</dd></div>\n", s->out);
}

static void put_size(const struct sheet *s)
{
	open_fact(s, "Compared");
	fprintf(s->out, "<b>%u</b> of %u configurations<small>", s->a->ranked, s->d->config_count);
	if (s->a->blocks < s->d->block_count)
		fprintf(s->out, "%u of %u blocks so far", s->a->blocks, s->d->block_count);
	else
		fprintf(s->out, "%u random block%s, A/A in each", s->d->block_count,
			s->d->block_count == 1 ? "" : "s");
	fputs("</small>", s->out);
	close_fact(s);
}

static void put_runs(const struct sheet *s)
{
	const struct analysis *a = s->a;

	open_fact(s, "Runs");
	fprintf(s->out,
		"<b>%u</b> usable of %u<small>%u valid, %u suspect, %u invalid, %u failed</small>",
		a->usable, s->d->run_count, a->usable - a->suspect, a->suspect, a->invalid,
		a->failed);
	close_fact(s);
}

static void put_requests(const struct sheet *s)
{
	const struct lab_run *r = enough_fewest(s->d);
	char few[ENOUGH_TEXT];

	if (!r)
		return;
	open_fact(s, "Requests a run");
	fprintf(s->out, "<b>%.0f</b> in the run with the fewest<small>", r->requests);
	html_sentence(s->out, enough_text(r->requests, r->metric[METRIC_RATE], s->d->primary, few,
					  sizeof(few)));
	fputs("</small>", s->out);
	close_fact(s);
}

static void put_resolution(const struct sheet *s)
{
	enum metric m = s->d->primary;
	const struct effect *e = &s->a->aa[m];
	char share[NUMBER_TEXT], text[3 * NUMBER_TEXT], ratio[NUMBER_TEXT], interval[NUMBER_TEXT];

	open_fact(s, "This machine can tell apart");
	if (isnan(s->a->resolution[m])) {
		fputs("not known<small>too few A/A pairs</small>", s->out);
	} else {
		fputs("<b>", s->out);
		html_number(s->out, number_share(s->a->resolution[m], share));
		fputs("</b> on ", s->out);
		html_text(s->out, metric_infos[m].title);
		fputs("<small>", s->out);
		snprintf(text, sizeof(text), "A/A %s %s", number_percent(e->ratio, ratio),
			 number_interval(e->low, e->high, interval));
		html_number(s->out, text);
		/* Where the column is too narrow for both, below. */
		fprintf(s->out, "%s</small>", s->a->aa_suspicious ? " suspicious" : "");
	}
	close_fact(s);
}

static void put_drift(const struct sheet *s)
{
	char share[NUMBER_TEXT], chance[NUMBER_TEXT];

	open_fact(s, "Drift of the baseline");
	if (isnan(s->a->drift_share)) {
		fputs("not known<small>too few runs</small>", s->out);
	} else {
		fprintf(s->out, "<b>%s</b><small>", s->a->drift_p < 0.01 ? "seen" : "none seen");
		html_number(s->out, number_percent(1 + s->a->drift_share, share));
		fputs(" over the sweep, p ", s->out);
		html_text(s->out, number_p(s->a->drift_p, chance));
		fputs("</small>", s->out);
	}
	close_fact(s);
}

/* Only where there is somebody. */
static void put_others(const struct sheet *s)
{
	char text[NEIGHBOURS_TEXT];

	if (!*neighbours_text(s->d, text, sizeof(text)))
		return;
	open_fact(s, "Others on the CPUs");
	fputs("<b>seen</b><small>", s->out);
	html_sentence(s->out, text);
	fputs("</small>", s->out);
	close_fact(s);
}

/* Of the winner against the baseline. */
static void put_confidence(const struct sheet *s)
{
	const struct effect *e = &s->a->configs[s->a->best].effect[s->d->primary];
	char ratio[NUMBER_TEXT], interval[NUMBER_TEXT], chance[NUMBER_TEXT];

	if (!s->a->ranked || !e->n)
		return;
	open_fact(s, "The best against the baseline");
	fputs("<b>", s->out);
	html_number(s->out, number_percent(e->ratio, ratio));
	fputs("</b> ", s->out);
	if (isfinite(e->low))
		html_number(s->out, number_interval(e->low, e->high, interval));
	fputs("<small>", s->out);
	if (isnan(e->p_holm))
		fprintf(s->out, "%u pair%s of runs: no verdict", e->n, e->n == 1 ? "" : "s");
	else
		html_printf(s->out, "%s; %u pairs of runs, Holm\xe2\x80\x99s p %s",
			    says_names[e->says], e->n, number_p(e->p_holm, chance));
	fputs("</small>", s->out);
	close_fact(s);
}

static const char *card_class(const struct analysis *a)
{
	if (a->aa_suspicious)
		return "card careful";
	if (!a->ranked || a->configs[a->best].effect[a->data->primary].says != SAYS_BETTER)
		return "card silent";
	return "card";
}

static void put_links(const struct sheet *s)
{
	fputs("<nav>", s->out);
	if (s->a->ranked)
		fputs("<a href=\"#ranking\">Ranking</a>", s->out);
	if (why_any(s->a))
		fputs("<a href=\"#why\">What moved</a>", s->out);
	if (s->d->run_count)
		fputs("<a href=\"#sequence\">Runs in order</a><a href=\"#generator\">Generator</a>",
		      s->out);
	if (s->d->taken && s->d->taken->count)
		fputs("<a href=\"#settings\">Settings</a>", s->out);
	fputs("<a href=\"#absent\">Left out</a><a href=\"#runs\">All runs</a>"
	      "<a href=\"#environment\">Environment</a><a href=\"#reproduce\">Do it again</a>"
	      "<a href=\"#method\">Method</a></nav>\n",
	      s->out);
}

void sheet_put_card(const struct sheet *s)
{
	put_title(s);
	fprintf(s->out, "<div class=\"%s\"><p class=\"answer\">", card_class(s->a));
	html_sentence(s->out, s->a->headline);
	fputs("</p>\n<dl class=\"facts\">\n", s->out);
	put_confidence(s);
	put_resolution(s);
	put_size(s);
	put_runs(s);
	put_requests(s);
	put_drift(s);
	put_others(s);
	fputs("</dl></div>\n", s->out);
	put_links(s);
}

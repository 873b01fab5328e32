/*
 * record.c - see record.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "client/record.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"

const char *const outcome_names[] = {
	[OUTCOME_DONE] = "done",	   [OUTCOME_FAILED] = "failed",
	[OUTCOME_TIMED_OUT] = "timed_out", [OUTCOME_UNANSWERED] = "unanswered",
	[OUTCOME_CENSORED] = "censored",   NULL,
};

static int check_written(FILE *out, const char *what, struct err *err)
{
	if (fflush(out) || ferror(out))
		return err_sys(err, errno ? -errno : -EIO, "%s", what);
	return 0;
}

/* An instant, or nothing where there was none. */
static void write_time(FILE *out, bool is_there, int64_t ns)
{
	if (is_there)
		fprintf(out, "%" PRId64, ns);
	fputc(',', out);
}

/* Of the answer; empty where there was none. */
static const char *status_name(const struct client_record *row)
{
	bool is_answered = row->outcome == OUTCOME_DONE || row->status != WIRE_OK;

	return is_answered ? wire_status_names[row->status] : "";
}

int record_write_csv(const struct client_result *r, FILE *out, struct err *err)
{
	fputs("intended_ns,sent_ns,end_ns,id,thread,session,outcome,status\n", out);
	for (uint64_t i = 0; i < r->record_count; i++) {
		const struct client_record *row = &r->records[i];

		write_time(out, true, row->intended_ns);
		write_time(out, row->outcome != OUTCOME_CENSORED, row->sent_ns);
		write_time(out, row->end_ns, row->end_ns);
		fprintf(out, "%" PRIu64 ",%u,%u,%s,%s\n", row->id, row->thread, row->session,
			outcome_names[row->outcome], status_name(row));
	}
	return check_written(out, "records", err);
}

void record_write_header(const struct row_format *f, FILE *out)
{
	const char *unit = f->nano ? "ns" : "us";

	if (f->form == ROWS_CSV && f->header)
		fprintf(out, "t(%s)%celapsed(%s)%creq_id%cthr_id%csess_id\n", unit, f->separator,
			unit, f->separator, f->separator, f->separator);
}

/* DistWalk's names in front of the values, and what stands around them. */
static const struct shape {
	const char *names[5], *unit, *none;
} shapes[] = {
	[ROWS_LINES] = { { "t: ", "elapsed: ", "req_id: ", "thr_id: ", "sess_id: " }, " ", "-" },
	[ROWS_TEXT] = { { "t:", "elapsed:", "req_id:", "thr_id:", "sess_id:" }, "", "-" },
	[ROWS_CSV] = { { "", "", "", "", "" }, "", "" },
};

bool record_write_row(const struct row_format *f, const struct client_record *row, FILE *out)
{
	const struct shape *shape = &shapes[f->form];
	const char *unit = f->form != ROWS_LINES ? "" : f->nano ? "ns" : "us";
	const char *gap = f->form == ROWS_LINES ? " " : "";
	int64_t scale = f->nano ? 1 : US;
	char elapsed[24];

	if (row->outcome == OUTCOME_CENSORED)
		return false;
	snprintf(elapsed, sizeof(elapsed), "%s", shape->none);
	if (row->outcome == OUTCOME_DONE)
		snprintf(elapsed, sizeof(elapsed), "%" PRId64,
			 (int64_t)((row->end_ns - row->sent_ns) / scale));
	fprintf(out, "%s%" PRId64 "%s%s%c%s", shape->names[0], (int64_t)(row->sent_ns / scale),
		shape->unit, unit, f->separator, gap);
	fprintf(out, "%s%s%s%s%c%s", shape->names[1], elapsed, shape->unit, unit, f->separator,
		gap);
	fprintf(out, "%s%" PRIu64 "%c%s", shape->names[2], row->id, f->separator, gap);
	fprintf(out, "%s%u%c%s", shape->names[3], row->thread, f->separator, gap);
	fprintf(out, "%s%u\n", shape->names[4], row->session);
	return true;
}

int record_write_rows(const struct client_result *r, const struct row_format *f, FILE *out,
		      struct err *err)
{
	for (uint64_t i = 0; i < r->record_count; i++)
		record_write_row(f, &r->records[i], out);
	return check_written(out, "rows", err);
}

static int parse_separator(const char *text, struct row_format *f, struct err *err)
{
	bool is_one = text[0] && !text[1];

	if (!strcmp(text, "\\t") || !strcmp(text, "tab")) {
		f->separator = '\t';
		return 0;
	}
	if (!is_one || strchr("_.-\"\n", *text) || isalnum((unsigned char)*text) ||
	    (f->form == ROWS_TEXT && *text == ':'))
		return err_set(err, -EINVAL,
			       "\"%s\" cannot separate values; use one character such as ; or tab",
			       text);
	f->separator = *text;
	return 0;
}

static int parse_header(const char *text, struct row_format *f, struct err *err)
{
	bool is_yes = !strcmp(text, "true") || !strcmp(text, "1") || !strcmp(text, "yes");
	bool is_no = !strcmp(text, "false") || !strcmp(text, "0") || !strcmp(text, "no");

	if (!is_yes && !is_no)
		return err_set(err, -EINVAL, "header \"%s\" must be true or false", text);
	f->header = is_yes;
	return 0;
}

static int parse_output_option(const char *word, struct row_format *f, struct err *err)
{
	if (!strncmp(word, "sep=", 4))
		return parse_separator(word + 4, f, err);
	if (!strncmp(word, "header=", 7))
		return parse_header(word + 7, f, err);
	return err_set(err, -EINVAL, "\"%s\" is not understood: FILE.csv,sep=C,header=true", word);
}

/* What follows the path: it may be "," itself, as in "sep=,". */
static char *next_option(char **rest)
{
	char *word = *rest, *comma;

	if (!word)
		return NULL;
	comma = strchr(!strncmp(word, "sep=,", 5) ? word + 5 : word, ',');
	if (comma)
		*comma = '\0';
	*rest = comma ? comma + 1 : NULL;
	return word;
}

int record_parse_output(const char *text, struct row_format *ret, struct err *err)
{
	struct row_format f = { .separator = ',', .header = true, .nano = ret->nano };
	char words[512], *rest = words, *word;
	const char *dot;

	if (strlen(text) >= sizeof(f.path))
		return err_set(err, -EINVAL, "\"%.40s...\" is too long", text);
	strcpy(words, text);
	strcpy(f.path, next_option(&rest));
	dot = strrchr(f.path, '.');
	if (!dot || (strcmp(dot, ".csv") && strcmp(dot, ".txt")))
		return err_set(err, -EINVAL, "\"%s\" must end in .csv or .txt", f.path);
	f.form = strcmp(dot, ".csv") ? ROWS_TEXT : ROWS_CSV;
	while ((word = next_option(&rest)))
		if (parse_output_option(word, &f, err))
			return -EINVAL;
	*ret = f;
	return 0;
}

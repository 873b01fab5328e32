/*
 * record.c - see record.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "client/record.h"

#include <errno.h>
#include <inttypes.h>

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

int record_write_csv(const struct client_result *r, FILE *out, struct err *err)
{
	fputs("intended_ns,sent_ns,end_ns,id,thread,outcome\n", out);
	for (uint64_t i = 0; i < r->record_count; i++) {
		const struct client_record *row = &r->records[i];

		write_time(out, true, row->intended_ns);
		write_time(out, row->outcome != OUTCOME_CENSORED, row->sent_ns);
		write_time(out, row->end_ns, row->end_ns);
		fprintf(out, "%" PRIu64 ",%u,%s\n", row->id, row->thread,
			outcome_names[row->outcome]);
	}
	return check_written(out, "records", err);
}

int record_write_rows(const struct client_result *r, FILE *out, struct err *err)
{
	for (uint64_t i = 0; i < r->record_count; i++) {
		const struct client_record *row = &r->records[i];
		int64_t elapsed_ns = row->outcome == OUTCOME_DONE ? row->end_ns - row->sent_ns : 0;

		if (row->outcome == OUTCOME_CENSORED)
			continue;
		fprintf(out,
			"t: %" PRId64 " us, elapsed: %" PRId64 " us, req_id: %" PRIu64
			", thr_id: %u, sess_id: 0\n",
			(int64_t)(row->sent_ns / US), (int64_t)(elapsed_ns / US), row->id,
			row->thread);
	}
	return check_written(out, "rows", err);
}

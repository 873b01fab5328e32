/*
 * client_rows.c - one line per request or session: see client_rows.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli/client_rows.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"

static int parse_output(const struct knob *k, const char *text, void *field, struct err *err)
{
	(void)k;
	return *text ? record_parse_output(text, field, err) : 0;
}

static void format_output(const struct knob *k, const void *field, char *buf, size_t size)
{
	(void)k;
	snprintf(buf, size, "%s", ((const struct row_format *)field)->path);
}

static const struct knob_type output_type = { "FILE", parse_output, format_output };

static const char *const output_aliases[] = { "output-file", NULL };
static const char *const per_session_aliases[] = { "pso", NULL };
static const char *const interactive_aliases[] = { "i", NULL };

#define FLAG(key, field, text)                                                                   \
	.name = key, .type = &knob_bool, KNOB_FIELD(struct rows_opts, field, bool), .def = "no", \
	.help = text

static const struct knob knobs[] = {
	{ .name = "output",
	  .letter = 'o',
	  .aliases = output_aliases,
	  .type = &output_type,
	  KNOB_FIELD(struct rows_opts, format, struct row_format),
	  .metavar = "FILE.csv|.txt[,sep=C][,header=BOOL]",
	  .help = "one row per request, in DistWalk's columns" },
	{ FLAG("rows", rows, "the same as lines on standard output") },
	{ FLAG("nano", nano, "rows and connection times in ns instead of us") },
	{ FLAG("per-session-output", per_session,
	       "rows are written when their session ends, and memory is for one session"),
	  .aliases = per_session_aliases },
	{ FLAG("interactive-pso", flushes, "the same, and nothing is held back"), .letter = 'i',
	  .aliases = interactive_aliases },
	{ FLAG("conn-times", conn_times, "one line per session: how long connecting took") },
	{ 0 },
};

const struct knob_group rows_knobs = {
	.name = "",
	.help = "rows, as DistWalk writes them",
	.knobs = knobs,
	.opts_size = sizeof(struct rows_opts),
};

static bool by_session(const struct rows_opts *o)
{
	return o->per_session || o->flushes;
}

bool rows_are_wanted(const struct rows_opts *o)
{
	return o->rows || *o->format.path || by_session(o);
}

bool rows_use_stdout(const struct rows_opts *o)
{
	return o->conn_times || o->rows || (by_session(o) && !*o->format.path);
}

static FILE *out_of(struct rows *rows)
{
	return rows->file ? rows->file : stdout;
}

static void on_opened(void *context, uint32_t thread, uint32_t session, int64_t ns)
{
	struct rows *rows = context;
	bool nano = rows->opts->nano;

	pthread_mutex_lock(&rows->lock);
	printf("conn_time: %" PRId64 " %s, thr_id: %" PRIu32 ", sess_id: %" PRIu32 "\n",
	       nano ? ns : (int64_t)(ns / US), nano ? "ns" : "us", thread, session);
	pthread_mutex_unlock(&rows->lock);
}

static void on_ended(void *context, uint32_t thread, uint32_t session,
		     const struct client_record *records, uint64_t count)
{
	struct rows *rows = context;

	(void)thread;
	pthread_mutex_lock(&rows->lock);
	for (uint64_t i = 0; i < count; i++)
		if (records[i].session == session)
			record_write_row(&rows->format, &records[i], out_of(rows));
	if (rows->opts->flushes)
		fflush(out_of(rows));
	pthread_mutex_unlock(&rows->lock);
}

int rows_open(struct rows *rows, const struct rows_opts *o, struct err *err)
{
	*rows = (struct rows){ .opts = o, .format = o->format, .sink.context = rows };
	pthread_mutex_init(&rows->lock, NULL);
	rows->format.nano = o->nano;
	if (!*o->format.path)
		rows->format.separator = ',';
	if (*o->format.path)
		rows->file = fopen(o->format.path, "we");
	if (*o->format.path && !rows->file)
		return err_set(err, -EINVAL, "--output: %s: %s", o->format.path, strerror(errno));
	if (o->conn_times)
		rows->sink.opened = on_opened;
	if (by_session(o))
		rows->sink.ended = on_ended;
	if (rows->file)
		record_write_header(&rows->format, rows->file);
	return 0;
}

int rows_write(struct rows *rows, const struct client_result *r, struct err *err)
{
	const struct rows_opts *o = rows->opts;
	int rc = 0;

	if (!by_session(o) && rows->file)
		rc = record_write_rows(r, &rows->format, rows->file, err);
	else if (!by_session(o) && o->rows)
		rc = record_write_rows(r, &rows->format, stdout, err);
	if (!rc && (fflush(out_of(rows)) || ferror(out_of(rows))))
		rc = err_sys(err, errno ? -errno : -EIO, "rows");
	return rc;
}

void rows_close(struct rows *rows)
{
	if (rows->file)
		fclose(rows->file);
	rows->file = NULL;
}

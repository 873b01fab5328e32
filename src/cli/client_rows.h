/*
 * client_rows.h - one line per request or session, for DistWalk's users and their scripts.
 *
 * At the end of the run, or as each session ends; then the client's threads write, one at a time.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_CLI_CLIENT_ROWS_H
#define RW_CLI_CLIENT_ROWS_H

#include <pthread.h>

#include "base/knob.h"
#include "client/record.h"

struct rows_opts {
	struct row_format format; /* -o, --output */
	bool rows, nano, per_session, flushes, conn_times;
};

extern const struct knob_group rows_knobs;

struct rows {
	const struct rows_opts *opts;
	struct row_format format;
	FILE *file; /* of --output */
	pthread_mutex_t lock;
	struct client_sink sink;
};

/* Does anything of it go to standard output; are records needed? */
bool rows_use_stdout(const struct rows_opts *opts);
bool rows_are_wanted(const struct rows_opts *opts);

/* Opens the file and writes the header. What the client is to tell meanwhile is &rows->sink. */
int rows_open(struct rows *rows, const struct rows_opts *opts, struct err *err);
/* Everything that was not written session by session. */
int rows_write(struct rows *rows, const struct client_result *r, struct err *err);
void rows_close(struct rows *rows); /* zeroed is fine */

#endif

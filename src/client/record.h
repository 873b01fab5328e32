/*
 * record.h - one row a request: CSV with everything, and DistWalk's rows for its users' scripts.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_CLIENT_RECORD_H
#define RW_CLIENT_RECORD_H

#include <stdio.h>

#include "client/client.h"

/*
 * Header line, then `intended_ns,sent_ns,end_ns,id,thread,session,outcome,status`: times from the
 * start of the measured part; sent_ns is empty for what was never sent, end_ns for what never
 * ended, status (ok, error, timeout, refused) for what was not answered in time.
 */
int record_write_csv(const struct client_result *r, FILE *out, struct err *err);

/*
 * DistWalk's rows; t and elapsed count from the actual send, in us, or ns with `nano`:
 *
 *	ROWS_LINES	t: 10 us, elapsed: 250 us, req_id: 0, thr_id: 0, sess_id: 0
 *	ROWS_TEXT	t:10,elapsed:250,req_id:0,thr_id:0,sess_id:0
 *	ROWS_CSV	10,250,0,0,0		header: t(us),elapsed(us),req_id,thr_id,sess_id
 *
 * A request that was not answered as it should has no elapsed time: "-" in text, nothing in CSV.
 * (DistWalk writes 0 there, which drags every average down.) What was never sent has no row.
 */
enum row_form { ROWS_LINES, ROWS_TEXT, ROWS_CSV };
struct row_format {
	enum row_form form;
	char separator;
	bool header;
	bool nano;
	char path[256]; /* "": standard output */
};

/* "file.csv", "file.txt,sep=;,header=false"; CSV has a header unless told otherwise. */
int record_parse_output(const char *text, struct row_format *ret, struct err *err);

void record_write_header(const struct row_format *format, FILE *out);
/* False: the row was not for writing. */
bool record_write_row(const struct row_format *format, const struct client_record *row, FILE *out);
int record_write_rows(const struct client_result *r, const struct row_format *format, FILE *out,
		      struct err *err);

#endif

/*
 * progress.h - how far a sweep is, in one line.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_LAB_PROGRESS_H
#define RW_LAB_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Start and end of two processes, fsync: what a run takes beside its time, until measured. */
#define PROGRESS_OVERHEAD_NS 100000000LL

#define PROGRESS_LINE 512

struct progress {
	unsigned block, blocks;	  /* block counts from 1 */
	unsigned done, total;	  /* runs, with the repeats so far */
	unsigned invalid, failed; /* runs so far */
	int64_t left_ns;	  /* expected */
	const char *label;	  /* of the last run; NULL: none yet */
	bool is_aa;
	double p50_ns;	     /* NaN: none */
	const char *verdict; /* "VALID", "failed" ... */
	const char *reason;  /* why not VALID; "" */
};

/* "48 s", "1 min 21 s", "2 h 05 min". Returns buf. */
const char *progress_duration(int64_t ns, char *buf, size_t size);

/* For a terminal of this width, never longer (columns, not bytes), without a line end:
 * "[====>     ] block 2/5  run 31/85  0:52 left  epoll other split  p50 21.3 us  VALID" */
const char *progress_bar(const struct progress *p, unsigned width, char *buf, size_t size);

/* One line a run, for logs: "run 31/85  block 2/5  epoll other split  p50 21.3 us  VALID"; a long
 * reason is cut, for the report has it whole. */
const char *progress_line(const struct progress *p, char *buf, size_t size);

/*
 * Keeps a terminal's line up to date, at most ten times a second, or writes a line a run elsewhere.
 * Zero but for out is a valid start.
 */
struct progress_writer {
	FILE *out;
	bool is_terminal;
	int64_t painted_ns; /* CLOCK_MONOTONIC */
	unsigned lines;	    /* runs written of */
};

void progress_writer_init(struct progress_writer *w, FILE *out);
/* now_ns: CLOCK_MONOTONIC. A finished run is always shown. */
void progress_write(struct progress_writer *w, const struct progress *p, int64_t now_ns);
void progress_end(struct progress_writer *w); /* leaves the line */

#endif

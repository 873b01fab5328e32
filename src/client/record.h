/*
 * record.h - one row a request: CSV, and DistWalk's row format for its users' scripts.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_CLIENT_RECORD_H
#define RW_CLIENT_RECORD_H

#include <stdio.h>

#include "client/client.h"

/*
 * Header line, then `intended_ns,sent_ns,end_ns,id,thread,outcome`: times from the start of the
 * measured part; sent_ns is empty for what was never sent, end_ns for what never ended.
 */
int record_write_csv(const struct client_result *r, FILE *out, struct err *err);

/*
 * `t: <us> us, elapsed: <us> us, req_id: i, thr_id: j, sess_id: 0`. As DistWalk means it: t and
 * elapsed count from the actual send, requests that were not done have elapsed 0, unsent ones no
 * row.
 */
int record_write_rows(const struct client_result *r, FILE *out, struct err *err);

#endif

/*
 * napi.h - which receive queues of network devices the sockets of a backend were served by.
 *
 * Busy polling asks a device's receive queue (a NAPI instance) for packets instead of waiting for
 * its interrupt. The kernel takes the setting for anything, but a socket whose packets come from no
 * such queue, as on loopback, gains nothing, and nobody says so. SO_INCOMING_NAPI_ID does: 0 is
 * none. It is known once data has come, so sockets are asked when they are closed or at the end.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_BACKENDS_NAPI_H
#define RW_BACKENDS_NAPI_H

#include "base/verdict.h"

#define NAPI_IDS 16 /* more are not told apart */

struct napi_census {
	unsigned sockets;  /* that were asked */
	unsigned without;  /* of those, without an id */
	unsigned datagram; /* without an id, too; it may be that nothing has come */
	unsigned ids[NAPI_IDS], id_count;
};

/* Asks fd. What is no socket does not count, nor a stream on which nothing has come. */
void napi_census_add(struct napi_census *c, int fd);

/*
 * Says what it means for `knob` ("epoll.busy-poll"). one_id: only the sockets of one queue gain.
 * Leaves *report alone while no socket has been asked, or when all is well.
 */
void napi_census_judge(const struct napi_census *c, const char *knob, bool one_id,
		       struct verdict_report *report);

#endif

/*
 * endpoint.h - a UDP address of a worker: what an acceptor is to streams.
 *
 * It reads one bound socket in its worker's loop; whoever sends a valid request is a connection of
 * that worker (engine/datagram.h). The socket is the node's: in child mode each worker has its own
 * and the kernel spreads senders by their address, in shared mode all workers read the same one and
 * a datagram is whose it is first, in parent mode worker 0 reads and serves alone, because nothing
 * can be handed out.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_NODE_ENDPOINT_H
#define RW_NODE_ENDPOINT_H

#include "node/worker.h"

struct endpoint {
	struct worker *worker;
	int fd;
	struct datagram *socket;
	struct endpoint *next; /* of the same worker */
};

/* Before any thread starts: each of these workers reads fd. 0 or -ENOMEM. */
int endpoints_add(struct worker *workers, unsigned count, int fd);
void endpoints_free(struct worker *w); /* when its thread has ended */

/* In the worker's loop. Begin: 0, or -errno with a sentence. */
int endpoint_begin(struct endpoint *e, struct err *err);
void endpoint_end(struct endpoint *e); /* reads no more */

#endif

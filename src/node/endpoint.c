/*
 * endpoint.c - see endpoint.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "node/endpoint.h"

#include <errno.h>
#include <stdlib.h>

#include "engine/datagram.h"

int endpoints_add(struct worker *workers, unsigned count, int fd)
{
	for (unsigned i = 0; i < count; i++) {
		struct endpoint *e = malloc(sizeof(*e));

		if (!e)
			return -ENOMEM;
		*e = (struct endpoint){ &workers[i], fd, NULL, workers[i].endpoints };
		workers[i].endpoints = e;
	}
	return 0;
}

void endpoints_free(struct worker *w)
{
	while (w->endpoints) {
		struct endpoint *e = w->endpoints;

		w->endpoints = e->next;
		free(e);
	}
}

static void on_failed(void *owner, int code)
{
	struct endpoint *e = owner;
	struct worker *w = e->worker;

	e->socket = NULL;
	atomic_fetch_add_explicit(&w->accept_errors, 1, memory_order_relaxed);
	speaker_say(&w->common->speaker, loop_now_ns(&w->loop),
		    "udp: descriptor %d: %s: worker %u receives nothing more on it", e->fd,
		    strerror(-code), w->index);
}

int endpoint_begin(struct endpoint *e, struct err *err)
{
	struct worker *w = e->worker;
	const struct datagram_opts *opts = &w->common->opts.udp;
	int result = datagram_check_backend(&w->loop, opts, err);

	if (result)
		return result;
	e->socket = datagram_open(&w->loop, e->fd, opts, &worker_datagram_role, e, on_failed);
	return e->socket ? 0 : err_sys(err, -ENOMEM, "udp: a table of peers");
}

void endpoint_end(struct endpoint *e)
{
	if (e->socket)
		datagram_stop(e->socket);
}

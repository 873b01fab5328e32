/*
 * worker_sockets.c - what a worker's sockets are told: those it accepts, and those to other nodes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <netinet/in.h>
#include <netinet/tcp.h>

#include "node/worker.h"

/* What is no descriptor but a place in the backend's own table has no options to be set. */
static int report_direct(const struct worker *w, struct err *err)
{
	const struct hooks *hooks = &w->common->hooks;
	struct verdict_report report = { .name = "socket", .verdict = VERDICT_UNSUPPORTED };

	snprintf(report.why, sizeof(report.why),
		 "what %s keeps in a table of its own (registered-files) cannot be given options",
		 w->loop.ops->group.name);
	if (!hooks->told_kernel)
		return verdict_result(&report, err);
	return hooks->told_kernel(hooks->context, socket_kind_names[SOCKET_ACCEPTED], &report, err);
}

int worker_check_accepted(const struct worker *w, int fd, struct err *err)
{
	const struct hooks *hooks = &w->common->hooks;

	if (fd & BACKEND_DIRECT)
		return report_direct(w, err);
	return hooks->socket_opened(hooks->context, SOCKET_ACCEPTED, fd, err);
}

int worker_check_upstream(const struct worker *w, int fd, struct err *err)
{
	const struct hooks *hooks = &w->common->hooks;

	return hooks->socket_opened(hooks->context, SOCKET_CONNECTED, fd, err);
}

int worker_prepare_upstream(struct worker *w, const struct address *a, int fd, struct err *err)
{
	const struct common *common = w->common;
	const int on = 1;
	int result = 0;

	if (a->transport == TRANSPORT_UDP) {
		result = datagram_set_options(fd, &common->opts.udp, err);
		if (!result)
			result = datagram_check_backend(&w->loop, &common->opts.udp, err);
	} else if (common->opts.no_delay && a->storage.ss_family != AF_UNIX) {
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	}
	if (!result && common->hooks.socket_opened)
		result = common->hooks.socket_opened(
			common->hooks.context,
			a->transport == TRANSPORT_UDP ? SOCKET_DATAGRAM : SOCKET_CONNECTING, fd,
			err);
	return result;
}

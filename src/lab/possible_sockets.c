/*
 * possible_sockets.c - socket options tried on a connection over loopback that is thrown away.
 *
 * It is made as the role would make it: each of its own sockets is told at its moment what is due
 * then, and the other side is told nothing. Both speak what the role's sockets are made with: what
 * the other role will speak is not this one's.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "engine/address.h"
#include "lab/possible.h"

static int failed(struct err *err)
{
	return err_sys(err, -errno, "a connection over loopback, to try socket options");
}

static int tell(const struct hooks *hooks, bool is_ours, enum socket_kind kind, int fd,
		struct err *err)
{
	return is_ours ? hooks->socket_opened(hooks->context, kind, fd, err) : 0;
}

static int listen_here(const struct hooks *hooks, bool is_ours, int fd, struct err *err)
{
	const struct sockaddr_in any = { .sin_family = AF_INET,
					 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	const int on = 1;
	int rc;

	if (setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) ||
	    bind(fd, (const struct sockaddr *)&any, sizeof(any)))
		return failed(err);
	rc = tell(hooks, is_ours, SOCKET_LISTENING, fd, err);
	if (!rc && listen(fd, 1))
		rc = failed(err);
	if (!rc && is_ours)
		rc = hooks->port_opened(hooks->context, &fd, 1, err);
	return rc;
}

/* With a byte on its way, for the listening socket may have been told to wait for one. */
static int connect_here(const struct hooks *hooks, bool is_ours, int listener, int fd,
			struct err *err)
{
	struct sockaddr_in to;
	socklen_t len = sizeof(to);
	int rc;

	if (getsockname(listener, (struct sockaddr *)&to, &len))
		return failed(err);
	rc = tell(hooks, is_ours, SOCKET_CONNECTING, fd, err);
	if (!rc &&
	    (connect(fd, (const struct sockaddr *)&to, len) || send(fd, "", 1, MSG_NOSIGNAL) != 1))
		rc = failed(err);
	return rc;
}

static int accept_here(const struct hooks *hooks, bool is_ours, int listener, struct err *err)
{
	int fd AUTO(auto_close) = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

	return fd < 0 ? failed(err) : tell(hooks, is_ours, SOCKET_ACCEPTED, fd, err);
}

int possible_sockets(enum role role, const struct hooks *hooks, struct err *err)
{
	int listener AUTO(auto_close) = -1, client AUTO(auto_close) = -1;
	bool is_node = role == ROLE_NODE;
	int rc;

	if (!hooks->wants_connections || (!is_node && role != ROLE_CLIENT))
		return 0;
	listener = address_stream(AF_INET, 0, hooks->stream_protocol);
	client = address_stream(AF_INET, 0, hooks->stream_protocol);
	if (listener < 0 || client < 0)
		return err_sys(err, listener < 0 ? listener : client,
			       "a connection over loopback, to try socket options");
	rc = listen_here(hooks, is_node, listener, err);
	if (!rc)
		rc = connect_here(hooks, !is_node, listener, client, err);
	if (!rc)
		rc = accept_here(hooks, is_node, listener, err);
	return rc ? rc : tell(hooks, !is_node, SOCKET_CONNECTED, client, err);
}

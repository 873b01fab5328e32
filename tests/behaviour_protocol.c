/*
 * behaviour_protocol.c - streams over IP of another protocol than TCP: asked for, and counted.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <linux/mptcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "tests/behaviour.h"

/* The protocol of what is accepted is its own; whoever connected has to be asked for more. */
static bool has_protocol(int fd)
{
	struct mptcp_info info;
	socklen_t len = sizeof(int), info_len = sizeof(info);
	int protocol = 0;

	return !getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &len) &&
	       protocol == stage.protocol &&
	       !getsockopt(fd, SOL_MPTCP, MPTCP_INFO, &info, &info_len);
}

static int count_protocol(void *context, enum socket_kind kind, int fd, struct err *err)
{
	socklen_t len = sizeof(int);
	int domain = 0;

	if (kind != SOCKET_CONNECTED && kind != SOCKET_ACCEPTED)
		return 0;
	if (!getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) && domain != AF_UNIX)
		atomic_fetch_add(has_protocol(fd) ? &stage.as_asked : &stage.otherwise, 1);
	return 0;
}

void stage_ask_for_protocol(struct hooks *hooks)
{
	if (!stage.protocol)
		return;
	hooks->stream_protocol = stage.protocol;
	hooks->wants_connections = true;
	hooks->socket_opened = count_protocol;
}

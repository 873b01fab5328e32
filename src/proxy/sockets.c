/*
 * sockets.c - the few system calls of the proxy that no backend makes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "proxy/sockets.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include "proxy/route.h"

static int failed(int fd, const char *what, const struct address *a, struct err *err)
{
	char text[ADDRESS_TEXT + 8];
	int code = -errno;

	if (fd >= 0)
		close(fd);
	return err_sys(err, code, "%s %s", what, route_format_address(a, text, sizeof(text)));
}

static int udp_socket(const struct address *a)
{
	return socket(a->storage.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

static const struct sockaddr *plain(const struct address *a)
{
	return (const struct sockaddr *)&a->storage;
}

/* Connected, it hears of nobody but the server, and of the server that it is not there. */
static int open_udp(const struct address *to, struct err *err)
{
	int fd = udp_socket(to);

	if (fd < 0 || connect(fd, plain(to), to->len))
		return failed(fd, "socket for", to, err);
	return fd;
}

static int tell(const struct hooks *hooks, enum socket_kind kind, int fd, struct err *err)
{
	return hooks->socket_opened ? hooks->socket_opened(hooks->context, kind, fd, err) : 0;
}

/* fd, or closed, with the failure. */
static int concluded(int fd, int result)
{
	if (!result)
		return fd;
	close(fd);
	return result;
}

static int open_socket(void *context, const struct address *to, struct err *err)
{
	const struct hooks *hooks = context;
	struct address a = *to;
	const int on = 1;
	int fd;

	if (to->transport == TRANSPORT_UDP)
		return open_udp(to, err);
	a.protocol = hooks->stream_protocol;
	fd = address_socket(&a, err);
	if (fd >= 0 && to->storage.ss_family != AF_UNIX)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return fd < 0 ? fd : concluded(fd, tell(hooks, SOCKET_CONNECTING, fd, err));
}

static int check_socket(void *context, enum socket_kind kind, int fd, struct err *err)
{
	return tell(context, kind, fd, err);
}

static void end_socket(void *context, int fd)
{
	(void)context;
	shutdown(fd, SHUT_WR);
}

/* socket(7): a close with a linger time of 0 sends no FIN, tcp(7) an RST. */
static void abort_socket(void *context, int fd)
{
	const struct linger linger = { .l_onoff = 1 };

	(void)context;
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
}

struct sockets sockets_of_kernel(const struct hooks *hooks)
{
	return (struct sockets){
		.context = (void *)hooks,
		.open = open_socket,
		.end = end_socket,
		.abort = abort_socket,
		.check = hooks->wants_connections ? check_socket : NULL,
	};
}

static int bind_udp(const struct address *a, struct address *bound, struct err *err)
{
	struct address got = { .len = sizeof(got.storage), .transport = TRANSPORT_UDP };
	const int on = 1;
	int fd = udp_socket(a);

	if (fd < 0)
		return failed(fd, "listen on", a, err);
	if (a->storage.ss_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	if (bind(fd, plain(a), a->len) ||
	    getsockname(fd, (struct sockaddr *)&got.storage, &got.len))
		return failed(fd, "listen on", a, err);
	*bound = got;
	return fd;
}

/* It has its address and does not listen yet. */
static int tell_listening(void *context, int fd, struct err *err)
{
	return tell(context, SOCKET_LISTENING, fd, err);
}

int sockets_listen(const struct address *a, int backlog, const struct hooks *hooks,
		   struct address *bound, struct err *err)
{
	const struct listen_opts opts = { .backlog = backlog,
					  .no_delay = true,
					  .bound = tell_listening,
					  .context = (void *)hooks };
	struct address at = *a;
	int fd;

	if (a->transport == TRANSPORT_UDP) {
		fd = bind_udp(a, bound, err);
		return fd < 0 ? fd : concluded(fd, tell(hooks, SOCKET_DATAGRAM, fd, err));
	}
	at.protocol = hooks->stream_protocol;
	return address_listen(&at, &opts, bound, err);
}

/*
 * steer_trial.c - whether connections come where they should: tried, for no getsockopt(2) tells.
 *
 * The sockets are others than those the node serves with, of the same protocol and on a port nobody
 * knows, so that no client's connection can get lost. Over loopback a SYN is received on the CPU
 * that sends it. Each connection is waited for, a while: where packets are dropped connect(2) alone
 * takes two minutes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tunables/steer.h"

#define CONNECTIONS 16	 /* from each CPU: by hash all of them go right by accident once in 65536 */
#define LIMIT_MS    3000 /* for one connection to come: a lost SYN is repeated after a second */

struct trial {
	struct socket_port port;
	struct sockaddr_in address;
	int *fds;
	struct pollfd *events; /* of the same sockets */
	unsigned sent, right;
	int protocol; /* of the node's sockets: MPTCP takes some of it otherwise than TCP */
};

static int open_one(struct trial *t, struct err *err)
{
	socklen_t len = sizeof(t->address);
	const int on = 1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, t->protocol);

	if (fd < 0)
		return err_sys(err, -errno, "a socket, to try steering");
	t->events[t->port.count] = (struct pollfd){ .fd = fd, .events = POLLIN };
	t->fds[t->port.count++] = fd;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) ||
	    bind(fd, (struct sockaddr *)&t->address, sizeof(t->address)) || listen(fd, 8) ||
	    getsockname(fd, (struct sockaddr *)&t->address, &len))
		return err_sys(err, -errno, "sockets on one port, to try steering");
	return 0;
}

/* How many of those that wait are there; they are closed. */
static unsigned take_all(int listener)
{
	const struct linger at_once = { .l_onoff = 1 };
	unsigned count = 0;
	int fd;

	while ((fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
		close(fd);
		count++;
	}
	return count;
}

static int connect_one(struct trial *t, int fd, struct err *err)
{
	int count;

	if (fd < 0 || (connect(fd, (struct sockaddr *)&t->address, sizeof(t->address)) &&
		       errno != EINPROGRESS))
		return err_sys(err, -errno, "a connection over loopback, to try steering");
	count = poll(t->events, t->port.count, LIMIT_MS);
	if (count < 0)
		return err_sys(err, -errno, "waiting for a connection, to try steering");
	return count ? 0
		     : err_set(err, -ETIMEDOUT,
			       "a connection over loopback, to try steering, had not come after "
			       "%d ms: are packets dropped there?",
			       LIMIT_MS);
}

/* From the CPU we are on: one connection that should come to socket `to`. */
static int send_one(struct trial *t, unsigned to, struct err *err)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int rc = connect_one(t, fd, err);

	for (unsigned i = 0; i < t->port.count && !rc; i++) {
		unsigned count = take_all(t->fds[i]);

		t->sent += count;
		t->right += i == to ? count : 0;
	}
	if (fd >= 0)
		close(fd);
	return rc;
}

/* The first socket with this CPU is the one that the programs find. */
static bool is_first(const struct socket_port *port, unsigned i)
{
	for (unsigned other = 0; other < i; other++)
		if (steer_cpu(port, other) == steer_cpu(port, i))
			return false;
	return true;
}

static int send_from_cpus(struct trial *t, struct err *err)
{
	int rc = 0;

	for (unsigned i = 0; i < t->port.count && !rc; i++) {
		cpu_set_t mask;

		CPU_ZERO(&mask);
		CPU_SET((size_t)steer_cpu(&t->port, i), &mask);
		if (!is_first(&t->port, i) || sched_setaffinity(0, sizeof(mask), &mask))
			continue;
		for (unsigned n = 0; n < CONNECTIONS && !rc; n++)
			rc = send_one(t, i, err);
	}
	return rc;
}

static int try_it(struct trial *t, unsigned count, const struct steer_opts *opts, struct err *err)
{
	cpu_set_t before;
	int rc = 0;

	for (unsigned i = 0; i < count && !rc; i++)
		rc = open_one(t, err);
	if (!rc)
		rc = steer_tell(&t->port, opts, err);
	if (rc || sched_getaffinity(0, sizeof(before), &before))
		return rc;
	rc = send_from_cpus(t, err);
	sched_setaffinity(0, sizeof(before), &before);
	return rc;
}

int steer_try(const struct socket_port *port, const struct steer_opts *opts, unsigned *ret_sent,
	      unsigned *ret_right, struct err *err)
{
	struct trial t = {
		.address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) },
		.fds = calloc(port->count, sizeof(int)),
		.events = calloc(port->count, sizeof(struct pollfd)),
	};
	socklen_t len = sizeof(t.protocol);
	int rc = -ENOMEM;

	getsockopt(port->fds[0], SOL_SOCKET, SO_PROTOCOL, &t.protocol, &len);
	t.port = (struct socket_port){ .fds = t.fds, .cpus = port->cpus };
	if (t.fds && t.events)
		rc = try_it(&t, port->count, opts, err);
	else
		err_sys(err, rc, "sockets, to try steering");
	while (t.port.count)
		close(t.fds[--t.port.count]);
	free(t.fds);
	free(t.events);
	*ret_sent = t.sent;
	*ret_right = t.right;
	return rc;
}

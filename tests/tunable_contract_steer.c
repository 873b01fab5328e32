/*
 * tunable_contract_steer.c - the contract's rows for steering.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <arpa/inet.h>
#include <errno.h>

#include "tests/tunable_contract.h"

static const struct row rows[] = {
	{ "by=cpu", 0, OK, "by=cpu", "by=cpu", "tried: ", "-1" },
	{ "by=cpu program=extended", 0, OK | REFUSED, NULL, NULL, NULL, NULL },
	{ "by=incoming-cpu", 0, OK, "by=incoming-cpu", "by=incoming-cpu", "tried: ", "A" },
	{ "by=random", 0, OK, "by=random", "by=random", NULL, "-1" },
	{ "by=random program=extended", 0, OK | REFUSED, NULL, NULL, NULL, NULL },
	{ 0 },
};

static const char *const nonsense[] = { "by=luck", "program=none", NULL };

/* One socket for each of the CPUs A and B. */
static _Thread_local struct {
	struct socket_port port;
	int fds[2], cpus[2];
} shared;

static void open_one(int fd, struct sockaddr_in *at)
{
	socklen_t len = sizeof(*at);
	const int on = 1;

	CU_ASSERT_FATAL(fd >= 0);
	CHECK_INT(setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)), 0);
	CHECK_INT(bind(fd, (struct sockaddr *)at, sizeof(*at)), 0);
	CHECK_INT(listen(fd, 8), 0);
	getsockname(fd, (struct sockaddr *)at, &len);
}

static void open_port(struct target *t)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	unsigned count = 0;
	cpu_set_t mask;

	sched_getaffinity(0, sizeof(mask), &mask);
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &mask))
			shared.cpus[count ? 1 : 0] = cpu, count++;
	shared.port = (struct socket_port){ shared.fds, shared.cpus, count > 1 ? 2 : 1 };
	for (unsigned i = 0; i < shared.port.count; i++)
		open_one(shared.fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), &at);
	t->fd = shared.fds[0];
	t->port = &shared.port;
	t->kind = SOCKET_PORT;
}

static void close_port(struct target *t)
{
	for (unsigned i = 0; i < t->port->count; i++)
		close(t->port->fds[i]);
}

static int kernel_cpu(const struct target *t, char *buf, size_t size)
{
	int cpu = -2;
	socklen_t len = sizeof(cpu);

	getsockopt(t->fd, SOL_SOCKET, SO_INCOMING_CPU, &cpu, &len);
	return snprintf(buf, size, "%d", cpu);
}

const struct suite suite_steer = {
	.name = "steer",
	.rows = rows,
	.nonsense = nonsense,
	.change = "by=incoming-cpu",
	.kernel = kernel_cpu,
	.open = open_port,
	.close = close_port,
	.gone = { .fd = -1, .kind = SOCKET_ACCEPTED },
	.gone_code = -EBADF,
};

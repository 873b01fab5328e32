/*
 * socket_rig.h - sockets and connections over loopback, told by the tunable "socket", for tests.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_TESTS_SOCKET_RIG_H
#define RW_TESTS_SOCKET_RIG_H

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "tests/tunable_test.h"

struct pair {
	int listener, client, accepted;
};

static inline struct sockaddr_in loopback(int fd)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(a);

	if (fd >= 0)
		getsockname(fd, (struct sockaddr *)&a, &len);
	return a;
}

static inline int bound_socket_of(int protocol)
{
	const struct sockaddr_in any = loopback(-1);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, protocol);

	CU_ASSERT_FATAL(fd >= 0);
	CHECK_INT(bind(fd, (const struct sockaddr *)&any, sizeof(any)), 0);
	return fd;
}

static inline int bound_socket(void)
{
	return bound_socket_of(0);
}

static inline int connect_to(int listener, int fd)
{
	const struct sockaddr_in to = loopback(listener);

	return connect(fd, (const struct sockaddr *)&to, sizeof(to));
}

static inline struct pair connect_pair_of(int listener_protocol, int client_protocol)
{
	struct pair p = { .listener = bound_socket_of(listener_protocol),
			  .client = socket(AF_INET, SOCK_STREAM, client_protocol) };

	CHECK_INT(listen(p.listener, 8), 0);
	CHECK_INT(connect_to(p.listener, p.client), 0);
	p.accepted = accept(p.listener, NULL, NULL);
	CU_ASSERT_FATAL(p.accepted >= 0);
	return p;
}

static inline struct pair connect_pair(void)
{
	return connect_pair_of(0, 0);
}

static inline void close_pair(const struct pair *p)
{
	close(p->client);
	close(p->accepted);
	close(p->listener);
}

static inline int get(int fd, int level, int name)
{
	int value = -1;
	socklen_t len = sizeof(value);

	getsockopt(fd, level, name, &value, &len);
	return value;
}

static inline int set(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof(value)) ? -errno : 0;
}

static inline int tell(int fd, enum socket_kind kind, const char *settings,
		       struct verdict_report *report)
{
	const struct tunable *tn = tunable_find("socket");
	const struct target t = { .fd = fd, .kind = kind };
	struct tunable_test_opts opts;
	struct err err = { 0 };

	CHECK_INT(tunable_test_parse(tn, settings, &opts, &err), 0);
	return tunable_apply(tn, &t, &opts, report, &err);
}

static inline void check_why(const struct verdict_report *report, enum verdict verdict,
			     const char *part)
{
	CHECK_TEXT(verdict_names[report->verdict], verdict_names[verdict]);
	if (!strstr(report->why, part))
		CHECK_TEXT(report->why, part);
}

/* A network namespace of this process's own, with one sysctl as it should be. */
static inline bool enter_own_net(const char *folder, const char *name, const char *value)
{
	return tunable_test_enter_net() && tunable_test_write(folder, name, value);
}

#endif

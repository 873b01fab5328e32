/*
 * proxy_net.h - a real proxy over loopback, on the backend that the program's argument names.
 *
 * Client and server are plain blocking sockets of the test. Times are checked from below only: the
 * machine may be slow, a delay may not be short. Exact times are in test_proxy.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_TESTS_PROXY_NET_H
#define RW_TESTS_PROXY_NET_H

#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/clock.h"
#include "proxy/proxy.h"
#include "proxy/route.h"
#include "tests/choose_backend.h"
#include "tests/test.h"

#define PATIENCE_S 30

static const struct backend_ops *backend; /* set by proxy_net_main() */

struct setup {
	struct proxy_opts opts;
	struct hooks hooks;
	void *backend_opts;
	struct proxy *proxy;
	int server; /* listening, or of UDP bound; -1: nobody is there */
	pthread_mutex_t lock;
	unsigned said;
	char sentence[512]; /* the last */
};

static inline void keep_sentence(void *context, const char *sentence)
{
	struct setup *s = context;

	pthread_mutex_lock(&s->lock);
	s->said++;
	snprintf(s->sentence, sizeof(s->sentence), "%s", sentence);
	pthread_mutex_unlock(&s->lock);
}

static inline bool has_said(struct setup *s, const char *part)
{
	bool found;

	pthread_mutex_lock(&s->lock);
	found = strstr(s->sentence, part) != NULL;
	pthread_mutex_unlock(&s->lock);
	return found;
}

static inline int with_patience(int fd)
{
	const struct timeval patience = { .tv_sec = PATIENCE_S };

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	return fd;
}

/* Bound to a port of 127.0.0.1 that the kernel chose. */
static inline int bound_socket(int type, struct address *ret)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	int fd = with_patience(socket(AF_INET, type | SOCK_CLOEXEC, 0));

	*ret = (struct address){ .len = sizeof(ret->storage) };
	CU_ASSERT_FATAL(!bind(fd, (struct sockaddr *)&in, sizeof(in)));
	CU_ASSERT_FATAL(!getsockname(fd, (struct sockaddr *)&ret->storage, &ret->len));
	return fd;
}

static inline void set(struct setup *s, const char *name, const char *text)
{
	struct err err = { 0 };

	if (knob_parse(knob_find(&proxy_knobs, name), text, &s->opts, &err) < 0)
		printf("\n    --%s: %s", name, err.text);
	CHECK_INT(err.code, 0);
}

/* A server of its own at --to, and options as pairs of name and text. */
static inline void setup_init(struct setup *s, int type, const char *const *args)
{
	struct address to;
	char text[ADDRESS_TEXT];

	memset(s, 0, sizeof(*s));
	pthread_mutex_init(&s->lock, NULL);
	s->hooks = (struct hooks){ .context = s, .say = keep_sentence };
	s->backend_opts = calloc(1, backend->group.opts_size + 1);
	knob_defaults(&backend->group, s->backend_opts);
	knob_defaults(&proxy_knobs, &s->opts);
	s->opts.seed = 20261122;
	s->server = bound_socket(type, &to);
	if (type == SOCK_STREAM)
		CHECK_INT(listen(s->server, 64), 0);
	snprintf(s->opts.to, sizeof(s->opts.to), "%s%s", type == SOCK_DGRAM ? "udp://" : "",
		 address_format(&to, text, sizeof(text)));
	set(s, "bind", type == SOCK_DGRAM ? "udp://127.0.0.1:0" : "127.0.0.1:0");
	for (; *args; args += 2)
		set(s, args[0], args[1]);
}

static inline void setup_start(struct setup *s)
{
	struct err err = { 0 };

	if (proxy_start(&s->proxy, &s->opts, backend, s->backend_opts, &s->hooks, &err) < 0)
		printf("\n    %s", err.text);
	CU_ASSERT_FATAL(err.code == 0);
}

#define ARGS(...) ((const char *const[]){ __VA_ARGS__, NULL, NULL })

static inline void start(struct setup *s, int type, const char *const *args)
{
	setup_init(s, type, args);
	setup_start(s);
}

static inline void setup_finish(struct setup *s)
{
	struct err err = { 0 };

	CHECK_INT(proxy_stop(s->proxy, &err), 0);
	proxy_destroy(s->proxy);
	if (s->server >= 0)
		close(s->server);
	free(s->backend_opts);
}

static inline struct proxy_stats stats_of(struct setup *s)
{
	struct proxy_stats stats;

	proxy_stats(s->proxy, &stats);
	return stats;
}

/* What other threads see comes after a turn: looks until it is so. */
#define WAIT_UNTIL(condition)                                        \
	do {                                                         \
		int64_t end_ns_ = clock_now_ns() + PATIENCE_S * SEC; \
		while (!(condition) && clock_now_ns() < end_ns_)     \
			usleep(500);                                 \
		CU_ASSERT(condition);                                \
	} while (0)

/* With a timeout, signal(7), a call that io_uring disturbs is not begun again by the kernel. */
static inline int connect_client(struct setup *s)
{
	const struct address *a = proxy_address(s->proxy, 0);
	bool is_udp = a->transport == TRANSPORT_UDP;
	int fd =
		socket(a->storage.ss_family, (is_udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0);

	CU_ASSERT_FATAL(!connect(fd, (const struct sockaddr *)&a->storage, a->len));
	return with_patience(fd);
}

static inline int accept_server(struct setup *s)
{
	int fd;

	do
		fd = accept4(s->server, NULL, NULL, SOCK_CLOEXEC);
	while (fd < 0 && errno == EINTR);
	return with_patience(fd);
}

/* Bytes, 0 at the end, -errno. */
static inline int receive(int fd, void *buf, size_t size)
{
	ssize_t n;

	do
		n = recv(fd, buf, size, 0);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : (int)n;
}

/*
 * A client that the proxy resets at once: the reset may have come when connect() looks, or after.
 * -errno, and 0 if it is closed in good order.
 */
static inline int connect_and_hear(struct setup *s)
{
	const struct address *a = proxy_address(s->proxy, 0);
	int fd = socket(a->storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0), result;
	char byte;

	if (connect(fd, (const struct sockaddr *)&a->storage, a->len))
		result = -errno;
	else
		result = receive(with_patience(fd), &byte, 1);
	close(fd);
	return result;
}

static inline void connect_both(struct setup *s, int *client, int *server)
{
	*client = connect_client(s);
	*server = accept_server(s);
	CU_ASSERT_FATAL(*server >= 0);
}

static inline void say(int fd, const char *text)
{
	CHECK_INT(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

static inline bool hears(int fd, const char *text)
{
	char buf[64] = "";
	size_t len = 0;
	int n = 1;

	while (len < strlen(text) && (n = receive(fd, buf + len, strlen(text) - len)) > 0)
		len += (size_t)n;
	return !strcmp(buf, text);
}

static inline void reset(int fd)
{
	const struct linger linger = { .l_onoff = 1 };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	close(fd);
}

static inline int proxy_net_main(int argc, char **argv, CU_TestInfo *tests)
{
	int status;

	backend = choose_backend(argc, argv, &status);
	if (!backend)
		return status;
	return test_main("proxy_net", tests);
}

#endif

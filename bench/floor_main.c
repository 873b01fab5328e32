/*
 * floor_main.c - the program `floor`: a hand-written server per kernel interface.
 *
 *	floor select|poll|epoll|io_uring [PORT [SIZE [BURST]]]
 *
 * Listens on 127.0.0.1 (PORT 0 or none: any), speaks messages of SIZE bytes (64), prints one line
 * when it is ready: NAME=PID:PORT, which is how `load` wants to be told of it. It serves until it
 * is killed. BURST (8) messages come at a time on a connection (load -p): io_uring's receive
 * buffers are made for that, and other bursts are served, too. floor.h says what a floor is.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/floor.h"
#include "engine/wire.h"

static const struct {
	const char *name;
	int (*run)(struct floor_server *s);
} floors[] = {
	{ "select", floor_select },
	{ "poll", floor_poll },
	{ "epoll", floor_epoll },
	{ "io_uring", floor_uring },
};
#define FLOORS (sizeof(floors) / sizeof(floors[0]))

int floor_accept(struct floor_server *s)
{
	int fd = accept4(s->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < FLOOR_FDS)
		return fd;
	close(fd);
	return -1;
}

/* A full socket buffer is rare enough to be waited for. */
static bool send_rest(int fd, const uint8_t *buf, size_t len)
{
	struct pollfd writable = { .fd = fd, .events = POLLOUT };

	while (len) {
		ssize_t sent = send(fd, buf, len, MSG_NOSIGNAL);

		if (sent < 0 && errno != EAGAIN)
			return false;
		if (sent < 0)
			poll(&writable, 1, -1);
		else
			buf += sent, len -= (size_t)sent;
	}
	return true;
}

_Bool floor_serve(struct floor_server *s, int fd, struct floor_conn *c)
{
	static uint8_t in[FLOOR_BURST];
	ssize_t got = recv(fd, in, sizeof(in), 0);
	ssize_t len, sent;

	if (got < 0 && errno == EAGAIN)
		return true;
	if (got <= 0)
		return false;
	len = (ssize_t)floor_answer(c, s->size, in, (size_t)got, s->reply);
	if (!len)
		return true;
	sent = send(fd, s->reply, (size_t)len, MSG_NOSIGNAL);
	if (sent == len)
		return true;
	if (sent < 0 && errno != EAGAIN)
		return false;
	sent = sent < 0 ? 0 : sent;
	return send_rest(fd, s->reply + sent, (size_t)(len - sent));
}

static int listen_on(uint16_t port, struct sockaddr_in *bound)
{
	struct sockaddr_in addr = { .sin_family = AF_INET,
				    .sin_port = htons(port),
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;
	socklen_t len = sizeof(*bound);

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) || listen(fd, 4096) ||
	    getsockname(fd, (struct sockaddr *)bound, &len)) {
		close(fd);
		return -errno;
	}
	return fd;
}

static void fill_replies(struct floor_server *s)
{
	for (uint32_t at = 0; at + s->size <= FLOOR_BURST + s->size; at += s->size) {
		wire_put32(s->reply + at, s->size);
		s->reply[at + 4] = WIRE_VERSION;
		s->reply[at + 5] = WIRE_REPLY;
	}
}

static void raise_descriptor_limit(void)
{
	struct rlimit files;

	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
}

static int run(size_t which, uint16_t port, uint32_t size, uint32_t burst)
{
	struct sockaddr_in bound;
	struct floor_server s = { .listen_fd = listen_on(port, &bound),
				  .size = size,
				  .burst = burst };

	if (s.listen_fd < 0)
		return s.listen_fd;
	s.reply = calloc(1, FLOOR_BURST + size);
	if (!s.reply)
		return -ENOMEM;
	fill_replies(&s);
	raise_descriptor_limit();
	printf("%s=%d:%d\n", floors[which].name, getpid(), ntohs(bound.sin_port));
	fflush(stdout);
	return floors[which].run(&s);
}

int main(int argc, char **argv)
{
	int port = argc > 2 ? atoi(argv[2]) : 0, size = argc > 3 ? atoi(argv[3]) : 64;
	int burst = argc > 4 ? atoi(argv[4]) : 8, ret;
	size_t which = 0;

	while (argc > 1 && which < FLOORS && strcmp(argv[1], floors[which].name))
		which++;
	if (argc < 2 || argc > 5 || which == FLOORS || port < 0 || port > 65535 ||
	    size < WIRE_HEAD || size > FLOOR_BURST || burst < 1 || burst > FLOOR_BURST / size) {
		fprintf(stderr, "usage: floor select|poll|epoll|io_uring [PORT [SIZE [BURST]]]\n");
		return 2;
	}
	ret = run(which, (uint16_t)port, (uint32_t)size, (uint32_t)burst);
	fprintf(stderr, "floor %s: %s\n", argv[1], strerror(-ret));
	return 1;
}

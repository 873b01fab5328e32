/*
 * load.c - connections, one recv and one send per burst of replies, and the server's CPU clock.
 *
 * A request is the shortest program a node runs: one operation "reply" of the asked size, padded.
 * With a second port it stands in a forward to there, with another reply behind it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bench/load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "engine/wire.h"

#define EVENTS	    256
#define PATIENCE_MS 2000

static uint8_t replies[LOAD_BURST];

int load_parse(struct load_server *s, const char *text, struct err *err)
{
	int pid, port, to = 0, end = 0, found;

	found = sscanf(text, "%31[^=]=%d:%d%n>%d%n", s->name, &pid, &port, &end, &to, &end);
	if (found < 3 || text[end] || pid <= 0 || port <= 0 || port > 65535 || to < 0 || to > 65535)
		return err_set(err, -EINVAL, "'%s' is not NAME=PID:PORT or NAME=PID:PORT>PORT",
			       text);
	s->pid = pid;
	s->port = (uint16_t)port;
	s->forward_port = (uint16_t)to;
	s->epoll_fd = -1;
	if (clock_getcpuclockid(pid, &s->cpu_clock))
		return err_set(err, -ESRCH, "%s: there is no process %d", s->name, pid);
	return 0;
}

static uint32_t put_reply(uint8_t *p, uint32_t size)
{
	return wire_put_operation(
		p, &(struct wire_operation){ .code = WIRE_SEND_REPLY, .value = size });
}

static uint32_t put_forward(uint8_t *p, uint16_t port, uint32_t size)
{
	const uint8_t here[] = { 127, 0, 0, 1 };
	const struct wire_destination to = { .family = FAMILY_IPV4, .port = port, .address = here };
	uint32_t len = wire_put_forward(
		p, &(struct wire_forward){ .timeout_us = 10000000, .size = size, .branches = 1 });

	len += wire_put_branch(p + len, WIRE_OPERATION, 1);
	len += wire_put_destination(p + len, &to);
	len += put_reply(p + len, size);
	wire_end_forward(p, len);
	return len;
}

static void fill_requests(struct load_server *s, const struct load_shape *shape)
{
	for (uint32_t i = 0; i < shape->outstanding; i++) {
		uint8_t *p = s->requests + (size_t)i * shape->size;
		uint32_t len = WIRE_HEAD;

		if (s->forward_port)
			len += put_forward(p + len, s->forward_port, shape->size);
		len += put_reply(p + len, shape->size);
		wire_put_head(p, &(struct wire_head){ .length = shape->size,
						      .version = WIRE_VERSION,
						      .type = WIRE_REQUEST,
						      .hops = WIRE_HOPS,
						      .id = i + 1,
						      .body_len = len - WIRE_HEAD });
	}
}

static int connect_to(struct load_server *s, struct err *err)
{
	struct sockaddr_in addr = { .sin_family = AF_INET,
				    .sin_port = htons(s->port),
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct timeval patience = { .tv_sec = PATIENCE_MS / 1000 };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	if (fd < 0)
		return err_sys(err, -errno, "%s: socket", s->name);
	s->conns[s->count++] = (struct load_conn){ .fd = fd };
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)))
		return err_sys(err, -errno, "%s: connection %u to 127.0.0.1:%u", s->name, s->count,
			       s->port);
	return 0;
}

/* One request and its reply, looked at closely. */
static int check_reply(struct load_server *s, int fd, uint32_t size, struct err *err)
{
	struct wire_head head;

	if (send(fd, s->requests, size, MSG_NOSIGNAL) != (ssize_t)size)
		return err_sys(err, -errno, "%s: sending %u bytes", s->name, size);
	if (recv(fd, replies, size, MSG_WAITALL) != (ssize_t)size)
		return err_set(err, -EIO, "%s: no reply of %u bytes within %d s", s->name, size,
			       PATIENCE_MS / 1000);
	if (wire_get_head(replies, size, &head) || head.type != WIRE_REPLY || head.hops ||
	    head.length != size || head.id != 1)
		return err_set(err, -EIO, "%s: length %u, type %u, status %u, id %lu is no reply",
			       s->name, head.length, head.type, head.hops, (unsigned long)head.id);
	return 0;
}

static int open_busy(struct load_server *s, uint32_t size, struct err *err)
{
	struct epoll_event event = { .events = EPOLLIN };
	int ret = connect_to(s, err), fd;

	if (ret < 0)
		return ret;
	event.data.u32 = s->count - 1;
	fd = s->conns[event.data.u32].fd;
	ret = check_reply(s, fd, size, err);
	if (ret < 0)
		return ret;
	fcntl(fd, F_SETFL, O_NONBLOCK);
	if (epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
		return err_sys(err, -errno, "%s: epoll_ctl", s->name);
	return 0;
}

int load_open(struct load_server *s, const struct load_shape *shape, struct err *err)
{
	int ret = 0;

	s->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	s->conns = calloc(shape->connections + shape->idle, sizeof(*s->conns));
	s->requests = calloc(1, LOAD_BURST + WIRE_BODY_MAX);
	if (s->epoll_fd < 0 || !s->conns || !s->requests)
		return err_set(err, -ENOMEM, "%s: no memory or no descriptor", s->name);
	fill_requests(s, shape);
	for (uint32_t i = 0; i < shape->connections && !ret; i++)
		ret = open_busy(s, shape->size, err);
	for (uint32_t i = 0; i < shape->idle && !ret; i++)
		ret = connect_to(s, err);
	return ret;
}

void load_close(struct load_server *s)
{
	for (uint32_t i = 0; i < s->count; i++)
		close(s->conns[i].fd);
	if (s->epoll_fd >= 0)
		close(s->epoll_fd);
	free(s->conns);
	free(s->requests);
	s->conns = NULL;
	s->requests = NULL;
	s->count = 0;
	s->epoll_fd = -1;
}

/* A burst fits into the socket's buffer, because no more than LOAD_BURST bytes are outstanding. */
static int ask(struct load_server *s, struct load_conn *c, size_t len, struct err *err)
{
	ssize_t sent = send(c->fd, s->requests, len, MSG_NOSIGNAL);

	if (sent == (ssize_t)len)
		return 0;
	return err_set(err, -EIO, "%s: %zd of %zu bytes sent: %s", s->name, sent, len,
		       sent < 0 ? strerror(errno) : "the socket's buffer is full");
}

/* Whole replies that are there, or -errno. */
static int hear(struct load_server *s, struct load_conn *c, uint32_t size, struct err *err)
{
	ssize_t got = recv(c->fd, replies, sizeof(replies), 0);
	uint32_t bytes;

	if (got < 0 && errno == EAGAIN)
		return 0;
	if (got <= 0)
		return err_set(err, -EIO, "%s: connection lost: %s", s->name,
			       got ? strerror(errno) : "closed");
	bytes = c->have + (uint32_t)got;
	c->have = bytes % size;
	return (int)(bytes / size);
}

static int begin(struct load_server *s, const struct load_shape *shape, struct err *err)
{
	int ret = 0;

	for (uint32_t i = 0; i < shape->connections && !ret; i++)
		ret = ask(s, &s->conns[i], (size_t)shape->outstanding * shape->size, err);
	return ret;
}

int load_run(struct load_server *s, const struct load_shape *shape, int64_t slice_ns,
	     struct load_slice *ret, struct err *err)
{
	uint64_t in_flight = (uint64_t)shape->connections * shape->outstanding, done = 0;
	int64_t cpu_ns = clock_read_ns(s->cpu_clock), start_ns = clock_now_ns();
	int64_t now_ns = start_ns, heard_ns = start_ns;
	struct epoll_event events[EVENTS];
	int code = begin(s, shape, err);

	while (!code && in_flight) {
		int n = epoll_wait(s->epoll_fd, events, EVENTS, shape->spin ? 0 : PATIENCE_MS);

		now_ns = clock_now_ns();
		heard_ns = n > 0 ? now_ns : heard_ns;
		if (now_ns - heard_ns > PATIENCE_MS * MS)
			return err_set(err, -EIO, "%s: no replies for %d s", s->name,
				       PATIENCE_MS / 1000);
		for (int i = 0; i < n && !code; i++) {
			struct load_conn *c = &s->conns[events[i].data.u32];
			int heard = hear(s, c, shape->size, err);

			if (heard <= 0) {
				code = heard;
				continue;
			}
			done += (uint64_t)heard;
			if (now_ns - start_ns < slice_ns)
				code = ask(s, c, (size_t)heard * shape->size, err);
			else
				in_flight -= (uint64_t)heard;
		}
	}
	if (code)
		return code;
	*ret = (struct load_slice){ done, clock_read_ns(s->cpu_clock) - cpu_ns, now_ns - start_ns };
	return 0;
}

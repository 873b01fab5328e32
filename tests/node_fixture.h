/*
 * node_fixture.h - a real node over loopback, and clients that are plain blocking sockets.
 *
 * What the node says is kept. Every wait of a client ends after PATIENCE_S, so that a node that
 * does not answer fails a test instead of stopping it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_TESTS_NODE_FIXTURE_H
#define RW_TESTS_NODE_FIXTURE_H

#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/clock.h"
#include "node/node.h"
#include "tests/choose_backend.h"
#include "tests/test.h"

#define PATIENCE_S	30
#define SENTENCES	64
#define REPLY_BYTES_MAX (64 << 10)

static const struct wire_operation nap_100ms[] = { { WIRE_SLEEP, 0, 100 * MS },
						   { WIRE_SEND_REPLY, 0, 64 } };

struct said {
	pthread_mutex_t lock;
	unsigned count;
	char text[SENTENCES][256];
};

struct setup {
	struct node_opts opts;
	struct hooks hooks;
	struct said said;
	const struct backend_ops *backend;
	void *backend_opts;
	struct node *node;
};

static inline void keep_sentence(void *context, const char *sentence)
{
	struct said *said = &((struct setup *)context)->said;

	pthread_mutex_lock(&said->lock);
	snprintf(said->text[said->count++ % SENTENCES], sizeof(said->text[0]), "%s", sentence);
	pthread_mutex_unlock(&said->lock);
}

/* How many sentences contain part ("": all of them). */
static inline unsigned count_said(struct setup *s, const char *part)
{
	unsigned count = 0;

	pthread_mutex_lock(&s->said.lock);
	for (unsigned i = 0; i < s->said.count && i < SENTENCES; i++)
		count += strstr(s->said.text[i], part) != NULL;
	pthread_mutex_unlock(&s->said.lock);
	return count;
}

static inline void setup_init(struct setup *s, const struct backend_ops *backend)
{
	memset(s, 0, sizeof(*s));
	pthread_mutex_init(&s->said.lock, NULL);
	s->hooks = (struct hooks){ .context = s, .say = keep_sentence };
	s->backend = backend;
	s->backend_opts = calloc(1, backend->group.opts_size + 1);
	knob_defaults(&backend->group, s->backend_opts);
	knob_defaults(&node_knobs, &s->opts);
}

static inline void setup_bind(struct setup *s, const char *text)
{
	knob_list_add(&s->opts.bind, text, strlen(text), NULL);
}

static inline int setup_start(struct setup *s)
{
	struct err err = { 0 };
	int result;

	if (!s->opts.bind.count)
		setup_bind(s, "127.0.0.1:0");
	result = node_start(&s->node, &s->opts, s->backend, s->backend_opts, &s->hooks, &err);
	if (result)
		printf("\n    %s", err.text);
	return result;
}

static inline void setup_finish(struct setup *s)
{
	struct err err = { 0 };

	if (s->node)
		CHECK_INT(node_stop(s->node, &err), 0);
	node_destroy(s->node);
	s->node = NULL;
	free(s->backend_opts);
	s->backend_opts = NULL;
}

static inline void start_plain(struct setup *s, const struct backend_ops *backend)
{
	setup_init(s, backend);
	CU_ASSERT_FATAL(setup_start(s) == 0);
}

/* A connected blocking socket, or -errno. */
static inline int connect_to(const struct address *a)
{
	const struct timeval patience = { .tv_sec = PATIENCE_S };
	int fd = socket(a->storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	/* With a timeout a connect that io_uring disturbs ends, signal(7). */
	if (connect(fd, (const struct sockaddr *)&a->storage, a->len)) {
		int code = -errno;

		close(fd);
		return code;
	}
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	return fd;
}

static inline int connect_to_node(const struct setup *s)
{
	return connect_to(node_address(s->node, 0));
}

/* Of its first address, which is of IPv4. */
static inline uint16_t port_of(const struct setup *s)
{
	return ntohs(((const struct sockaddr_in *)&node_address(s->node, 0)->storage)->sin_port);
}

/* A request of these operations at p, which has room; returns its length. */
static inline uint32_t put_request(uint8_t *p, uint64_t id, const struct wire_operation *ops,
				   int count)
{
	uint32_t len = WIRE_HEAD;

	for (int i = 0; i < count; i++)
		len += wire_put_operation(p + len, &ops[i]);
	wire_put_head(p, &(struct wire_head){ .length = len,
					      .version = WIRE_VERSION,
					      .type = WIRE_REQUEST,
					      .hops = WIRE_HOPS,
					      .id = id,
					      .body_len = len - WIRE_HEAD });
	return len;
}

static inline int send_request(int fd, uint64_t id, const struct wire_operation *ops, int count)
{
	uint8_t bytes[1024];
	uint32_t len = put_request(bytes, id, ops, count);

	return send(fd, bytes, len, MSG_NOSIGNAL) == (ssize_t)len ? 0 : -1;
}

static inline int ask_reply(int fd, uint64_t id, uint64_t size)
{
	const struct wire_operation op = { WIRE_SEND_REPLY, 0, size };

	return send_request(fd, id, &op, 1);
}

/* All of len, or fewer at the end of the stream or of patience. */
static inline size_t read_all(int fd, uint8_t *p, size_t len)
{
	size_t done = 0;
	ssize_t n;

	while (done < len && (n = recv(fd, p + done, len - done, 0)) > 0)
		done += (size_t)n;
	return done;
}

/* 0, or -1: no whole reply came. */
static inline int read_reply(int fd, struct wire_head *head, struct wire_hop *hop)
{
	uint8_t bytes[4096];
	uint64_t left;

	if (read_all(fd, bytes, WIRE_HEAD) < WIRE_HEAD || wire_get_head(bytes, UINT32_MAX, head) ||
	    head->type != WIRE_REPLY)
		return -1;
	if (head->body_len) {
		if (read_all(fd, bytes, head->body_len) < head->body_len)
			return -1;
		wire_get_hop(bytes, hop);
	}
	for (left = head->length - WIRE_HEAD - head->body_len; left;) {
		size_t part = left < sizeof(bytes) ? left : sizeof(bytes);

		if (read_all(fd, bytes, part) < part)
			return -1;
		left -= part;
	}
	return 0;
}

static inline bool is_answered(int fd, uint64_t id)
{
	struct wire_head head;
	struct wire_hop hop;

	return !ask_reply(fd, id, 64) && !read_reply(fd, &head, &hop) && head.id == id;
}

/* The peer has closed, orderly or not. */
static inline bool is_at_end(int fd)
{
	uint8_t byte;
	ssize_t n = recv(fd, &byte, 1, 0);

	return !n || (n < 0 && errno == ECONNRESET);
}

/* A name for a unix socket of this process. */
static inline void unix_name(const struct backend_ops *backend, char *buf, size_t size)
{
	snprintf(buf, size, "unix:/tmp/ringwalk_test_%s_%d", backend->group.name, (int)getpid());
}

/* What other threads see comes after a turn: looks until it is so, at most PATIENCE_S. */
#define WAIT_UNTIL(condition)                                                          \
	do {                                                                           \
		int64_t end_ns_ = clock_now_ns() + PATIENCE_S * SEC;                   \
		bool met_;                                                             \
		while (!(met_ = (condition)) && clock_now_ns() < end_ns_)              \
			usleep(500);                                                   \
		CU_ASSERT(met_); /* as it was found: a moment later it may not hold */ \
	} while (0)

static inline struct node_stats stats_of(const struct setup *s)
{
	struct node_stats stats;

	node_stats(s->node, -1, &stats);
	return stats;
}

#endif

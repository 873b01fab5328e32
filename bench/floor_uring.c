/*
 * floor_uring.c - io_uring with all that pays: multishot accept and receive, a small buffer ring,
 * completions on demand (DEFER_TASKRUN), and one system call a turn that submits and waits.
 *
 * Replies are written into chunks from a last-in first-out list (warm); a connection has one send
 * in flight and gathers in a second chunk what is answered meanwhile. MSG_WAITALL makes a send
 * whole. Receive buffers hold the usual burst and the ring stays below half a second-level cache.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <liburing.h>
#include <stdlib.h>
#include <unistd.h>

#include "bench/floor.h"

#define SQ_ENTRIES 512
#define CQ_ENTRIES 8192
#define RING_BYTES (288 << 10)
#define BUFFER_MIN 4096
#define PENDING	   (256 << 10) /* bytes in sends that the kernel does not know of yet */
#define GROUP	   0

struct chunk {
	struct chunk *next; /* free list */
	size_t len;
	uint8_t bytes[];
};

static struct conn {
	struct floor_conn part;
	struct chunk *sending, *gathering;
	_Bool ended;
} conns[FLOOR_FDS];

static struct io_uring ring;
static struct io_uring_buf_ring *buffer_ring;
static uint8_t *buffers;
static uint32_t buffer_bytes, buffer_count;
static struct chunk *free_chunks;
static size_t pending;

/* user_data: the descriptor and what was asked. */
enum { ASK_ACCEPT, ASK_RECV, ASK_SEND };

static struct io_uring_sqe *ask(int what, int fd)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);

	while (!sqe) {
		io_uring_submit(&ring);
		sqe = io_uring_get_sqe(&ring);
	}
	sqe->user_data = (uint64_t)fd << 2 | (uint64_t)what;
	return sqe;
}

static void ask_accept(struct floor_server *s)
{
	struct io_uring_sqe *sqe = ask(ASK_ACCEPT, s->listen_fd);

	io_uring_prep_multishot_accept(sqe, s->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

static void ask_recv(int fd)
{
	struct io_uring_sqe *sqe = ask(ASK_RECV, fd);

	io_uring_prep_recv_multishot(sqe, fd, NULL, 0, 0);
	sqe->flags |= IOSQE_BUFFER_SELECT;
	sqe->buf_group = GROUP;
}

static void ask_send(int fd, struct conn *c)
{
	struct io_uring_sqe *sqe = ask(ASK_SEND, fd);

	c->sending = c->gathering;
	c->gathering = NULL;
	io_uring_prep_send(sqe, fd, c->sending->bytes, c->sending->len, MSG_WAITALL | MSG_NOSIGNAL);
	pending += c->sending->len;
	if (pending <= PENDING)
		return;
	pending = 0;
	io_uring_submit(&ring);
}

static struct chunk *get_chunk(struct floor_server *s)
{
	struct chunk *chunk = free_chunks;

	if (chunk) {
		free_chunks = chunk->next;
	} else {
		chunk = malloc(sizeof(*chunk) + FLOOR_BURST + s->size);
		if (!chunk)
			abort();
		memcpy(chunk->bytes, s->reply, FLOOR_BURST + s->size);
	}
	chunk->len = 0;
	return chunk;
}

static void put_chunk(struct chunk **chunk)
{
	if (!*chunk)
		return;
	(*chunk)->next = free_chunks;
	free_chunks = *chunk;
	*chunk = NULL;
}

static void give_buffer(int id)
{
	io_uring_buf_ring_add(buffer_ring, buffers + (size_t)id * buffer_bytes, buffer_bytes,
			      (unsigned short)id, io_uring_buf_ring_mask(buffer_count), 0);
	io_uring_buf_ring_advance(buffer_ring, 1);
}

static void end(int fd, struct conn *c)
{
	c->ended = 1;
	if (c->sending)
		return;
	put_chunk(&c->gathering);
	close(fd);
}

static void received(struct floor_server *s, int fd, const struct io_uring_cqe *cqe)
{
	struct conn *c = &conns[fd];
	int id = (int)(cqe->flags >> IORING_CQE_BUFFER_SHIFT);

	if (cqe->res > 0) {
		if (!c->gathering)
			c->gathering = get_chunk(s);
		if (c->gathering->len + (size_t)cqe->res > FLOOR_BURST)
			abort(); /* a client that breaks floor.h's rule */
		c->gathering->len +=
			floor_answer(&c->part, s->size, buffers + (size_t)id * buffer_bytes,
				     (size_t)cqe->res, c->gathering->bytes + c->gathering->len);
		give_buffer(id);
		if (!c->sending && c->gathering->len)
			ask_send(fd, c);
	}
	if (cqe->flags & IORING_CQE_F_MORE)
		return;
	if (cqe->res > 0 || cqe->res == -ENOBUFS)
		ask_recv(fd);
	else
		end(fd, c);
}

static void sent(int fd, const struct io_uring_cqe *cqe)
{
	struct conn *c = &conns[fd];

	put_chunk(&c->sending);
	if (c->ended)
		end(fd, c);
	else if (c->gathering && c->gathering->len)
		ask_send(fd, c);
}

static void accepted(struct floor_server *s, const struct io_uring_cqe *cqe)
{
	if (cqe->res >= FLOOR_FDS) {
		close(cqe->res);
	} else if (cqe->res >= 0) {
		conns[cqe->res] = (struct conn){ 0 };
		ask_recv(cqe->res);
	}
	if (!(cqe->flags & IORING_CQE_F_MORE))
		ask_accept(s);
}

static int set_up(struct floor_server *s)
{
	struct io_uring_params params = { .flags = IORING_SETUP_SINGLE_ISSUER |
						   IORING_SETUP_DEFER_TASKRUN |
						   IORING_SETUP_COOP_TASKRUN |
						   IORING_SETUP_SUBMIT_ALL | IORING_SETUP_CQSIZE,
					  .cq_entries = CQ_ENTRIES };
	struct io_uring_buf_reg reg = { .bgid = GROUP };
	int ret = io_uring_queue_init_params(SQ_ENTRIES, &ring, &params);

	if (ret)
		return ret;
	io_uring_register_ring_fd(&ring);
	buffer_bytes = s->size * (s->burst > 1 ? s->burst + 1 : 1);
	buffer_bytes = buffer_bytes > BUFFER_MIN ? buffer_bytes : BUFFER_MIN;
	for (buffer_count = 64; buffer_count > 1 && buffer_count * buffer_bytes > RING_BYTES;)
		buffer_count /= 2;
	buffer_ring = aligned_alloc(4096, 4096);
	buffers = aligned_alloc(4096, ((size_t)buffer_count * buffer_bytes + 4095) / 4096 * 4096);
	if (!buffer_ring || !buffers)
		return -ENOMEM;
	reg.ring_addr = (uintptr_t)buffer_ring;
	reg.ring_entries = buffer_count;
	ret = io_uring_register_buf_ring(&ring, &reg, 0);
	io_uring_buf_ring_init(buffer_ring);
	for (uint32_t i = 0; i < buffer_count; i++)
		give_buffer((int)i);
	return ret;
}

int floor_uring(struct floor_server *s)
{
	int ret = set_up(s);

	if (ret)
		return ret;
	ask_accept(s);
	for (;;) {
		struct io_uring_cqe *cqe;
		unsigned head, seen = 0;

		pending = 0;
		io_uring_submit_and_wait(&ring, 1);
		io_uring_for_each_cqe(&ring, head, cqe)
		{
			int what = cqe->user_data & 3, fd = (int)(cqe->user_data >> 2);

			seen++;
			if (what == ASK_RECV)
				received(s, fd, cqe);
			else if (what == ASK_SEND)
				sent(fd, cqe);
			else
				accepted(s, cqe);
		}
		io_uring_cq_advance(&ring, seen);
	}
}

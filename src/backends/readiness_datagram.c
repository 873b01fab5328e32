/*
 * readiness_datagram.c - datagrams for the readiness backends: one or many by a system call.
 *
 * With op->batch above 1 one recvmmsg(2) fills a pack, which next() hands out one by one; nothing
 * else is received into it before it is empty. Each datagram has a place of its own there, as long
 * as the backend's receive buffer. The pack's memory is taken when the first such operation is
 * submitted; pages that no datagram has reached do not exist.
 *
 * recvmmsg() returns fewer than asked only when there were no more, so that is the hint that a
 * single recvmsg() does not give: the socket is drained.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <string.h>
#include <sys/mman.h>

#include "backends/readiness_private.h"

#define DATAGRAM_MAX 65535

/*
 * Not a multiple of a page: short datagrams, which is most of them, would all begin in the same
 * few sets of the first-level cache.
 */
#define STRIDE_BYTES(size) (((size) + 63) / 64 * 64 + 192)

struct pack {
	unsigned count, next; /* received, handed out */
	struct io_op *op;     /* whose they are */
	size_t mapped_bytes, stride_bytes;
	struct mmsghdr headers[BACKEND_DATAGRAMS];
	struct iovec parts[BACKEND_DATAGRAMS];
	struct sockaddr_storage from[BACKEND_DATAGRAMS];
	_Alignas(struct cmsghdr) char control[BACKEND_DATAGRAMS][CMSG_SPACE(sizeof(int))];
	_Alignas(64) uint8_t bytes[];
};

uint32_t readiness_datagram_max(const struct readiness *r)
{
	return r->buffer_size < DATAGRAM_MAX ? (uint32_t)r->buffer_size : DATAGRAM_MAX;
}

int readiness_prepare_pack(struct readiness *r)
{
	size_t stride_bytes = STRIDE_BYTES((size_t)readiness_datagram_max(r));
	size_t mapped_bytes = sizeof(struct pack) + BACKEND_DATAGRAMS * stride_bytes;
	struct pack *p;

	if (r->pack)
		return 0;
	p = mmap(NULL, mapped_bytes, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED)
		return -ENOMEM;
	p->mapped_bytes = mapped_bytes;
	p->stride_bytes = stride_bytes;
	for (unsigned i = 0; i < BACKEND_DATAGRAMS; i++) {
		p->parts[i] =
			(struct iovec){ p->bytes + i * stride_bytes, readiness_datagram_max(r) };
		p->headers[i].msg_hdr = (struct msghdr){ .msg_name = &p->from[i],
							 .msg_iov = &p->parts[i],
							 .msg_iovlen = 1,
							 .msg_control = p->control[i] };
	}
	r->pack = p;
	return 0;
}

void readiness_free_pack(struct readiness *r)
{
	if (r->pack)
		munmap(r->pack, r->pack->mapped_bytes);
}

struct memory_range readiness_pack_memory(const struct readiness *r)
{
	return (struct memory_range){ "datagrams", r->pack, r->pack->mapped_bytes };
}

void readiness_drop_pack(struct readiness *r, const struct io_op *op)
{
	if (r->pack && r->pack->op == op)
		r->pack->count = r->pack->next = 0;
}

/* UDP_GRO: how long each of the datagrams is that came together; 0: it is one. */
static uint16_t segment_of(struct msghdr *msg)
{
	const struct cmsghdr *c = CMSG_FIRSTHDR(msg);
	int segment = 0;

	if (c && c->cmsg_level == SOL_UDP && c->cmsg_type == UDP_GRO)
		memcpy(&segment, CMSG_DATA(c), sizeof(segment));
	return (uint16_t)segment;
}

static void fill(struct io_op *op, struct msghdr *msg, size_t len, struct io_result *ret)
{
	*ret = (struct io_result){
		.op = op,
		.res = (int32_t)len,
		.more = true,
		.data = len ? msg->msg_iov->iov_base : NULL,
		.from = msg->msg_name,
		.from_len = msg->msg_namelen,
		.segment = msg->msg_controllen ? segment_of(msg) : 0,
		.cut = msg->msg_flags & MSG_TRUNC,
	};
}

bool readiness_unpack(struct readiness *r, struct io_result *ret)
{
	struct pack *p = r->pack;
	struct mmsghdr *m;

	if (!p || p->next == p->count)
		return false;
	m = &p->headers[p->next++];
	fill(p->op, &m->msg_hdr, m->msg_len, ret);
	ret->follows = p->next < p->count;
	return true;
}

static void make_room(struct msghdr *msg)
{
	msg->msg_namelen = sizeof(struct sockaddr_storage);
	msg->msg_controllen = CMSG_SPACE(sizeof(int));
}

static int receive_pack(struct readiness *r, struct io_op *op)
{
	struct pack *p = r->pack;
	int n;

	for (unsigned i = 0; i < op->batch; i++)
		make_room(&p->headers[i].msg_hdr);
	do {
		n = recvmmsg(op->fd, p->headers, op->batch, MSG_DONTWAIT, NULL);
		r->backend.stats.syscalls++;
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	p->op = op;
	p->count = (unsigned)n;
	p->next = 0;
	return n;
}

static int receive_one(struct readiness *r, struct io_op *op, struct io_result *ret)
{
	struct iovec part = { r->buffer, r->buffer_size };
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))];
	struct msghdr msg = {
		.msg_name = &r->from, .msg_iov = &part, .msg_iovlen = 1, .msg_control = control
	};
	ssize_t n;

	do {
		make_room(&msg);
		n = recvmsg(op->fd, &msg, MSG_DONTWAIT);
		r->backend.stats.syscalls++;
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	fill(op, &msg, (size_t)n, ret);
	return 1;
}

int readiness_receive(struct readiness *r, struct io_op *op, bool *ret_drained,
		      struct io_result *ret)
{
	int n;

	if (op->batch <= 1) {
		*ret_drained = false;
		return receive_one(r, op, ret);
	}
	n = receive_pack(r, op);
	*ret_drained = n > 0 && (unsigned)n < op->batch;
	if (n > 0)
		readiness_unpack(r, ret);
	return n;
}

/*
 * As sendmmsg(2) stops at an error and says so only if it was the first one's, each stop is
 * followed by another try: -EAGAIN is the end, everything else that one's answer.
 */
int readiness_send_many(struct readiness *r, const struct io_op *op)
{
	uint32_t done = 0;

	while (done < op->count) {
		struct mmsghdr *m = &op->datagrams[done];
		int n = sendmmsg(op->fd, m, op->count - done, MSG_NOSIGNAL | MSG_DONTWAIT);

		r->backend.stats.syscalls++;
		if (n > 0) {
			done += (uint32_t)n;
			continue;
		}
		if (errno == EAGAIN)
			return done ? (int)done : -EAGAIN;
		if (errno == EINTR)
			continue;
		m->msg_len = 0;
		m->msg_hdr.msg_flags = errno;
		done++;
	}
	return (int)done;
}

/*
 * contract.c - the fixture and the probes of the contract suite.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/contract.h"

#include <stdlib.h>

#include "backends/file_pool.h"

struct fixture *fixture_open(void)
{
	struct fixture *f = calloc(1, sizeof(*f));
	size_t size = subject.ops->group.opts_size;
	void *opts AUTO(auto_free) = malloc(size + 1);
	struct err err = { 0 };

	if (!f || !opts)
		abort();
	memcpy(opts, subject.opts, size);
	f->ops = subject.ops;
	f->peer = subject.peer;
	f->peer->start(f, opts);
	if (f->ops->open(&f->backend, opts, &err) < 0) {
		printf("\n    open: %s\n", err.text);
		abort();
	}
	f->backend->files = subject.files;
	if (subject.files == FILES_THREAD &&
	    file_pool_open(&f->pool, &(struct file_pool_opts){ .count = SUBJECT_DEVICES }, &err) <
		    0)
		abort();
	f->backend->pool = f->pool;
	return f;
}

void fixture_close(struct fixture **f)
{
	if (!*f)
		return;
	(*f)->ops->close((*f)->backend);
	file_pool_close((*f)->pool);
	(*f)->peer->stop(*f);
	free(*f);
}

int fixture_keep(struct fixture *f, int fd)
{
	if (f->fd_count == FIXTURE_FDS)
		abort();
	if (fd >= 0)
		f->fds[f->fd_count++] = fd;
	return fd;
}

void fixture_forget(struct fixture *f, int fd)
{
	for (int i = f->fd_count - 1; i >= 0; i--)
		if (f->fds[i] == fd) {
			f->fds[i] = f->fds[--f->fd_count];
			return;
		}
}

int turn(struct fixture *f, int64_t timeout_ns)
{
	struct io_result r;
	int rc = f->ops->wait(f->backend, timeout_ns);
	bool any = false;

	while (f->ops->next(f->backend, &r)) {
		any = true;
		r.op->done(r.op, &r);
	}
	CHECK_INT(rc, any);
	return rc;
}

void settle(struct fixture *f)
{
	while (turn(f, 5 * MS) > 0)
		;
}

static void probe_done(struct io_op *op, const struct io_result *r)
{
	struct probe *p = (struct probe *)op;
	size_t room = p->size - p->len, take;

	CHECK_INT(p->finals, 0);
	p->results++;
	p->finals += !r->more;
	p->res = r->res;
	p->when = ++p->f->order;
	p->now_ns = p->f->backend->now_ns;
	if (r->res > 0)
		p->bytes += r->res;
	if (r->res > 0 && r->data && p->into) {
		take = (size_t)r->res < room ? (size_t)r->res : room;
		memcpy(p->into + p->len, r->data, take);
		p->len += take;
	}
	if (op->kind == IO_RECVFROM && r->res >= 0) {
		memcpy(&p->from, r->from, r->from_len);
		p->from_len = r->from_len;
	}
	if (p->then)
		p->then(p, r);
}

static void submit(struct fixture *f, struct probe *p, enum io_kind kind, int fd)
{
	p->op.kind = kind;
	p->op.fd = fd;
	p->op.done = probe_done;
	p->f = f;
	p->finals = 0;
	f->ops->submit(f->backend, &p->op);
}

void probe_accept(struct fixture *f, struct probe *p, int fd)
{
	submit(f, p, IO_ACCEPT, fd);
}

void probe_recv(struct fixture *f, struct probe *p, int fd)
{
	submit(f, p, IO_RECV, fd);
}

void probe_recv_from(struct fixture *f, struct probe *p, int fd)
{
	submit(f, p, IO_RECVFROM, fd);
}

void probe_send(struct fixture *f, struct probe *p, int fd, const void *buf, size_t len)
{
	p->op.buf = buf;
	p->op.len = len;
	submit(f, p, IO_SEND, fd);
}

void probe_send_zero_copy(struct fixture *f, struct probe *p, int fd, const void *buf, size_t len)
{
	p->op.flags = IO_ZERO_COPY;
	probe_send(f, p, fd, buf, len);
}

void probe_message(struct probe *p, struct iovec *parts, size_t count,
		   const struct sockaddr_storage *to, socklen_t to_len)
{
	p->msg = (struct msghdr){
		.msg_name = (void *)to, .msg_namelen = to_len, .msg_iov = parts, .msg_iovlen = count
	};
}

void probe_submit_message(struct fixture *f, struct probe *p, int fd)
{
	p->op.msg = &p->msg;
	submit(f, p, IO_SENDMSG, fd);
}

void probe_send_message(struct fixture *f, struct probe *p, int fd, struct iovec *parts,
			size_t count, const struct sockaddr_storage *to, socklen_t to_len)
{
	probe_message(p, parts, count, to, to_len);
	probe_submit_message(f, p, fd);
}

void probe_send_many(struct fixture *f, struct probe *p, int fd)
{
	submit(f, p, IO_SENDMMSG, fd);
}

void probe_connect(struct fixture *f, struct probe *p, int fd, const struct sockaddr_storage *to,
		   socklen_t to_len)
{
	p->op.addr = (const struct sockaddr *)to;
	p->op.addr_len = to_len;
	submit(f, p, IO_CONNECT, fd);
}

static void set_file(struct probe *p, const void *buf, size_t len, uint64_t offset)
{
	p->op.buf = buf;
	p->op.len = len;
	p->op.offset = offset;
}

void probe_read(struct fixture *f, struct probe *p, int fd, void *buf, size_t len, uint64_t offset)
{
	set_file(p, buf, len, offset);
	submit(f, p, IO_READ, fd);
}

void probe_write(struct fixture *f, struct probe *p, int fd, const void *buf, size_t len,
		 uint64_t offset)
{
	set_file(p, buf, len, offset);
	submit(f, p, IO_WRITE, fd);
}

void probe_sync(struct fixture *f, struct probe *p, int fd)
{
	submit(f, p, IO_SYNC, fd);
}

void probe_send_file(struct fixture *f, struct probe *p, int fd, int file_fd, size_t len,
		     uint64_t offset)
{
	set_file(p, NULL, len, offset);
	p->op.file_fd = file_fd;
	submit(f, p, IO_SENDFILE, fd);
}

void probe_timer(struct fixture *f, struct probe *p, int64_t deadline_ns)
{
	p->op.deadline_ns = deadline_ns;
	submit(f, p, IO_TIMER, -1);
}

void probe_close(struct fixture *f, struct probe *p, int fd)
{
	fixture_forget(f, fd);
	submit(f, p, IO_CLOSE, fd);
}

void probe_cancel(struct probe *p)
{
	p->f->ops->cancel(p->f->backend, &p->op);
}

void probe_wait(struct probe *p, uint32_t results)
{
	int64_t end_ns = p->f->backend->now_ns + PATIENCE_NS;

	while (p->results < results && !p->finals && p->f->backend->now_ns < end_ns)
		turn(p->f, 10 * MS);
	if (p->results < results)
		printf("\n    kind %d came back %u times, not %u; last result %d", p->op.kind,
		       p->results, results, p->res);
	CU_ASSERT(p->results >= results);
}

void probe_wait_bytes(struct probe *p, uint64_t bytes)
{
	int64_t end_ns = p->f->backend->now_ns + PATIENCE_NS;

	while (p->bytes < bytes && !p->finals && p->f->backend->now_ns < end_ns)
		turn(p->f, 10 * MS);
	CHECK_INT(p->bytes, bytes);
}

void probe_wait_end(struct probe *p)
{
	int64_t end_ns = p->f->backend->now_ns + PATIENCE_NS;

	while (!p->finals && p->f->backend->now_ns < end_ns)
		turn(p->f, 10 * MS);
	CHECK_INT(p->finals, 1);
}

void probe_wait_result(struct probe *p, int32_t res)
{
	int64_t end_ns = p->f->backend->now_ns + PATIENCE_NS;

	while (p->res != res && !p->finals && p->f->backend->now_ns < end_ns)
		turn(p->f, 10 * MS);
	CHECK_INT(p->res, res);
}

static uint8_t pattern(uint64_t stream, uint64_t at)
{
	return (uint8_t)((at * 0x9E3779B97F4A7C15ULL + stream * 0xD1B54A32D192ED03ULL) >> 56);
}

void fill(uint8_t *buf, size_t len, uint64_t stream, uint64_t offset)
{
	for (size_t i = 0; i < len; i++)
		buf[i] = pattern(stream, offset + i);
}

bool filled(const uint8_t *buf, size_t len, uint64_t stream, uint64_t offset)
{
	for (size_t i = 0; i < len; i++)
		if (buf[i] != pattern(stream, offset + i))
			return false;
	return true;
}

size_t peer_read_all(struct fixture *f, int fd, uint8_t *buf, size_t len)
{
	int64_t end_ns = f->backend->now_ns + PATIENCE_NS;
	size_t got = 0;

	while (got < len && f->backend->now_ns < end_ns) {
		int n = f->peer->read(f, fd, buf + got, len - got);

		if (n > 0)
			got += n;
		else if (n != -EAGAIN)
			break;
		else
			turn(f, 1 * MS);
	}
	return got;
}

int peer_read(struct fixture *f, int fd, uint8_t *buf, size_t len)
{
	int64_t end_ns = f->backend->now_ns + PATIENCE_NS;
	int n;

	do {
		n = f->peer->read(f, fd, buf, len);
	} while (n == -EAGAIN && turn(f, 1 * MS) >= 0 && f->backend->now_ns < end_ns);
	return n;
}

int peer_read_end(struct fixture *f, int fd)
{
	uint8_t byte;

	return peer_read(f, fd, &byte, 1);
}

/*
 * io_uring_probe.c - whether this machine can run the io_uring backend, and if not, why.
 *
 * The kernel is asked, not its version: a ring is opened, its operations are listed, and one byte
 * is received by a multishot request into a buffer of a ring (Linux 6.0), which is the youngest
 * thing that every set-up needs. io_uring.c says so when defer-taskrun (6.1) is refused.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "backends/io_uring_private.h"
#include "base/cleanup.h"
#include "base/clock.h"

static const struct {
	int code;
	const char *name;
} needed[] = {
	{ IORING_OP_ACCEPT, "accept" },	    { IORING_OP_RECV, "recv" },
	{ IORING_OP_RECVMSG, "recvmsg" },   { IORING_OP_SEND, "send" },
	{ IORING_OP_SENDMSG, "sendmsg" },   { IORING_OP_CONNECT, "connect" },
	{ IORING_OP_POLL_ADD, "poll_add" }, { IORING_OP_ASYNC_CANCEL, "async_cancel" },
	{ IORING_OP_CLOSE, "close" },
};
#define NEEDED (sizeof(needed) / sizeof(needed[0]))

static void close_ring(struct io_uring *ring)
{
	if (ring->ring_fd >= 0)
		io_uring_queue_exit(ring);
}

/* kernel.io_uring_disabled: 0, 1 or 2; kernels before 6.6 do not have it. */
static int disabled(void)
{
	FILE *file AUTO(auto_fclose) = fopen("/proc/sys/kernel/io_uring_disabled", "re");
	int value;

	return file && fscanf(file, "%d", &value) == 1 ? value : 0;
}

static int say_why(int code, struct err *why)
{
	if (code == -ENOSYS)
		return err_set(why, code,
			       "this kernel has no io_uring, or a seccomp filter says so");
	if (code == -EPERM && disabled() == 2)
		return err_set(why, code,
			       "kernel.io_uring_disabled=2 switches io_uring off for everybody; "
			       "0 allows it");
	if (code == -EPERM && disabled() == 1)
		return err_set(why, code,
			       "kernel.io_uring_disabled=1 keeps io_uring for CAP_SYS_ADMIN and "
			       "the group in kernel.io_uring_group");
	if (code == -EPERM || code == -EACCES)
		return err_set(why, code,
			       "io_uring_setup is forbidden here, as seccomp filters of "
			       "containers do");
	return err_sys(why, code, "io_uring_setup");
}

static int check_operations(struct io_uring *ring, struct err *why)
{
	struct io_uring_probe *probe = io_uring_get_probe_ring(ring);
	size_t i = 0;

	if (!probe)
		return err_set(why, -EOPNOTSUPP,
			       "this kernel's io_uring cannot list its "
			       "operations: Linux 6.0 or later is needed");
	while (i < NEEDED && io_uring_opcode_supported(probe, needed[i].code))
		i++;
	io_uring_free_probe(probe);
	if (i < NEEDED)
		return err_set(why, -EOPNOTSUPP, "io_uring's operation %s is missing or forbidden",
			       needed[i].name);
	if (!(ring->features & IORING_FEAT_EXT_ARG))
		return err_set(why, -EOPNOTSUPP,
			       "io_uring cannot wait with a timeout here: "
			       "Linux 6.0 or later is needed");
	return 0;
}

/* What became of receiving one byte: 0 when the request would have gone on. */
static int receive_byte(struct io_uring *ring, int fd)
{
	struct __kernel_timespec patience = { .tv_sec = 1 };
	struct io_uring_sqe *sqe = io_uring_get_sqe(ring);
	struct io_uring_cqe *cqe;
	int ret;

	io_uring_prep_recv_multishot(sqe, fd, NULL, 0, 0);
	sqe->flags |= IOSQE_BUFFER_SELECT;
	sqe->buf_group = URING_GROUP;
	ret = io_uring_submit_and_wait_timeout(ring, &cqe, 1, &patience, NULL);
	if (ret < 0)
		return ret;
	if (cqe->res < 0)
		return cqe->res;
	return cqe->flags & IORING_CQE_F_MORE ? 0 : -EOPNOTSUPP;
}

static int check_multishot(struct io_uring *ring, struct err *why)
{
	const struct uring_buffers_setup few = { URING_GROUP, 2, 64, false };
	struct uring_buffers buffers = { 0 };
	int pair[2], ret;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return err_sys(why, -errno, "socketpair");
	ret = uring_buffers_open(&buffers, ring, &few, why);
	if (!ret && write(pair[1], "", 1) == 1) {
		ret = receive_byte(ring, pair[0]);
		if (ret)
			err_sys(why, ret, "io_uring's multishot receive (Linux 6.0 or later)");
	}
	close(pair[0]);
	close(pair[1]);
	uring_buffers_close(&buffers, ring);
	return ret;
}

int uring_probe(struct err *why)
{
	struct io_uring ring AUTO(close_ring) = { .ring_fd = -1 };
	int ret = io_uring_queue_init(4, &ring, 0);

	if (ret) {
		ring.ring_fd = -1;
		return say_why(ret, why);
	}
	ret = check_operations(&ring, why);
	return ret ? ret : check_multishot(&ring, why);
}

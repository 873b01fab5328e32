/*
 * contract_kernel.c - the peer of the contract suite by real system calls on loopback.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tests/contract.h"

static int keep(struct fixture *f, int fd)
{
	return fd < 0 ? -errno : fixture_keep(f, fd);
}

static void start(struct fixture *f, void *opts)
{
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	f->fd_limit = limit.rlim_cur;
}

static void limit_descriptors(struct fixture *f, bool on)
{
	struct rlimit limit;
	int lowest_free = dup(STDERR_FILENO);

	if (lowest_free >= 0)
		close(lowest_free);
	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = on && lowest_free >= 0 ? (rlim_t)lowest_free : (rlim_t)f->fd_limit;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static void stop(struct fixture *f)
{
	limit_descriptors(f, false);
	while (f->fd_count)
		close(f->fds[--f->fd_count]);
}

static struct sockaddr_in loopback(void)
{
	return (struct sockaddr_in){ .sin_family = AF_INET,
				     .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}

static int bound(struct fixture *f, int type)
{
	struct sockaddr_in address = loopback();
	int fd = keep(f, socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));

	if (fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	return fd;
}

static int listen_on_loopback(struct fixture *f)
{
	int fd = bound(f, SOCK_STREAM);

	if (fd >= 0 && listen(fd, 1024) < 0)
		return -errno;
	return fd;
}

static int make_socket(struct fixture *f)
{
	return keep(f, socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
}

static void address(int fd, struct sockaddr_storage *ret, socklen_t *ret_len)
{
	*ret_len = sizeof(*ret);
	if (getsockname(fd, (struct sockaddr *)ret, ret_len) < 0)
		abort();
}

/* A bound port that does not listen refuses. */
static void deaf_address(struct fixture *f, struct sockaddr_storage *ret, socklen_t *ret_len)
{
	address(bound(f, SOCK_STREAM), ret, ret_len);
}

static int set_blocking(int fd, bool blocking)
{
	int flags = fcntl(fd, F_GETFL);

	return fcntl(fd, F_SETFL, blocking ? flags & ~O_NONBLOCK : flags | O_NONBLOCK);
}

static int connect_to(struct fixture *f, int listen_fd)
{
	struct sockaddr_storage to;
	socklen_t len;
	int fd = make_socket(f);

	address(listen_fd, &to, &len);
	set_blocking(fd, true);
	if (connect(fd, (struct sockaddr *)&to, len) < 0)
		return -errno;
	set_blocking(fd, false);
	return fd;
}

static int result(ssize_t n)
{
	return n < 0 ? -errno : (int)n;
}

static int close_one(struct fixture *f, int fd)
{
	fixture_forget(f, fd);
	return result(close(fd));
}

static int pair(struct fixture *f, int fd[2])
{
	int listener = listen_on_loopback(f), one = 1;
	struct pollfd arrived = { .fd = listener, .events = POLLIN };

	fd[1] = connect_to(f, listener);
	poll(&arrived, 1,
	     PATIENCE_NS / MS); /* who connects can be done a moment before who accepts */
	fd[0] = keep(f, accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC));
	close_one(f, listener);
	if (fd[0] < 0 || fd[1] < 0)
		return -EIO;
	setsockopt(fd[0], IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	setsockopt(fd[1], IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	return 0;
}

static int local_pair(struct fixture *f, int fd[2])
{
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fd) < 0)
		return -errno;
	keep(f, fd[0]);
	keep(f, fd[1]);
	return 0;
}

static int datagram_pair(struct fixture *f, int fd[2])
{
	fd[0] = bound(f, SOCK_DGRAM);
	fd[1] = bound(f, SOCK_DGRAM);
	return fd[0] < 0 || fd[1] < 0 ? -EIO : 0;
}

static int write_to(struct fixture *f, int fd, const void *buf, size_t len)
{
	return result(send(fd, buf, len, MSG_DONTWAIT | MSG_NOSIGNAL));
}

static int open_file(struct fixture *f, uint64_t size, int flags)
{
	const char *folder = getenv("TMPDIR");
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/ringwalk-XXXXXX", folder ? folder : "/tmp");
	fd = keep(f, mkostemp(path, O_CLOEXEC | flags));
	if (fd < 0)
		return fd;
	unlink(path);
	return ftruncate(fd, (off_t)size) < 0 ? -errno : fd;
}

static int file(struct fixture *f, uint64_t size)
{
	return open_file(f, size, 0);
}

static int direct_file(struct fixture *f, uint64_t size)
{
	return open_file(f, size, O_DIRECT);
}

static int full_file(struct fixture *f)
{
	return keep(f, open("/dev/full", O_RDWR | O_CLOEXEC));
}

static int read_at(struct fixture *f, int fd, void *buf, size_t len, uint64_t offset)
{
	return result(pread(fd, buf, len, (off_t)offset));
}

static int write_at(struct fixture *f, int fd, const void *buf, size_t len, uint64_t offset)
{
	return result(pwrite(fd, buf, len, (off_t)offset));
}

/* The kernel sends a signal, too: setrlimit(2). */
static void limit_files(struct fixture *f, uint64_t bytes)
{
	struct rlimit limit;

	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &limit);
	limit.rlim_cur = bytes ? bytes : limit.rlim_max;
	setrlimit(RLIMIT_FSIZE, &limit);
}

static int read_from(struct fixture *f, int fd, void *buf, size_t len)
{
	return result(recv(fd, buf, len, MSG_DONTWAIT));
}

static int send_to(struct fixture *f, int fd, const void *buf, size_t len, int to_fd)
{
	struct sockaddr_storage to;
	socklen_t to_len;

	address(to_fd, &to, &to_len);
	return result(sendto(fd, buf, len, MSG_DONTWAIT, (struct sockaddr *)&to, to_len));
}

static int half_close(struct fixture *f, int fd)
{
	return result(shutdown(fd, SHUT_WR));
}

/* Closing with a linger time of nothing sends a reset: socket(7). */
static int reset(struct fixture *f, int fd)
{
	struct linger at_once = { .l_onoff = 1 };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	return close_one(f, fd);
}

const struct peer peer_kernel = {
	.kernel = true,
	.start = start,
	.stop = stop,
	.listen = listen_on_loopback,
	.socket = make_socket,
	.connect = connect_to,
	.pair = pair,
	.local_pair = local_pair,
	.datagram_pair = datagram_pair,
	.write = write_to,
	.read = read_from,
	.send_to = send_to,
	.shutdown = half_close,
	.close = close_one,
	.reset = reset,
	.file = file,
	.full_file = full_file,
	.direct_file = direct_file,
	.read_at = read_at,
	.write_at = write_at,
	.limit_files = limit_files,
	.address = address,
	.deaf_address = deaf_address,
	.limit_descriptors = limit_descriptors,
};

/*
 * sim_script.c - the scripted side of sim.h: what a test does as the peer.
 *
 * Its calls are exact: faults that shorten or reset belong to the backend's operations. Delays
 * and the limits of buffers are the net's and hold for everybody.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backends/sim_net.h"

struct sim_net *sim_net_create(uint64_t seed, const struct sim_faults *faults)
{
	struct sim_net *net = calloc(1, sizeof(*net));

	if (!net)
		return NULL;
	net->key = random_key(seed, 0, 0, 0);
	if (faults)
		net->faults = *faults;
	return net;
}

void sim_net_destroy(struct sim_net *net)
{
	if (!net)
		return;
	for (int fd = 0; fd < net->size; fd++)
		if (net->sockets[fd])
			sim_drop(net, net->sockets[fd], SIM_END);
	free(net->sockets);
	free(net);
}

int64_t sim_net_now_ns(const struct sim_net *net)
{
	return net->now_ns;
}

void sim_net_set_faults(struct sim_net *net, const struct sim_faults *faults)
{
	if (faults)
		net->faults = *faults;
}

int sim_listen(struct sim_net *net)
{
	return sim_open(net, SIM_LISTENER);
}

int sim_socket(struct sim_net *net)
{
	return sim_open(net, SIM_FRESH);
}

int sim_connect(struct sim_net *net, int listen_fd)
{
	struct sim_socket *listener = sim_find(net, listen_fd);
	int fd, rc;

	if (!listener || listener->kind != SIM_LISTENER)
		return -ECONNREFUSED;
	fd = sim_open(net, SIM_FRESH);
	if (fd < 0)
		return fd;
	sim_start_connect(net, sim_find(net, fd), listen_fd);
	rc = sim_finish_connect(sim_find(net, fd));
	if (rc < 0)
		sim_close(net, fd);
	return rc < 0 ? rc : fd;
}

static int open_pair(struct sim_net *net, enum sim_kind kind, int fds[2])
{
	int a = sim_open(net, kind), b = sim_open(net, kind);

	if (a < 0 || b < 0) {
		sim_close(net, a);
		return a < 0 ? a : b;
	}
	sim_join(sim_find(net, a), sim_find(net, b));
	fds[0] = a;
	fds[1] = b;
	return 0;
}

int sim_pair(struct sim_net *net, int fds[2])
{
	return open_pair(net, SIM_STREAM, fds);
}

int sim_datagram_pair(struct sim_net *net, int fds[2])
{
	return open_pair(net, SIM_DATAGRAM, fds);
}

int sim_datagram(struct sim_net *net)
{
	return sim_open(net, SIM_DATAGRAM);
}

int sim_send_to(struct sim_net *net, int fd, const void *buf, size_t len, int to_fd)
{
	struct sim_socket *s = sim_find(net, fd);
	struct iovec part = { (void *)buf, len };

	return s ? sim_give(net, s, &part, 1, to_fd, false) : -EBADF;
}

int sim_write(struct sim_net *net, int fd, const void *buf, size_t len)
{
	struct sim_socket *s = sim_find(net, fd);
	struct iovec part = { (void *)buf, len };

	return s ? sim_give(net, s, &part, 1, -1, false) : -EBADF;
}

int sim_read(struct sim_net *net, int fd, void *buf, size_t len)
{
	struct sim_socket *s = sim_find(net, fd);
	int from_fd;

	return s ? sim_take(net, s, buf, len, false, &from_fd) : -EBADF;
}

int sim_file(struct sim_net *net, uint64_t size)
{
	int fd = sim_open(net, SIM_FILE);

	if (fd >= 0)
		sim_find(net, fd)->size = size;
	return fd;
}

uint64_t sim_file_size(const struct sim_net *net, int fd)
{
	struct sim_socket *s = sim_find(net, fd);

	return s ? s->size : 0;
}

int sim_read_at(struct sim_net *net, int fd, void *buf, size_t len, uint64_t offset)
{
	struct sim_socket *s = sim_find(net, fd);

	return s ? sim_pages_read(s, buf, len, offset) : -EBADF;
}

int sim_write_at(struct sim_net *net, int fd, const void *buf, size_t len, uint64_t offset)
{
	struct sim_socket *s = sim_find(net, fd);

	return s ? sim_pages_write(s, buf, len, offset) : -EBADF;
}

int sim_shutdown(struct sim_net *net, int fd)
{
	struct sim_socket *s = sim_find(net, fd);

	return s ? sim_end(net, s) : -EBADF;
}

static int drop(struct sim_net *net, int fd, enum sim_piece_kind last)
{
	struct sim_socket *s = sim_find(net, fd);

	if (!s)
		return -EBADF;
	sim_drop(net, s, s->resets ? SIM_RESET : last);
	return 0;
}

int sim_close(struct sim_net *net, int fd)
{
	return drop(net, fd, SIM_END);
}

int sim_reset(struct sim_net *net, int fd)
{
	return drop(net, fd, SIM_RESET);
}

int sim_linger_zero(struct sim_net *net, int fd)
{
	struct sim_socket *s = sim_find(net, fd);

	if (!s)
		return -EBADF;
	s->resets = true;
	return 0;
}

void sim_address(int listen_fd, struct sockaddr_storage *ret, socklen_t *ret_len)
{
	struct sockaddr *address = (struct sockaddr *)ret;

	memset(ret, 0, sizeof(*ret));
	address->sa_family = AF_UNSPEC;
	memcpy(address->sa_data, &listen_fd, sizeof(listen_fd));
	*ret_len = sizeof(*address);
}

int sim_address_fd(const struct sockaddr *address)
{
	int fd = -1;

	if (address && address->sa_family == AF_UNSPEC)
		memcpy(&fd, address->sa_data, sizeof(fd));
	return fd;
}

/*
 * contract_sim.c - the peer of the contract suite by the scripted sockets of sim.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>

#include "backends/sim.h"
#include "tests/contract.h"

#define SEED 20261121

static void start(struct fixture *f, void *opts)
{
	f->net = sim_net_create(SEED, &(struct sim_faults){ 0 });
	if (!f->net)
		abort();
	((struct sim_opts *)opts)->net = f->net;
}

static void stop(struct fixture *f)
{
	sim_net_destroy(f->net);
}

static void limit_descriptors(struct fixture *f, bool on)
{
	/* One socket is always open: the listener. */
	sim_net_set_faults(f->net, &(struct sim_faults){ .max_fds = on });
}

static int listen_simulated(struct fixture *f)
{
	return sim_listen(f->net);
}

static int make_socket(struct fixture *f)
{
	return sim_socket(f->net);
}

static int connect_to(struct fixture *f, int listen_fd)
{
	return sim_connect(f->net, listen_fd);
}

static int pair(struct fixture *f, int fd[2])
{
	return sim_pair(f->net, fd);
}

static int datagram_pair(struct fixture *f, int fd[2])
{
	return sim_datagram_pair(f->net, fd);
}

static int write_to(struct fixture *f, int fd, const void *buf, size_t len)
{
	return sim_write(f->net, fd, buf, len);
}

static int read_from(struct fixture *f, int fd, void *buf, size_t len)
{
	return sim_read(f->net, fd, buf, len);
}

static int send_to(struct fixture *f, int fd, const void *buf, size_t len, int to_fd)
{
	/* A simulated datagram pair is connected. */
	return sim_write(f->net, fd, buf, len);
}

static int half_close(struct fixture *f, int fd)
{
	return sim_shutdown(f->net, fd);
}

static int close_one(struct fixture *f, int fd)
{
	return sim_close(f->net, fd);
}

static int reset(struct fixture *f, int fd)
{
	return sim_reset(f->net, fd);
}

static void deaf_address(struct fixture *f, struct sockaddr_storage *ret, socklen_t *ret_len)
{
	sim_address(sim_socket(f->net), ret, ret_len);
}

static int file(struct fixture *f, uint64_t size)
{
	return sim_file(f->net, size);
}

static int full_file(struct fixture *f)
{
	int fd = sim_file(f->net, 0);

	sim_net_set_faults(f->net, &(struct sim_faults){ .file_full = 1 });
	return fd;
}

static int read_at(struct fixture *f, int fd, void *buf, size_t len, uint64_t offset)
{
	return sim_read_at(f->net, fd, buf, len, offset);
}

static int write_at(struct fixture *f, int fd, const void *buf, size_t len, uint64_t offset)
{
	return sim_write_at(f->net, fd, buf, len, offset);
}

static void limit_files(struct fixture *f, uint64_t bytes)
{
	sim_net_set_faults(f->net, &(struct sim_faults){ .file_limit = bytes });
}

const struct peer peer_sim = {
	.file = file,
	.full_file = full_file,
	.read_at = read_at,
	.write_at = write_at,
	.limit_files = limit_files,
	.start = start,
	.stop = stop,
	.listen = listen_simulated,
	.socket = make_socket,
	.connect = connect_to,
	.pair = pair,
	.local_pair = pair,
	.datagram_pair = datagram_pair,
	.write = write_to,
	.read = read_from,
	.send_to = send_to,
	.shutdown = half_close,
	.close = close_one,
	.reset = reset,
	.address = sim_address,
	.deaf_address = deaf_address,
	.limit_descriptors = limit_descriptors,
};

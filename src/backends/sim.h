/*
 * sim.h - a backend without a kernel: simulated time, seeded faults, scripted peers.
 *
 * Tests of the engine run on it: exact times, reproducible short counts and errors. Descriptors
 * are numbers of simulated sockets that live in a struct sim_net, which several sim backends of
 * one thread may share (a node and a client in one test). Time stands still except in wait(): when
 * nothing is finished it jumps to the next timer, the next delivery or the end of the timeout.
 *
 * File operations take simulated time. FILES_OWN does all at a time, FILES_THREAD those of a device
 * one after the other (SIM_DEVICES devices; there is no pool), FILES_INLINE at once. Until its time
 * has come an operation can be cancelled, and nothing has happened to the file. A zero-copy send
 * comes back when its bytes have arrived.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_BACKENDS_SIM_H
#define RW_BACKENDS_SIM_H

#include "backends/backend.h"

#define SIM_DEVICES 64

struct sim_net;

struct sim_faults {
	double short_send; /* probability that a send takes only a part */
	double short_recv; /* probability that a receive is cut at a random byte */
	double reset;	   /* probability, per send, that the connection is reset */
	int64_t delay_ns;  /* each byte arrives so much later */
	int64_t jitter_ns; /* uniformly drawn on top; order is kept */
	uint32_t buffer;   /* bytes a socket takes before a send is short; 0: 64 KiB */
	uint32_t max_fds;  /* accept fails with -EMFILE above; 0: no limit */

	double short_file;	/* probability that a read or write of a file takes only a part */
	double file_error;	/* probability that a file operation is -EIO */
	int64_t file_delay_ns;	/* each takes so long, */
	int64_t file_jitter_ns; /* and uniformly drawn longer; not with FILES_INLINE */
	uint64_t file_limit;	/* no file grows beyond (-EFBIG); 0: no limit */
	bool file_full;		/* writes are -ENOSPC */

	/* Of datagrams, each a probability. */
	double lose;
	double duplicate; /* it arrives twice */
	double overtake; /* it arrives before the one sent before it, if that is still on its way */
	double cut;	 /* it arrives cut off at a random byte, as if the buffer were too small */
	int64_t gap_ns;	 /* a socket that has sent one takes the next so much later */
};

/* faults NULL: none. */
struct sim_net *sim_net_create(uint64_t seed, const struct sim_faults *faults);
void sim_net_destroy(struct sim_net *net);
int64_t sim_net_now_ns(const struct sim_net *net);
void sim_net_set_faults(struct sim_net *net, const struct sim_faults *faults);

/* Options for ops->open() of backend_sim: the net it belongs to (NULL: its own, seed 1). */
struct sim_opts {
	struct sim_net *net;
};

extern const struct backend_ops backend_sim;

/*
 * A file of size bytes that are zero. It lives in the net and ends with sim_close() or IO_CLOSE;
 * files are real in everything but time: any offset, holes, writes beyond the end.
 */
int sim_file(struct sim_net *net, uint64_t size);
uint64_t sim_file_size(const struct sim_net *net, int fd);

/* The scripted side: what a test does as the peer, without a backend. All return like the calls
 * they stand for (-errno, counts). */
int sim_listen(struct sim_net *net);		     /* a listening descriptor */
int sim_socket(struct sim_net *net);		     /* for IO_CONNECT */
int sim_connect(struct sim_net *net, int listen_fd); /* a connected scripted descriptor */
int sim_pair(struct sim_net *net, int fds[2]);
int sim_datagram_pair(struct sim_net *net, int fds[2]);
int sim_datagram(struct sim_net *net); /* without a peer: sim_send_to(), IO_CONNECT */
int sim_send_to(struct sim_net *net, int fd, const void *buf, size_t len, int to_fd);
int sim_write(struct sim_net *net, int fd, const void *buf, size_t len);
int sim_read(struct sim_net *net, int fd, void *buf, size_t len); /* -EAGAIN when empty */
int sim_read_at(struct sim_net *net, int fd, void *buf, size_t len, uint64_t offset);
int sim_write_at(struct sim_net *net, int fd, const void *buf, size_t len, uint64_t offset);
int sim_shutdown(struct sim_net *net, int fd); /* half close */
int sim_close(struct sim_net *net, int fd);
int sim_reset(struct sim_net *net, int fd);
/* When it is closed, by whomever, its peer is told a reset: SO_LINGER with a time of 0. */
int sim_linger_zero(struct sim_net *net, int fd);
/* An address that IO_CONNECT understands: sa_family AF_UNSPEC with the descriptor in sa_data. */
void sim_address(int listen_fd, struct sockaddr_storage *ret, socklen_t *ret_len);

#endif

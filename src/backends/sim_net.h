/*
 * sim_net.h - the simulated network: sockets, what is on its way to them, and the time.
 *
 * A socket has a queue of what was sent to it, in order of arrival: data, the end of the stream, a
 * reset, and for listeners connections. What arrives later than now is on its way. All that can go
 * wrong is drawn here, in the order of the calls, so that one seed gives one run.
 *
 * Simplifications, on purpose: a close is an orderly end (a reset has to be asked for, or a fault),
 * a datagram that does not fit is lost without a word, and a connection needs one delay. A datagram
 * to a descriptor that is no datagram socket is refused in the call that sends it.
 *
 * The scripted side of sim.h (sim_script.c) and the backend (sim.c) both stand on this.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_BACKENDS_SIM_NET_H
#define RW_BACKENDS_SIM_NET_H

#include <stddef.h>
#include <sys/uio.h>

#include "backends/sim.h"
#include "base/random.h"

#define SIM_FD_FIRST 3

enum sim_kind { SIM_FRESH, SIM_STREAM, SIM_DATAGRAM, SIM_LISTENER, SIM_FILE };

enum sim_piece_kind { SIM_DATA, SIM_END, SIM_RESET, SIM_CONNECTION };
struct sim_piece {
	struct sim_piece *next;
	enum sim_piece_kind kind;
	int64_t arrives_ns;
	int from_fd;		     /* SIM_DATA: the sender */
	struct sim_socket *accepted; /* SIM_CONNECTION: the end that has no descriptor yet */
	uint32_t len, taken;
	bool cut; /* there was more of this datagram */
	uint8_t bytes[];
};

struct sim_socket {
	enum sim_kind kind;
	int fd;			 /* -1: not accepted yet */
	struct sim_socket *peer; /* NULL: none, or closed */
	struct sim_piece *first, *last;
	uint64_t queued_bytes; /* in them; counts against the sender */
	bool ended;	       /* has said that it sends no more */
	bool broken;	       /* was reset */
	bool resets;	       /* its close is a reset */
	int64_t connected_ns;  /* a connect is decided then */
	int connect_result;
	int to_fd;	     /* SIM_DATAGRAM: connected to, -1: not */
	int64_t writable_ns; /* SIM_DATAGRAM: takes the next one then */
	bool was_cut;	     /* the datagram taken last */

	struct sim_page *pages; /* of a SIM_FILE, that were written to */
	uint64_t size;

	/* The backend's, see sim.c. */
	struct sim *owner;
	struct io_op *in, *out;
	int32_t sent; /* by the send whose completion is not read yet */
};

struct sim_net {
	struct sim_faults faults;
	struct random_key key;
	uint64_t draws;
	int64_t now_ns;
	struct sim_socket **sockets; /* by descriptor; NULL: free */
	int size, open;
	struct sim *backends;
};

/* NULL: not open. */
struct sim_socket *sim_find(const struct sim_net *net, int fd);

/* The lowest free descriptor, or -EMFILE, -ENOMEM. */
int sim_open(struct sim_net *net, enum sim_kind kind);
void sim_join(struct sim_socket *a, struct sim_socket *b);
/* Frees it; what its peer is told: SIM_END or SIM_RESET. */
void sim_drop(struct sim_net *net, struct sim_socket *s, enum sim_piece_kind last);

bool sim_readable(const struct sim_net *net, const struct sim_socket *s);
bool sim_writable(const struct sim_net *net, const struct sim_socket *s);

/*
 * What the calls of the same names do, without waiting: counts or -errno. `faults`: draw
 * whether it is cut short or reset. from_fd: the sender of a datagram.
 */
int sim_take(struct sim_net *net, struct sim_socket *s, void *buf, size_t size, bool faults,
	     int *ret_from_fd);
int sim_give(struct sim_net *net, struct sim_socket *s, const struct iovec *parts, size_t count,
	     int to_fd, bool faults);
/* IO_SENDMSG; and IO_SENDMMSG: how many are done, or -EAGAIN. */
int sim_give_message(struct sim_net *net, struct sim_socket *s, const struct msghdr *msg);
int sim_give_many(struct sim_net *net, struct sim_socket *s, const struct io_op *op);
int sim_accept(struct sim_net *net, struct sim_socket *listener);
/* -EINPROGRESS: decided at connected_ns. */
int sim_start_connect(struct sim_net *net, struct sim_socket *s, int listen_fd);
int sim_finish_connect(struct sim_socket *s);
int sim_end(struct sim_net *net, struct sim_socket *s);

/* By sim_files.c: carries out an IO_READ, IO_WRITE or IO_SYNC with the net's faults. */
int sim_file_call(struct sim_net *net, const struct io_op *op);
/* When op, begun now or when its device is free, will be done; device_ns[]: when each is. -ENODEV:
 * there is no such device. */
int64_t sim_file_end_ns(struct sim_net *net, const struct backend *b, int64_t *device_ns,
			const struct io_op *op);

/* Whether a fault of that probability happens; a length that it cuts. Drawn in the order of calls.
 */
bool sim_draw_fault(struct sim_net *net, double probability);
size_t sim_draw_shorter(struct sim_net *net, double probability, size_t len);
uint64_t sim_draw_below(struct sim_net *net, uint64_t bound);

/* Of a SIM_FILE: exact and at once. Counts or -errno. */
int sim_pages_read(const struct sim_socket *file, void *buf, size_t len, uint64_t offset);
int sim_pages_write(struct sim_socket *file, const void *buf, size_t len, uint64_t offset);
void sim_pages_free(struct sim_socket *file);

/* When something arrives that has not yet; INT64_MAX: nothing is on its way. */
int64_t sim_next_arrival_ns(const struct sim_net *net);

/* The descriptor in an address of sim_address(); -1: none. */
int sim_address_fd(const struct sockaddr *address);

#endif

/*
 * datagram.h - UDP: a socket of a loop, and its peers as connections.
 *
 * One message is one datagram. Each peer is a struct conn (conn.h), so a role appends, holds and
 * closes as it does over TCP and need not know; what differs:
 *
 * peers: a bound socket has any number. The first valid message of an address makes one, up to
 * opts.peers. One that is idle for opts.idle_ns is dropped, and where the table is full the one
 * that is idle longest; if the oldest few are all at work, the new one's datagram is. A datagram
 * that is no valid message makes no peer, is counted, and nothing else.
 *
 * limits: nothing can be paused. What comes from a peer that is over limits.in_flight or
 * limits.out_queue is dropped; when more than opts.queue bytes of the socket are unsent, what is
 * appended is dropped. A reply longer than DATAGRAM_MAX (conn_send_max() tells it before) leaves as
 * one without a body and with the status WIRE_REFUSED. All of it is counted (loop_stats.udp).
 *
 * loss: nothing is sent twice. A peer never closes; conn_fault() drops it, and its next valid
 * message makes it anew. That nobody listens (ICMP) a connected socket hears, by
 * conn_role.refused, and goes on.
 *
 * What comes is answered in batches: after each receive of up to opts.batch datagrams, in one send
 * of up to as many; where sends leave with the wait (io_uring), once a turn.
 *
 * datagram.c is a socket's life and what it receives, datagram_peer.c the peers, datagram_queue.c
 * what is appended, datagram_send.c what leaves, datagram_socket.c what the kernel is told.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_ENGINE_DATAGRAM_H
#define RW_ENGINE_DATAGRAM_H

#include "base/clock.h"
#include "base/knob.h"
#include "base/verdict.h"
#include "engine/address.h"
#include "engine/conn.h"

#define DATAGRAM_MAX 65507 /* bytes that UDP over IPv4 carries; the same limit for IPv6 */

struct datagram;

struct datagram_opts {
	int64_t batch;
	bool gso, gro;
	int64_t receive_buffer, send_buffer; /* bytes; 0: the kernel's default */
	int64_t queue;			     /* bytes */
	int64_t peers, idle_ns;		     /* of a bound socket */
};

/* Lines of a knob table for the member `udp` of a role's options. */
#define DATAGRAM_KNOBS(opts)                                                                      \
	{ .name = "udp.batch",                                                                    \
	  .type = &knob_int,                                                                      \
	  KNOB_FIELD(opts, udp.batch, int64_t),                                                   \
	  .min = 1,                                                                               \
	  .max = BACKEND_DATAGRAMS,                                                               \
	  .def = "16",                                                                            \
	  .help = "datagrams of one system call (recvmmsg, sendmmsg); io_uring always batches" }, \
		{ .name = "udp.gso",                                                              \
		  .type = &knob_bool,                                                             \
		  KNOB_FIELD(opts, udp.gso, bool),                                                \
		  .def = "no",                                                                    \
		  .help = "hand equal datagrams for one peer over as one (UDP_SEGMENT)" },        \
		{ .name = "udp.gro",                                                              \
		  .type = &knob_bool,                                                             \
		  KNOB_FIELD(opts, udp.gro, bool),                                                \
		  .def = "no",                                                                    \
		  .help = "take datagrams that came as one as one, and split them (UDP_GRO)" },   \
		{ .name = "udp.receive-buffer",                                                   \
		  .type = &knob_size,                                                             \
		  KNOB_FIELD(opts, udp.receive_buffer, int64_t),                                  \
		  .max = 1 << 30,                                                                 \
		  .def = "0B",                                                                    \
		  .help = "SO_RCVBUF of each socket; 0B: what the kernel gives" },                \
		{ .name = "udp.send-buffer",                                                      \
		  .type = &knob_size,                                                             \
		  KNOB_FIELD(opts, udp.send_buffer, int64_t),                                     \
		  .max = 1 << 30,                                                                 \
		  .def = "0B",                                                                    \
		  .help = "SO_SNDBUF of each socket; 0B: what the kernel gives" },                \
	{                                                                                         \
		.name = "udp.queue", .type = &knob_size, KNOB_FIELD(opts, udp.queue, int64_t),    \
		.min = 1, .max = 1 << 30, .def = "4MiB",                                          \
		.help = "unsent datagrams of a socket; above, they are dropped and counted"       \
	}

/* More of them, for who serves. */
#define DATAGRAM_PEER_KNOBS(opts)                                                                \
	{ .name = "udp.peers",                                                                   \
	  .type = &knob_int,                                                                     \
	  KNOB_FIELD(opts, udp.peers, int64_t),                                                  \
	  .min = 1,                                                                              \
	  .max = 1 << 20,                                                                        \
	  .def = "4096",                                                                         \
	  .help = "clients that a socket remembers; a new one takes the place of the oldest" },  \
	{                                                                                        \
		.name = "udp.idle", .type = &knob_time, KNOB_FIELD(opts, udp.idle_ns, int64_t),  \
		.min = MS, .max = 3600 * SEC, .def = "60s", .help = "a silent client is dropped" \
	}

/*
 * datagram_socket.c: before the first use of a socket. What the kernel does not take in full is an
 * error that says so; nothing is set silently smaller.
 */
int datagram_set_options(int fd, const struct datagram_opts *opts, struct err *err);
/* What the kernel has of them, beside what was asked for. False: nothing was. */
bool datagram_report(int fd, const struct datagram_opts *opts, struct verdict_report *ret);
/* Whether the loop's backend can receive what these options lead to; an error says how it could. */
int datagram_check_backend(const struct loop *loop, const struct datagram_opts *opts,
			   struct err *err);

/*
 * A bound socket; datagrams come from now on. role->opened() tells of each peer. failed() (may be
 * NULL) is called once if it can receive no more, with -errno. fd stays the caller's, who closes it
 * after loop_finish(). NULL: memory is out.
 */
struct datagram *datagram_open(struct loop *loop, int fd, const struct datagram_opts *opts,
			       const struct conn_role *role, void *owner,
			       void (*failed)(void *owner, int code));
/* Receives no more; answers to what came before still leave. */
void datagram_stop(struct datagram *d);

/* As conn_connect(), for a fresh UDP socket: the connection is its only peer. */
struct conn *datagram_connect(struct loop *loop, int fd, const struct sockaddr *addr,
			      socklen_t addr_len, const struct datagram_opts *opts,
			      const struct conn_role *role, void *owner);

/* Where the peer is; false: c is not a datagram peer. */
bool datagram_peer_address(const struct conn *c, struct address *ret);

#endif

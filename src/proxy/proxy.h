/*
 * proxy.h - the role in between: passes bytes on, later, slower, cut up, or not at all.
 *
 * A proxy listens, opens for each client a connection of its own to the server, and emulates the
 * network between the two: each direction by itself has a delay (fixed or drawn for every piece), a
 * rate, and a bound on what may be under way; and there are faults (fault.h). Over TCP and unix
 * sockets it passes bytes (TLS goes through as it is), over UDP datagrams.
 *
 *	client ──► forth: delay, jitter, rate ──► server
 *	client ◄── back:  delay, jitter, rate ◄── server
 *
 * Delay is pipelined: a piece leaves so long after it came, whatever came before and after it. What
 * the receiver does not take stays in the line; when that is full, reading stops, so the sender is
 * held up as by a full link. A client's end (FIN) and reset (RST) go through the line like bytes.
 *
 * One thread, one loop on any backend. All that is drawn depends on the seed, the number of the
 * connection and that of the piece.
 *
 * What is not emulated: the three-way handshake is the kernel's, so connect() returns at once (the
 * connection to the server is opened after the delay forth); loss within a stream, for the kernel
 * would not retransmit; and the backend's receive buffer bounds a datagram.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_PROXY_PROXY_H
#define RW_PROXY_PROXY_H

#include "backends/backend.h"
#include "base/knob.h"
#include "engine/address.h"
#include "engine/hooks.h"
#include "proxy/fault.h"

#define PROXY_VALUE_TEXT 512
#define PROXY_BINDS	 16 /* addresses listened on, at most */

enum proxy_direction { PROXY_FORTH, PROXY_BACK, PROXY_DIRECTIONS };

/* Forth, back, and what is said of both at once: either that or the others. */
struct proxy_times {
	char forth[PROXY_VALUE_TEXT], back[PROXY_VALUE_TEXT], both[PROXY_VALUE_TEXT];
};
struct proxy_rates {
	int64_t forth, back, both;
};

struct proxy_opts {
	struct knob_list bind; /* -b, --bind; empty: tcp://127.0.0.1:7891 */
	char to[128];	       /* --to */
	bool insecure;	       /* listen beyond loopback without authentication */
	struct proxy_times
		delay; /* -d, --delay, --delay-back, --delay-both: values (base/value.h) */
	struct proxy_times jitter;
	struct proxy_rates rate; /* bytes a second; 0: no limit */
	int64_t burst;		 /* bytes; 0: what the rate gives in a millisecond */
	int64_t frag;		 /* -f, --frag: bytes written at once at most; 0: no limit */
	int64_t frag_gap_ns;	 /* --frag-gap: between two of them */
	int64_t buffer;		 /* --buffer: bytes under way, per connection and direction */
	struct knob_list faults; /* --fault */
	int64_t connections;	 /* --max-connections; of UDP: peers */
	int64_t backlog;	 /* --backlog-length */
	int64_t idle_ns;	 /* --idle: a UDP peer that is silent so long is forgotten */
	int64_t seed;		 /* --seed; 0: a fresh one */
};

extern const struct knob_group proxy_knobs;

/* Words of 64 bits, all. Of UDP a connection is a peer and a piece a datagram. */
struct proxy_stats {
	uint64_t accepted, open;
	uint64_t refused;     /* by the server */
	uint64_t turned_away; /* above max-connections, no descriptors, not as asked for */
	uint64_t accept_errors;
	uint64_t resets; /* passed on from one side to the other */
	struct proxy_way_stats {
		uint64_t bytes_in, bytes_out;
		uint64_t pieces, delayed; /* received, and those that had to wait */
		uint64_t pauses;	  /* reading stopped, because the line was full */
		uint64_t dropped;	  /* datagrams the line was too full for, or nobody took */
	} way[PROXY_DIRECTIONS];
	uint64_t faults[FAULT_KINDS];
};

struct proxy;

/* backend_opts is copied. Listens when it returns. On failure nothing is left running. */
int proxy_start(struct proxy **ret, const struct proxy_opts *opts,
		const struct backend_ops *backend, const void *backend_opts,
		const struct hooks *hooks, struct err *err);

/* Addresses listened on, with the port the kernel chose. */
unsigned proxy_address_count(const struct proxy *proxy);
const struct address *proxy_address(const struct proxy *proxy, unsigned index);
uint64_t proxy_seed(const struct proxy *proxy);

/*
 * Any thread, but not while another one stops it. A loop that does not get to its end of turn in
 * 100 ms is not waited for: then they are of before, or zero. After proxy_stop() they are exact.
 */
void proxy_stats(struct proxy *proxy, struct proxy_stats *ret);

/* Closes everything; what is under way is lost. 0, or the error that ended it before. */
int proxy_stop(struct proxy *proxy, struct err *err);
void proxy_destroy(struct proxy *proxy); /* stops it if need be; NULL is fine */

#endif

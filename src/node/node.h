/*
 * node.h - the serving role: listens, runs the programs that requests carry, replies.
 *
 * A node is some worker threads, each with a loop of its own on the chosen backend; connections
 * belong to the worker that got them and never move. How they get there is the accept mode:
 *
 *	child	every worker has a listening socket of its own (SO_REUSEPORT): the kernel spreads
 *	shared	all workers accept from the same listening socket
 *	parent	one acceptor accepts and hands connections out in turn
 *
 * accept-wait: `event` accepts through the worker's backend like any other operation (in parent
 * mode through worker 0's); `blocking` puts a thread into accept(2) (one per address and worker in
 * child and shared, one per address in parent) that hands connections to its worker.
 *
 * udp:// addresses are read by the workers themselves, without acceptors (endpoint.h): child gives
 * each worker a socket of its own, shared one to all, parent one to worker 0 alone.
 *
 * A unix socket cannot have several listeners: in child mode it is accepted from as in shared mode,
 * and the node says so. Its file is removed at the end; one that a dead node left is replaced.
 * Addresses beyond loopback need a secret, TLS whose clients must show a certificate, or
 * opts->insecure. A secret is asked for on every address, and UDP cannot: docs/TRUST.md.
 * Addresses on TLS need a certificate; they may stand beside others.
 *
 * Forwards go over connections of each worker's own (upstream.h) to where opts->allow_forward says.
 * A request can make a node connect and send bytes elsewhere: that is why only loopback and unix
 * sockets are allowed unless it is told more. Forwards by TLS are a client's with the same options:
 * the node shows its own certificate if it is asked. Whether it checks the other's, which has to be
 * for its IP address or --tls-name, --forward-tls-verify says; `auto`: if --tls-verify does.
 *
 * What clients do wrong is said once each (hooks.say): peer, what, "connection dropped" or
 * "request refused" (wire.h says which); at most ten sentences a second, then how many were left
 * out. Of refusals each kind is said once of a connection, and ten a second of a worker; all are
 * counted. How programs are run, and what the times in a reply mean, is in program.h.
 *
 * Storage devices (storage.h) are opened before the first thread starts; a node without --storage
 * makes one when it is first asked for. All that is stored is synced when node_stop() returns, if
 * its device is synced periodically or the store asked for it.
 *
 * node_start() returns when every address is listened on and every thread is ready.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_NODE_NODE_H
#define RW_NODE_NODE_H

#include "backends/backend.h"
#include "engine/address.h"
#include "engine/datagram.h"
#include "engine/hooks.h"
#include "engine/loop.h"
#include "engine/secret.h"
#include "engine/tls.h"
#include "engine/wire.h"
#include "node/forward_stats.h"

enum accept_mode { ACCEPT_CHILD, ACCEPT_SHARED, ACCEPT_PARENT };
enum accept_wait { ACCEPT_EVENT, ACCEPT_BLOCKING };
enum forward_verify { FORWARD_VERIFY_NO, FORWARD_VERIFY_YES, FORWARD_VERIFY_AUTO };

#define STORAGE_SIZE_MAX    (1LL << 50)
#define STORAGE_SYNC_MAX_NS (3600LL * 1000000000)

enum storage_mode { STORAGE_NATIVE, STORAGE_THREAD, STORAGE_INLINE, STORAGE_AUTO };
enum group_sync { GROUP_NO, GROUP_YES, GROUP_AUTO };

/* storage.h says what devices are, transfer.h how bytes get there. */
struct storage_opts {
	struct knob_list devices; /* -s, --storage; empty: device 0 when it is asked for */
	int64_t size_max;	  /* -m, --max-storage-size, bytes of a device */
	int64_t sync_period_ns;	  /* --sync; 0: each sync store by itself */
	bool direct;		  /* --odirect */
	bool spin;		  /* --wait-spin-storage, --wss */
	int mode;		  /* --storage-mode */
	int64_t block;		  /* --storage-block, bytes of one read or write */
	int64_t depth;		  /* --storage-depth, of them in flight, per worker */
	int64_t prealloc;	  /* --storage-prealloc, bytes */
	bool keep;		  /* --storage-keep: files that the node made */
	int group_sync;		  /* --storage-group-sync */
	int64_t store_max;	  /* --max-store, bytes of one request */
	int64_t load_max;	  /* --max-load */
};

struct node_opts {
	struct knob_list bind;	/* -b, --bind-addr; empty: tcp://127.0.0.1:7891 */
	bool insecure;		/* listen beyond loopback without authentication */
	int64_t threads;	/* --threads, --nt, --num-threads */
	int accept_mode;	/* -a, --accept-mode */
	int accept_wait;	/* --accept-wait */
	int64_t backlog;	/* --backlog-length, --bl */
	bool no_delay;		/* --no-delay, --nd */
	int64_t connections;	/* --max-connections, of the whole node */
	int64_t message_max;	/* --max-message, bytes; replies too */
	int64_t compute_max_ns; /* --max-compute: longest compute or sleep of one request */
	int64_t in_flight;	/* --max-in-flight: waiting requests of one connection */
	int64_t out_queue;	/* --max-out-queue, bytes */
	int64_t drain_ns;	/* --drain: how long SIGTERM waits for requests in progress */
	struct computing {
		int64_t plain;	     /* enum wire_compute: how computing goes that names no clock */
		double loops_per_us; /* 0: counted at start */
	} computing;		     /* --loops-per-usec */
	struct knob_list allow_forward; /* --allow-forward: allow.h; empty: loopback and unix */
	int64_t forwards;		/* --max-forwards: unanswered ones of a worker */
	int64_t upstreams;	     /* --max-upstreams: connections of a worker to other nodes */
	int64_t forward_connections; /* --forward-connections: of those, to one node */
	int64_t forward_idle_ns;     /* --forward-idle: unused for so long, they are closed */
	int64_t hops;		     /* --max-hops: forwards within forwards */
	int forward_tls_verify;	     /* --forward-tls-verify */
	struct storage_opts storage;
	/* No knob of this group. NULL: no address on TLS, and no forwards by it: to those a node is
	 * a client that trusts, shows and speaks the same. Read by node_start() alone. */
	const struct tls_opts *tls;
	/* Likewise. NULL: none. Clients have to know it, and nodes that are forwarded to. */
	const struct secret_opts *secret;

	struct datagram_opts udp; /* --udp.* */
};

/* Bare names: --bind-addr, --threads ...; backend and tunables have groups of their own. */
extern const struct knob_group node_knobs;

struct node;

/* Exact when the node has stopped; a snapshot while it runs. */
struct node_stats {
	struct loop_stats loop;
	struct backend_stats backend;
	uint64_t requests; /* programs run to their reply */
	uint64_t refused;  /* answered WIRE_REFUSED instead, before their first operation */
	uint64_t operations[WIRE_CODES];
	uint64_t accepted, accept_errors;
	uint64_t connections;	      /* open now */
	uint64_t faults[WIRE_FAULTS]; /* what ended connections, and why requests were refused */
	int64_t compute_ns;	      /* time spent computing */
	struct forward_stats forward;
};

/* Does node_start() refuse these whatever the machine is like? Opens nothing. */
int node_check(const struct node_opts *opts, const struct backend_ops *backend, struct err *err);

/* backend_opts is copied. On failure nothing is left running. */
int node_start(struct node **ret, const struct node_opts *opts, const struct backend_ops *backend,
	       const void *backend_opts, const struct hooks *hooks, struct err *err);

/* Addresses listened on, with the port the kernel chose. */
unsigned node_address_count(const struct node *node);
const struct address *node_address(const struct node *node, unsigned index);

unsigned node_worker_count(const struct node *node);
/* worker < 0: all of them added up. Any thread, but not while another one stops the node. A worker
 * that computes answers after at most 100 ms with what it counted before. */
void node_stats(const struct node *node, int worker, struct node_stats *ret);

/* A storage device, and what was done with it so far. Any thread. */
struct node_device {
	const char *path;
	int64_t size;
	uint64_t loads, stores, sends; /* sends: replies by sendfile */
	uint64_t loaded, stored, sent; /* bytes */
	uint64_t syncs, errors;
};
unsigned node_device_count(const struct node *node);
void node_device(const struct node *node, unsigned index, struct node_device *ret);

/* Stops accepting, lets requests in progress end for at most opts->drain_ns, closes, joins.
 * Returns 0, or the first error that ended a worker before. */
int node_stop(struct node *node, struct err *err);
void node_destroy(struct node *node); /* stops it if need be; NULL is fine */

#endif

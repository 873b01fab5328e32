/*
 * upstream.h - a worker's connections to other nodes, and the attempts that travel on them.
 *
 * A destination is found by its address in a hash table; it has links (connections), opened when
 * they are needed, at most `per_destination` of each level, and used by many attempts at a time:
 * an attempt takes the link with the fewest unanswered requests. A link that is lost fails its
 * attempts and goes; the next attempt opens another. One that nobody has needed for idle_ns is
 * closed, and the one unused for longest makes room where the limit is reached.
 *
 * A level is the hops that are left to a request. Requests wait only for requests with fewer, so
 * levels that never share a connection can never wait for each other in a circle, whatever nodes
 * they visit: a node stops reading a connection that has too many requests waiting (conn.h).
 *
 * An attempt is a slot of a fixed table; its id is the slot and a generation that grows whenever it
 * is given back, so that an answer that is late, or made up, finds nothing and is counted. An
 * answer also has to come by the link that the request went.
 *
 * Back-pressure: while a link owes its peer limits.out_queue bytes, attempts wait for it in turn,
 * unwritten (they take a slot and no other memory); their time runs.
 *
 * A destination on TLS is connected to with opts.tls, and its certificate has to be for its IP
 * address if that context checks it; sessions are resumed.
 *
 * With opts.secret nothing is sent before both sides are sure (engine/guard.h); UDP is out then.
 *
 * A destination on UDP has a connected socket as its link. Nothing there says that a datagram was
 * lost: whoever begins attempts gives them up after a time. That nobody listens loses those that
 * were sent.
 *
 * Everything here belongs to the thread of the loop.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_NODE_UPSTREAM_H
#define RW_NODE_UPSTREAM_H

#include "engine/conn.h"
#include "engine/datagram.h"
#include "engine/destination.h"
#include "engine/secret.h"
#include "engine/tls.h"
#include "node/allow.h"
#include "node/forward_stats.h"

struct link;

struct attempt {
	void *owner; /* NULL: the slot is free */
	struct link *link;
	struct attempt *next, *previous; /* ring of the link's, in the order of beginning */
	struct attempt *sibling;	 /* the owner's */
	uint32_t generation;
	uint32_t refusals; /* of upstreams when it began */
	uint16_t place;	   /* the owner's */
	bool is_written;
};

/* What whoever begins attempts is told. The attempt is still its own: upstream_drop(). */
struct attempt_events {
	/* Appends the request, with upstream_id(), to c. From within upstream_begin(), or later. */
	void (*write)(struct attempt *a, struct conn *c);
	void (*answered)(struct attempt *a, const struct message *m);
	/* The connection could not be opened, or was lost, or nobody listens. Never from within
	 * upstream_begin(). */
	void (*lost)(struct attempt *a);
};

/* Sentences for a person, each said once. */
enum upstream_trouble {
	TROUBLE_NOT_ALLOWED,
	TROUBLE_TRANSPORT,
	TROUBLE_PEER, /* is not who should be there, or does not want us */
	TROUBLE_UNCHECKED,
	TROUBLE_ATTEMPTS,
	TROUBLE_LINKS,
	TROUBLE_SOCKET,
	TROUBLE_LOST,
	TROUBLES
};

struct upstream_opts {
	uint32_t attempts, links, per_destination;
	int64_t idle_ns;
	const struct allow_list *allowed;
	struct tls_context *tls;     /* of a client; NULL: nothing is reached by TLS */
	const struct secret *secret; /* shown to, and asked of, whom is connected to; or NULL */
	struct datagram_opts udp;
	void *context;
	/* A fresh non-blocking socket to connect to *a, which it may rewrite. fd or -errno. */
	int (*open_socket)(void *context, struct address *a);
	/* It is connected, and is it as it should be? Else it is closed. Optional. */
	int (*check_socket)(void *context, int fd);
	/* Optional. */
	void (*say)(void *context, enum upstream_trouble trouble, const char *sentence);
};

struct upstreams {
	struct loop *loop;
	struct upstream_opts opts;
	const struct attempt_events *events;
	struct forward_stats *stats;
	struct destination **buckets;
	uint32_t bucket_mask, link_count;
	struct attempt *table; /* of opts.attempts */
	struct attempt *free;
	uint32_t used;	   /* slots ever used: the others were not touched yet */
	uint32_t refusals; /* times that somebody did not listen */
	struct link *idle_first, *idle_last;
	struct link *lost; /* while something is begun: to be told later */
	struct io_op idle_timer, lost_timer;
	bool idle_runs, lost_runs, is_beginning, is_ending;
};

/* 0 or -ENOMEM. */
int upstreams_init(struct upstreams *u, struct loop *loop, const struct upstream_opts *opts,
		   const struct attempt_events *events, struct forward_stats *stats);
/* Before loop_finish(): from here on nobody is told of anything. */
void upstreams_end(struct upstreams *u);
/* After loop_finish(). Zeroed is fine. */
void upstreams_finish(struct upstreams *u);

/*
 * Begins an attempt to get an answer from `to`. 0, or -EACCES: not allowed; -EPROTONOSUPPORT,
 * -EINVAL: not an address that this node can reach; -ENOBUFS: a limit; others: no socket. A request
 * to a destination on UDP has at most DATAGRAM_MAX bytes.
 */
int upstream_begin(struct upstreams *u, const struct wire_destination *to, unsigned level,
		   void *owner, uint16_t place, struct attempt **ret);
/* Gives the slot back; what is answered from now on is late. */
void upstream_drop(struct upstreams *u, struct attempt *a);

uint64_t upstream_id(const struct upstreams *u, const struct attempt *a);
/* Requests that a destination has not answered yet, late ones too. */
uint64_t upstream_unanswered(const struct upstreams *u, const struct wire_destination *to);

#endif

/*
 * load.h - one client thread's work: what to send when, on which connection, and what came back.
 *
 * A load sits on a loop and is moved by its owner, so it runs on a simulated backend as well as on
 * a thread of its own (thread.c):
 *
 *	load_init, open the sessions, load_begin(start), while (load_turn() > 0) ...
 *
 *	connecting -> sending -> draining -> over
 *
 * Sending ends when every request of the plan is sent, or SEND_GRACE_NS after the last one was
 * due, or when load_stop() was called, or when no connection is left. What was due by then and
 * not sent is censored. Draining ends when nothing is under way, at the latest after drain_ns. So
 * the end does not depend on the node.
 *
 * Open loop: the next open connection in turn that can take more, several requests at once only
 * when behind schedule. A connection whose peer does not read is passed over; when all are like
 * that, or all slots are taken, sending waits and the requests get late. Closed loop: the answer
 * to one request is followed by the next on the same connection, at once.
 *
 * load.c sends and ends, load_answer.c receives, session.c connects, again and again if asked to.
 * After load_begin() nothing is allocated here.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_CLIENT_LOAD_H
#define RW_CLIENT_LOAD_H

#include "client/arrival.h"
#include "client/overdue.h"
#include "client/pacer.h"
#include "client/program_text.h"
#include "client/slots.h"
#include "client/tally.h"
#include "engine/conn.h"

/* A thread that was preempted at the end still sends what it owes. */
#define SEND_GRACE_NS (100LL * 1000000)

struct session;

struct load_plan {
	const struct program *program;
	struct arrival_plan arrivals; /* in a closed loop only warm-up, duration, requests */
	uint32_t outstanding;	      /* 0: open loop */
	uint32_t connections;
	uint32_t in_flight;
	enum wait_mode wait;
	int64_t spin_ns, timeout_ns, drain_ns;
	uint64_t records;
	uint64_t seed; /* of what is drawn for each request */
	uint32_t thread;
	bool is_datagram; /* answers may be lost, late or doubled, and that is no fault */
	int64_t (*clock)(const struct loop *loop);

	uint64_t session_requests; /* then the connection is replaced by a new one; 0: never */
	uint32_t retries;	   /* of a connection that is refused or lost, in a row */
	int64_t retry_ns;	   /* pause before each */
	/* Begins to connect: s->conn, or -errno with a sentence. Needed for the two above. */
	int (*connect)(struct session *s, struct err *err);
	/* The connection is there: is it as it should be? NULL: every one is. */
	int (*check)(const struct session *s, struct err *err);
	const struct client_sink *sink; /* may be NULL */
};

enum session_state {
	SESSION_CONNECTING, /* or not begun yet */
	SESSION_RESTING,    /* before the next try */
	SESSION_OPEN,
	SESSION_ENDING, /* its requests are sent; the answers are awaited */
	SESSION_LOST,	/* for good */
};

/* A connection's place in the load; its lives are the sessions that a person counts. */
struct session {
	struct load *load;
	struct conn *conn; /* NULL: not connected */
	enum session_state state;
	uint32_t in_flight;
	uint32_t place;	  /* in load->open[] */
	uint32_t number;  /* of this life among all of the thread, from 0 */
	uint32_t tries;	  /* that failed, in a row */
	uint64_t sent;	  /* in this life */
	uint64_t records; /* how many there were before this life */
	int64_t since_ns; /* connecting: began then, -1: elsewhere; resting: may go on then */
};

enum load_phase { LOAD_CONNECTING, LOAD_SENDING, LOAD_DRAINING, LOAD_OVER };

struct load {
	struct load_plan plan;
	struct loop *loop;
	enum load_phase phase;

	struct session *sessions; /* plan.connections of them */
	struct session **open;	  /* those that take requests */
	uint32_t open_count;
	uint32_t resting;	/* sessions that wait for their next try */
	uint32_t alive;		/* sessions that are not lost for good */
	uint32_t session_count; /* lives so far */
	uint32_t turn;		/* in open[], of the next request */
	uint32_t lost;		/* connections, after load_begin() */
	char lost_text[256];	/* how the first one was */
	int refused;		/* while connecting: -errno of the first one */
	char refused_text[256]; /* and why; empty: refused says it */
	struct client_tls tls;	/* of the first connection */

	struct program_stream stream;
	uint8_t *scratch; /* for requests that are not made in the queue itself; else NULL */
	struct slots slots;
	struct overdue overdue; /* is_datagram with a timeout */
	struct tally tally;
	struct pacer pacer;
	struct arrival next;  /* the request to send next */
	struct arrival ahead; /* the first that is not due; kept only when far behind */
	uint64_t number;      /* requests made, the warm-up included */
	bool is_filled;	      /* closed loop: the first requests are out */
	bool is_blocked;      /* something is due, and no connection or slot can take it */
	bool was_idle;	      /* the last turn neither waited nor found anything to do */
	bool ended_early;

	int64_t looked_ns;   /* when sending last looked what is due */
	int64_t measured_ns; /* when the measured part starts */
	int64_t plan_end_ns; /* what was due later is none of this run; known when sending ended */
	int64_t window_ns;   /* length of the measured part; known when over */
	int64_t drain_end_ns;
};

int64_t load_clock_real(const struct loop *loop); /* CLOCK_MONOTONIC */
int64_t load_clock_loop(const struct loop *loop); /* the backend's: simulated time */

int load_init(struct load *l, const struct load_plan *plan, struct loop *loop, struct err *err);
/* After the loop has been finished: connections point here. */
void load_finish(struct load *l);

/* session.c. Connections are made with this role, owner = &l->sessions[i] and sessions[i].conn set.
 * Whoever uses conn_open() calls load_session_opened() himself. */
extern const struct conn_role load_role;
void load_session_opened(struct session *s);
/* 0, or -errno: it can never be. */
int load_session_connect(struct session *s, struct err *err);
/* Tries those again whose pause is over. */
void load_session_retry(struct load *l, int64_t now_ns);
/* When the next one's pause is over; INT64_MAX: nobody rests. */
int64_t load_session_next_ns(const struct load *l);
/* A request has been sent, or is under way no more: the session may be at its end. */
void load_session_sent(struct session *s);
void load_session_answered(struct session *s);
/* The load is over: those that are still open have ended. */
void load_session_finish(struct load *l);

/* The clock of the run starts at start_ns, which should lie ahead. */
void load_begin(struct load *l, int64_t start_ns);
/* 1: goes on; 0: over; or -errno: the backend is broken. */
int load_turn(struct load *l);
/* Sends no more; answers that are on their way have a moment. */
void load_stop(struct load *l);

/* load_answer.c: an answer; and requests whose answer did not come. */
void load_answer(struct conn *c, const struct message *m);
void load_fail_requests(struct session *s, int64_t now_ns);
void load_refused(struct conn *c, int code);
void load_expire(struct load *l, int64_t now_ns);
void load_give_up(struct load *l, int64_t now_ns);
/* load.c: does the plan have another request? */
bool load_may_begin(const struct load *l, int64_t now_ns);
/* Closed loop: tops up to plan.outstanding. */
void load_fill(struct session *s, int64_t now_ns);

#endif

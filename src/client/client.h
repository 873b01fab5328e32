/*
 * client.h - the loading role: sends requests at intended times, or keeps N in flight, and
 * records what came back.
 *
 * Open loop: arrivals are computed ahead from the seed, whatever the answers do; latency counts
 * from the intended send time, and what could not be sent by the end is censored, never skipped:
 * planned = sent + censored, sent = done + failed + timed out + unanswered. Planned is what was
 * due by the end, also when the end came early. Closed loop: --outstanding N per connection. The
 * generator judges itself: VALID, SUSPECT or INVALID, with reasons (measurement.md 1.3;
 * docs/METHOD.md has the thresholds).
 *
 * client_run() blocks until the end; *stop set by a signal handler (or another thread) ends it
 * early with what there is.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_CLIENT_CLIENT_H
#define RW_CLIENT_CLIENT_H

#include <stdatomic.h>
#include <stdio.h>

#include "backends/backend.h"
#include "base/hist.h"
#include "client/split.h"
#include "engine/datagram.h"
#include "engine/hooks.h"
#include "engine/loop.h"
#include "engine/secret.h"
#include "engine/tls.h"
#include "engine/wire.h"
#include "observe/host.h"
#include "observe/process.h"

enum arrival_law { ARRIVAL_CONSTANT, ARRIVAL_EXPONENTIAL };
enum wait_mode { WAIT_HYBRID, WAIT_SLEEP, WAIT_SPIN };

struct client_opts {
	char to[128];		  /* --to */
	int64_t requests;	  /* -n, --num-pkts: per thread, as in DistWalk; 0: by duration */
#define CLIENT_REQUESTS_AUTO (-1) /* as many as the steps of the rate have */
	int64_t duration_ns;	  /* --duration; 0: by requests */
	int64_t warm_up_ns;	  /* --warm-up: sent and answered, not counted */
	double rate;		/* -r, --rate: requests per second of each thread, as in DistWalk */
	int arrivals;		/* --arrivals constant|exponential; -p exp:... sets it too */
	char ramp[256];		/* -r that changes: "aseq:min=10:max=100"; rate is its mean */
	int64_t step_ns;	/* --rate-step, --rss: how long a step of it lasts */
	char period[256];	/* -p, --period: "100ms", "exp:100us"; last of -p and -r counts */
	int64_t outstanding;	/* --outstanding: closed loop, per connection; 0: open loop */
	int64_t threads;	/* --threads, --nt, --num-threads */
	int64_t connections;	/* --connections, -c: per thread */
	char request_size[256]; /* --ps, --request-size: a value; "auto": what it takes */
	int64_t reply_size;	/* default reply size when no -R is given */
	struct knob_list program; /* "compute 10us", "reply 64B", "skip 1,prob=0.5" in order */
	char store_offset[128];	  /* --store-offset: of -S that follow; "sequential" */
	char load_offset[128];
	int64_t timeout_ns; /* --timeout: per request; 0: none */
	int64_t drain_ns;   /* --drain: how long to wait for answers after the last send */
	int64_t in_flight;  /* --max-in-flight, per thread: above, sending waits (and is late) */
	int wait;	    /* --wait hybrid|sleep|spin; --ws, --wait-spin is spin */
	int64_t spin_ns;    /* --spin: how long before a due time the hybrid stops sleeping */
	int64_t seed;	    /* --seed; 0: a fresh one, reported */
	bool no_delay;	    /* --no-delay, --nd */
	int64_t records;    /* --keep-records: per thread, for --rows and --records; 0: none */
	char from[128];	    /* -b, --bind-addr: of our side; "": the kernel chooses */
	int64_t sessions;   /* --ns, --num-sessions: of each thread, that -n is divided over */
	int64_t session_requests;	/* --session-requests: the same, by its length; 0: no end */
	int64_t retries;		/* --retry-num: of a connection that is refused or lost */
	int64_t retry_ns;		/* --retry-period */
	bool staggered;			/* --stag-send: threads send in turn, not at once */
	bool non_block;			/* --non-block: DistWalk's; sockets never block here */
	const struct client_sink *sink; /* no knob; NULL: nobody listens */
	/* No knob of this group. NULL: OpenSSL's defaults, nothing is checked. */
	const struct tls_opts *tls;
	/* Likewise. NULL, or it says none: none is shown. */
	const struct secret_opts *secret;

	struct datagram_opts udp; /* --udp.* */
};

struct client_record;

/* What is told while the run goes on, from the threads it happens in; each may be NULL. */
struct client_sink {
	void *context;
	/* A connection has been opened, which took so long. */
	void (*opened)(void *context, uint32_t thread, uint32_t session, int64_t ns);
	/*
	 * A session is over. Its records are among those at `records`, with others' of the same
	 * thread if that has several connections; with one they are forgotten afterwards, unless
	 * they are needed at the end, too.
	 */
	void (*ended)(void *context, uint32_t thread, uint32_t session,
		      const struct client_record *records, uint64_t count);
	bool needs_all; /* records at the end */
};

/*
 * Over UDP a lost datagram is never answered, and a closed loop would wait for it for ever: without
 * a --timeout there is one all the same. The node is not told of it (no deadline).
 */
#define CLIENT_UDP_TIMEOUT_NS SEC

extern const struct knob_group client_knobs;

enum validity { RUN_VALID, RUN_SUSPECT, RUN_INVALID };
extern const char *const validity_names[];

struct client_counts {
	uint64_t planned, sent, censored;
	uint64_t done;			/* answered with status OK */
	uint64_t failed;		/* answered with another status, or the connection broke: */
	uint64_t status[WIRE_STATUSES]; /* of these, the answers by their status; the rest broke */
	uint64_t timed_out;  /* no answer within --timeout; late answers are counted apart */
	uint64_t unanswered; /* no answer by the end of the drain */
	uint64_t late;	     /* answers after their timeout */
	uint64_t
		duplicates; /* UDP: answers to requests that had ended otherwise; without warm-up */
	uint64_t refused;   /* UDP: under way when the node's machine said that nobody listens; also
				failed */
	uint64_t skipped_operations;
};

/* One request, for --rows and --records; kept only when asked for. */
struct client_record {
	int64_t intended_ns, sent_ns, end_ns; /* relative to the start of the run; end 0: none */
	uint64_t id;
	uint32_t thread, session; /* from 0; session: of the thread */
	uint8_t outcome;	  /* enum outcome */
	uint8_t status; /* enum wire_status of its answer; WIRE_OK also if there was none */
};
enum outcome {
	OUTCOME_DONE,
	OUTCOME_FAILED,
	OUTCOME_TIMED_OUT,
	OUTCOME_UNANSWERED,
	OUTCOME_CENSORED
};
extern const char *const outcome_names[];

/* What the first connection agreed upon; how many handshakes there were is in struct loop_stats. */
struct client_tls {
	char version[16]; /* empty: no TLS */
	char cipher[64];
	bool is_verified;
};

#define CLIENT_REASONS 16
struct client_result {
	struct client_counts counts; /* of the measured part */
	struct client_counts warm_up;
	struct hist
		*response; /* intended to last byte of the answer; requests that timed out, stayed
				  unanswered or were censored count with the time they had waited */
	struct hist *service;		   /* sent to last byte of the answer */
	struct hist *lateness;		   /* intended to sent */
	struct hist *queue, *node_service; /* as the node's hop record says */
	struct split split;		   /* where the response time of answered requests went */
	bool shows_split;		   /* there is more to it than one node's reply */
	struct hist *connect;		   /* connections opened, those before the start included */
	int64_t start_epoch_ns, start_ns, end_ns;  /* of the measured part */
	double offered_rate, sent_rate, done_rate; /* per second */
	double cpu_share_max;			   /* of the busiest client thread */
	double run_delay_share_max;	/* time runnable but not running, busiest thread */
	double steal_share;		/* of the machine during the run */
	struct process_change observed; /* the client's threads, from the start to the last answer;
					   no threads: not observed */
	struct host machine;		/* meanwhile */
	uint64_t seed;
	struct backend_stats backend;
	struct loop_stats loop;
	uint64_t strays;	   /* answers to nothing that was asked */
	uint64_t cut_draws;	   /* values that a law without an end drew beyond a limit */
	uint64_t connections;	   /* at a time, of all threads */
	uint64_t connections_lost; /* of all threads */
	struct client_tls tls;
	bool closed_loop, interrupted, is_datagram;
	int64_t timeout_ns; /* as it was: see CLIENT_UDP_TIMEOUT_NS; 0: none */
	enum validity validity;
	unsigned reason_count;
	char reasons[CLIENT_REASONS][160];
	struct client_record *records; /* record_count of them, in order of sending per thread */
	uint64_t record_count, records_lost;
	char to[128]; /* address as connected */
};

int client_run(const struct client_opts *opts, const struct backend_ops *backend,
	       const void *backend_opts, const struct hooks *hooks, const atomic_bool *stop,
	       struct client_result **ret, struct err *err);
/* Does what client_run() refuses before it connects; nothing is opened. */
int client_check(const struct client_opts *opts, struct err *err);
/* What each request will ask for, as it was understood: for people. */
int client_print_program(const struct client_opts *opts, FILE *out, struct err *err);
void client_result_destroy(struct client_result *r);

#endif

/*
 * behaviour.h - what nodes and a client do together, through their public APIs, on one backend.
 *
 * Three nodes of two workers each stand for all tests; each listens on every transport, and each
 * has another accept mode and another storage mode. A deed is a program and what it must make of
 * the nodes' counters; a trial is 50 requests of it over one transport. From transport to transport
 * the nodes change their roles, so that every accept and storage mode meets most of them.
 *
 *	%A, %B, %C	in a program: the node in that role, as it is reached on this transport
 *	%S		somebody who takes connections and never answers
 *	%N		a place where nobody is
 *
 * With a protocol, all their streams over IP are made with it, and every connection that is there
 * is asked whether it has it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_TESTS_BEHAVIOUR_H
#define RW_TESTS_BEHAVIOUR_H

#include <stdatomic.h>

#include "client/client.h"
#include "tests/certificate_opts.h"
#include "tests/node_fixture.h"
#include "tests/possible.h"

#define REQUESTS 50 /* of a trial */

enum place {
	OVER_IPV4,
	OVER_IPV6,
	OVER_UNIX,
	OVER_ABSTRACT,
	OVER_TLS_1_3,
	OVER_TLS_1_2,
	OVER_UDP,
	PLACES
};

enum role { A, B, C, ROLES };

struct deed {
	const char *program;
	/* Of each request: what it makes each node run, and B or C, whichever it is. */
	uint8_t asked[ROLES][WIRE_CODES], asked_either[WIRE_CODES];
	unsigned unanswered; /* attempts of each request that A is never answered */
	unsigned refused;    /* requests of a trial that a node has refused to run, A or another */
	bool recovers;	     /* and those are done all the same */
	bool fails;	     /* every request is answered with another status than OK */
	bool is_long;	     /* its messages do not fit into a datagram */
	bool is_drawn;	     /* requests differ: it is left to the test what was run */
	bool is_hasty;	     /* a busy machine may be too slow for it: behave_try() */
};

/* What one transport is called. Nodes reach each other by the one that requests come by. */
struct transport_case {
	const char *name, *bind;
	int tls_version; /* enum tls_version; -1: none */
};
extern const struct transport_case transport_cases[PLACES];

/* What all tests stand on. */
struct stage {
	const struct backend_ops *backend;
	int protocol;			 /* hooks.stream_protocol; 0: none of it */
	atomic_uint as_asked, otherwise; /* connections over IP, when there is a protocol */
	struct certificates certs;
	struct tls_opts node_tls;
	struct setup nodes[ROLES];
	struct node_stats known[ROLES]; /* what they had counted by the end of the last trial */
	char folder[64];
	int addresses
		[PLACES]; /* number of a node's address; -1: this machine has no such transport */
	int silent[PLACES], nobody[PLACES]; /* sockets that listen, and that do not */
	char silent_text[PLACES][ADDRESS_TEXT], nobody_text[PLACES][ADDRESS_TEXT];
};
extern struct stage stage;

struct trial {
	const struct deed *deed;
	enum place place;
	unsigned first; /* number of the node that is A; the next one is B */
	struct client_opts client;
	struct tls_opts tls;
	struct client_result *result;
	struct split_view split;
	struct node_stats before[ROLES], gained[ROLES]; /* by role */
};

int stage_open(const struct backend_ops *backend, int protocol);
/* 0, or a node did not end well, or had said something, or a connection was not as asked for. */
int stage_close(void);
/* behaviour_protocol.c: who has these hooks makes sockets of stage.protocol, if there is one. */
void stage_ask_for_protocol(struct hooks *hooks);
/* A node on every transport there is, not started yet. */
void stage_init_node(struct setup *s);

/* A client's options for the trial's transport, against that node. */
void trial_set(struct trial *t, const char *name, const char *text);
void trial_prepare_client(struct trial *t, const struct setup *node);
/* 0, or the test has failed. */
int trial_run_client(struct trial *t);

/* One trial, all that every trial must show, and what the test wants to see besides. */
typedef void trial_check(const struct trial *t);
void behave_once(const struct deed *d, enum place place, unsigned first, trial_check *more);
/* Over every transport. */
void behave(const struct deed *d, trial_check *more);
/* Once. False: it is a hasty one, and the nodes have counted something else. */
bool behave_try(const struct deed *d, enum place place, unsigned first, trial_check *more);

/* In node_stats.operations of all nodes together. */
static inline uint64_t count_run(const struct trial *t, unsigned code)
{
	return t->gained[A].operations[code] + t->gained[B].operations[code] +
	       t->gained[C].operations[code];
}

extern CU_TestInfo behaviour_work_tests[], behaviour_forward_tests[], behaviour_failure_tests[],
	behaviour_refusal_tests[], behaviour_node_tests[];

#endif

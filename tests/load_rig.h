/*
 * load_rig.h - a load and a responder on one simulated net, for the tests of client/load.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_TESTS_LOAD_RIG_H
#define RW_TESTS_LOAD_RIG_H

#include "backends/sim.h"
#include "base/clock.h"
#include "client/load.h"
#include "engine/datagram.h"
#include "tests/responder.h"
#include "tests/test.h"

#define SEED 31337

static const struct sim_faults no_faults;

struct rig {
	struct sim_net *net;
	struct program program;
	struct loop loop;
	struct load load;
	struct responder responder;
	bool no_responder; /* peers are scripted: nobody reads */
	int peers[8];
	int64_t start_ns;
};

static inline struct load_plan plan_of(double rate, uint64_t requests)
{
	return (struct load_plan){
		.connections = 1,
		.in_flight = 1000,
		.wait = WAIT_SLEEP,
		.drain_ns = SEC,
		.clock = load_clock_loop,
		.arrivals = {
			.period_ns = SEC / (long double)rate,
			.requests = requests,
			.key = arrival_key(SEED, 0),
		},
	};
}

static inline void make_program(struct program *p)
{
	struct knob_list texts = { 0 };

	const struct program_setup setup = { .texts = &texts,
					     .request_size = "128B",
					     .reply_size = 512 };

	knob_list_add(&texts, "reply 64B", 9, NULL);
	CHECK_INT(program_parse(&setup, p, NULL), 0);
}

/* A connected UDP socket, and a responder with one of its own. */
static inline void open_datagram(struct rig *rig, struct session *s)
{
	static const struct datagram_opts opts = { .batch = 16, .queue = 1 << 20 };
	struct sockaddr_storage to;
	socklen_t to_len;
	int fd = sim_datagram(rig->net);

	sim_address(fd, &to, &to_len);
	responder_adopt_datagram(&rig->responder, fd);
	s->conn = datagram_connect(&rig->loop, sim_datagram(rig->net), (struct sockaddr *)&to,
				   to_len, &opts, &load_role, s);
	while (s->state != SESSION_OPEN)
		loop_turn(&rig->loop, 0);
}

static inline void open_rig(struct rig *rig, struct load_plan *plan,
			    const struct sim_faults *faults)
{
	const struct loop_limits limits = {
		.message_max = 512,
		.connections = 8,
		.out_queue = UINT32_MAX,
		.in_flight = UINT32_MAX,
	};
	struct sim_opts opts;

	rig->net = sim_net_create(SEED, faults);
	opts = (struct sim_opts){ rig->net };
	make_program(&rig->program);
	plan->program = &rig->program;
	CHECK_INT(loop_init(&rig->loop, &backend_sim, &opts, &limits, NULL), 0);
	CHECK_INT(load_init(&rig->load, plan, &rig->loop, NULL), 0);
	responder_init(&rig->responder, &backend_sim, &opts);
	for (uint32_t i = 0; i < plan->connections; i++) {
		struct session *s = &rig->load.sessions[i];
		int fds[2];

		if (plan->is_datagram) {
			open_datagram(rig, s);
			continue;
		}
		sim_pair(rig->net, fds);
		s->conn = conn_open(&rig->loop, fds[0], &load_role, s);
		load_session_opened(s);
		rig->peers[i] = fds[1];
		if (!rig->no_responder)
			responder_adopt(&rig->responder, fds[1]);
	}
	rig->start_ns = sim_net_now_ns(rig->net) + 10 * MS;
	load_begin(&rig->load, rig->start_ns);
}

/* Until the load is over or until_ns after the start; true: over. */
static inline bool run_until(struct rig *rig, int64_t until_ns)
{
	int rc = 1;

	while (rc > 0 && sim_net_now_ns(rig->net) - rig->start_ns < until_ns) {
		rc = load_turn(&rig->load);
		if (!rig->no_responder)
			loop_turn(&rig->responder.loop, 0);
	}
	CU_ASSERT(rc >= 0);
	return !rc;
}

static inline void close_rig(struct rig *rig)
{
	loop_finish(&rig->loop);
	responder_finish(&rig->responder);
	load_finish(&rig->load);
	program_finish(&rig->program);
	sim_net_destroy(rig->net);
}

static inline void check_counts(const struct load *l)
{
	const struct tally *t = &l->tally;
	const struct client_counts *c = &t->counts;

	CHECK_INT(c->planned, c->sent + c->censored);
	CHECK_INT(c->sent, c->done + c->failed + c->timed_out + c->unanswered);
	CHECK_INT(hist_count(t->service), c->done);
	CHECK_INT(hist_count(t->response), c->planned - c->failed);
	CHECK_INT(hist_count(t->lateness), l->plan.outstanding ? 0 : c->sent);
	CU_ASSERT(c->late <= c->timed_out);
	CHECK_INT(l->slots.used, 0);
}

#endif

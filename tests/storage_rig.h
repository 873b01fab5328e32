/*
 * storage_rig.h - programs that load and store, over the sim backend: exact bytes, exact times.
 *
 * The devices are simulated files; struct storage is filled in by hand, so no file is opened.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_TESTS_STORAGE_RIG_H
#define RW_TESTS_STORAGE_RIG_H

#include <stdlib.h>

#include "backends/sim.h"
#include "base/clock.h"
#include "node/transfer.h"
#include "tests/test.h"

#define RIG_DEVICES 2
#define RIG_BLOCK   4096
#define RIG_PEERS   4

struct rig {
	struct program_host host;
	struct loop loop;
	struct storage storage;
	struct transfers transfers;
	struct hooks hooks;
	struct speaker speaker;
	char said[512];
	struct sim_net *net;
	struct sim_faults faults;
	int peers[RIG_PEERS];
	struct conn *conns[RIG_PEERS];
	int end_code[RIG_PEERS]; /* enum wire_fault when it ended so */
	int ended;
	enum wire_fault refused; /* why the last one was that was */
};

struct rig_reply {
	struct wire_head head;
	struct wire_hop hop;
	int64_t at_ns;
	bool is_there;
};

static inline struct rig *rig_of(struct conn *c)
{
	return (struct rig *)((char *)c->loop - offsetof(struct rig, loop));
}

static inline void rig_on_message(struct conn *c, const struct message *m)
{
	program_run(&rig_of(c)->host, c, m);
}

static inline void rig_on_closed(struct conn *c, enum conn_end end, int code)
{
	struct rig *rig = rig_of(c);

	rig->ended++;
	rig->end_code[c->tag] = end == CONN_FAULT ? code : 0;
	program_drop_waiting(&rig->host, c);
}

static inline void rig_on_refused(struct conn *c, const struct message *m, enum wire_fault why)
{
	(void)m;
	rig_of(c)->refused = why;
}

static const struct conn_role rig_role = {
	.accepts = WIRE_REQUEST,
	.takes_long = true,
	.message = rig_on_message,
	.closed = rig_on_closed,
};

static inline void rig_keep_sentence(void *context, const char *sentence)
{
	snprintf(((struct rig *)context)->said, 512, "%s", sentence);
}

/* Defaults that a test may change before rig_open(). */
static inline void rig_init(struct rig *rig)
{
	memset(rig, 0, sizeof(*rig));
	rig->storage.opts = (struct storage_opts){
		.block = RIG_BLOCK,
		.depth = 4,
		.store_max = 1 << 30,
		.load_max = 1 << 30,
	};
	rig->storage.groups = true;
	rig->storage.devices =
		aligned_alloc(_Alignof(struct device), RIG_DEVICES * sizeof(struct device));
	CU_ASSERT_FATAL(rig->storage.devices != NULL);
	memset(rig->storage.devices, 0, RIG_DEVICES * sizeof(struct device));
	for (unsigned i = 0; i < RIG_DEVICES; i++) {
		rig->storage.devices[i].index = i;
		rig->storage.devices[i].align = 1;
		rig->storage.devices[i].opts.size = 1 << 20;
	}
	rig->faults.file_delay_ns = MS;
}

static inline void rig_make_devices(struct rig *rig)
{
	uint8_t *pattern = malloc(RIG_BLOCK);

	for (unsigned i = 0; i < RIG_BLOCK; i++)
		pattern[i] = (uint8_t)(1 + i % 251);
	rig->storage.pattern = pattern;
	for (unsigned i = 0; i < RIG_DEVICES; i++) {
		struct device *d = &rig->storage.devices[i];

		d->fd = d->send_fd = sim_file(rig->net, d->end);
	}
	rig->storage.count = RIG_DEVICES;
	rig->hooks = (struct hooks){ .context = rig, .say = rig_keep_sentence };
	speaker_init(&rig->speaker, &rig->hooks);
	rig->storage.speaker = &rig->speaker;
}

static inline void rig_open(struct rig *rig)
{
	static const struct loop_limits limits = {
		.message_max = 1 << 20, .connections = 8, .out_queue = 64 << 10, .in_flight = 64
	};
	static struct compute compute;
	struct sim_opts opts;

	rig->net = opts.net = sim_net_create(1, &rig->faults);
	rig_make_devices(rig);
	CU_ASSERT_FATAL(loop_init(&rig->loop, &backend_sim, &opts, &limits, NULL) == 0);
	program_host_init(&rig->host, &rig->loop, &compute, 1 << 20, 10 * SEC);
	rig->host.refused = rig_on_refused;
	CHECK_INT(transfers_init(&rig->transfers, &rig->storage, &rig->host, NULL), 0);
	for (int i = 0; i < RIG_PEERS; i++) {
		int fds[2];

		CU_ASSERT_FATAL(sim_pair(rig->net, fds) == 0);
		rig->peers[i] = fds[1];
		rig->conns[i] = conn_open(&rig->loop, fds[0], &rig_role, NULL);
		rig->conns[i]->tag = (uint16_t)i;
	}
}

static inline void rig_close(struct rig *rig)
{
	loop_finish(&rig->loop);
	program_host_finish(&rig->host);
	CHECK_INT(rig->host.small.live + rig->host.large.live, 0);
	transfers_finish(&rig->transfers);
	free((void *)(uintptr_t)rig->storage.pattern);
	free(rig->storage.devices);
	sim_net_destroy(rig->net);
}

static inline void rig_turns(struct rig *rig, int count)
{
	while (count--)
		loop_turn(&rig->loop, 100 * US);
}

/* A request of these operations and a reply of 64 bytes. */
static inline void rig_ask(struct rig *rig, int peer, uint64_t id, const struct wire_operation *ops,
			   int count)
{
	uint8_t bytes[WIRE_HEAD + 256];
	uint32_t len = WIRE_HEAD;

	for (int i = 0; i < count; i++)
		len += wire_put_operation(bytes + len, &ops[i]);
	len += wire_put_operation(bytes + len, &(struct wire_operation){ WIRE_SEND_REPLY, 0, 64 });
	wire_put_head(bytes, &(struct wire_head){ .length = len,
						  .version = WIRE_VERSION,
						  .type = WIRE_REQUEST,
						  .id = id,
						  .body_len = len - WIRE_HEAD });
	CHECK_INT(sim_write(rig->net, rig->peers[peer], bytes, len), len);
}

static inline struct rig_reply rig_try_reply(struct rig *rig, int peer)
{
	struct rig_reply r = { 0 };
	uint8_t bytes[64];

	if (sim_read(rig->net, rig->peers[peer], bytes, sizeof(bytes)) != sizeof(bytes))
		return r;
	CHECK_INT(wire_get_head(bytes, 1 << 20, &r.head), WIRE_FINE);
	wire_get_hop(bytes + WIRE_HEAD, &r.hop);
	r.at_ns = sim_net_now_ns(rig->net);
	r.is_there = true;
	return r;
}

static inline struct rig_reply rig_reply(struct rig *rig, int peer)
{
	struct rig_reply r = rig_try_reply(rig, peer);

	for (int i = 0; i < 2000 && !r.is_there; i++) {
		rig_turns(rig, 1);
		r = rig_try_reply(rig, peer);
	}
	CU_ASSERT(r.is_there);
	return r;
}

static inline struct rig_reply rig_call(struct rig *rig, struct wire_operation op)
{
	rig_ask(rig, 0, 1, &op, 1);
	return rig_reply(rig, 0);
}

/* The byte at that place of a device's file; -1: it ends before. */
static inline int rig_byte(struct rig *rig, unsigned device, uint64_t at)
{
	uint8_t byte;
	int n = sim_read_at(rig->net, rig->storage.devices[device].fd, &byte, 1, at);

	return n == 1 ? byte : -1;
}

#endif

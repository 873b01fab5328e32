/*
 * datagram_fixture.h - a UDP socket that serves, and clients of it, on the backend under test.
 *
 * The server answers every request by a reply of the size that it asks for. Clients are connected
 * engine sockets on a loop of their own; for hostile ones a bare socket throws bytes. On sim all of
 * them share one net; on the others they meet on loopback. Turns of both loops alternate.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_TESTS_DATAGRAM_FIXTURE_H
#define RW_TESTS_DATAGRAM_FIXTURE_H

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "backends/sim.h"
#include "base/clock.h"
#include "engine/datagram.h"
#include "tests/choose_backend.h"
#include "tests/test.h"

#define SEED	    20261122
#define CLIENTS_MAX 64
#define IDS_MAX	    4096

struct client {
	struct rig *rig;
	struct conn *conn;
	unsigned opened, answers, repeated, drained, refused, ends, not_ok;
	enum conn_end end;
	int code;
	uint8_t seen[IDS_MAX];
};

struct rig {
	const struct backend_ops *ops; /* what main() chose */
	_Alignas(16) uint8_t opts[512];
	struct datagram_opts udp, client_udp;
	struct loop_limits limits;
	struct sim_net *net; /* NULL: the kernel's */
	struct loop server, loop;
	struct datagram *socket;
	int fd;
	struct address address;
	struct client clients[CLIENTS_MAX];
	unsigned client_count;
	unsigned peers, ends, failures;
	int last_end;
	bool hold; /* the server keeps what it gets */
	struct conn *held[64];
	unsigned held_count;
};

static const struct backend_ops *ops = &backend_sim;

static inline bool is_sim(const struct rig *rig)
{
	return rig->ops == &backend_sim;
}

static inline void put_reply(struct conn *c, uint64_t id, uint64_t size)
{
	struct wire_head head = {
		.length = size, .version = WIRE_VERSION, .type = WIRE_REPLY, .id = id
	};
	uint32_t inlined = size < 300 ? size : WIRE_HEAD;
	uint8_t *at = conn_append(c, inlined);

	if (!at)
		return;
	memset(at, 0, inlined);
	wire_put_head(at, &head);
	conn_append_payload(c, size - inlined);
}

static inline struct rig *rig_of_server(const struct conn *c)
{
	return (struct rig *)((char *)c->loop - offsetof(struct rig, server));
}

static inline void on_request(struct conn *c, const struct message *m)
{
	struct rig *rig = rig_of_server(c);
	struct wire_program program = wire_program(m->body, m->head.body_len);
	struct wire_operation op;
	enum wire_fault fault = wire_next_operation(&program, &op);

	if (!fault && !op.code)
		fault = WIRE_NO_REPLY;
	if (fault) {
		conn_fault(c, fault);
		return;
	}
	if (rig->hold) {
		conn_hold(c);
		rig->held[rig->held_count++] = c;
		return;
	}
	put_reply(c, m->head.id, op.value);
}

static inline void on_peer(struct conn *c)
{
	rig_of_server(c)->peers++;
}

static inline void on_peer_end(struct conn *c, enum conn_end end, int code)
{
	rig_of_server(c)->ends++;
	rig_of_server(c)->last_end = end;
}

static const struct conn_role server_role = {
	.accepts = WIRE_REQUEST, .opened = on_peer, .message = on_request, .closed = on_peer_end
};

static inline void on_failed(void *owner, int code)
{
	((struct rig *)owner)->failures++;
}

static inline void on_opened(struct conn *c)
{
	((struct client *)c->owner)->opened++;
}

static inline void on_answer(struct conn *c, const struct message *m)
{
	struct client *client = c->owner;

	if (m->head.hops != WIRE_OK)
		client->not_ok++;
	else if (m->head.id < IDS_MAX && client->seen[m->head.id]++)
		client->repeated++;
	else
		client->answers++;
}

static inline void on_client_drained(struct conn *c)
{
	((struct client *)c->owner)->drained++;
}

static inline void on_client_refused(struct conn *c, int code)
{
	((struct client *)c->owner)->refused++;
}

static inline void on_client_end(struct conn *c, enum conn_end end, int code)
{
	struct client *client = c->owner;

	client->ends++;
	client->end = end;
	client->code = code;
	client->conn = NULL;
}

static const struct conn_role client_role = { .accepts = WIRE_REPLY,
					      .opened = on_opened,
					      .message = on_answer,
					      .drained = on_client_drained,
					      .refused = on_client_refused,
					      .closed = on_client_end };

/* A fresh UDP socket of the rig's world. */
static inline int fresh_socket(struct rig *rig)
{
	return rig->net ? sim_datagram(rig->net) : address_socket(&rig->address, NULL);
}

static inline void rig_init(struct rig *rig, const struct backend_ops *backend)
{
	memset(rig, 0, sizeof(*rig));
	rig->ops = backend;
	if (backend->group.knobs)
		knob_defaults(&backend->group, rig->opts);
	rig->limits = (struct loop_limits){
		.message_max = 1 << 20, .connections = 8192, .out_queue = 1 << 20, .in_flight = 1024
	};
	rig->udp = (struct datagram_opts){
		.batch = 16, .queue = 4 << 20, .peers = 1024, .idle_ns = 60 * SEC
	};
	rig->client_udp = rig->udp;
}

/* Binds and serves. host: "udp://127.0.0.1:0" or another; faults: of the simulated net. */
static inline bool rig_start(struct rig *rig, const char *host, const struct sim_faults *faults)
{
	struct err err = { 0 };
	struct address want;

	CU_ASSERT_FATAL(address_parse(host, &want, &err) == 0);
	if (is_sim(rig)) {
		rig->net = sim_net_create(SEED, faults);
		((struct sim_opts *)rig->opts)->net = rig->net;
		rig->fd = sim_datagram(rig->net);
		sim_address(rig->fd, &rig->address.storage, &rig->address.len);
	} else {
		rig->fd = address_listen(&want, &(struct listen_opts){ 0 }, &rig->address, &err);
		if (rig->fd < 0)
			return false; /* no IPv6 here */
		CU_ASSERT_FATAL(datagram_set_options(rig->fd, &rig->udp, &err) == 0);
	}
	CU_ASSERT_FATAL(loop_init(&rig->server, rig->ops, rig->opts, &rig->limits, &err) == 0);
	CU_ASSERT_FATAL(loop_init(&rig->loop, rig->ops, rig->opts, &rig->limits, &err) == 0);
	rig->socket = datagram_open(&rig->server, rig->fd, &rig->udp, &server_role, rig, on_failed);
	CU_ASSERT_FATAL(rig->socket != NULL);
	return true;
}

static inline void rig_start_plain(struct rig *rig, const struct backend_ops *backend)
{
	rig_init(rig, backend);
	CU_ASSERT_FATAL(rig_start(rig, "udp://127.0.0.1:0", NULL));
}

static inline void rig_finish(struct rig *rig)
{
	for (unsigned i = 0; i < rig->held_count; i++)
		conn_release(rig->held[i]);
	loop_finish(&rig->loop);
	loop_finish(&rig->server);
	CHECK_INT(rig->server.peers.live, 0);
	CHECK_INT(rig->server.bursts.live + rig->server.small_bursts.live, 0);
	CHECK_INT(rig->server.chunks.live, 0);
	CHECK_INT(rig->loop.chunks.live, 0);
	CHECK_INT(rig->loop.peers.live, 0);
	CHECK_INT(rig->peers, rig->ends);
	if (rig->net)
		sim_net_destroy(rig->net);
	else
		close(rig->fd);
}

/* Both sides, so many times. On the kernel's a turn waits a little. */
static inline void turns(struct rig *rig, int count)
{
	while (count--) {
		CHECK_INT(loop_turn(&rig->loop, rig->net ? MS / 10 : 0), 0);
		CHECK_INT(loop_turn(&rig->server, rig->net ? MS / 10 : MS / 2), 0);
	}
}

/* Turns until it is true; where nothing happens, for ten seconds. */
#define TURN_UNTIL(rig, condition)                                 \
	do {                                                       \
		for (int t_ = 0; t_ < 20000 && !(condition); t_++) \
			turns(rig, 1);                             \
		CU_ASSERT(condition);                              \
	} while (0)

static inline struct client *add_client(struct rig *rig)
{
	struct client *client = &rig->clients[rig->client_count++];
	int fd = fresh_socket(rig);

	client->rig = rig;
	if (!rig->net)
		datagram_set_options(fd, &rig->client_udp, NULL);
	client->conn =
		datagram_connect(&rig->loop, fd, (const struct sockaddr *)&rig->address.storage,
				 rig->address.len, &rig->client_udp, &client_role, client);
	CU_ASSERT_FATAL(client->conn != NULL);
	TURN_UNTIL(rig, client->opened);
	return client;
}

/* A request of `length` for a reply of reply_size. Returns its length. */
static inline uint32_t make_request(uint8_t *p, uint64_t id, uint32_t length, uint64_t reply_size)
{
	struct wire_head head = { .length = length,
				  .version = WIRE_VERSION,
				  .type = WIRE_REQUEST,
				  .hops = WIRE_HOPS,
				  .id = id,
				  .body_len = WIRE_OPERATION };

	memset(p, 0, length);
	wire_put_head(p, &head);
	wire_put_operation(p + WIRE_HEAD,
			   &(struct wire_operation){ WIRE_SEND_REPLY, 0, reply_size });
	return length;
}

static inline void ask(struct client *client, uint64_t id, uint32_t length, uint64_t reply_size)
{
	uint32_t inlined = length < 600 ? length : WIRE_HEAD + WIRE_OPERATION;
	uint8_t bytes[600], *at = conn_append(client->conn, inlined);

	CU_ASSERT_FATAL(at != NULL);
	make_request(bytes, id, inlined, reply_size);
	wire_put32(bytes, length);
	memcpy(at, bytes, inlined);
	conn_append_payload(client->conn, length - inlined);
}

/* What came is in one of these, and what was appended, too. */
static inline void check_sums(const struct loop *loop)
{
	const struct datagram_stats *u = &loop->stats.udp;

	CHECK_INT(u->in,
		  loop->stats.messages_in + u->malformed + u->cut + u->over_limit + u->no_room);
	CHECK_INT(loop->stats.messages_out, u->out + u->unsent);
}

/* Chooses `ops` by the argument. */
static inline int datagram_main(int argc, char **argv, const char *name, CU_TestInfo *tests)
{
	int status;

	if (argc > 1 && strcmp(argv[1], "sim"))
		ops = choose_backend(argc, argv, &status);
	if (!ops)
		return status;
	printf("seed %d\n", SEED);
	return test_main(name, tests);
}

#endif

/*
 * tls_rig.h - a server's and a client's loop in one thread, on sim or on a real backend.
 *
 * They speak TLS unless a test says otherwise, and ask for a secret if they are given one.
 *
 * Both ends count what happens to their connections; a test turns the loops until what it waits
 * for has happened. A raw peer, which the test plays byte by byte, can connect too.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_TESTS_TLS_RIG_H
#define RW_TESTS_TLS_RIG_H

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "engine/guard.h"
#include "engine/tls.h"
#include "engine/tls_private.h"
#include "tests/certificate_opts.h"
#include "tests/choose_backend.h"
#include "tests/engine_fixture.h"

#define PATIENCE (10 * SEC)

/* One side: what happened to its connections. */
struct party {
	struct loop loop;
	struct tls_context *context;
	struct tls_opts opts;
	const struct secret *secret; /* NULL: none */
	bool is_plain;		     /* no TLS */
	struct conn *conn;	     /* the last one */
	unsigned opened, messages, ends, drained;
	uint64_t last_id;
	enum conn_end end;
	int code;
	char reason[400];
	struct tls_info info; /* when it was opened */
};

struct rig {
	const struct backend_ops *backend;
	_Alignas(16) uint8_t backend_opts[512];
	struct sim_net *net; /* NULL: a real backend */
	struct loop_limits limits;
	struct party server, client;
	struct tls_peer peer;
	struct address to;
	struct io_op accept;
	int listener;
};

static const struct backend_ops *rig_backend; /* what the program was called with */
static struct certificates certs;

static inline void party_opened(struct conn *c)
{
	struct party *p = c->owner;

	p->opened++;
	tls_describe(c, &p->info);
}

static inline void party_ended(struct conn *c, enum conn_end end, int code)
{
	struct party *p = c->owner;
	const char *reason = conn_reason(c);

	p->ends++;
	p->end = end;
	p->code = code;
	snprintf(p->reason, sizeof(p->reason), "%s", reason ? reason : "");
	if (p->conn == c)
		p->conn = NULL;
}

static inline void party_drained(struct conn *c)
{
	((struct party *)c->owner)->drained++;
}

static inline void server_message(struct conn *c, const struct message *m)
{
	struct wire_program program = wire_program(m->body, m->head.body_len);
	struct party *p = c->owner;
	struct wire_operation op;

	p->messages++;
	p->last_id = m->head.id;
	if (!wire_next_operation(&program, &op))
		reply(c, m->head.id, op.value);
}

static inline void client_message(struct conn *c, const struct message *m)
{
	struct party *p = c->owner;

	CU_ASSERT(m->head.id == p->last_id + 1);
	p->last_id = m->head.id;
	p->messages++;
}

static const struct conn_role server_role = { .accepts = WIRE_REQUEST,
					      .message = server_message,
					      .drained = party_drained,
					      .closed = party_ended };
static const struct conn_role client_role = { .accepts = WIRE_REPLY,
					      .opened = party_opened,
					      .message = client_message,
					      .drained = party_drained,
					      .closed = party_ended };

static inline void rig_accepted(struct io_op *op, const struct io_result *r)
{
	struct rig *rig = (struct rig *)((char *)op - offsetof(struct rig, accept));
	struct party *p = &rig->server;

	if (r->res < 0)
		return;
	p->opened++;
	if (p->is_plain)
		p->conn = conn_open(&p->loop, r->res, &server_role, p);
	else
		p->conn = conn_open_tls(&p->loop, r->res, p->context, &server_role, p);
	if (p->secret)
		p->conn = guard_node(p->conn, p->secret);
}

static inline void rig_open_loop(struct rig *rig, struct loop *loop)
{
	struct sim_opts sim = { .net = rig->net };
	struct err err = { 0 };

	CHECK_INT(loop_init(loop, rig->backend, rig->net ? (void *)&sim : rig->backend_opts,
			    &rig->limits, &err),
		  0);
	CHECK_TEXT(err.text, "");
}

static inline void rig_listen(struct rig *rig)
{
	const struct listen_opts opts = { .backlog = 1024, .no_delay = true };
	struct address any;

	if (rig->net) {
		rig->listener = sim_listen(rig->net);
		sim_address(rig->listener, &rig->to.storage, &rig->to.len);
	} else {
		address_parse("tls://127.0.0.1:0", &any, NULL);
		rig->listener = address_listen(&any, &opts, &rig->to, NULL);
		CU_ASSERT_FATAL(rig->listener >= 0);
	}
	rig->accept =
		(struct io_op){ .kind = IO_ACCEPT, .fd = rig->listener, .done = rig_accepted };
	loop_submit(&rig->server.loop, &rig->accept);
}

/* Options as a user has them; then a test changes them, and rig_open() goes on. */
static inline void rig_init(struct rig *rig)
{
	memset(rig, 0, sizeof(*rig));
	rig->backend = rig_backend;
	rig->limits = (struct loop_limits){
		.message_max = 64 * MB, .connections = 4096, .out_queue = 64 * 1024, .in_flight = 64
	};
	knob_defaults(&tls_knobs, &rig->server.opts);
	knob_defaults(&tls_knobs, &rig->client.opts);
	tls_opts_show(&rig->server.opts, &certs, CERT_SERVER);
	tls_opts_trust(&rig->client.opts, &certs, CERT_CA);
	strcpy(rig->peer.host, "127.0.0.1");
}

static inline void rig_open(struct rig *rig, const struct sim_faults *faults, uint64_t seed)
{
	struct err err = { 0 };

	if (!strcmp(rig->backend->group.name, "sim"))
		rig->net = sim_net_create(seed, faults);
	else
		knob_defaults(&rig->backend->group, rig->backend_opts);
	CHECK_INT(tls_context_create(&rig->server.context, &rig->server.opts, TLS_SERVER, &err), 0);
	CHECK_INT(tls_context_create(&rig->client.context, &rig->client.opts, TLS_CLIENT, &err), 0);
	CHECK_TEXT(err.text, "");
	rig->peer.context = rig->client.context;
	rig_open_loop(rig, &rig->server.loop);
	/* As in client/thread.c: if both ends waited for the other to read, it were for ever. */
	rig->limits.out_queue = UINT32_MAX;
	rig_open_loop(rig, &rig->client.loop);
	rig_listen(rig);
}

/* Nothing that belongs to TLS is left when the last connection has gone. */
static inline void rig_close(struct rig *rig)
{
	loop_finish(&rig->client.loop);
	loop_finish(&rig->server.loop);
	if (rig->net)
		sim_net_destroy(rig->net);
	else
		close(rig->listener);
	tls_context_destroy(rig->client.context);
	tls_context_destroy(rig->server.context);
}

static inline void rig_connect(struct rig *rig)
{
	struct party *p = &rig->client;
	int fd = rig->net ? sim_socket(rig->net) : address_socket(&rig->to, NULL);

	CU_ASSERT_FATAL(fd >= 0);
	p->last_id = 0;
	if (p->is_plain)
		p->conn = conn_connect(&p->loop, fd, (struct sockaddr *)&rig->to.storage,
				       rig->to.len, &client_role, p);
	else
		p->conn = conn_connect_tls(&p->loop, fd, &rig->to, &rig->peer, &client_role, p);
	if (p->secret)
		p->conn = guard_client(p->conn, p->secret);
	CU_ASSERT_FATAL(p->conn != NULL);
}

static inline void rig_turn(struct rig *rig)
{
	CHECK_INT(loop_turn(&rig->server.loop, 0), 0);
	CHECK_INT(loop_turn(&rig->client.loop, 100 * US), 0);
}

/* Turns until it is so; simulated time stands still for those who spin, so turns count as well. */
#define RIG_UNTIL(rig, condition)                                                        \
	do {                                                                             \
		int64_t end_ns_ = clock_now_ns() + PATIENCE;                             \
		while (!(condition) && clock_now_ns() < end_ns_)                         \
			rig_turn(rig);                                                   \
		CU_ASSERT(condition);                                                    \
		if (!(condition))                                                        \
			printf("\n    client: %s\n    server: %s", (rig)->client.reason, \
			       (rig)->server.reason);                                    \
	} while (0)

/* Asks for a reply; the request is as long as it may be in one chunk, or needs payload. */
static inline void rig_ask(struct rig *rig, uint64_t id, uint32_t length, uint64_t reply_size)
{
	struct conn *c = rig->client.conn;
	static uint8_t request[4096];
	uint32_t inlined = length < 1024 ? length : 64;
	uint8_t *at;

	CU_ASSERT_FATAL(c != NULL);
	make_request(request, id, length < sizeof(request) ? length : 64, reply_size);
	wire_put32(request, length);
	at = conn_append(c, inlined);
	CU_ASSERT_FATAL(at != NULL);
	memcpy(at, request, inlined);
	conn_append_payload(c, length - inlined);
	conn_flush(c);
}

/* A peer that the test plays: bytes as they are. */
static inline int raw_connect(struct rig *rig)
{
	int fd;

	if (rig->net)
		return sim_connect(rig->net, rig->listener);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CHECK_INT(connect(fd, (struct sockaddr *)&rig->to.storage, rig->to.len), 0);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

static inline int raw_write(struct rig *rig, int fd, const void *bytes, size_t len)
{
	ssize_t n;

	if (rig->net)
		return sim_write(rig->net, fd, bytes, len);
	n = send(fd, bytes, len, MSG_NOSIGNAL);
	return n < 0 ? -errno : (int)n;
}

static inline int raw_read(struct rig *rig, int fd, void *bytes, size_t len)
{
	ssize_t n;

	if (rig->net)
		return sim_read(rig->net, fd, bytes, len);
	n = recv(fd, bytes, len, 0);
	return n < 0 ? -errno : (int)n;
}

static inline void raw_write_all(struct rig *rig, int fd, const void *bytes, size_t len)
{
	const uint8_t *at = bytes;

	for (int tries = 0; len && tries < 10000; tries++) {
		int n = raw_write(rig, fd, at, len);

		if (n < 0 && n != -EAGAIN)
			return;
		at += n > 0 ? n : 0;
		len -= n > 0 ? (size_t)n : 0;
		rig_turn(rig);
	}
}

static inline void raw_shutdown(struct rig *rig, int fd)
{
	if (rig->net)
		sim_shutdown(rig->net, fd);
	else
		shutdown(fd, SHUT_WR);
}

static inline void raw_close(struct rig *rig, int fd)
{
	if (rig->net)
		sim_close(rig->net, fd);
	else
		close(fd);
}

static inline void raw_reset(struct rig *rig, int fd)
{
	const struct linger at_once = { .l_onoff = 1 };

	if (rig->net) {
		sim_reset(rig->net, fd);
		return;
	}
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	close(fd);
}

/* argv[1]: a backend's name, or sim. 0, or the status of a skipped program. */
static inline int rig_choose(int argc, char **argv)
{
	bool is_sim = argc < 2 || !strcmp(argv[1], "sim");
	int status;

	rig_backend = is_sim ? &backend_sim : choose_backend(argc, argv, &status);
	if (!rig_backend)
		return status;
	certificates_make(&certs);
	return 0;
}

static inline bool rig_is_sim(void)
{
	return rig_backend == &backend_sim;
}

#endif

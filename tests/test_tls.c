/*
 * test_tls.c - TLS between two loops, on the backend that the argument names.
 *
 * On sim receives and sends are cut at random places from printed seeds, so that every boundary
 * between records, handshake messages and queue pieces is crossed. Peers that do not keep to the
 * rules are in test_tls_hostile.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/tls_rig.h"

#define SEEDS 12

/* Around the limits of a chunk, a record, and what is encrypted at a time. */
static const uint32_t sizes[] = { 24,	 64,	511,   512,   2007,  2008,  2009,   16383,
				  16384, 16385, 16408, 32768, 33000, 65536, 200000, 1 << 20 };
#define SIZES (sizeof(sizes) / sizeof(*sizes))

static const struct sim_faults cuts = { .short_send = 0.3, .short_recv = 0.3, .jitter_ns = 1000 };

static void talk(struct rig *rig)
{
	unsigned done = rig->client.messages, asked = 0;

	for (unsigned i = 0; i < SIZES; i++)
		rig_ask(rig, ++asked, 64, sizes[i]);
	for (unsigned i = 0; i < SIZES; i++)
		rig_ask(rig, ++asked, sizes[i] < 64 ? 64 : sizes[i], 64);
	RIG_UNTIL(rig, rig->client.messages == done + asked);
}

/* The client has said all it wanted; both ends close in good order. */
static void part(struct rig *rig)
{
	unsigned ends = rig->server.ends;

	conn_finish(rig->client.conn);
	RIG_UNTIL(rig, rig->server.ends == ends + 1 && !rig->client.conn);
	CHECK_INT(rig->client.end, CONN_LOCAL);
	CHECK_INT(rig->server.end, CONN_PEER_CLOSED);
	CHECK_TEXT(rig->server.reason, "");
}

/* What a connection needed and has no more. */
static void check_nothing_is_left(const struct rig *rig)
{
	const struct loop *loops[] = { &rig->server.loop, &rig->client.loop };

	for (int i = 0; i < 2; i++) {
		CHECK_INT(loops[i]->chunks.live, 0);
		CHECK_INT(loops[i]->carries.live, 0);
		CHECK_INT(loops[i]->tls->outs.live, 0);
		CHECK_INT(loops[i]->tls->handshakes.count, 0);
	}
}

static void exchange(int version, uint64_t seed)
{
	static const char *const names[] = { "TLSv1.2", "TLSv1.3" };
	struct rig rig;

	rig_init(&rig);
	rig.server.opts.min_version = rig.server.opts.max_version = version;
	rig_open(&rig, seed ? &cuts : NULL, seed);
	rig_connect(&rig);
	RIG_UNTIL(&rig, rig.client.opened == 1);
	CHECK_TEXT(rig.client.info.version, names[version]);
	CU_ASSERT(rig.client.info.is_verified && !rig.client.info.is_resumed);
	talk(&rig);
	CHECK_INT(rig.server.loop.stats.handshakes, 1);
	CHECK_INT(rig.client.loop.stats.handshakes, 1);
	RIG_UNTIL(&rig, !rig.server.loop.tls->outs.live);
	check_nothing_is_left(&rig);
	part(&rig);
	CHECK_INT(rig.server.loop.stats.faults, 0);
	rig_close(&rig);
}

static void test_requests_are_answered_in_both_versions(void)
{
	exchange(TLS_1_2, 0);
	exchange(TLS_1_3, 0);
	for (uint64_t seed = 1; rig_is_sim() && seed <= SEEDS; seed++) {
		exchange(TLS_1_2, seed);
		exchange(TLS_1_3, seed);
	}
}

/* A client that is slow to read: the server's memory stays what it is. */
static void test_a_large_reply_to_a_slow_reader_takes_little_memory(void)
{
	const struct sim_faults slow = { .buffer = 10000 };
	uint32_t chunks_max = 0, outs_max = 0;
	uint64_t before;
	struct rig rig;

	rig_init(&rig);
	rig_open(&rig, &slow, 1);
	rig_connect(&rig);
	RIG_UNTIL(&rig, rig.client.opened == 1);
	for (unsigned i = 1; i <= 4; i++)
		rig_ask(&rig, i, 64, 20 * MB);
	for (int i = 0; i < 4; i++)
		CHECK_INT(loop_turn(&rig.client.loop, 0), 0); /* requests leave */
	/* First it does not read at all. */
	for (int i = 0; i < 1000; i++)
		CHECK_INT(loop_turn(&rig.server.loop, i < 990 ? 0 : 100 * US), 0);
	CHECK_INT(rig.server.loop.stats.pauses, 1);
	CU_ASSERT(conn_is_full(rig.server.conn));
	before = rig.server.loop.stats.bytes_out;
	CU_ASSERT(before < 16 * MB);
	while (rig.client.messages < 4 && !rig.client.ends) {
		const struct loop *loop = &rig.server.loop;

		rig_turn(&rig);
		chunks_max = loop->chunks.live > chunks_max ? loop->chunks.live : chunks_max;
		outs_max = loop->tls->outs.live > outs_max ? loop->tls->outs.live : outs_max;
	}
	CHECK_INT(rig.client.messages, 4);
	CHECK_INT(outs_max, 1);
	CU_ASSERT(chunks_max <= 4);
	CHECK_INT(rig.server.drained, 1);
	/* Records add little: 22 bytes to 16 KiB. */
	CU_ASSERT(rig.server.loop.stats.bytes_out < 80 * MB + 80 * MB / 500);
	part(&rig);
	rig_close(&rig);
}

static void set(char *field, const char *text)
{
	strcpy(field, text);
}

/* Who refuses whom, and what both are told. */
static const struct refusal {
	enum certificate server, client, client_ca;
	bool server_verifies, client_trusts_blindly;
	const char *name; /* --tls-name */
	const char *client_says, *server_says;
	bool after_open; /* TLS 1.3: the client is done before the server has looked */
} refusals[] = {
	{ .server = CERT_SERVER,
	  .client = CERT_NONE,
	  .client_ca = CERT_OTHER_CA,
	  .client_says = "not signed by an authority that is trusted here",
	  .server_says = "unknown ca" },
	{ .server = CERT_STRANGER,
	  .client = CERT_NONE,
	  .client_ca = CERT_CA,
	  .client_says = "certificate of CN=stranger is not signed by an authority",
	  .server_says = "unknown ca" },
	{ .server = CERT_EXPIRED,
	  .client = CERT_NONE,
	  .client_ca = CERT_CA,
	  .client_says = "certificate of CN=expired expired on",
	  .server_says = "certificate expired" },
	{ .server = CERT_WRONG_NAME,
	  .client = CERT_NONE,
	  .client_ca = CERT_CA,
	  .client_says = "host name mismatch: the certificate is for elsewhere.example, not for "
			 "127.0.0.1",
	  .server_says = "bad certificate" },
	{ .server = CERT_SERVER,
	  .client = CERT_NONE,
	  .client_ca = CERT_CA,
	  .name = "node.example",
	  .client_says = "the certificate is for 127.0.0.1, ",
	  .server_says = "bad certificate" },
	{ .server = CERT_SERVER,
	  .client = CERT_NONE,
	  .client_ca = CERT_CA,
	  .server_verifies = true,
	  .client_says = "certificate required",
	  .server_says = "showed no certificate",
	  .after_open = true },
	{ .server = CERT_SERVER,
	  .client = CERT_STRANGER,
	  .client_ca = CERT_CA,
	  .server_verifies = true,
	  .client_says = "unknown ca",
	  .server_says = "not signed by an authority",
	  .after_open = true },
	{ .server = CERT_SERVER,
	  .client = CERT_EXPIRED,
	  .client_ca = CERT_CA,
	  .server_verifies = true,
	  .client_says = "certificate expired",
	  .server_says = "certificate of CN=expired expired on",
	  .after_open = true },
};

static bool has(const char *text, const char *part)
{
	bool found = strstr(text, part) != NULL;

	if (!found)
		printf("\n    \"%s\" lacks \"%s\"", text, part);
	return found;
}

static void set_certificate(struct tls_opts *o, enum certificate which)
{
	if (which == CERT_NONE)
		return;
	tls_opts_show(o, &certs, which);
}

static void refuse(const struct refusal *r, int version)
{
	bool is_open = version == TLS_1_3 && r->after_open;
	struct rig rig;

	rig_init(&rig);
	set_certificate(&rig.server.opts, r->server);
	set_certificate(&rig.client.opts, r->client);
	set(rig.client.opts.ca, certs.cert[r->client_ca]);
	set(rig.server.opts.ca, certs.cert[CERT_CA]);
	set(rig.client.opts.name, r->name ? r->name : "");
	rig.server.opts.verify = r->server_verifies;
	rig.client.opts.max_version = version;
	rig_open(&rig, NULL, 1);
	rig_connect(&rig);
	RIG_UNTIL(&rig, rig.client.ends && rig.server.ends);
	CHECK_INT(rig.client.opened, is_open);
	CHECK_INT(rig.client.end, is_open ? CONN_LOST : CONN_REFUSED);
	CHECK_INT(rig.server.end, CONN_REFUSED);
	/* TLS 1.2 has no word for a certificate that is missing. */
	CU_ASSERT(has(rig.client.reason,
		      version == TLS_1_2 && r->client == CERT_NONE && r->server_verifies
			      ? "handshake failure"
			      : r->client_says));
	CU_ASSERT(has(rig.server.reason, r->server_says));
	CHECK_INT(rig.server.loop.stats.handshakes_failed, 1);
	CHECK_INT(rig.server.messages, 0);
	rig_close(&rig);
}

static void test_certificates_that_do_not_fit_are_refused_in_words(void)
{
	for (unsigned i = 0; i < sizeof(refusals) / sizeof(*refusals); i++) {
		refuse(&refusals[i], TLS_1_2);
		refuse(&refusals[i], TLS_1_3);
	}
}

/* Name asked for, host of the address, certificate, whether it is checked. */
static void test_names_and_certificates_that_fit_are_accepted(void)
{
	static const struct {
		enum certificate server;
		const char *host, *name;
		bool verify;
	} rows[] = {
		{ CERT_SERVER, "localhost", "", true },
		{ CERT_SERVER, "::1", "", true },
		{ CERT_SERVER, "node.example", "localhost", true },
		{ CERT_WRONG_NAME, "127.0.0.1", "elsewhere.example", true },
		{ CERT_WRONG_NAME, "127.0.0.1", "", false },
		{ CERT_STRANGER, "127.0.0.1", "", false },
		{ CERT_EXPIRED, "127.0.0.1", "", false },
	};

	for (unsigned i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct rig rig;

		rig_init(&rig);
		set_certificate(&rig.server.opts, rows[i].server);
		set(rig.peer.host, rows[i].host);
		set(rig.client.opts.name, rows[i].name);
		rig.client.opts.verify = rows[i].verify;
		rig_open(&rig, NULL, 1);
		rig_connect(&rig);
		RIG_UNTIL(&rig, rig.client.opened || rig.client.ends);
		CHECK_INT(rig.client.opened, 1);
		CHECK_INT(rig.client.info.is_verified, rows[i].verify);
		rig_close(&rig);
	}
}

static void open_and_part(struct rig *rig)
{
	unsigned opened = rig->client.opened;

	rig_connect(rig);
	RIG_UNTIL(rig, rig->client.opened == opened + 1);
	rig_ask(rig, 1, 64, 64);
	RIG_UNTIL(rig, rig->client.last_id == 1);
	part(rig);
}

/* Also when clients must show a certificate, which a continued session does not do again. */
static void resume(int version, bool server_resumes, bool client_resumes, bool with_certificate)
{
	bool want = server_resumes && client_resumes;
	struct rig rig;

	rig_init(&rig);
	rig.server.opts.resume = server_resumes;
	rig.client.opts.resume = client_resumes;
	rig.client.opts.max_version = version;
	if (with_certificate) {
		set_certificate(&rig.client.opts, CERT_CLIENT);
		tls_opts_trust(&rig.server.opts, &certs, CERT_CA);
	}
	rig_open(&rig, NULL, 1);
	open_and_part(&rig);
	CU_ASSERT(!rig.client.info.is_resumed);
	for (int i = 0; i < 3; i++) {
		open_and_part(&rig);
		CHECK_INT(rig.client.info.is_resumed, want);
		CU_ASSERT(rig.client.info.is_verified);
	}
	CHECK_INT(rig.client.loop.stats.handshakes, 4);
	CHECK_INT(rig.client.loop.stats.handshakes_resumed, want ? 3 : 0);
	CHECK_INT(rig.server.loop.stats.handshakes_resumed, want ? 3 : 0);
	rig_close(&rig);
}

static void test_sessions_are_continued_when_both_sides_want(void)
{
	for (int version = TLS_1_2; version <= TLS_1_3; version++) {
		resume(version, true, true, false);
		resume(version, true, true, true);
		resume(version, true, false, false);
		resume(version, false, true, false);
	}
}

/* Each address has sessions of its own, and a name too. */
static void test_a_session_is_for_one_address_and_name(void)
{
	struct rig rig;

	rig_init(&rig);
	rig_open(&rig, NULL, 1);
	open_and_part(&rig);
	set(rig.peer.host, "localhost");
	open_and_part(&rig);
	CU_ASSERT(!rig.client.info.is_resumed);
	open_and_part(&rig);
	CU_ASSERT(rig.client.info.is_resumed);
	rig_close(&rig);
}

static void test_what_both_speak_is_agreed_upon_or_refused(void)
{
	static const struct {
		int server_min, client_max;
		const char *server_alpn, *client_alpn, *server_suites, *client_suites;
		const char *client_says; /* NULL: it opens */
	} rows[] = {
		{ TLS_1_3, TLS_1_3, "ringwalk/2", "ringwalk/2", "", "", NULL },
		{ TLS_1_3, TLS_1_2, "", "", "", "", "protocol version" },
		{ TLS_1_2, TLS_1_3, "ringwalk/2", "ringwalk/3", "", "", "application protocol" },
		{ TLS_1_2, TLS_1_3, "ringwalk/2", "", "", "", NULL },
		{ TLS_1_2, TLS_1_3, "", "ringwalk/2", "", "", NULL },
		{ TLS_1_2, TLS_1_3, "", "", "TLS_AES_128_GCM_SHA256", "", NULL },
		{ TLS_1_3, TLS_1_3, "", "", "TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384",
		  "handshake failure" },
	};

	for (unsigned i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct rig rig;

		rig_init(&rig);
		rig.server.opts.min_version = rows[i].server_min;
		rig.client.opts.max_version = rows[i].client_max;
		set(rig.server.opts.alpn, rows[i].server_alpn);
		set(rig.client.opts.alpn, rows[i].client_alpn);
		set(rig.server.opts.ciphersuites, rows[i].server_suites);
		set(rig.client.opts.ciphersuites, rows[i].client_suites);
		rig_open(&rig, NULL, 1);
		rig_connect(&rig);
		RIG_UNTIL(&rig, rig.client.opened || (rig.client.ends && rig.server.ends));
		CHECK_INT(rig.client.opened, !rows[i].client_says);
		CU_ASSERT(has(rig.client.reason, rows[i].client_says ? rows[i].client_says : ""));
		if (!rows[i].client_says && *rows[i].server_suites)
			CHECK_TEXT(rig.client.info.cipher, rows[i].server_suites);
		rig_close(&rig);
	}
}

/* A close that nobody waits for is told from a cut, if there is room for the word. */
static void test_a_close_at_once_says_goodbye(void)
{
	struct rig rig;

	rig_init(&rig);
	rig_open(&rig, NULL, 1);
	rig_connect(&rig);
	RIG_UNTIL(&rig, rig.client.opened == 1);
	talk(&rig);
	conn_close(rig.client.conn);
	CHECK_INT(rig.client.ends, 1);
	RIG_UNTIL(&rig, rig.server.ends == 1);
	CHECK_INT(rig.server.end, CONN_PEER_CLOSED);
	rig_close(&rig);
}

static void raise_descriptors(void)
{
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max < 8192 ? limit.rlim_max : 8192;
	setrlimit(RLIMIT_NOFILE, &limit);
}

#define CROWD 1000

static void test_a_thousand_connections_talk_at_once(void)
{
	/* select() ends at descriptor 1023, and both ends are here. */
	unsigned crowd = strcmp(rig_backend->group.name, "select") ? CROWD : 400;
	static struct conn *conns[CROWD];
	struct rig rig;

	raise_descriptors();
	rig_init(&rig);
	rig.client.opts.handshake_ns = rig.server.opts.handshake_ns = 60 * SEC;
	rig_open(&rig, NULL, 1);
	for (unsigned i = 0; i < crowd; i++) {
		rig_connect(&rig);
		conns[i] = rig.client.conn;
		if (i % 50 == 49)
			RIG_UNTIL(&rig, rig.client.opened == i + 1);
	}
	for (unsigned i = 0; i < crowd; i++) {
		rig.client.conn = conns[i];
		rig_ask(&rig, i + 1, 64, 64);
		RIG_UNTIL(&rig, rig.client.messages == i + 1);
	}
	CHECK_INT(rig.server.messages, crowd);
	CHECK_INT(rig.server.loop.tls->conns.live, crowd);
	RIG_UNTIL(&rig, !rig.server.loop.tls->outs.live);
	check_nothing_is_left(&rig);
	for (unsigned i = 0; i < crowd; i++)
		conn_finish(conns[i]);
	RIG_UNTIL(&rig, !rig.server.loop.conn_count && !rig.client.loop.conn_count);
	CHECK_INT(rig.server.loop.tls->conns.live, 0);
	rig_close(&rig);
}

static CU_TestInfo tests[] = {
	{ "requests are answered in both versions", test_requests_are_answered_in_both_versions },
	{ "a large reply to a slow reader takes little memory",
	  test_a_large_reply_to_a_slow_reader_takes_little_memory },
	{ "certificates that do not fit are refused in words",
	  test_certificates_that_do_not_fit_are_refused_in_words },
	{ "names and certificates that fit are accepted",
	  test_names_and_certificates_that_fit_are_accepted },
	{ "sessions are continued when both sides want",
	  test_sessions_are_continued_when_both_sides_want },
	{ "a session is for one address and name", test_a_session_is_for_one_address_and_name },
	{ "what both speak is agreed upon or refused",
	  test_what_both_speak_is_agreed_upon_or_refused },
	{ "a close at once says goodbye", test_a_close_at_once_says_goodbye },
	{ "a thousand connections talk at once", test_a_thousand_connections_talk_at_once },
	CU_TEST_INFO_NULL,
};

int main(int argc, char **argv)
{
	int result = rig_choose(argc, argv);

	if (result)
		return result;
	result = test_main("tls", tests);
	certificates_remove(&certs);
	return result;
}

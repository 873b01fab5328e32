/*
 * test_tls_hostile.c - peers that do not speak TLS, speak it half, or misuse it.
 *
 * On the backend that the argument names.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/tls_stranger.h"

#define SEEDS 40

static void open_rig(struct rig *rig)
{
	rig_init(rig);
	rig_open(rig, NULL, 1);
}

static void check_server_end(const struct rig *rig, enum conn_end end, const char *part)
{
	CHECK_INT(rig->server.ends, 1);
	CHECK_INT(rig->server.end, end);
	if (!strstr(rig->server.reason, part))
		printf("\n    \"%s\" lacks \"%s\"", rig->server.reason, part);
	CU_ASSERT(strstr(rig->server.reason, part) != NULL);
	CHECK_INT(rig->server.loop.tls->handshakes.count, 0);
	CHECK_INT(rig->server.loop.chunks.live, 0);
}

static void test_what_is_no_tls_is_told_so(void)
{
	uint8_t request[64];
	const struct {
		const void *bytes;
		size_t len;
	} rows[] = { { request, sizeof(request) },
		     { "GET / HTTP/1.0\r\n\r\n", 18 },
		     { "\0", 1 },
		     { "\x80\x2e\x01\x03\x01", 5 } };

	make_request(request, 1, sizeof(request), 64);
	for (unsigned i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct rig rig;
		int fd;

		open_rig(&rig);
		fd = raw_connect(&rig);
		raw_write_all(&rig, fd, rows[i].bytes, rows[i].len);
		RIG_UNTIL(&rig, rig.server.ends == 1);
		check_server_end(&rig, CONN_REFUSED, "what came is no TLS");
		raw_close(&rig, fd);
		rig_close(&rig);
	}
}

/* Whatever comes, the connection ends: by what came, or when its time is over. */
static void test_garbage_ends_with_a_sentence(void)
{
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		struct random_key key = random_key(seed, 0, 0, 0);
		uint8_t bytes[200];
		struct rig rig;
		int fd;

		rig_init(&rig);
		rig.server.opts.handshake_ns = 2 * MS;
		rig_open(&rig, NULL, seed);
		for (unsigned i = 0; i < sizeof(bytes); i++)
			bytes[i] = (uint8_t)random_u64(&key, i);
		memcpy(bytes, "\x16\x03\x01", 3);
		if (seed % 2)
			memcpy(bytes + 3, "\x00\x40\x01\x00\x00\x3c\x03\x03", 8);
		fd = raw_connect(&rig);
		raw_write_all(&rig, fd, bytes, sizeof(bytes));
		RIG_UNTIL(&rig, rig.server.ends == 1);
		check_server_end(&rig, CONN_REFUSED, "TLS");
		raw_close(&rig, fd);
		rig_close(&rig);
	}
}

static void test_tls_to_a_plain_port_ends_on_both_sides(void)
{
	struct rig rig;

	rig_init(&rig);
	rig.server.is_plain = true;
	rig_open(&rig, NULL, 1);
	rig_connect(&rig);
	RIG_UNTIL(&rig, rig.server.ends && rig.client.ends);
	CHECK_INT(rig.server.end, CONN_FAULT);
	CHECK_INT(rig.client.end, CONN_REFUSED);
	CU_ASSERT(strstr(rig.client.reason, "does it speak TLS on this port?") != NULL);
	rig_close(&rig);
}

static void test_a_server_that_speaks_plainly_is_told_from_one_that_refuses(void)
{
	struct rig rig;

	rig_init(&rig);
	rig.server.is_plain = true;
	rig_open(&rig, NULL, 1);
	rig_connect(&rig);
	RIG_UNTIL(&rig, rig.server.conn != NULL);
	reply(rig.server.conn, 1, 64);
	conn_flush(rig.server.conn);
	RIG_UNTIL(&rig, rig.client.ends);
	CU_ASSERT(strstr(rig.client.reason, "what came is no TLS") != NULL);
	rig_close(&rig);
}

/* The first flight of a client, cut behind every byte. */
static void test_a_handshake_that_is_cut_ends(void)
{
	for (int len = 0, whole = 1; len < whole; len += len < 16 ? 1 : 37) {
		struct stranger s;
		struct rig rig;
		char *bytes;

		open_rig(&rig);
		stranger_open(&s, &rig, 0);
		CHECK_INT(SSL_do_handshake(s.ssl), -1);
		whole = (int)BIO_get_mem_data(s.out, &bytes);
		raw_write_all(&rig, s.fd, bytes, (size_t)len);
		raw_shutdown(&rig, s.fd);
		RIG_UNTIL(&rig, rig.server.ends == 1);
		check_server_end(&rig, CONN_REFUSED, "in the middle of the TLS handshake");
		CHECK_INT(rig.server.code, -ECONNRESET);
		stranger_close(&s);
		rig_close(&rig);
	}
}

/* It has no SSL object, and goes when its time is over. */
static void test_a_silent_peer_holds_little_and_not_for_long(void)
{
	struct rig rig;
	int fd;

	rig_init(&rig);
	rig.server.opts.handshake_ns = 20 * MS;
	rig_open(&rig, NULL, 1);
	fd = raw_connect(&rig);
	RIG_UNTIL(&rig, rig.server.conn != NULL);
	CU_ASSERT(((struct tls_conn *)rig.server.conn)->ssl == NULL);
	CHECK_INT(rig.server.loop.tls->outs.live, 0);
	RIG_UNTIL(&rig, rig.server.ends == 1);
	check_server_end(&rig, CONN_REFUSED, "no TLS handshake within 20.0 ms");
	CHECK_INT(rig.server.code, -ETIMEDOUT);
	raw_close(&rig, fd);
	rig_close(&rig);
}

static void test_a_client_does_not_wait_for_ever_for_a_silent_server(void)
{
	struct rig rig;

	rig_init(&rig);
	rig.server.is_plain = true; /* it waits for the rest of a message */
	rig.limits.message_max = UINT32_MAX;
	rig.client.opts.handshake_ns = 20 * MS;
	rig_open(&rig, NULL, 1);
	loop_cancel(&rig.server.loop, &rig.accept);
	rig_connect(&rig);
	RIG_UNTIL(&rig, rig.client.ends == 1);
	CHECK_INT(rig.client.code, -ETIMEDOUT);
	CHECK_INT(rig.client.opened, 0);
	rig_close(&rig);
}

static void test_handshakes_that_do_not_go_on_are_limited(void)
{
	struct stranger late;
	struct rig rig;
	int fds[3];

	rig_init(&rig);
	rig.server.opts.handshakes = 2;
	rig_open(&rig, NULL, 1);
	for (int i = 0; i < 3; i++)
		fds[i] = raw_connect(&rig);
	RIG_UNTIL(&rig, rig.server.opened == 3);
	CHECK_INT(rig.server.loop.stats.refused, 1);
	CHECK_INT(rig.server.loop.conn_count, 2);
	CU_ASSERT(tls_is_crowded(&rig.server.loop, rig.server.context));
	for (int i = 0; i < 3; i++)
		raw_close(&rig, fds[i]);
	RIG_UNTIL(&rig, !tls_is_crowded(&rig.server.loop, rig.server.context));
	stranger_open(&late, &rig, 0);
	stranger_shake_hands(&late);
	stranger_close(&late);
	rig_close(&rig);
}

/* Between messages too: without close_notify nobody knows whether there was more. */
static void test_a_stream_without_close_notify_is_cut(void)
{
	for (int is_half = 0; is_half < 2; is_half++) {
		uint8_t request[64];
		struct stranger s;
		struct rig rig;

		open_rig(&rig);
		stranger_open(&s, &rig, 0);
		stranger_shake_hands(&s);
		stranger_ask(&s, 1, 64);
		stranger_read_all(&s, 64);
		make_request(request, 2, sizeof(request), 64);
		if (is_half)
			SSL_write(s.ssl, request, 30);
		stranger_send(&s);
		raw_shutdown(&rig, s.fd);
		RIG_UNTIL(&rig, rig.server.ends == 1);
		check_server_end(&rig, CONN_CUT, "without TLS's close_notify");
		CHECK_INT(rig.server.loop.stats.faults, 1);
		stranger_close(&s);
		rig_close(&rig);
	}
}

/* close_notify closes one way only: what was asked before is answered. */
static void test_a_peer_that_has_said_goodbye_is_answered(void)
{
	struct stranger s;
	struct rig rig;

	open_rig(&rig);
	stranger_open(&s, &rig, 0);
	stranger_shake_hands(&s);
	stranger_ask(&s, 1, 300000);
	SSL_shutdown(s.ssl);
	stranger_read_all(&s, 300000);
	STRANGER_UNTIL(&s, stranger_read(&s) < 0);
	CHECK_INT(SSL_get_shutdown(s.ssl), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	STRANGER_UNTIL(&s, s.is_at_end);
	check_server_end(&rig, CONN_PEER_CLOSED, "");
	stranger_close(&s);
	rig_close(&rig);
}

/* Both are there when the server looks: the goodbye, and that there is nobody to answer it to. */
static void test_who_has_gone_after_a_goodbye_is_not_lost(void)
{
	uint8_t bytes[4096];
	struct stranger s;
	struct rig rig;
	int len;

	open_rig(&rig);
	stranger_open(&s, &rig, 0);
	stranger_shake_hands(&s);
	stranger_ask(&s, 1, 64);
	stranger_read_all(&s, 64);
	SSL_shutdown(s.ssl);
	len = BIO_read(s.out, bytes, sizeof(bytes));
	CHECK_INT(raw_write(&rig, s.fd, bytes, (size_t)len), len);
	raw_reset(&rig, s.fd);
	s.fd = -1;
	RIG_UNTIL(&rig, rig.server.ends == 1);
	check_server_end(&rig, CONN_PEER_CLOSED, "");
	CHECK_INT(rig.server.loop.stats.resets, 0);
	stranger_close(&s);
	rig_close(&rig);
}

static void test_a_message_cut_by_close_notify_is_cut(void)
{
	uint8_t request[64];
	struct stranger s;
	struct rig rig;

	open_rig(&rig);
	stranger_open(&s, &rig, 0);
	stranger_shake_hands(&s);
	make_request(request, 1, sizeof(request), 64);
	SSL_write(s.ssl, request, 30);
	SSL_shutdown(s.ssl);
	STRANGER_UNTIL(&s, rig.server.ends == 1);
	check_server_end(&rig, CONN_CUT, "");
	stranger_close(&s);
	rig_close(&rig);
}

static void test_new_keys_are_taken_and_given(void)
{
	struct stranger s;
	struct rig rig;

	open_rig(&rig);
	stranger_open(&s, &rig, 0);
	stranger_shake_hands(&s);
	for (int i = 1; i <= 50; i++) {
		CHECK_INT(SSL_key_update(s.ssl, i % 2 ? SSL_KEY_UPDATE_REQUESTED
						      : SSL_KEY_UPDATE_NOT_REQUESTED),
			  1);
		stranger_ask(&s, (uint64_t)i, 40000);
		stranger_read_all(&s, 40000);
	}
	CHECK_INT(rig.server.messages, 50);
	CHECK_INT(rig.server.ends, 0);
	stranger_close(&s);
	rig_close(&rig);
}

/* It asks for a large reply and for new keys without end, and reads nothing. */
static void test_a_peer_that_only_asks_for_keys_is_dropped(void)
{
	const struct sim_faults small = { .buffer = 5000 };
	struct stranger s;
	struct rig rig;

	rig_init(&rig);
	rig.limits.out_queue = UINT32_MAX; /* else reading pauses, which helps as well */
	rig_open(&rig, &small, 1);
	stranger_open(&s, &rig, 0);
	stranger_shake_hands(&s);
	stranger_ask(&s, 1, 64 * MB);
	stranger_send(&s);
	RIG_UNTIL(&rig, rig.server.messages == 1);
	for (int i = 0; i < 100; i++)
		rig_turn(&rig); /* until nothing more leaves */
	for (int i = 0; i < 10000 && !rig.server.ends; i++) {
		SSL_key_update(s.ssl, SSL_KEY_UPDATE_REQUESTED);
		SSL_do_handshake(s.ssl);
		stranger_send(&s);
		rig_turn(&rig);
	}
	check_server_end(&rig, CONN_LOST, "asks for more than it reads");
	stranger_close(&s);
	rig_close(&rig);
}

/* DistWalk's sendfile sent them as they are. */
static void test_no_byte_of_a_file_leaves_in_clear(void)
{
	static const char secret[] = "the quick brown fox";
	FILE *file = tmpfile();
	struct stranger s;
	struct rig rig;
	struct conn *c;

	open_rig(&rig);
	stranger_open(&s, &rig, 0);
	stranger_shake_hands(&s);
	RIG_UNTIL(&rig, rig.server.loop.stats.handshakes == 1);
	for (int i = 0; i < 5000; i++)
		fwrite(secret, 1, sizeof(secret), file);
	fflush(file);
	s.unwanted = secret;
	c = rig.server.conn;
	memset(conn_append(c, 100), 1, 100);
	conn_append_file(c, fileno(file), 0, 5000 * sizeof(secret));
	conn_append_payload_zero_copy(c, 70000);
	memset(conn_append(c, 100), 1, 100);
	conn_flush(c);
	stranger_read_all(&s, 100 + 5000 * sizeof(secret) + 70000 + 100);
	CU_ASSERT(!s.saw_unwanted);
	fclose(file);
	stranger_close(&s);
	rig_close(&rig);
}

static void test_changed_bytes_are_noticed(void)
{
	for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
		struct stranger s;
		struct rig rig;
		char *bytes;
		long len;

		open_rig(&rig);
		stranger_open(&s, &rig, version);
		stranger_shake_hands(&s);
		stranger_ask(&s, 1, 64);
		len = BIO_get_mem_data(s.out, &bytes);
		bytes[len - 1] ^= 1;
		stranger_send(&s);
		RIG_UNTIL(&rig, rig.server.ends == 1);
		check_server_end(&rig, CONN_LOST, "decryption failed");
		CHECK_INT(rig.server.messages, 0);
		stranger_close(&s);
		rig_close(&rig);
	}
}

static void test_a_handshake_is_not_done_again(void)
{
	struct stranger s;
	struct rig rig;

	open_rig(&rig);
	stranger_open(&s, &rig, TLS1_2_VERSION);
	stranger_shake_hands(&s);
	stranger_ask(&s, 1, 64);
	stranger_read_all(&s, 64);
	CHECK_INT(SSL_renegotiate(s.ssl), 1);
	SSL_do_handshake(s.ssl);
	stranger_send(&s);
	for (int i = 0; i < 20; i++)
		stranger_turn(&s);
	CHECK_INT(SSL_do_handshake(s.ssl), -1);
	CHECK_INT(rig.server.loop.stats.handshakes, 1);
	stranger_close(&s);
	rig_close(&rig);
}

/* Resets and cuts at random, on sim: everything ends, and everything comes back. */
static void test_resets_leave_nothing_behind(void)
{
	const struct sim_faults faults = {
		.short_send = 0.3, .short_recv = 0.3, .reset = 0.05, .jitter_ns = 1000
	};

	for (uint64_t seed = 1; rig_is_sim() && seed <= 4 * SEEDS; seed++) {
		struct rig rig;

		rig_init(&rig);
		rig_open(&rig, &faults, seed);
		for (int i = 0; i < 4; i++) {
			rig_connect(&rig);
			for (int turn = 0; turn < 30; turn++)
				rig_turn(&rig);
			for (int id = 1; id < 5 && rig.client.conn; id++)
				rig_ask(&rig, rig.client.last_id + id, 64, 16000);
			for (int turn = 0; turn < 30; turn++)
				rig_turn(&rig);
			if (rig.client.conn)
				conn_finish(rig.client.conn);
		}
		for (int turn = 0; turn < 3000 && rig.client.loop.conn_count; turn++)
			rig_turn(&rig);
		CHECK_INT(rig.client.loop.conn_count, 0);
		if (rig.client.loop.conn_count)
			printf("\n    seed %d", (int)seed);
		rig_close(&rig);
	}
}

static CU_TestInfo tests[] = {
	{ "what is no TLS is told so", test_what_is_no_tls_is_told_so },
	{ "garbage ends with a sentence", test_garbage_ends_with_a_sentence },
	{ "TLS to a plain port ends on both sides", test_tls_to_a_plain_port_ends_on_both_sides },
	{ "a server that speaks plainly is told from one that refuses",
	  test_a_server_that_speaks_plainly_is_told_from_one_that_refuses },
	{ "a handshake that is cut ends", test_a_handshake_that_is_cut_ends },
	{ "a silent peer holds little, and not for long",
	  test_a_silent_peer_holds_little_and_not_for_long },
	{ "a client does not wait for ever for a silent server",
	  test_a_client_does_not_wait_for_ever_for_a_silent_server },
	{ "handshakes that do not go on are limited",
	  test_handshakes_that_do_not_go_on_are_limited },
	{ "a stream without close_notify is cut", test_a_stream_without_close_notify_is_cut },
	{ "a peer that has said goodbye is answered",
	  test_a_peer_that_has_said_goodbye_is_answered },
	{ "who has gone after a goodbye is not lost",
	  test_who_has_gone_after_a_goodbye_is_not_lost },
	{ "a message cut by close_notify is cut", test_a_message_cut_by_close_notify_is_cut },
	{ "new keys are taken and given", test_new_keys_are_taken_and_given },
	{ "a peer that only asks for keys is dropped",
	  test_a_peer_that_only_asks_for_keys_is_dropped },
	{ "no byte of a file leaves in clear", test_no_byte_of_a_file_leaves_in_clear },
	{ "changed bytes are noticed", test_changed_bytes_are_noticed },
	{ "a handshake is not done again", test_a_handshake_is_not_done_again },
	{ "resets leave nothing behind", test_resets_leave_nothing_behind },
	CU_TEST_INFO_NULL,
};

int main(int argc, char **argv)
{
	int result = rig_choose(argc, argv);

	if (result)
		return result;
	result = test_main("tls_hostile", tests);
	certificates_remove(&certs);
	return result;
}

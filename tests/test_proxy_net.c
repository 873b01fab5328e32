/*
 * test_proxy_net.c - a real proxy: delay, rate, many connections, start and stop.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <dirent.h>

#include "base/random.h"
#include "tests/proxy_net.h"

static void test_delays_are_at_least_what_was_asked_for(void)
{
	int client, server;
	int64_t start_ns;
	struct setup s;

	start(&s, SOCK_STREAM, ARGS("delay", "40", "delay-back", "25ms"));
	start_ns = clock_now_ns();
	client = connect_client(&s);
	server = accept_server(&s);
	CU_ASSERT(clock_now_ns() - start_ns >= 40 * MS);
	for (int i = 0; i < 3; i++) {
		start_ns = clock_now_ns();
		say(client, "there");
		CU_ASSERT(hears(server, "there"));
		CU_ASSERT(clock_now_ns() - start_ns >= 40 * MS);
		start_ns = clock_now_ns();
		say(server, "back");
		CU_ASSERT(hears(client, "back"));
		CU_ASSERT(clock_now_ns() - start_ns >= 25 * MS);
	}
	CHECK_INT(stats_of(&s).way[PROXY_FORTH].delayed, 3);
	close(client);
	close(server);
	setup_finish(&s);
}

/* One behind the other they would take twenty seconds; the proxy takes them in several pieces. */
static void test_delay_is_pipelined(void)
{
	int64_t start_ns = clock_now_ns();
	int client, server;
	struct setup s;

	start(&s, SOCK_STREAM, ARGS("delay", "1s"));
	client = connect_client(&s);
	for (int i = 0; i < 20; i++) {
		say(client, "request");
		if (i == 9)
			WAIT_UNTIL(stats_of(&s).way[PROXY_FORTH].bytes_in == 70);
	}
	server = accept_server(&s);
	for (int i = 0; i < 20; i++)
		CU_ASSERT(hears(server, "request"));
	CU_ASSERT(clock_now_ns() - start_ns >= SEC);
	CU_ASSERT(clock_now_ns() - start_ns < 15 * SEC);
	CU_ASSERT(stats_of(&s).way[PROXY_FORTH].pieces > 1);
	close(client);
	close(server);
	setup_finish(&s);
}

static void test_a_rate_is_not_exceeded(void)
{
	static uint8_t block[200000];
	int client, server;
	size_t total = 0;
	int64_t start_ns;
	struct setup s;
	int n;

	start(&s, SOCK_STREAM, ARGS("rate", "1MB/s", "burst", "10kB"));
	connect_both(&s, &client, &server);
	start_ns = clock_now_ns();
	CHECK_INT(send(client, block, sizeof(block), 0), sizeof(block));
	while (total < sizeof(block) && (n = receive(server, block, sizeof(block))) > 0)
		total += (size_t)n;
	CHECK_INT(total, sizeof(block));
	CU_ASSERT(clock_now_ns() - start_ns >= 190 * MS);
	close(client);
	close(server);
	setup_finish(&s);
}

/* Also when nobody has read for longer than a call's patience: it may have taken a part. */
static bool send_whole(int fd, const void *bytes, size_t len)
{
	const uint8_t *at = bytes;

	for (int tries = 0; len && tries < 10; tries++) {
		ssize_t n = send(fd, at, len, MSG_NOSIGNAL);

		if (n < 0 && errno != EAGAIN && errno != EINTR)
			break;
		at += n > 0 ? n : 0;
		len -= n > 0 ? (size_t)n : 0;
	}
	return !len;
}

/* NULL: all of it was sent. */
static void *send_all(void *arg)
{
	int fd = *(int *)arg;
	struct random_key key = random_key(1, 0, 0, 0);

	for (unsigned i = 0; i < 1 << 15; i++) {
		uint64_t words[16];

		for (int k = 0; k < 16; k++)
			words[k] = random_u64(&key, i * 16 + k);
		if (!send_whole(fd, words, sizeof(words)))
			return arg;
	}
	shutdown(fd, SHUT_WR);
	return NULL;
}

/* 4 MiB arrive as they were sent, and then the end. */
static void check_all(int fd)
{
	struct random_key key = random_key(1, 0, 0, 0);
	uint64_t number = 0, wrong = 0;
	static uint8_t buf[1 << 16];
	size_t have = 0, used;
	int n;

	while ((n = receive(fd, buf + have, sizeof(buf) - have)) > 0) {
		have += (size_t)n;
		for (used = 0; have - used >= 8; used += 8) {
			uint64_t word = random_u64(&key, number++);

			wrong += memcmp(buf + used, &word, 8) != 0;
		}
		memmove(buf, buf + used, have -= used);
	}
	CHECK_INT(n, 0);
	CHECK_INT(number, 1 << 19);
	CHECK_INT(wrong, 0);
}

static void test_megabytes_pass_both_ways_unharmed(void)
{
	pthread_t threads[2];
	int client, server;
	struct setup s;
	void *unsent;

	start(&s, SOCK_STREAM,
	      ARGS("delay-both", "1ms", "jitter", "1ms", "frag", "5000", "buffer", "100kB"));
	connect_both(&s, &client, &server);
	pthread_create(&threads[0], NULL, send_all, &client);
	pthread_create(&threads[1], NULL, send_all, &server);
	WAIT_UNTIL(stats_of(&s).way[PROXY_FORTH].pauses > 0); /* nobody reads yet */
	check_all(server);
	check_all(client);
	for (int i = 0; i < 2; i++) {
		pthread_join(threads[i], &unsent);
		CU_ASSERT(unsent == NULL);
	}
	WAIT_UNTIL(stats_of(&s).open == 0);
	CHECK_INT(stats_of(&s).way[PROXY_FORTH].bytes_out, 4 << 20);
	CHECK_INT(stats_of(&s).way[PROXY_BACK].bytes_out, 4 << 20);
	close(client);
	close(server);
	setup_finish(&s);
}

static int count_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int count = 0;

	while (dir && readdir(dir))
		count++;
	closedir(dir);
	return count;
}

#define IN_A_ROW 10000

static void test_ten_thousand_connections_one_after_the_other(void)
{
	struct setup s;
	int before;

	start(&s, SOCK_STREAM, ARGS("max-connections", "100"));
	before = count_descriptors();
	for (int i = 0; i < IN_A_ROW; i++) {
		int client = connect_client(&s), server = accept_server(&s);

		if (i % 100 == 0) {
			say(client, "ping");
			CU_ASSERT(hears(server, "ping"));
		}
		if (i % 2) {
			reset(client); /* leaves no port waiting behind */
			close(server);
		} else {
			close(server);
			close(client);
		}
		if (server < 0)
			break;
		if (i % 50 == 49)
			WAIT_UNTIL(stats_of(&s).open == 0);
	}
	WAIT_UNTIL(stats_of(&s).open == 0);
	CHECK_INT(stats_of(&s).accepted, IN_A_ROW);
	CHECK_INT(stats_of(&s).turned_away, 0);
	CHECK_INT(count_descriptors(), before);
	setup_finish(&s);
}

static void test_many_at_a_time_are_kept_apart(void)
{
	enum { MANY = 100 };
	int clients[MANY], servers[MANY];
	struct setup s;
	char text[16];

	start(&s, SOCK_STREAM, ARGS("delay-both", "2ms", "jitter-both", "3ms"));
	for (int i = 0; i < MANY; i++)
		connect_both(&s, &clients[i], &servers[i]);
	for (int i = 0; i < MANY; i++) {
		snprintf(text, sizeof(text), "<%03d>", i);
		say(clients[i], text);
	}
	for (int i = 0; i < MANY; i++) {
		snprintf(text, sizeof(text), "<%03d>", i);
		CU_ASSERT(hears(servers[i], text));
		say(servers[i], text);
	}
	for (int i = 0; i < MANY; i++) {
		snprintf(text, sizeof(text), "<%03d>", i);
		CU_ASSERT(hears(clients[i], text));
		close(clients[i]);
		close(servers[i]);
	}
	WAIT_UNTIL(stats_of(&s).open == 0);
	setup_finish(&s);
}

static void test_unix_sockets_are_passed_on_too(void)
{
	struct address a;
	char path[64];
	int client, server;
	struct setup s;

	snprintf(path, sizeof(path), "unix:/tmp/ringwalk_proxy_%s_%d", backend->group.name,
		 (int)getpid());
	setup_init(&s, SOCK_STREAM, ARGS("delay", "1"));
	knob_list_cut(&s.opts.bind, 0);
	set(&s, "bind", path);
	setup_start(&s);
	connect_both(&s, &client, &server);
	say(client, "through a file");
	CU_ASSERT(hears(server, "through a file"));
	close(client);
	close(server);
	a = *proxy_address(s.proxy, 0);
	CHECK_INT(a.storage.ss_family, AF_UNIX);
	setup_finish(&s);
	CHECK_INT(access(path + 5, F_OK), -1);
}

static void test_a_taken_port_is_refused(void)
{
	struct err err = { 0 };
	struct setup s, t;
	char text[ADDRESS_TEXT];

	start(&s, SOCK_STREAM, ARGS("delay", "1"));
	setup_init(&t, SOCK_STREAM, ARGS("delay", "1"));
	knob_list_cut(&t.opts.bind, 0);
	set(&t, "bind", address_format(proxy_address(s.proxy, 0), text, sizeof(text)));
	CHECK_INT(proxy_start(&t.proxy, &t.opts, backend, t.backend_opts, &t.hooks, &err),
		  -EADDRINUSE);
	CU_ASSERT(strstr(err.text, text) != NULL);
	close(t.server);
	free(t.backend_opts);
	setup_finish(&s);
}

static void test_registered_files_are_dropped_with_a_sentence(void)
{
	const struct knob *k = knob_find(&backend->group, "registered-files");
	struct setup s;
	int client;
	char byte;

	if (!k) {
		CU_ASSERT(strcmp(backend->group.name, "io_uring") != 0);
		return;
	}
	setup_init(&s, SOCK_STREAM, ARGS("delay", "0"));
	CHECK_INT(knob_parse(k, "yes", s.backend_opts, NULL), 0);
	setup_start(&s);
	client = connect_client(&s);
	CHECK_INT(receive(client, &byte, 1), 0);
	CU_ASSERT(has_said(&s, "registered-files"));
	close(client);
	setup_finish(&s);
}

static void test_stopping_closes_what_is_open(void)
{
	int client, server;
	struct setup s;
	char byte;

	start(&s, SOCK_STREAM, ARGS("delay-both", "5s"));
	client = connect_client(&s);
	say(client, "on its way");
	WAIT_UNTIL(stats_of(&s).way[PROXY_FORTH].bytes_in == 10);
	CHECK_INT(proxy_stop(s.proxy, NULL), 0);
	CHECK_INT(receive(client, &byte, 1), 0);
	server = socket(AF_INET, SOCK_STREAM, 0);
	close(server);
	close(client);
	setup_finish(&s);
}

static CU_TestInfo tests[] = {
	{ "delays are at least what was asked for", test_delays_are_at_least_what_was_asked_for },
	{ "delay is pipelined", test_delay_is_pipelined },
	{ "a rate is not exceeded", test_a_rate_is_not_exceeded },
	{ "megabytes pass both ways unharmed", test_megabytes_pass_both_ways_unharmed },
	{ "ten thousand connections one after the other",
	  test_ten_thousand_connections_one_after_the_other },
	{ "many at a time are kept apart", test_many_at_a_time_are_kept_apart },
	{ "unix sockets are passed on too", test_unix_sockets_are_passed_on_too },
	{ "a taken port is refused", test_a_taken_port_is_refused },
	{ "registered files are dropped with a sentence",
	  test_registered_files_are_dropped_with_a_sentence },
	{ "stopping closes what is open", test_stopping_closes_what_is_open },
	CU_TEST_INFO_NULL,
};

int main(int argc, char **argv)
{
	return proxy_net_main(argc, argv, tests);
}

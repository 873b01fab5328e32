/*
 * test_proxy_net.c - a real proxy over loopback, on the backend that the argument names.
 *
 * Client and server are plain blocking sockets of the test. Times are checked from below only: the
 * machine may be slow, a delay may not be short. Exact times are in test_proxy.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/random.h"
#include "proxy/proxy.h"
#include "proxy/route.h"
#include "tests/test.h"

#define PATIENCE_S 5

static const struct backend_ops *backend;

struct setup {
	struct proxy_opts opts;
	struct hooks hooks;
	void *backend_opts;
	struct proxy *proxy;
	int server; /* listening, or of UDP bound; -1: nobody is there */
	pthread_mutex_t lock;
	unsigned said;
	char sentence[512]; /* the last */
};

static void keep_sentence(void *context, const char *sentence)
{
	struct setup *s = context;

	pthread_mutex_lock(&s->lock);
	s->said++;
	snprintf(s->sentence, sizeof(s->sentence), "%s", sentence);
	pthread_mutex_unlock(&s->lock);
}

static bool has_said(struct setup *s, const char *part)
{
	bool found;

	pthread_mutex_lock(&s->lock);
	found = strstr(s->sentence, part) != NULL;
	pthread_mutex_unlock(&s->lock);
	return found;
}

static int with_patience(int fd)
{
	const struct timeval patience = { .tv_sec = PATIENCE_S };

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	return fd;
}

/* Bound to a port of 127.0.0.1 that the kernel chose. */
static int bound_socket(int type, struct address *ret)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	int fd = with_patience(socket(AF_INET, type | SOCK_CLOEXEC, 0));

	*ret = (struct address){ .len = sizeof(ret->storage) };
	CU_ASSERT_FATAL(!bind(fd, (struct sockaddr *)&in, sizeof(in)));
	CU_ASSERT_FATAL(!getsockname(fd, (struct sockaddr *)&ret->storage, &ret->len));
	return fd;
}

static void set(struct setup *s, const char *name, const char *text)
{
	struct err err = { 0 };

	if (knob_parse(knob_find(&proxy_knobs, name), text, &s->opts, &err) < 0)
		printf("\n    --%s: %s", name, err.text);
	CHECK_INT(err.code, 0);
}

/* A server of its own at --to, and options as pairs of name and text. */
static void setup_init(struct setup *s, int type, const char *const *args)
{
	struct address to;
	char text[ADDRESS_TEXT];

	memset(s, 0, sizeof(*s));
	pthread_mutex_init(&s->lock, NULL);
	s->hooks = (struct hooks){ .context = s, .say = keep_sentence };
	s->backend_opts = calloc(1, backend->group.opts_size + 1);
	knob_defaults(&backend->group, s->backend_opts);
	knob_defaults(&proxy_knobs, &s->opts);
	s->opts.seed = 20261122;
	s->server = bound_socket(type, &to);
	if (type == SOCK_STREAM)
		CHECK_INT(listen(s->server, 64), 0);
	snprintf(s->opts.to, sizeof(s->opts.to), "%s%s", type == SOCK_DGRAM ? "udp://" : "",
		 address_format(&to, text, sizeof(text)));
	set(s, "bind", type == SOCK_DGRAM ? "udp://127.0.0.1:0" : "127.0.0.1:0");
	for (; *args; args += 2)
		set(s, args[0], args[1]);
}

static void setup_start(struct setup *s)
{
	struct err err = { 0 };

	if (proxy_start(&s->proxy, &s->opts, backend, s->backend_opts, &s->hooks, &err) < 0)
		printf("\n    %s", err.text);
	CU_ASSERT_FATAL(err.code == 0);
}

#define ARGS(...) ((const char *const[]){ __VA_ARGS__, NULL, NULL })

static void start(struct setup *s, int type, const char *const *args)
{
	setup_init(s, type, args);
	setup_start(s);
}

static void setup_finish(struct setup *s)
{
	struct err err = { 0 };

	CHECK_INT(proxy_stop(s->proxy, &err), 0);
	proxy_destroy(s->proxy);
	if (s->server >= 0)
		close(s->server);
	free(s->backend_opts);
}

static struct proxy_stats stats_of(struct setup *s)
{
	struct proxy_stats stats;

	proxy_stats(s->proxy, &stats);
	return stats;
}

/* What other threads see comes after a turn: looks until it is so. */
#define WAIT_UNTIL(condition)                                        \
	do {                                                         \
		int64_t end_ns_ = clock_now_ns() + PATIENCE_S * SEC; \
		while (!(condition) && clock_now_ns() < end_ns_)     \
			usleep(500);                                 \
		CU_ASSERT(condition);                                \
	} while (0)

static int connect_client(struct setup *s)
{
	const struct address *a = proxy_address(s->proxy, 0);
	bool is_udp = a->transport == TRANSPORT_UDP;
	int fd = with_patience(socket(a->storage.ss_family,
				      (is_udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0));

	CU_ASSERT_FATAL(!connect(fd, (const struct sockaddr *)&a->storage, a->len));
	return fd;
}

/* With a timeout, signal(7), a call that io_uring disturbs is not begun again by the kernel. */
static int accept_server(struct setup *s)
{
	int fd;

	do
		fd = accept4(s->server, NULL, NULL, SOCK_CLOEXEC);
	while (fd < 0 && errno == EINTR);
	return with_patience(fd);
}

static void connect_both(struct setup *s, int *client, int *server)
{
	*client = connect_client(s);
	*server = accept_server(s);
	CU_ASSERT_FATAL(*server >= 0);
}

/* Bytes, 0 at the end, -errno. */
static int receive(int fd, void *buf, size_t size)
{
	ssize_t n;

	do
		n = recv(fd, buf, size, 0);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : (int)n;
}

static void say(int fd, const char *text)
{
	CHECK_INT(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

static bool hears(int fd, const char *text)
{
	char buf[64] = "";
	size_t len = 0;
	int n = 1;

	while (len < strlen(text) && (n = receive(fd, buf + len, strlen(text) - len)) > 0)
		len += (size_t)n;
	return !strcmp(buf, text);
}

static void reset(int fd)
{
	const struct linger linger = { .l_onoff = 1 };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	close(fd);
}

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

/* One behind the other they would take six seconds. */
static void test_delay_is_pipelined(void)
{
	int64_t start_ns = clock_now_ns();
	int client, server;
	struct setup s;

	start(&s, SOCK_STREAM, ARGS("delay", "300"));
	client = connect_client(&s);
	for (int i = 0; i < 20; i++) {
		say(client, "request");
		usleep(1000);
	}
	server = accept_server(&s);
	for (int i = 0; i < 20; i++)
		CU_ASSERT(hears(server, "request"));
	CU_ASSERT(clock_now_ns() - start_ns >= 300 * MS);
	CU_ASSERT(clock_now_ns() - start_ns < 3 * SEC);
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

static void *send_all(void *arg)
{
	int fd = *(int *)arg;
	struct random_key key = random_key(1, 0, 0, 0);

	for (unsigned i = 0; i < 1 << 15; i++) {
		uint64_t words[16];

		for (int k = 0; k < 16; k++)
			words[k] = random_u64(&key, i * 16 + k);
		if (send(fd, words, sizeof(words), MSG_NOSIGNAL) != sizeof(words))
			break;
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

	start(&s, SOCK_STREAM,
	      ARGS("delay-both", "1ms", "jitter", "1ms", "frag", "5000", "buffer", "100kB"));
	connect_both(&s, &client, &server);
	pthread_create(&threads[0], NULL, send_all, &client);
	pthread_create(&threads[1], NULL, send_all, &server);
	usleep(20000); /* until somebody has to wait */
	check_all(server);
	check_all(client);
	pthread_join(threads[0], NULL);
	pthread_join(threads[1], NULL);
	WAIT_UNTIL(stats_of(&s).open == 0);
	CHECK_INT(stats_of(&s).way[PROXY_FORTH].bytes_out, 4 << 20);
	CHECK_INT(stats_of(&s).way[PROXY_BACK].bytes_out, 4 << 20);
	CU_ASSERT(stats_of(&s).way[PROXY_FORTH].pauses > 0);
	close(client);
	close(server);
	setup_finish(&s);
}

static void test_a_half_close_passes_and_the_answer_comes(void)
{
	int client, server;
	struct setup s;
	char byte;

	start(&s, SOCK_STREAM, ARGS("delay", "5"));
	connect_both(&s, &client, &server);
	say(client, "question");
	shutdown(client, SHUT_WR);
	CU_ASSERT(hears(server, "question"));
	CHECK_INT(receive(server, &byte, 1), 0);
	say(server, "answer");
	close(server);
	CU_ASSERT(hears(client, "answer"));
	CHECK_INT(receive(client, &byte, 1), 0);
	close(client);
	WAIT_UNTIL(stats_of(&s).open == 0);
	CHECK_INT(stats_of(&s).resets, 0);
	setup_finish(&s);
}

static void test_a_reset_is_seen_as_a_reset_on_the_other_side(void)
{
	for (int back = 0; back < 2; back++) {
		struct setup s;
		int fds[2];
		char byte;

		start(&s, SOCK_STREAM, ARGS("delay-both", "5"));
		connect_both(&s, &fds[0], &fds[1]);
		reset(fds[back]);
		CHECK_INT(receive(fds[!back], &byte, 1), -ECONNRESET);
		close(fds[!back]);
		WAIT_UNTIL(stats_of(&s).open == 0);
		CHECK_INT(stats_of(&s).resets, 1);
		setup_finish(&s);
	}
}

static void test_an_injected_reset_hits_both_sides(void)
{
	int client, server;
	struct setup s;
	char byte;

	start(&s, SOCK_STREAM, ARGS("fault", "reset,after=8B"));
	connect_both(&s, &client, &server);
	say(client, "12345678");
	CU_ASSERT(hears(server, "12345678"));
	CHECK_INT(receive(client, &byte, 1), -ECONNRESET);
	CHECK_INT(receive(server, &byte, 1), -ECONNRESET);
	CHECK_INT(stats_of(&s).faults[FAULT_RESET], 1);
	close(client);
	close(server);
	setup_finish(&s);
}

static void test_refusal_resets_and_silence_is_silent(void)
{
	const struct timeval brief = { .tv_usec = 100000 };
	struct setup s;
	int client;
	char byte;

	start(&s, SOCK_STREAM, ARGS("fault", "refuse"));
	client = connect_client(&s);
	CHECK_INT(receive(client, &byte, 1), -ECONNRESET);
	close(client);
	setup_finish(&s);

	start(&s, SOCK_STREAM, ARGS("fault", "silence"));
	client = connect_client(&s);
	say(client, "anybody?");
	setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &brief, sizeof(brief));
	CHECK_INT(receive(client, &byte, 1), -EAGAIN);
	setsockopt(s.server, SOL_SOCKET, SO_RCVTIMEO, &brief, sizeof(brief));
	CHECK_INT(accept(s.server, NULL, NULL), -1);
	CHECK_INT(stats_of(&s).open, 1);
	close(client);
	WAIT_UNTIL(stats_of(&s).open == 0);
	setup_finish(&s);
}

static void test_a_black_hole_keeps_open_and_lets_go_when_it_is_over(void)
{
	int client, server;
	int64_t start_ns;
	struct setup s;

	start_ns = clock_now_ns();
	start(&s, SOCK_STREAM, ARGS("fault", "black-hole,to=300ms"));
	connect_both(&s, &client, &server);
	say(client, "patience");
	CU_ASSERT(hears(server, "patience"));
	CU_ASSERT(clock_now_ns() - start_ns >= 300 * MS);
	close(client);
	close(server);
	setup_finish(&s);
}

static void test_a_server_that_is_not_there_resets_the_client(void)
{
	struct setup s;
	int client;
	char byte;

	setup_init(&s, SOCK_STREAM, ARGS("delay", "1"));
	close(s.server);
	s.server = -1;
	setup_start(&s);
	client = connect_client(&s);
	CHECK_INT(receive(client, &byte, 1), -ECONNRESET);
	CU_ASSERT(has_said(&s, "Connection refused: the client is reset"));
	CHECK_INT(stats_of(&s).refused, 1);
	close(client);
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
	s.opts.bind.count = 0;
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
	t.opts.bind.count = 0;
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

	if (!k)
		return;
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

/* Sends count datagrams and says how many arrive. */
static int pass_datagrams(struct setup *s, int client, int count)
{
	const struct timeval brief = { .tv_usec = 200000 };
	char text[16];
	int came = 0;

	for (int i = 0; i < count; i++) {
		snprintf(text, sizeof(text), "%d", i);
		say(client, text);
		if (i % 10 == 9)
			WAIT_UNTIL(stats_of(s).way[PROXY_FORTH].pieces == (uint64_t)i + 1);
	}
	setsockopt(s->server, SOL_SOCKET, SO_RCVTIMEO, &brief, sizeof(brief));
	while (receive(s->server, text, sizeof(text)) > 0)
		came++;
	return came;
}

static void test_lost_and_doubled_datagrams_are_counted(void)
{
	struct setup s;
	int client;

	start(&s, SOCK_DGRAM, ARGS("fault", "loss,prob=20%"));
	client = connect_client(&s);
	CHECK_INT(pass_datagrams(&s, client, 200), 200 - stats_of(&s).faults[FAULT_LOSS]);
	CU_ASSERT(stats_of(&s).faults[FAULT_LOSS] > 10);
	close(client);
	setup_finish(&s);

	start(&s, SOCK_DGRAM, ARGS("fault", "duplicate,prob=20%"));
	client = connect_client(&s);
	CHECK_INT(pass_datagrams(&s, client, 200), 200 + stats_of(&s).faults[FAULT_DUPLICATE]);
	CU_ASSERT(stats_of(&s).faults[FAULT_DUPLICATE] > 10);
	close(client);
	setup_finish(&s);
}

static void test_datagrams_are_delayed_and_answered(void)
{
	struct sockaddr_storage from[2];
	int64_t start_ns = clock_now_ns();
	struct setup s;
	int clients[2];
	char text[16];

	start(&s, SOCK_DGRAM, ARGS("delay", "20", "delay-back", "10"));
	for (int i = 0; i < 2; i++) {
		socklen_t len = sizeof(from[i]);

		clients[i] = connect_client(&s);
		say(clients[i], i ? "two" : "one");
		CHECK_INT(recvfrom(s.server, text, sizeof(text), 0, (struct sockaddr *)&from[i],
				   &len),
			  3);
		CHECK_INT(memcmp(text, i ? "two" : "one", 3), 0);
	}
	for (int i = 1; i >= 0; i--)
		CHECK_INT(sendto(s.server, i ? "TWO" : "ONE", 3, 0, (struct sockaddr *)&from[i],
				 sizeof(struct sockaddr_in)),
			  3);
	CU_ASSERT(hears(clients[0], "ONE"));
	CU_ASSERT(hears(clients[1], "TWO"));
	CU_ASSERT(clock_now_ns() - start_ns >= 50 * MS);
	CHECK_INT(stats_of(&s).open, 2);
	close(clients[0]);
	close(clients[1]);
	setup_finish(&s);
}

static void test_a_udp_server_that_is_not_there_is_said_and_survived(void)
{
	struct setup s;
	int client;

	setup_init(&s, SOCK_DGRAM, ARGS("delay", "0"));
	close(s.server);
	s.server = -1;
	setup_start(&s);
	client = connect_client(&s);
	say(client, "one");
	WAIT_UNTIL(stats_of(&s).refused >= 1);
	say(client, "two");
	WAIT_UNTIL(stats_of(&s).refused >= 2);
	CU_ASSERT(has_said(&s, "Connection refused: datagram lost"));
	CHECK_INT(stats_of(&s).open, 1);
	close(client);
	setup_finish(&s);
}

static CU_TestInfo tests[] = {
	{ "delays are at least what was asked for", test_delays_are_at_least_what_was_asked_for },
	{ "delay is pipelined", test_delay_is_pipelined },
	{ "a rate is not exceeded", test_a_rate_is_not_exceeded },
	{ "megabytes pass both ways unharmed", test_megabytes_pass_both_ways_unharmed },
	{ "a half close passes and the answer comes",
	  test_a_half_close_passes_and_the_answer_comes },
	{ "a reset is seen as a reset on the other side",
	  test_a_reset_is_seen_as_a_reset_on_the_other_side },
	{ "an injected reset hits both sides", test_an_injected_reset_hits_both_sides },
	{ "refusal resets and silence is silent", test_refusal_resets_and_silence_is_silent },
	{ "a black hole keeps open and lets go when it is over",
	  test_a_black_hole_keeps_open_and_lets_go_when_it_is_over },
	{ "a server that is not there resets the client",
	  test_a_server_that_is_not_there_resets_the_client },
	{ "ten thousand connections one after the other",
	  test_ten_thousand_connections_one_after_the_other },
	{ "many at a time are kept apart", test_many_at_a_time_are_kept_apart },
	{ "unix sockets are passed on too", test_unix_sockets_are_passed_on_too },
	{ "a taken port is refused", test_a_taken_port_is_refused },
	{ "registered files are dropped with a sentence",
	  test_registered_files_are_dropped_with_a_sentence },
	{ "stopping closes what is open", test_stopping_closes_what_is_open },
	{ "lost and doubled datagrams are counted", test_lost_and_doubled_datagrams_are_counted },
	{ "datagrams are delayed and answered", test_datagrams_are_delayed_and_answered },
	{ "a udp server that is not there is said and survived",
	  test_a_udp_server_that_is_not_there_is_said_and_survived },
	CU_TEST_INFO_NULL,
};

int main(int argc, char **argv)
{
	struct err err = { 0 };

	backend = backend_find(argc > 1 ? argv[1] : "epoll", &err);
	if (!backend || backend->probe(&err))
		return test_skip(err.text);
	return test_main("proxy_net", tests);
}

/*
 * test_node_start.c - how a node starts, refuses to, stops, and what it does at its limits, on the
 * backend that the argument names.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/select.h>

#include "tests/node_fixture.h"

static const struct backend_ops *backend;

static void test_port_zero_tells_the_port(void)
{
	struct setup s;
	char text[ADDRESS_TEXT];

	start_plain(&s, backend);
	CHECK_INT(node_address_count(s.node), 1);
	address_format(node_address(s.node, 0), text, sizeof(text));
	CU_ASSERT(!strncmp(text, "127.0.0.1:", 10) && strcmp(text, "127.0.0.1:0"));
	setup_finish(&s);
}

static void test_a_node_starts_again_where_it_was(void)
{
	struct setup s;
	char text[ADDRESS_TEXT] = "127.0.0.1:0";

	for (int i = 0; i < 5; i++) {
		int fd;

		setup_init(&s, backend);
		s.opts.threads = 1 + i % 2;
		setup_bind(&s, text);
		CU_ASSERT_FATAL(setup_start(&s) == 0);
		address_format(node_address(s.node, 0), text, sizeof(text));
		fd = connect_to_node(&s);
		CU_ASSERT(is_answered(fd, i));
		close(fd);
		setup_finish(&s);
	}
}

static void check_refused(struct setup *s, int code, const char *part)
{
	struct err err = { 0 };

	CHECK_INT(node_start(&s->node, &s->opts, s->backend, s->backend_opts, &s->hooks, &err),
		  code);
	if (!strstr(err.text, part))
		printf("\n    \"%s\" lacks \"%s\"", err.text, part);
	CU_ASSERT(strstr(err.text, part) != NULL);
	CU_ASSERT(s->node == NULL);
	free(s->backend_opts);
}

static void test_a_taken_port_is_refused_in_every_mode(void)
{
	struct setup first, second;
	char text[ADDRESS_TEXT];

	setup_init(&first, backend);
	first.opts.threads = 2;
	CU_ASSERT_FATAL(setup_start(&first) == 0);
	address_format(node_address(first.node, 0), text, sizeof(text));
	for (int mode = ACCEPT_CHILD; mode <= ACCEPT_PARENT; mode++) {
		setup_init(&second, backend);
		second.opts.threads = 2;
		second.opts.accept_mode = mode;
		setup_bind(&second, text);
		check_refused(&second, -EADDRINUSE, text);
	}
	setup_finish(&first);
}

static void test_the_world_is_let_in_only_when_asked(void)
{
	struct setup s;

	setup_init(&s, backend);
	setup_bind(&s, "0.0.0.0:0");
	check_refused(&s, -EINVAL, "--insecure");
	setup_init(&s, backend);
	s.opts.insecure = true;
	setup_bind(&s, "0.0.0.0:0");
	CU_ASSERT(setup_start(&s) == 0);
	setup_finish(&s);
}

static void test_a_live_unix_socket_is_left_alone(void)
{
	struct setup first, second;
	char name[64];
	int fd;

	unix_name(backend, name, sizeof(name));
	setup_init(&first, backend);
	setup_bind(&first, name);
	CU_ASSERT_FATAL(setup_start(&first) == 0);
	setup_init(&second, backend);
	setup_bind(&second, name);
	check_refused(&second, -EADDRINUSE, name);
	fd = connect_to_node(&first);
	CU_ASSERT(is_answered(fd, 1));
	close(fd);
	setup_finish(&first);
}

static int fail_to_start(void *context, enum thread_role role, unsigned index, struct err *err)
{
	unsigned *calls = context;

	__atomic_fetch_add(calls, 1, __ATOMIC_RELAXED);
	if (role == THREAD_WORKER && index == 1)
		return err_set(err, -EPERM, "worker 1 may not");
	return 0;
}

static void test_a_thread_that_cannot_start_ends_it_all(void)
{
	for (int wait = ACCEPT_EVENT; wait <= ACCEPT_BLOCKING; wait++) {
		unsigned calls = 0;
		struct setup s;

		setup_init(&s, backend);
		setup_bind(&s, "127.0.0.1:0");
		s.hooks = (struct hooks){ .context = &calls, .thread_started = fail_to_start };
		s.opts.threads = 3;
		s.opts.accept_wait = wait;
		check_refused(&s, -EPERM, "worker 1 may not");
		CHECK_INT(calls, wait == ACCEPT_EVENT ? 3 : 6);
	}
}

static int refuse_socket(void *context, enum socket_kind kind, int fd, struct err *err)
{
	CU_ASSERT(fcntl(fd, F_GETFD) >= 0);
	return err_set(err, -EPERM, "not this socket");
}

static void test_a_socket_that_is_refused_ends_it_all(void)
{
	struct setup s;
	char name[64];

	unix_name(backend, name, sizeof(name));
	setup_init(&s, backend);
	setup_bind(&s, name);
	s.hooks = (struct hooks){ .socket_opened = refuse_socket };
	check_refused(&s, -EPERM, "not this socket");
	CHECK_INT(access(name + strlen("unix:"), F_OK), -1);
}

static void test_stopping_lets_requests_in_progress_end(void)
{
	struct address address;
	struct wire_head head;
	struct wire_hop hop;
	struct setup s;
	int64_t start_ns;
	int fd, idle;

	setup_init(&s, backend);
	s.opts.threads = 2;
	s.opts.drain_ns = 20 * SEC;
	CU_ASSERT_FATAL(setup_start(&s) == 0);
	address = *node_address(s.node, 0);
	fd = connect_to_node(&s);
	idle = connect_to_node(&s);
	CU_ASSERT(is_answered(idle, 1));
	CHECK_INT(send_request(fd, 7, nap_100ms, 2), 0);
	WAIT_UNTIL(stats_of(&s).operations[WIRE_SLEEP] == 1);
	start_ns = clock_now_ns();
	CHECK_INT(node_stop(s.node, NULL), 0);
	CU_ASSERT(clock_now_ns() - start_ns < 18 * SEC);
	CHECK_INT(read_reply(fd, &head, &hop), 0);
	CHECK_INT(head.id, 7);
	CU_ASSERT(is_at_end(fd));
	CU_ASSERT(is_at_end(idle));
	CHECK_INT(connect_to(&address), -ECONNREFUSED);
	CHECK_INT(stats_of(&s).requests, 2);
	CHECK_INT(stats_of(&s).connections, 0);
	CHECK_INT(stats_of(&s).loop.closed, 2);
	close(fd);
	close(idle);
	setup_finish(&s);
}

static void test_stopping_does_not_wait_longer_than_the_drain(void)
{
	static const struct wire_operation ops[] = { { WIRE_SLEEP, 0, 8 * SEC },
						     { WIRE_SEND_REPLY, 0, 64 } };
	struct setup s;
	int64_t start_ns;
	int fd;

	setup_init(&s, backend);
	s.opts.drain_ns = 20 * MS;
	CU_ASSERT_FATAL(setup_start(&s) == 0);
	fd = connect_to_node(&s);
	CHECK_INT(send_request(fd, 7, ops, 2), 0);
	WAIT_UNTIL(stats_of(&s).operations[WIRE_SLEEP] == 1);
	start_ns = clock_now_ns();
	CHECK_INT(node_stop(s.node, NULL), 0);
	CU_ASSERT(clock_now_ns() - start_ns < 7 * SEC);
	CU_ASSERT(is_at_end(fd));
	close(fd);
	setup_finish(&s);
}

static void test_connections_above_the_limit_are_closed_at_once(void)
{
	struct setup s;
	int fds[3];

	setup_init(&s, backend);
	s.opts.connections = 2;
	s.opts.threads = 2;
	CU_ASSERT_FATAL(setup_start(&s) == 0);
	for (int i = 0; i < 2; i++) {
		fds[i] = connect_to_node(&s);
		CU_ASSERT(is_answered(fds[i], i));
	}
	fds[2] = connect_to_node(&s);
	CU_ASSERT(is_at_end(fds[2]));
	CHECK_INT(count_said(&s, "--max-connections"), 1);
	WAIT_UNTIL(stats_of(&s).loop.refused == 1);
	close(fds[0]);
	WAIT_UNTIL(stats_of(&s).connections == 1);
	close(fds[2]);
	fds[2] = connect_to_node(&s);
	CU_ASSERT(is_answered(fds[2], 1));
	close(fds[1]);
	close(fds[2]);
	setup_finish(&s);
}

#define DESCRIPTORS 128

/* Takes all descriptors that are left, at most max; returns how many. */
static int take_descriptors(int *fds, int max)
{
	int count = 0, fd;

	while (count < max && (fd = dup(STDOUT_FILENO)) >= 0)
		fds[count++] = fd;
	return count;
}

static void lack_descriptors(struct setup *s)
{
	const struct address *a;
	int fds[DESCRIPTORS], count, client, late;

	CU_ASSERT_FATAL(setup_start(s) == 0);
	a = node_address(s->node, 0);
	client = connect_to_node(s);
	CU_ASSERT(is_answered(client, 1));
	late = socket(AF_INET, SOCK_STREAM, 0);
	count = take_descriptors(fds, DESCRIPTORS);
	CHECK_INT(connect(late, (const struct sockaddr *)&a->storage, a->len), 0);
	WAIT_UNTIL(stats_of(s).accept_errors >= 2);
	CU_ASSERT(is_answered(client, 2));
	CHECK_INT(count_said(s, "Too many open files"), 1);
	while (count)
		close(fds[--count]);
	CU_ASSERT(is_answered(late, 3));
	CHECK_INT(count_said(s, ""), 1);
	close(client);
	close(late);
	setup_finish(s);
}

static void test_without_descriptors_clients_wait_until_there_are_some(void)
{
	struct rlimit was, limit;

	getrlimit(RLIMIT_NOFILE, &was);
	limit = (struct rlimit){ DESCRIPTORS, was.rlim_max };
	setrlimit(RLIMIT_NOFILE, &limit);
	for (int wait = ACCEPT_EVENT; wait <= ACCEPT_BLOCKING; wait++) {
		struct setup s;

		setup_init(&s, backend);
		s.opts.accept_wait = wait;
		lack_descriptors(&s);
	}
	setrlimit(RLIMIT_NOFILE, &was);
}

static void test_select_says_which_descriptor_it_cannot_watch(void)
{
	struct rlimit was, limit = { 2048, 2048 };
	int fds[FD_SETSIZE], count, fd;
	struct setup s;

	if (strcmp(backend->group.name, "select")) {
		test_does_not_apply("%s watches any", backend->group.name);
		return;
	}
	getrlimit(RLIMIT_NOFILE, &was);
	limit.rlim_max = was.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit)) {
		test_not_possible("needs 2048 descriptors");
		return;
	}
	start_plain(&s, backend);
	count = take_descriptors(fds, FD_SETSIZE);
	fd = connect_to_node(&s);
	CU_ASSERT(is_at_end(fd));
	CHECK_INT(count_said(&s, "select cannot watch descriptor 1"), 1);
	WAIT_UNTIL(stats_of(&s).connections == 0);
	while (count)
		close(fds[--count]);
	close(fd);
	fd = connect_to_node(&s);
	CU_ASSERT(is_answered(fd, 1));
	close(fd);
	setup_finish(&s);
	setrlimit(RLIMIT_NOFILE, &was);
}

/* Works with one worker; with several, parent mode could only give away what means nothing. */
static void test_registered_files_are_not_handed_out(void)
{
	const struct knob *k = knob_find(&backend->group, "registered-files");

	if (!k) {
		CU_ASSERT(strcmp(backend->group.name, "io_uring") != 0);
		return;
	}
	for (int threads = 1; threads <= 2; threads++) {
		struct setup s;
		int fd;

		setup_init(&s, backend);
		CHECK_INT(knob_parse(k, "yes", s.backend_opts, NULL), 0);
		s.opts.accept_mode = ACCEPT_PARENT;
		s.opts.threads = threads;
		CU_ASSERT_FATAL(setup_start(&s) == 0);
		fd = connect_to_node(&s);
		if (threads == 1)
			CU_ASSERT(is_answered(fd, 1));
		if (threads == 2)
			CU_ASSERT(is_at_end(fd));
		CHECK_INT(count_said(&s, "registered-files"), threads == 2);
		close(fd);
		setup_finish(&s);
	}
}

static CU_TestInfo tests[] = {
	{ "port zero tells the port", test_port_zero_tells_the_port },
	{ "a node starts again where it was", test_a_node_starts_again_where_it_was },
	{ "a taken port is refused in every mode", test_a_taken_port_is_refused_in_every_mode },
	{ "the world is let in only when asked", test_the_world_is_let_in_only_when_asked },
	{ "a live unix socket is left alone", test_a_live_unix_socket_is_left_alone },
	{ "a thread that cannot start ends it all", test_a_thread_that_cannot_start_ends_it_all },
	{ "a socket that is refused ends it all", test_a_socket_that_is_refused_ends_it_all },
	{ "stopping lets requests in progress end", test_stopping_lets_requests_in_progress_end },
	{ "stopping does not wait longer than the drain",
	  test_stopping_does_not_wait_longer_than_the_drain },
	{ "connections above the limit are closed at once",
	  test_connections_above_the_limit_are_closed_at_once },
	{ "without descriptors clients wait until there are some",
	  test_without_descriptors_clients_wait_until_there_are_some },
	{ "select says which descriptor it cannot watch",
	  test_select_says_which_descriptor_it_cannot_watch },
	{ "registered files are not handed out", test_registered_files_are_not_handed_out },
	CU_TEST_INFO_NULL,
};

int main(int argc, char **argv)
{
	int status;

	backend = choose_backend(argc, argv, &status);
	if (!backend)
		return status;
	return test_main("node_start", tests);
}

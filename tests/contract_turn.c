/*
 * contract_turn.c - the contract suite: waiting, waking, timers, threads.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/time.h>

#include "base/random.h"
#include "tests/contract.h"

#define SEED 11

static void test_clock_at_open(void)
{
	struct backend *b;
	FIXTURE(f);

	b = f->backend;
	if (f->peer->kernel)
		CU_ASSERT(b->now_ns > 0 && b->now_ns <= clock_now_ns());
	CHECK_INT(b->stats.completions, 0);
}

static void test_no_wait(void)
{
	FIXTURE(f);
	struct probe timer = { 0 };
	int64_t start_ns;

	probe_timer(f, &timer, f->backend->now_ns + 1000 * SEC);
	turn(f, 0);
	start_ns = f->backend->now_ns;
	for (int i = 0; i < 10; i++)
		CHECK_INT(turn(f, 0), 0);
	CU_ASSERT(f->backend->now_ns - start_ns < 5 * SEC);
	CHECK_INT(timer.results, 0);
}

static void test_timeout(void)
{
	FIXTURE(f);
	int64_t start_ns;

	turn(f, 0);
	for (int64_t wait_ns = 100 * US; wait_ns < 20 * MS; wait_ns *= 4) {
		start_ns = f->backend->now_ns;
		CHECK_INT(turn(f, wait_ns), 0);
		CU_ASSERT(f->backend->now_ns - start_ns >= wait_ns);
	}
}

static void test_unread(void)
{
	FIXTURE(f);
	struct probe send = { 0 }, recv = { 0 };
	int fd[2];

	CHECK_INT(f->peer->pair(f, fd), 0);
	probe_recv(f, &recv, fd[0]);
	f->peer->write(f, fd[1], "hello", 5);
	for (int i = 0; i < 3; i++)
		CHECK_INT(f->ops->wait(f->backend, -1), 1);
	probe_send(f, &send, fd[0], "hello", 5);
	CHECK_INT(f->ops->wait(f->backend, -1), 1);
	probe_wait_bytes(&recv, 5);
	probe_wait_end(&send);
}

static void test_wake_before_wait(void)
{
	FIXTURE(f);

	f->ops->wake(f->backend);
	CHECK_INT(turn(f, -1), 0);
}

static void test_wakes_add_up_to_one(void)
{
	FIXTURE(f);
	int64_t start_ns;

	for (int i = 0; i < 3; i++) {
		f->ops->wake(f->backend);
		f->ops->wake(f->backend);
		CHECK_INT(turn(f, -1), 0);
		start_ns = f->backend->now_ns;
		CHECK_INT(turn(f, 2 * MS), 0);
		CU_ASSERT(f->backend->now_ns - start_ns >= 2 * MS);
	}
}

static void *wake_often(void *context)
{
	struct fixture *f = context;

	for (int i = 0; i < 20; i++) {
		nanosleep(&(struct timespec){ .tv_nsec = 100 * US }, NULL);
		f->ops->wake(f->backend);
	}
	return NULL;
}

static void test_wake_from_a_thread(void)
{
	FIXTURE(f);
	pthread_t thread;
	int turns = 0;

	pthread_create(&thread, NULL, wake_often, f);
	CHECK_INT(turn(f, -1), 0);
	pthread_join(thread, NULL);
	while (turns < 20 && turn(f, 0) > 0)
		turns++;
	CHECK_INT(turns, 0);
}

static void test_wake_with_work(void)
{
	FIXTURE(f);
	struct probe recv = { 0 };
	int fd[2];

	CHECK_INT(f->peer->pair(f, fd), 0);
	probe_recv(f, &recv, fd[0]);
	for (int i = 1; i <= 10; i++) {
		f->ops->wake(f->backend);
		f->peer->write(f, fd[1], "hello", 5);
		probe_wait_bytes(&recv, 5 * i);
	}
}

static struct fixture *signalled;
static volatile sig_atomic_t signals;

static void on_alarm(int number)
{
	signals++;
	if (signalled)
		signalled->ops->wake(signalled->backend);
}

static void alarm_every(int64_t interval_ns)
{
	struct timeval every = { .tv_usec = interval_ns / 1000 };
	struct itimerval timer = { every, every };

	sigaction(SIGALRM, &(struct sigaction){ .sa_handler = interval_ns ? on_alarm : SIG_IGN },
		  NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
}

static void test_wake_from_a_signal(void)
{
	FIXTURE(f);

	signalled = f;
	alarm_every(2 * MS);
	CHECK_INT(turn(f, -1), 0);
	alarm_every(0);
	signalled = NULL;
}

static void test_signal_is_no_reason(void)
{
	FIXTURE(f);
	int64_t start_ns, begin_ns;

	turn(f, 0);
	signals = 0;
	begin_ns = f->backend->now_ns;
	alarm_every(1 * MS);
	do {
		start_ns = f->backend->now_ns;
		CHECK_INT(turn(f, 10 * MS), 0);
		CU_ASSERT(f->backend->now_ns - start_ns >= 10 * MS);
	} while (f->peer->kernel && !signals && f->backend->now_ns - begin_ns < PATIENCE_NS);
	alarm_every(0);
	CU_ASSERT(signals > 0 || !f->peer->kernel);
}

static void check_timer(struct probe *p, const struct io_result *r)
{
	int64_t *latest_ns = p->context;

	CHECK_INT(r->res, 0);
	CU_ASSERT(p->now_ns >= p->op.deadline_ns);
	CU_ASSERT(!p->f->peer->kernel || clock_now_ns() >= p->op.deadline_ns);
	CU_ASSERT(p->op.deadline_ns >= *latest_ns);
	*latest_ns = p->op.deadline_ns;
}

static void test_timers(void)
{
	enum { TIMERS = 500 };
	FIXTURE(f);
	struct random_key key = random_key(SEED, 0, 0, 0);
	struct probe *timers AUTO(auto_free) = calloc(TIMERS, sizeof(*timers));
	int64_t latest_ns = 0, start_ns;

	turn(f, 0);
	start_ns = f->backend->now_ns;
	for (int i = 0; i < TIMERS; i++) {
		timers[i] = (struct probe){ .then = check_timer, .context = &latest_ns };
		probe_timer(f, &timers[i], start_ns + random_below(&key, i, 20) * MS);
	}
	for (int i = 0; i < TIMERS; i++)
		probe_wait_end(&timers[i]);
}

static void test_cancelled_timers(void)
{
	enum { TIMERS = 200 };
	FIXTURE(f);
	struct random_key key = random_key(SEED, 1, 0, 0);
	struct probe *timers AUTO(auto_free) = calloc(TIMERS, sizeof(*timers));
	int64_t latest_ns = 0, start_ns;

	turn(f, 0);
	start_ns = f->backend->now_ns;
	for (int i = 0; i < TIMERS; i++) {
		if (i % 3)
			timers[i] = (struct probe){ .then = check_timer, .context = &latest_ns };
		probe_timer(f, &timers[i], start_ns + SEC / 200 + random_below(&key, i, 5 * MS));
	}
	for (int i = 0; i < TIMERS; i += 3)
		probe_cancel(&timers[i]);
	for (int i = 0; i < TIMERS; i++) {
		probe_wait_end(&timers[i]);
		CHECK_INT(timers[i].res, i % 3 ? 0 : -ECANCELED);
	}
	CU_ASSERT(f->backend->now_ns >= latest_ns);
}

static void test_past_timer(void)
{
	FIXTURE(f);
	struct probe timer = { 0 };

	probe_timer(f, &timer, 0);
	CHECK_INT(turn(f, -1), 1);
	CHECK_INT(timer.finals, 1);
	CHECK_INT(timer.res, 0);
}

/* Far more than a loaded machine needs until the kernel's thread (sqpoll) has had its turn. */
#define LATE_MAX 10000000

/* A pacer that is behind submits timers that are due already, over and over. */
static void again(struct probe *p, const struct io_result *r)
{
	if (p->results < LATE_MAX)
		probe_timer(p->f, p, 0);
}

static void test_late_timer(void)
{
	FIXTURE(f);
	struct probe timer = { .then = again }, recv = { 0 };
	int fd[2];

	CHECK_INT(f->peer->pair(f, fd), 0);
	probe_recv(f, &recv, fd[0]);
	settle(f);
	f->peer->write(f, fd[1], "hello", 5);
	probe_timer(f, &timer, 0);
	for (int i = 0; i < LATE_MAX && recv.bytes < 5; i++)
		turn(f, 0);
	CHECK_INT(recv.bytes, 5);
	CU_ASSERT(timer.results < LATE_MAX);
}

/* Datagrams are taken whether anybody reads them or not: a sender never has to wait. */
static void send_again(struct probe *p, const struct io_result *r)
{
	const struct sockaddr_storage *to = p->context;

	if (p->results < 100000)
		probe_send_message(p->f, p, p->op.fd, NULL, 0, to, p->msg.msg_namelen);
}

static void test_busy_sender(void)
{
	FIXTURE(f);
	struct sockaddr_storage to;
	struct probe timer = { 0 }, send = { .then = send_again, .context = &to };
	socklen_t len;
	int fd[2];

	CHECK_INT(f->peer->datagram_pair(f, fd), 0);
	f->peer->address(fd[1], &to, &len);
	probe_send_message(f, &send, fd[0], NULL, 0, &to, len);
	probe_timer(f, &timer, f->backend->now_ns);
	turn(f, 0);
	probe_wait_end(&timer);
	CU_ASSERT(send.results < 100000);
}

/* On a busy machine a wait may take much longer than it was told to. */
static void test_timer_beside_timeout(void)
{
	FIXTURE(f);
	struct probe timer = { 0 };
	int64_t deadline_ns = f->backend->now_ns + 30 * MS;

	probe_timer(f, &timer, deadline_ns);
	turn(f, 1 * MS);
	CHECK_INT(timer.results, f->backend->now_ns >= deadline_ns);
	if (!timer.results)
		CHECK_INT(turn(f, 20 * SEC), 1);
	CHECK_INT(timer.results, 1);
	CU_ASSERT(f->backend->now_ns >= deadline_ns);
	CU_ASSERT(f->backend->now_ns < deadline_ns + 10 * SEC);
}

static void *echo_in_a_thread(void *context)
{
	FIXTURE(f);
	struct probe recv = { 0 }, send = { 0 };
	int fd[2];

	if (f->peer->pair(f, fd) < 0)
		return "no pair";
	probe_recv(f, &recv, fd[0]);
	for (int i = 1; i <= 1000; i++) {
		probe_send(f, &send, fd[0], "hello", 5);
		f->peer->write(f, fd[1], "hello", 5);
		while (recv.bytes < 5 * (uint64_t)i || !send.finals)
			if (turn(f, PATIENCE_NS) == 0)
				return "nothing came";
	}
	return NULL;
}

static void test_two_threads(void)
{
	pthread_t threads[2];
	void *result;

	for (int i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, echo_in_a_thread, NULL);
	for (int i = 0; i < 2; i++) {
		pthread_join(threads[i], &result);
		CHECK_TEXT(result ? result : "well", "well");
	}
}

static void test_stats(void)
{
	FIXTURE(f);
	struct probe recv = { 0 }, send = { 0 };
	struct backend_stats s, was;
	uint64_t batches = 0;
	int fd[2];

	CHECK_INT(f->peer->pair(f, fd), 0);
	probe_recv(f, &recv, fd[0]);
	turn(f, 0);
	was = f->backend->stats;
	for (int i = 1; i <= 10; i++) {
		f->peer->write(f, fd[1], "hello", 5);
		probe_wait_bytes(&recv, 5 * i);
		probe_send(f, &send, fd[0], "hello", 5);
		probe_wait_end(&send);
	}
	turn(f, 0);
	s = f->backend->stats;
	CU_ASSERT(s.completions - was.completions >= 20);
	CU_ASSERT(s.waits > was.waits && s.wakeups > was.wakeups);
	CU_ASSERT(s.waits - was.waits >= s.wakeups - was.wakeups);
	CU_ASSERT(!f->peer->kernel || s.syscalls > was.syscalls);
	for (int i = 0; i < BACKEND_BATCHES; i++)
		batches += s.batch[i] - was.batch[i];
	CU_ASSERT(batches > 0 && batches <= 20);
}

CU_TestInfo turn_tests[] = {
	{ "the clock is set when a backend opens", test_clock_at_open },
	{ "a timeout of zero does not wait", test_no_wait },
	{ "a timeout passes before wait returns without results", test_timeout },
	{ "wait returns at once while something is unread", test_unread },
	{ "a wake before the wait ends it", test_wake_before_wait },
	{ "several wakes end one wait, not the next", test_wakes_add_up_to_one },
	{ "a wake from another thread ends a wait without a timeout", test_wake_from_a_thread },
	{ "wakes and results do not hide each other", test_wake_with_work },
	{ "a wake from a signal handler ends a wait", test_wake_from_a_signal },
	{ "a signal alone does not end a wait", test_signal_is_no_reason },
	{ "timers come in order and never early (seed 11)", test_timers },
	{ "cancelled timers come back so and leave the others alone", test_cancelled_timers },
	{ "a timer in the past comes at once", test_past_timer },
	{ "timers that are always late do not starve a receive", test_late_timer },
	{ "a sender that never stops does not starve a timer", test_busy_sender },
	{ "the earlier of timer and timeout ends a wait", test_timer_beside_timeout },
	{ "two backends work in two threads", test_two_threads },
	{ "what a backend did is counted", test_stats },
	CU_TEST_INFO_NULL,
};

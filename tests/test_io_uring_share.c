/*
 * test_io_uring_share.c - one polling thread for the rings of several threads.
 *
 * Hands are threads that do what the test tells them, one step after the other or all at once, so
 * that rings are opened, used and closed by threads of their own.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <dirent.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>

#include "tests/backend_fixture.h"

#define POLLED "sqpoll=yes defer-taskrun=no coop-taskrun=no "
#define SHARED POLLED "sqpoll-share=yes "
#define HANDS  4
#define ROUNDS 25

struct hand;
typedef void step(struct hand *h);

struct hand {
	pthread_t thread;
	sem_t go, done;
	step *next; /* NULL: ends */
	const char *opts;
	struct backend *b;
	struct verdict_report report;
	struct backend_thread found[8]; /* behind its ring, by kernel_threads() */
	unsigned found_count;
	int failures, answers;
	in_port_t port;
};

static void *follow(void *arg)
{
	struct hand *h = arg;

	while (sem_wait(&h->go) == 0 && h->next) {
		h->next(h);
		sem_post(&h->done);
	}
	return NULL;
}

static void tell(struct hand *h, step *next)
{
	h->next = next;
	sem_post(&h->go);
}

static void do_now(struct hand *h, step *next)
{
	tell(h, next);
	sem_wait(&h->done);
}

static void all_at_once(struct hand *hands, unsigned count, step *next)
{
	for (unsigned i = 0; i < count; i++)
		tell(&hands[i], next);
	for (unsigned i = 0; i < count; i++)
		sem_wait(&hands[i].done);
}

static void start(struct hand *hands, unsigned count, const char *opts)
{
	for (unsigned i = 0; i < count; i++) {
		hands[i] = (struct hand){ .opts = opts };
		sem_init(&hands[i].go, 0, 0);
		sem_init(&hands[i].done, 0, 0);
		if (pthread_create(&hands[i].thread, NULL, follow, &hands[i]))
			abort();
	}
}

static void end(struct hand *hands, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		tell(&hands[i], NULL);
	for (unsigned i = 0; i < count; i++)
		pthread_join(hands[i].thread, NULL);
}

static void ask(struct hand *h)
{
	void *opts AUTO(auto_free) = options(h->opts);

	backend_read_back(h->b, opts, &h->report, NULL);
}

static void look(struct hand *h)
{
	h->found_count = ops->kernel_threads(gettid(), h->found, 8);
}

static void open_ring(struct hand *h)
{
	struct err err = { 0 };

	h->b = NULL;
	if (open_with(&h->b, h->opts, &err)) {
		printf("\n    %s", err.text);
		h->failures++;
		return;
	}
	ask(h);
	look(h);
}

static void close_ring(struct hand *h)
{
	ops->close(h->b);
	h->b = NULL;
}

/*
 * Five bytes from one end of a connection to the other, both through the ring. It is not closed by
 * the ring: a sanitizer of threads would not know that its number is free for another thread.
 */
static void answer(struct hand *h)
{
	struct seen recv = { .op = { .kind = IO_RECV, .done = see } };
	struct seen send = { .op = { .kind = IO_SEND, .buf = "hello", .len = 5, .done = see } };
	int64_t end_ns = clock_now_ns() + 60 * SEC;
	int fd[2];

	if (!h->b)
		return;
	pair(fd);
	recv.op.fd = fd[0];
	send.op.fd = fd[1];
	ops->submit(h->b, &recv.op);
	ops->submit(h->b, &send.op);
	while ((recv.bytes < 5 || !send.results) && clock_now_ns() < end_ns)
		turn(h->b, SEC);
	close(fd[1]);
	while (recv.res && clock_now_ns() < end_ns)
		turn(h->b, SEC);
	h->answers += recv.bytes == 5 && send.res == 5 && !recv.res;
	close(fd[0]);
}

static void sync_file(struct hand *h)
{
	struct seen sync = { .op = { .kind = IO_SYNC, .done = see } };
	char path[] = "/tmp/share-XXXXXX";

	sync.op.fd = mkstemp(path);
	ops->submit(h->b, &sync.op);
	while (!sync.results && turn(h->b, SEC) >= 0)
		;
	h->answers += sync.results && !sync.res;
	look(h);
	unlink(path);
	close(sync.op.fd);
}

/* "SqThread: TID" of a descriptor that is a ring, once the kernel tells; 0: it is none. */
static int polling_of(const char *fd)
{
	char path[300], text[64] = "", line[128];
	int tid = -1;

	snprintf(path, sizeof(path), "/proc/self/fd/%s", fd);
	if (readlink(path, text, sizeof(text) - 1) < 0 || strcmp(text, "anon_inode:[io_uring]"))
		return 0;
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%s", fd);
	for (int i = 0; i < 10000 && tid <= 0; i++) {
		FILE *file AUTO(auto_fclose) = fopen(path, "re");

		while (file && tid <= 0 && fgets(line, sizeof(line), file))
			sscanf(line, "SqThread: %d", &tid);
		if (tid <= 0)
			usleep(1000);
	}
	return tid;
}

static bool has(const int *tids, unsigned count, int tid)
{
	while (count && tids[count - 1] != tid)
		count--;
	return count;
}

/* How many polling threads the rings of this process have, by the kernel's word. */
static unsigned count_polling(unsigned *ret_rings)
{
	DIR *folder = opendir("/proc/self/fd");
	struct dirent *entry;
	unsigned count = 0;
	int tids[64], tid;

	*ret_rings = 0;
	while (folder && (entry = readdir(folder))) {
		tid = polling_of(entry->d_name);
		*ret_rings += tid != 0;
		if (tid && count < 64 && !has(tids, count, tid))
			tids[count++] = tid;
	}
	closedir(folder);
	return count;
}

static void test_one_for_all(void)
{
	struct hand hands[HANDS];
	unsigned rings;

	start(hands, HANDS, SHARED);
	all_at_once(hands, HANDS, open_ring);
	CHECK_INT(count_polling(&rings), 1);
	CHECK_INT(rings, HANDS);
	all_at_once(hands, HANDS, answer);
	for (int i = 0; i < HANDS; i++) {
		CHECK_INT(hands[i].answers, 1);
		CHECK_INT(hands[i].report.verdict, VERDICT_OK);
		CHECK_TEXT(hands[i].report.effective,
			   "coop-taskrun=no defer-taskrun=no sqpoll=yes sqpoll-share=yes");
		CHECK_INT(hands[i].found_count, 1);
		CHECK_INT(hands[i].found[0].role, THREAD_SQPOLL);
		CHECK_INT(hands[i].found[0].tid, hands[0].found[0].tid);
		CU_ASSERT(hands[i].found[0].is_shared && !hands[i].found[0].is_bound);
	}
	all_at_once(hands, HANDS, ask); /* at their end */
	for (int i = 0; i < HANDS; i++)
		CHECK_INT(hands[i].report.verdict, VERDICT_OK);
	all_at_once(hands, HANDS, close_ring);
	end(hands, HANDS);
}

static void test_one_each(void)
{
	struct hand hands[HANDS];
	unsigned rings;

	start(hands, HANDS, POLLED);
	all_at_once(hands, HANDS, open_ring);
	CHECK_INT(count_polling(&rings), HANDS);
	CHECK_INT(rings, HANDS);
	for (int i = 0; i < HANDS; i++) {
		CHECK_INT(hands[i].found_count, 1);
		CU_ASSERT(!hands[i].found[0].is_shared);
	}
	all_at_once(hands, HANDS, close_ring);
	end(hands, HANDS);
}

/* Its thread ends, too: the polling thread is nobody's in particular. */
static void test_the_first_goes(void)
{
	struct hand hands[3];
	unsigned rings;
	pid_t tid;

	start(hands, 2, SHARED);
	do_now(&hands[0], open_ring);
	do_now(&hands[1], open_ring);
	tid = hands[0].found[0].tid;
	do_now(&hands[0], close_ring);
	end(hands, 1);
	do_now(&hands[1], answer);
	CHECK_INT(hands[1].answers, 1);
	start(hands + 2, 1, SHARED);
	do_now(&hands[2], open_ring);
	CHECK_INT(hands[2].found[0].tid, tid);
	CHECK_INT(hands[2].report.verdict, VERDICT_OK);
	CHECK_INT(count_polling(&rings), 1);
	CHECK_INT(rings, 2);
	all_at_once(hands + 1, 2, answer);
	CHECK_INT(hands[1].answers + hands[2].answers, 3);
	do_now(&hands[1], close_ring);
	do_now(&hands[2], answer);
	CHECK_INT(hands[2].answers, 2);
	do_now(&hands[2], close_ring);
	end(hands + 1, 2);
}

static void reopen_again_and_again(struct hand *h)
{
	for (int i = 0; i < ROUNDS && !h->failures; i++) {
		open_ring(h);
		h->failures += !h->b || h->report.verdict != VERDICT_OK;
		answer(h);
		if (h->b)
			close_ring(h);
	}
}

static void test_all_come_and_go(void)
{
	struct hand hands[HANDS];

	start(hands, HANDS, SHARED);
	all_at_once(hands, HANDS, reopen_again_and_again);
	for (int i = 0; i < HANDS; i++) {
		CHECK_INT(hands[i].failures, 0);
		CHECK_INT(hands[i].answers, ROUNDS);
	}
	end(hands, HANDS);
}

/* The kernel would take the first one's CPU for the others', too, and say nothing. */
static void test_other_options(void)
{
	struct hand hands[3];
	unsigned rings;

	start(hands, 3, SHARED);
	hands[2].opts = SHARED "sqpoll-idle=20ms";
	for (int i = 0; i < 3; i++)
		do_now(&hands[i], open_ring);
	CHECK_INT(count_polling(&rings), 2);
	CHECK_INT(rings, 3);
	CHECK_INT(hands[0].found[0].tid, hands[1].found[0].tid);
	CU_ASSERT(hands[0].found[0].tid != hands[2].found[0].tid);
	all_at_once(hands, 3, answer);
	all_at_once(hands, 3, ask);
	CHECK_INT(hands[1].report.verdict, VERDICT_OK);
	CHECK_INT(hands[2].report.verdict, VERDICT_VACUOUS);
	all_at_once(hands, 3, close_ring);
	end(hands, 3);
}

static void test_bound(void)
{
	struct hand hands[2];
	char opts[128];
	cpu_set_t cpus;
	int cpu = 0;

	sched_getaffinity(0, sizeof(cpus), &cpus);
	while (!CPU_ISSET(cpu, &cpus))
		cpu++;
	snprintf(opts, sizeof(opts), SHARED "sqpoll-cpu=%d", cpu);
	start(hands, 2, opts);
	all_at_once(hands, 2, open_ring);
	for (int i = 0; i < 2; i++) {
		CHECK_INT(hands[i].report.verdict, VERDICT_OK);
		CHECK_INT(hands[i].found_count, 1);
		CU_ASSERT(hands[i].found[0].is_shared && hands[i].found[0].is_bound);
		CHECK_INT(hands[i].found[0].tid, hands[0].found[0].tid);
	}
	all_at_once(hands, 2, close_ring);
	end(hands, 2);
}

/* That nobody came is known at the end only; that somebody was there is not forgotten. */
static void test_alone(void)
{
	struct hand hands[2];

	start(hands, 2, SHARED);
	do_now(&hands[0], open_ring);
	CHECK_INT(hands[0].report.verdict, VERDICT_OK);
	do_now(&hands[0], ask); /* as a plan does, for threads that are yet to come */
	CHECK_INT(hands[0].report.verdict, VERDICT_OK);
	do_now(&hands[0], answer);
	do_now(&hands[0], ask);
	CHECK_INT(hands[0].report.verdict, VERDICT_VACUOUS);
	CU_ASSERT(strstr(hands[0].report.why, "there was one ring only") != NULL);
	do_now(&hands[1], open_ring);
	do_now(&hands[1], close_ring);
	do_now(&hands[0], ask);
	CHECK_INT(hands[0].report.verdict, VERDICT_OK);
	do_now(&hands[0], close_ring);
	end(hands, 2);
}

/* In a child, to whom the parent's rings are open, too. */
static int share_with_parent(void)
{
	struct hand h = { .opts = SHARED };
	bool ignored;

	open_ring(&h);
	if (!h.b)
		return 1;
	ignored = h.report.verdict == VERDICT_IGNORED &&
		  strstr(h.report.effective, "sqpoll-share=no") &&
		  strstr(h.report.why, "belongs to another process");
	ask(&h);
	if (!ignored || h.report.verdict != VERDICT_IGNORED)
		printf("\n    %s: %s", verdict_names[h.report.verdict], h.report.why);
	answer(&h);
	close_ring(&h);
	return !ignored || h.report.verdict != VERDICT_IGNORED || h.answers != 1;
}

static void test_no_op_31(void)
{
	struct hand parent;
	int status;
	pid_t pid;

	start(&parent, 1, SHARED);
	do_now(&parent, open_ring);
	fflush(stdout);
	pid = fork();
	if (!pid) {
		status = share_with_parent();
		fflush(stdout);
		_exit(status);
	}
	CHECK_INT(waitpid(pid, &status, 0), pid);
	CU_ASSERT(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	do_now(&parent, answer);
	CHECK_INT(parent.answers, 1);
	do_now(&parent, close_ring);
	end(&parent, 1);
}

/* io-wq is the polling thread's, so it is shared as well, and its limits are those of all. */
static void test_blocking_work(void)
{
	struct hand hands[2];

	start(hands, 2, SHARED "iowq-bounded=1");
	all_at_once(hands, 2, open_ring);
	for (int i = 0; i < 2; i++) {
		CHECK_INT(hands[i].report.verdict, VERDICT_OK);
		do_now(&hands[i], sync_file);
		CHECK_INT(hands[i].answers, 1);
	}
	look(&hands[0]); /* this thread's, which has none */
	CHECK_INT(hands[0].found_count, 0);
	do_now(&hands[0], look);
	CHECK_INT(hands[0].found_count, 2);
	CHECK_INT(hands[1].found_count, 2);
	for (int i = 0; i < 2; i++) {
		CHECK_INT(hands[i].found[1].role, THREAD_IOWQ);
		CHECK_INT(hands[i].found[1].tid, hands[0].found[1].tid);
		CU_ASSERT(hands[i].found[1].is_shared);
	}
	all_at_once(hands, 2, close_ring);
	end(hands, 2);
}

static void listen_and_close(struct hand *h)
{
	struct seen accept = { .op = { .kind = IO_ACCEPT, .done = see } };

	open_ring(h);
	accept.op.fd = listener_on(&h->port);
	h->failures += accept.op.fd < 0;
	ops->submit(h->b, &accept.op);
	turn(h->b, MS);
	close(accept.op.fd);
	close_ring(h);
}

/* Of the ring that is closed the thread keeps nothing, though it lives on for the other. */
static void test_port_is_free(void)
{
	struct hand hands[2];

	start(hands, 2, SHARED);
	do_now(&hands[0], open_ring);
	for (int i = 0; i < 10; i++) {
		do_now(&hands[1], listen_and_close);
		do_now(&hands[0], answer);
	}
	CHECK_INT(hands[1].failures, 0);
	CHECK_INT(hands[0].answers, 10);
	do_now(&hands[0], close_ring);
	end(hands, 2);
}

static CU_TestInfo tests[] = {
	{ "rings that threads open at once share one polling thread, and all are answered",
	  test_one_for_all },
	{ "rings that are not to share have one each", test_one_each },
	{ "the others work on, and more join them, when the first ring and its thread are gone",
	  test_the_first_goes },
	{ "rings come and go at once, and each is answered", test_all_come_and_go },
	{ "rings with other options have a polling thread of their own", test_other_options },
	{ "one that is bound to a CPU is shared like any other, and known to be bound",
	  test_bound },
	{ "one that stayed alone is vacuous at its end, one that did not is not", test_alone },
	{ "no-op 31: a polling thread of another process is not shared, which is told",
	  test_no_op_31 },
	{ "threads for blocking work are shared, found by each, and limited alike",
	  test_blocking_work },
	{ "the port of a listener is free when its ring is closed and the thread lives on",
	  test_port_is_free },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return backend_main("io_uring", "io_uring_share", tests);
}

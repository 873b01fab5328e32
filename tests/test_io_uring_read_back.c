/*
 * test_io_uring_read_back.c - what a ring has of what it was asked for, and whose threads are its.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <pthread.h>
#include <sched.h>
#include <sys/syscall.h>

#include "tests/backend_fixture.h"

#define REGISTER_NAPI 27
#define SQPOLL	      "sqpoll=yes defer-taskrun=no coop-taskrun=no "
#define NO_DEFER      "coop-taskrun=no defer-taskrun=no "

/* One that this process may run on, and one that no machine of today has. */
static int some_cpu(void)
{
	cpu_set_t cpus;
	int cpu = 0;

	sched_getaffinity(0, sizeof(cpus), &cpus);
	while (!CPU_ISSET(cpu, &cpus))
		cpu++;
	return cpu;
}
#define ABSENT_CPU 1023

static void test_rows(void)
{
	static const struct read_back_row rows[] = {
		{ "", VERDICT_OK, "", "" },
		{ "entries=64 cq-entries=128 buffers=4", VERDICT_OK,
		  "entries=64 cq-entries=128 buffers=4", "" },
		{ "entries=3", VERDICT_CLAMPED, "entries=4", "rounds up to powers of two, 4 and" },
		{ "entries=8 cq-entries=1000", VERDICT_CLAMPED, "entries=8 cq-entries=1024",
		  "powers of two, 8 and 1024" },
		{ "registered-ring=no", VERDICT_OK, "registered-ring=no", "" },
		{ "napi-busy-poll=80us", VERDICT_OK, "napi-busy-poll=80us", "", 9 },
		{ "napi-busy-poll=1ms napi-prefer-busy-poll=yes", VERDICT_OK,
		  "napi-busy-poll=1ms napi-prefer-busy-poll=yes", "", 9 },
		{ "napi-busy-poll=1s", VERDICT_CLAMPED, "napi-busy-poll=10ms",
		  "asked for 1s, the kernel has 10ms", 9 },
		{ "iowq-bounded=2", VERDICT_OK, "iowq-bounded=2", "" },
		{ "iowq-unbounded=3", VERDICT_OK, "iowq-unbounded=3", "" },
		{ "min-wait=50us min-wait-count=4", VERDICT_OK, "min-wait=50us min-wait-count=4",
		  "", 12 },
		{ "incremental-buffers=yes", VERDICT_OK, "incremental-buffers=yes", "", 12 },
		{ "recv-bundle=yes", VERDICT_OK, "recv-bundle=yes", "", 10 },
		{ "no-sqarray=yes", VERDICT_OK, "no-sqarray=yes", "", 6 },
		{ "iopoll=yes hybrid-iopoll=yes", VERDICT_OK, "iopoll=yes hybrid-iopoll=yes", "",
		  13 },
		{ SQPOLL "min-wait=1ms", VERDICT_OK,
		  "coop-taskrun=no defer-taskrun=no sqpoll=yes min-wait=1ms", "", 12 },
		{ SQPOLL "sqpoll-share=yes", VERDICT_OK,
		  "coop-taskrun=no defer-taskrun=no sqpoll=yes sqpoll-share=yes", "" },
		{ "sqpoll-share=yes", VERDICT_VACUOUS, "sqpoll-share=yes",
		  "only io_uring.sqpoll=yes makes one" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check_read_back(&rows[i]);
}

static void test_cpus(void)
{
	char text[128], got[128];
	struct read_back_row row = { text, VERDICT_OK, got, "" };
	int cpu = some_cpu();

	snprintf(text, sizeof(text), "iowq-cpus=%d", cpu);
	snprintf(got, sizeof(got), "iowq-cpus=%d", cpu);
	check_read_back(&row);
	snprintf(text, sizeof(text), SQPOLL "sqpoll-cpu=%d", cpu);
	snprintf(got, sizeof(got), NO_DEFER "sqpoll=yes sqpoll-cpu=%d", cpu);
	check_read_back(&row);
	snprintf(text, sizeof(text), SQPOLL "iowq-cpus=%d", cpu);
	snprintf(got, sizeof(got), NO_DEFER "sqpoll=yes iowq-cpus=%d", cpu);
	check_read_back(&row);
}

/* The kernel takes the list, and its threads run where they would have run anyway. */
static void test_no_op_28(void)
{
	char text[128], got[128];
	struct read_back_row row = { text, VERDICT_CLAMPED, got, "was accepted without a look" };
	int cpu = some_cpu();

	snprintf(text, sizeof(text), "iowq-cpus=%d,%d", cpu, ABSENT_CPU);
	snprintf(got, sizeof(got), "iowq-cpus=%d", cpu);
	check_read_back(&row);
}

static void test_no_op_23(void)
{
	struct verdict_report report;

	if (!opens_new("napi-busy-poll=50us", 9))
		return;
	for (int closes = 0; closes < 2; closes++) {
		judge_loopback("napi-busy-poll=50us", closes, &report);
		CHECK_INT(report.verdict, VERDICT_VACUOUS);
		CU_ASSERT(strstr(report.why, "none of 1 sockets has a NAPI id (loopback") != NULL);
	}
}

/* At the end it is known what a ring for files was good for. */
static void test_polling_for_files(void)
{
	static const int kinds[] = { -1, IO_SYNC, IO_READ };
	char path[] = "/tmp/read_back-XXXXXX";
	int fd = mkstemp(path);

	for (unsigned i = 0; i < 3; i++) {
		void *opts AUTO(auto_free) = options("iopoll=yes");
		struct seen seen = { .op = { .kind = (uint8_t)kinds[i], .fd = fd, .done = see } };
		struct backend *b AUTO(auto_backend) = opened("iopoll=yes");
		struct verdict_report report;
		uint8_t buf[16];

		seen.op.rbuf = buf;
		seen.op.len = kinds[i] == IO_READ ? sizeof(buf) : 0;
		for (int k = 0; k < 2; k++) {
			CHECK_INT(backend_read_back(b, opts, &report, NULL), 0);
			CHECK_INT(report.verdict, VERDICT_OK);
		}
		turn(b, 0);
		if (i)
			ops->submit(b, &seen.op);
		while (i && !seen.results && turn(b, SEC) >= 0)
			;
		CHECK_INT(backend_read_back(b, opts, &report, NULL), 0);
		CHECK_INT(report.verdict, kinds[i] == IO_READ ? VERDICT_OK : VERDICT_VACUOUS);
		if (kinds[i] != IO_READ)
			CU_ASSERT(strstr(report.why, "has read and written no file") != NULL);
	}
	unlink(path);
	close(fd);
}

static void test_old_kernels(void)
{
	static const struct lack_row rows[] = {
		{ SYS_io_uring_register, REGISTER_NAPI, EINVAL, "napi-busy-poll=50us",
		  "Linux 6.9 or later" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check_lack(&rows[i]);
}

static unsigned threads_of(struct backend_thread *ret, unsigned max, enum thread_role role)
{
	unsigned count = ops->kernel_threads(gettid(), ret, max), of_role = 0;

	for (unsigned i = 0; i < count; i++)
		if (ret[i].role == role)
			ret[of_role++] = ret[i];
	return of_role;
}

/* In a thread of its own, for which no polling thread can be left over from another test. */
static void *find_polling_thread(void *unused)
{
	struct backend_thread found[8];
	struct backend *b = opened("");

	CHECK_INT(threads_of(found, 8, THREAD_SQPOLL), 0);
	ops->close(b);
	b = opened(SQPOLL);
	CHECK_INT(threads_of(found, 8, THREAD_SQPOLL), 1);
	CU_ASSERT(found[0].tid > 0 && found[0].tid != gettid());
	CHECK_INT(ops->kernel_threads(1, found, 8), 0);
	ops->close(b);
	return unused;
}

static void test_polling_thread(void)
{
	pthread_t thread;

	CHECK_INT(pthread_create(&thread, NULL, find_polling_thread, NULL), 0);
	pthread_join(thread, NULL);
}

/* A sync is work that blocks: a thread comes for it. */
static void test_blocking_thread(void)
{
	static const char *const opts[] = { "", SQPOLL };
	char path[] = "/tmp/read_back-XXXXXX";
	int fd = mkstemp(path);

	for (int i = 0; i < 2; i++) {
		struct seen sync = { .op = { .kind = IO_SYNC, .fd = fd, .done = see } };
		struct backend *b = opened(opts[i]);
		struct backend_thread found[8];

		ops->submit(b, &sync.op);
		while (!sync.results && turn(b, SEC) >= 0)
			;
		CHECK_INT(sync.res, 0);
		CU_ASSERT(threads_of(found, 8, THREAD_IOWQ) >= 1);
		ops->close(b);
	}
	unlink(path);
	close(fd);
}

static CU_TestInfo tests[] = {
	{ "the kernel has what was asked for, or the report says what", test_rows },
	{ "threads of the kernel are on the CPUs that were asked for", test_cpus },
	{ "no-op 23: io_uring's busy polling of loopback sockets is called vacuous",
	  test_no_op_23 },
	{ "no-op 28: CPUs of io-wq that are not there are told", test_no_op_28 },
	{ "polling for files is vacuous in a ring that reads and writes none",
	  test_polling_for_files },
	{ "a kernel that lacks a feature is told in words", test_old_kernels },
	{ "the polling thread is found", test_polling_thread },
	{ "threads for blocking work are found", test_blocking_thread },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return backend_main("io_uring", "io_uring_read_back", tests);
}

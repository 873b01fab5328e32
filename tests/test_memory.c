/*
 * test_memory.c - memory locked, faulted in and in huge pages: no-ops 16 and 18, and the rest.
 *
 * What changes the process is done in a process of its own.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <linux/mempolicy.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "system/smaps.h"
#include "tests/tunable_test.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

#define HUGE_BYTES (2UL << 20)
#define POOL_BYTES (2 * HUGE_BYTES)

static char *mapping;

/* Like a loop's messages: huge pages' worth, at their boundary. */
static struct memory_range pool(void)
{
	uintptr_t at;

	mapping = mmap(NULL, POOL_BYTES + HUGE_BYTES, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CU_ASSERT_FATAL(mapping != MAP_FAILED);
	at = ((uintptr_t)mapping + HUGE_BYTES - 1) / HUGE_BYTES * HUGE_BYTES;
	return (struct memory_range){ "messages", (void *)at, POOL_BYTES };
}

static int settle(const char *settings, const struct memory_range *ranges, unsigned count,
		  struct verdict_report *report)
{
	const struct tunable *tn = tunable_find("memory");
	const struct target self = { .fd = -1 };
	struct tunable_test_opts opts;
	struct err err = { 0 };

	CHECK_INT(tunable_test_parse(tn, settings, &opts, &err), 0);
	return tunable_settle(tn, &self, &opts, ranges, count, false, report, &err);
}

/*
 * NUMA balancing takes pages away for a while, to see by the fault who uses them: once a second of
 * the process's time, and only where no policy says already where memory is to be (mm/mempolicy.c,
 * vma_policy_mof). MPOL_LOCAL said in so many words is one. Where there are no policies, there is
 * nothing to balance.
 */
static void keep_from_balancing(void)
{
	syscall(SYS_set_mempolicy, MPOL_LOCAL, NULL, 0);
}

static long faults(void)
{
	struct rusage usage;

	getrusage(RUSAGE_THREAD, &usage);
	return usage.ru_minflt;
}

static void *run_prefault(void *arg)
{
	struct verdict_report report;
	struct memory_range r = pool();
	long before;

	keep_from_balancing();
	madvise(r.base, r.len, MADV_NOHUGEPAGE);
	CHECK_INT(settle("prefault=yes", &r, 1, &report), 0);
	CHECK_TEXT(report.why, "1024 of 1024 pages are there");
	CHECK_TEXT(report.effective, "prefault=yes");
	before = faults();
	for (size_t at = 0; at < r.len; at += 4096)
		((volatile char *)r.base)[at] = 1;
	CHECK_INT(faults() - before, 0);
	munmap(mapping, POOL_BYTES + HUGE_BYTES);
	return NULL;
}

/* Where each fault is the test's own, and of a page as the test counts. */
static void try_counting_faults(void *(*fn)(void *))
{
	if (TUNABLE_TEST_SANITIZED)
		test_not_possible("a sanitizer has faults of its own");
	else if (sysconf(_SC_PAGESIZE) != 4096)
		test_not_possible("pages are not of 4 KiB");
	else
		tunable_test_thread(fn, NULL);
}

static void test_what_was_faulted_in_costs_no_fault_any_more(void)
{
	try_counting_faults(run_prefault);
}

static void __attribute__((noinline)) use_stack(void)
{
	volatile char bytes[200 << 10];

	for (size_t at = 0; at < sizeof(bytes); at += 1024)
		bytes[at] = 1;
}

static struct memory_range own_stack(void)
{
	struct memory_range r = { .what = "stack" };
	pthread_attr_t attr;

	pthread_getattr_np(pthread_self(), &attr);
	pthread_attr_getstack(&attr, &r.base, &r.len);
	pthread_attr_destroy(&attr);
	return r;
}

static void *run_stack(void *arg)
{
	const struct memory_range stack = own_stack();
	struct verdict_report report;
	long before;

	keep_from_balancing();
	CHECK_INT(settle("stack-prefault=256KiB", &stack, 1, &report), 0);
	CHECK_TEXT(report.why, "64 of 64 pages are there");
	before = faults();
	use_stack();
	CHECK_INT(faults() - before, 0);
	CHECK_INT(settle("stack-prefault=1GiB", &stack, 1, &report), -ERANGE);
	CHECK_INT(report.verdict, VERDICT_CLAMPED);
	CU_ASSERT(strstr(report.why, "asked for 1048576 KiB") != NULL);
	return NULL;
}

static void test_the_stack_is_faulted_in_as_far_as_it_goes(void)
{
	try_counting_faults(run_stack);
}

static bool has_transparent(void)
{
	char text[64];

	if (kernel_file_read("/sys/kernel/mm/transparent_hugepage/enabled", text, sizeof(text)))
		return true;
	test_not_possible("no transparent huge pages in this kernel");
	return false;
}

static bool is_never(void)
{
	char text[64];

	kernel_file_read("/sys/kernel/mm/transparent_hugepage/enabled", text, sizeof(text));
	return strstr(text, "[never]") != NULL;
}

/* Off for the process: the kernel takes the advice, and no page is huge. */
static void *run_no_op_16(void *arg)
{
	struct memory_range r = pool();
	struct verdict_report report;

	CHECK_INT(prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0), 0);
	CHECK_INT(madvise(r.base, r.len, MADV_HUGEPAGE), 0);
	memset(r.base, 1, r.len);
	CHECK_INT(smaps_kib(&r, "AnonHugePages"), 0);
	munmap(mapping, POOL_BYTES + HUGE_BYTES);

	r = pool();
	CHECK_INT(settle("huge-pages=advise", &r, 1, &report), -EOPNOTSUPP);
	CHECK_INT(report.verdict, VERDICT_IGNORED);
	CHECK_TEXT(report.why, "0 of 4096 KiB in huge pages: they are off for this process "
			       "(PR_SET_THP_DISABLE)");
	CHECK_TEXT(report.requested, "huge-pages=advise");
	CHECK_TEXT(report.effective, "huge-pages=default");
	munmap(mapping, POOL_BYTES + HUGE_BYTES);
	return NULL;
}

static void test_no_op_16_huge_pages_advised_where_they_are_off(void)
{
	if (has_transparent())
		tunable_test_process(run_no_op_16, NULL);
}

/*
 * Whether memory is in huge pages when they are asked for past the tunable. It is touched as memory
 * in use has to be, by a change that changes nothing: an emulator of one thread makes that a read
 * first, and then some kernels have a huge page of zeros, which they split when it is written to.
 */
static bool is_huge_past(bool collapse)
{
	struct memory_range r = pool();
	bool huge;

	if (!collapse)
		madvise(r.base, r.len, MADV_HUGEPAGE);
	for (size_t at = 0; at < r.len; at += 4096)
		__atomic_fetch_add((char *)r.base + at, 0, __ATOMIC_RELAXED);
	if (collapse)
		madvise(r.base, r.len, MADV_COLLAPSE);
	huge = smaps_kib(&r, "AnonHugePages") == 4096;
	munmap(mapping, POOL_BYTES + HUGE_BYTES);
	return huge;
}

/* What is said is so; true: and all of it is in huge pages. */
static bool try_huge(const char *settings, struct verdict_report *report)
{
	struct memory_range r = pool();
	int rc = settle(settings, &r, 1, report);

	if (!rc)
		CHECK_TEXT(report->why, "4096 of 4096 KiB in huge pages");
	CHECK_INT(smaps_kib(&r, "AnonHugePages") == 4096, !rc);
	munmap(mapping, POOL_BYTES + HUGE_BYTES);
	return !rc;
}

/* Free huge pages come and go: who finds none is right if nobody does. */
static void *run_huge(void *how)
{
	struct verdict_report report;
	char settings[64];

	snprintf(settings, sizeof(settings), "huge-pages=%s", (const char *)how);
	for (int i = 0; i < 10; i++) {
		if (try_huge(settings, &report))
			return NULL;
		if (!is_huge_past(!strcmp(how, "collapse"))) {
			test_not_possible("the kernel makes no huge pages: %s", settings);
			return NULL;
		}
	}
	printf("\n    %s: %s", settings, report.why);
	CU_FAIL("the kernel makes huge pages, and the tunable does not");
	return NULL;
}

static void test_advised_memory_is_in_huge_pages(void)
{
	if (has_transparent() && is_never())
		test_not_possible("transparent huge pages are off on this machine");
	else if (has_transparent())
		tunable_test_process(run_huge, "advise");
}

static void test_small_pages_are_collapsed_into_huge_ones(void)
{
	if (has_transparent())
		tunable_test_process(run_huge, "collapse");
}

static void *run_never(void *arg)
{
	struct verdict_report report;
	struct memory_range r;

	CHECK_INT(tunable_test_apply("memory", "huge-pages=never", &report), 0);
	r = pool();
	memset(r.base, 1, r.len);
	CHECK_INT(settle("huge-pages=never", &r, 1, &report), 0);
	CHECK_TEXT(report.why, "0 KiB in huge pages");
	CHECK_TEXT(report.effective, "huge-pages=never");
	return NULL;
}

static void test_never_leaves_no_huge_page(void)
{
	tunable_test_process(run_never, NULL);
}

#define RESERVED "/sys/kernel/mm/hugepages/hugepages-2048kB/"

static void *run_reserved(void *arg)
{
	int64_t free_pages = kernel_file_number(RESERVED "free_hugepages", 0);
	struct memory_range r = pool();
	struct verdict_report report;
	char want[100];
	int rc;

	memset(r.base, 7, r.len);
	rc = settle("huge-pages=hugetlb", &r, 1, &report);
	if (free_pages < 2) {
		CHECK_INT(rc, -EOPNOTSUPP);
		CHECK_INT(report.verdict, VERDICT_UNSUPPORTED);
		snprintf(want, sizeof(want),
			 "%d free 2 MB pages, need 2: vm.nr_hugepages reserves them",
			 (int)free_pages);
		CU_ASSERT(strstr(report.why, want) != NULL);
	} else {
		CHECK_INT(rc, 0);
		CHECK_TEXT(report.why, "4096 of 4096 KiB in huge pages");
		CHECK_INT(smaps_kib(&r, "Private_Hugetlb"), 4096);
	}
	for (size_t at = 0; at < r.len; at++)
		if (((const char *)r.base)[at] != 7) {
			CU_FAIL("the contents changed");
			break;
		}
	return NULL;
}

static void test_reserved_pages_take_the_place_with_what_was_in_it(void)
{
	tunable_test_process(run_reserved, NULL);
}

/* With pages reserved, if this process may; the machine is then as before. */
static void test_reserved_pages_are_used_when_there_are_some(void)
{
	int64_t before = kernel_file_number(RESERVED "nr_hugepages", -1);
	char text[32];

	if (before == 0 && tunable_test_write(RESERVED, "nr_hugepages", "4") &&
	    kernel_file_number(RESERVED "free_hugepages", 0) >= 4)
		tunable_test_process(run_reserved, NULL);
	else
		test_not_possible("no huge pages can be reserved");
	snprintf(text, sizeof(text), "%d", (int)before);
	if (before == 0)
		tunable_test_write(RESERVED, "nr_hugepages", text);
}

/* mlockall() says yes, and the mapping that comes later does not find room. */
static void provoke_no_op_18(void)
{
	size_t more = 64 << 20;
	void *p;

	if (mlockall(MCL_CURRENT | MCL_FUTURE)) {
		test_not_tried("the kernel's own yes: mlockall of %ld KiB: %s",
			       smaps_status_kib("VmSize"), strerror(errno));
		return;
	}
	p = mmap(NULL, more, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK_INT(p == MAP_FAILED && errno == EAGAIN, 1);
	munlockall();
}

/* Without the right, with a limit that what is mapped fits into, and not one stack more. */
static unsigned check_no_op_18(void)
{
	unsigned before = CU_get_number_of_failures();
	struct verdict_report report;

	provoke_no_op_18();
	CHECK_INT(tunable_test_apply("memory", "lock=all", &report), -EPERM);
	CHECK_INT(report.verdict, VERDICT_DENIED);
	CU_ASSERT(strstr(report.why, "memory.lock=all refused: needs CAP_IPC_LOCK or "
				     "RLIMIT_MEMLOCK of more than ") != NULL);
	CU_ASSERT(strstr(report.why, "with the stack of one more thread") != NULL);
	CHECK_INT(smaps_status_kib("VmLck"), 0);
	return CU_get_number_of_failures() - before;
}

static void *run_no_op_18(void *arg)
{
	rlim_t bytes = (rlim_t)smaps_status_kib("VmSize") * 1024 + (1 << 20);
	struct rlimit limit = { 0 };

	getrlimit(RLIMIT_MEMLOCK, &limit);
	limit.rlim_cur = bytes < limit.rlim_max ? bytes : limit.rlim_max;
	limit.rlim_max = limit.rlim_cur;
	setrlimit(RLIMIT_MEMLOCK, &limit);
	tunable_test_as_nobody(check_no_op_18);
	return NULL;
}

static void test_no_op_18_what_is_mapped_later_does_not_fit_the_limit(void)
{
	if (TUNABLE_TEST_SANITIZED)
		test_not_possible("a sanitizer makes mlockall() do nothing");
	else
		tunable_test_process(run_no_op_18, NULL);
}

static unsigned check_oom_score(void)
{
	unsigned before = CU_get_number_of_failures();
	struct verdict_report report;

	CHECK_INT(tunable_test_apply("memory", "oom-score-adj=-500", &report), -EACCES);
	CHECK_INT(report.verdict, VERDICT_DENIED);
	CU_ASSERT(strstr(report.why, "memory.oom-score-adj=-500 refused") != NULL);
	CU_ASSERT(strstr(report.why, "needs CAP_SYS_RESOURCE") != NULL);
	return CU_get_number_of_failures() - before;
}

static void test_a_lower_oom_score_needs_a_right(void)
{
	tunable_test_as_nobody(check_oom_score);
}

static void test_settings_of_the_process_alone_have_no_report_of_threads(void)
{
	struct memory_range r = pool();
	struct verdict_report report;

	CHECK_INT(settle("lock=all oom-score-adj=5", &r, 1, &report), SETTLE_SAME);
	CHECK_INT(settle("prefault=yes", NULL, 0, &report), SETTLE_SAME);
	munmap(mapping, POOL_BYTES + HUGE_BYTES);
}

static void test_a_thread_without_messages_has_nothing_to_make_huge(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *p = mmap(NULL, 3 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	const struct memory_range small = { "receive buffer", p, 3 * page };
	struct verdict_report report;

	CHECK_INT(settle("huge-pages=advise", &small, 1, &report), 0);
	CHECK_INT(report.verdict, VERDICT_VACUOUS);
	CHECK_TEXT(report.why, "this thread has no message memory");
	munmap(p, 3 * page);
}

static CU_TestInfo tests[] = {
	/* First: threads leave mappings that no longer fit a small limit. */
	{ "no-op 18: what is mapped later does not fit the limit",
	  test_no_op_18_what_is_mapped_later_does_not_fit_the_limit },
	{ "what was faulted in costs no fault any more",
	  test_what_was_faulted_in_costs_no_fault_any_more },
	{ "the stack is faulted in as far as it goes",
	  test_the_stack_is_faulted_in_as_far_as_it_goes },
	{ "no-op 16: huge pages advised where they are off",
	  test_no_op_16_huge_pages_advised_where_they_are_off },
	{ "advised memory is in huge pages", test_advised_memory_is_in_huge_pages },
	{ "small pages are collapsed into huge ones",
	  test_small_pages_are_collapsed_into_huge_ones },
	{ "never leaves no huge page", test_never_leaves_no_huge_page },
	{ "reserved pages take the place, with what was in it",
	  test_reserved_pages_take_the_place_with_what_was_in_it },
	{ "reserved pages are used when there are some",
	  test_reserved_pages_are_used_when_there_are_some },
	{ "a lower OOM score needs a right", test_a_lower_oom_score_needs_a_right },
	{ "settings of the process alone have no report of threads",
	  test_settings_of_the_process_alone_have_no_report_of_threads },
	{ "a thread without messages has nothing to make huge",
	  test_a_thread_without_messages_has_nothing_to_make_huge },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return test_main("memory", tests);
}

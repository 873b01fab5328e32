/*
 * memory.c - the tunable "memory": locked, faulted in, in huge pages.
 *
 * Locking, never having huge pages, and who dies first when memory is out, are the process's:
 * set before its role has any thread. Faulting in and making huge pages is done to the memory of
 * each thread when it is ready (memory_settle.c).
 *
 * What mlockall(2) was told cannot be read; so a page is mapped and looked at: is it locked, and is
 * it there already? Who may not lock as much as will be mapped learns of it by
 * threads that do not start, far away; so the limit is looked at before.
 *
 * Left out: options of malloc. Messages do not come from there, and nothing is allocated for a
 * request.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/capability.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "system/kernel_file.h"
#include "system/smaps.h"
#include "tunables/memory_opts.h"

#define OOM_FILE "/proc/self/oom_score_adj"

static const char *const lock_names[] = { "no", "current", "all", "onfault", NULL };
static const int lock_flags[] = {
	[LOCK_CURRENT] = MCL_CURRENT,
	[LOCK_ALL] = MCL_CURRENT | MCL_FUTURE,
	[LOCK_ONFAULT] = MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT,
};

static const char *const huge_names[] = {
	"default", "advise", "never", "collapse", "hugetlb", NULL
};

static const struct knob knobs[] = {
	{ .name = "lock",
	  .type = &knob_enum,
	  KNOB_FIELD(struct memory_opts, lock, int),
	  .choices = lock_names,
	  .def = "no",
	  .help = "keep in memory what is mapped at the start (current), and all that comes (all), "
		  "or once it is touched (onfault)",
	  .read_back = "VmLck in /proc/self/status, and a page mapped to see" },
	{ .name = "prefault",
	  .type = &knob_bool,
	  KNOB_FIELD(struct memory_opts, prefault, bool),
	  .def = "no",
	  .help = "touch messages, buffers and rings before the first request",
	  .read_back = "mincore(2)" },
	{ .name = "stack-prefault",
	  .type = &knob_size,
	  KNOB_FIELD(struct memory_opts, stack_prefault_bytes, int64_t),
	  .max = 1 << 30,
	  .def = "0B",
	  .help = "touch so much of each thread's stack, too",
	  .read_back = "mincore(2)" },
	{ .name = "huge-pages",
	  .type = &knob_enum,
	  KNOB_FIELD(struct memory_opts, huge_pages, int),
	  .choices = huge_names,
	  .def = "default",
	  .help = "message memory in huge pages: advised, never any, collapsed (Linux 6.1), or "
		  "reserved ones",
	  .read_back = "AnonHugePages and Private_Hugetlb in /proc/self/smaps" },
	{ .name = "oom-score-adj",
	  .type = &knob_int,
	  KNOB_FIELD(struct memory_opts, oom_score_adj, int64_t),
	  .min = -1000,
	  .max = 1000,
	  .def = "0",
	  .help = "who is killed when memory is out: -1000 never, 1000 first; 0: as it is",
	  .read_back = OOM_FILE },
	{ 0 },
};

static bool is_default(const void *opts)
{
	const struct memory_opts *o = opts;

	return o->lock == LOCK_NO && !o->prefault && !o->stack_prefault_bytes &&
	       o->huge_pages == HUGE_DEFAULT && !o->oom_score_adj;
}

static bool may_lock(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { 0 };

	return !syscall(SYS_capget, &head, data) && data[0].effective & 1U << CAP_IPC_LOCK;
}

/* A locked page of a later mapping, and whether it was there untouched. */
static int read_lock(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	long before = smaps_status_kib("VmLck"), after;
	unsigned char resident = 0;
	void *p = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return LOCK_ALL; /* what is refused is the locking: a page more or less */
	after = smaps_status_kib("VmLck");
	mincore(p, page, &resident);
	munmap(p, page);
	if (after > before)
		return resident & 1 ? LOCK_ALL : LOCK_ONFAULT;
	return before > 0 ? LOCK_CURRENT : LOCK_NO;
}

static int read_back(const struct target *t, void *opts, struct err *err)
{
	(void)t;
	(void)err;
	*(struct memory_opts *)opts = (struct memory_opts){
		.lock = read_lock(),
		.huge_pages = prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0) > 0 ? HUGE_NEVER : HUGE_DEFAULT,
		.oom_score_adj = kernel_file_number(OOM_FILE, 0),
	};
	return 0;
}

/* What is the threads' is none of the process's; what is left open stays as it is. */
static int resolve(const struct target *t, void *opts, struct err *err)
{
	struct memory_opts *o = opts, now;

	read_back(t, &now, err);
	o->prefault = false;
	o->stack_prefault_bytes = 0;
	if (o->huge_pages != HUGE_NEVER)
		o->huge_pages = now.huge_pages;
	if (!o->oom_score_adj)
		o->oom_score_adj = now.oom_score_adj;
	return 0;
}

/* Of a thread that is made without asking for anything. */
static unsigned long stack_bytes(void)
{
	pthread_attr_t attr;
	size_t size = 0;

	if (pthread_getattr_default_np(&attr))
		return 0;
	pthread_attr_getstacksize(&attr, &size);
	pthread_attr_destroy(&attr);
	return size;
}

/* Without the right to lock, what is mapped now and the first thread to come must fit. */
static int check_limit(int lock, struct err *err)
{
	unsigned long mapped = (unsigned long)smaps_status_kib("VmSize") * 1024;
	unsigned long stack = lock == LOCK_CURRENT ? 0 : stack_bytes();
	struct rlimit limit = { 0 };

	if (lock == LOCK_NO || may_lock())
		return 0;
	getrlimit(RLIMIT_MEMLOCK, &limit);
	if (mapped + stack <= limit.rlim_cur)
		return 0;
	return err_set(err, -EPERM,
		       "memory.lock=%s refused: needs CAP_IPC_LOCK or RLIMIT_MEMLOCK of more than "
		       "%lu KiB (now %lu): so much is mapped%s, and what does not fit would fail "
		       "later, as threads that do not start",
		       lock_names[lock], (mapped + stack) / 1024,
		       (unsigned long)limit.rlim_cur / 1024,
		       stack ? " now, with the stack of one more thread" : " now");
}

static int set_lock(int lock, struct err *err)
{
	int rc = check_limit(lock, err);

	if (rc)
		return rc;
	/* Else "current" would leave what "all" has begun. */
	munlockall();
	if (lock != LOCK_NO && mlockall(lock_flags[lock]))
		return err_sys(err, -errno, "mlockall: memory.lock=%s", lock_names[lock]);
	return 0;
}

static int set_oom_score(int64_t score, struct err *err)
{
	AUTO(auto_close) int fd = open(OOM_FILE, O_WRONLY | O_CLOEXEC);
	char text[16];
	int len = snprintf(text, sizeof(text), "%" PRId64, score);

	if (fd >= 0 && write(fd, text, (size_t)len) == len)
		return 0;
	if (errno != EACCES)
		return err_sys(err, -errno, OOM_FILE);
	return err_set(err, -EACCES,
		       "memory.oom-score-adj=%" PRId64 " refused: less than the process was given "
		       "needs CAP_SYS_RESOURCE",
		       score);
}

static int apply(const struct target *t, const void *opts, struct err *err)
{
	const struct memory_opts *o = opts;
	struct memory_opts now;
	int rc = 0;

	read_back(t, &now, err);
	if (o->lock != now.lock)
		rc = set_lock(o->lock, err);
	if (!rc && o->oom_score_adj != now.oom_score_adj) {
		rc = set_oom_score(o->oom_score_adj, err);
		if (rc && o->lock != now.lock)
			set_lock(now.lock, &(struct err){ 0 });
	}
	if (!rc)
		prctl(PR_SET_THP_DISABLE, o->huge_pages == HUGE_NEVER, 0, 0, 0);
	return rc;
}

static void explain(const struct target *t, const void *requested, const void *effective,
		    struct verdict_report *report)
{
	const struct memory_opts *o = requested;

	(void)t;
	(void)effective;
	if (report->verdict != VERDICT_OK)
		return;
	if (is_default(o))
		snprintf(report->why, sizeof(report->why), "for each thread, when it is ready");
	else if (o->lock != LOCK_NO)
		snprintf(report->why, sizeof(report->why), "%ld KiB are locked",
			 smaps_status_kib("VmLck"));
}

const struct tunable tunable_memory = {
	.group = { .name = "memory",
		   .help = "memory that is locked, faulted in, in huge pages",
		   .knobs = knobs,
		   .opts_size = sizeof(struct memory_opts) },
	.scope = SCOPE_PROCESS,
	.is_default = is_default,
	.resolve = resolve,
	.apply = apply,
	.read_back = read_back,
	.explain = explain,
	.settle = memory_settle,
};

/*
 * tunable_test.h - for tests of tunables: settings as text, fresh threads, a child without rights.
 *
 * A tunable changes the thread that calls it, so every case has a thread (or a process) of its own.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_TESTS_TUNABLE_TEST_H
#define RW_TESTS_TUNABLE_TEST_H

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <stdalign.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "system/cgroup.h"
#include "system/kernel_file.h"
#include "tests/test.h"
#include "tunables/tunable.h"

#define NOBODY 65534

struct tunable_test_opts {
	alignas(max_align_t) char bytes[TUNABLE_OPTS_MAX];
};

/* "policy=fifo priority=10" on top of the defaults. 0, or what knob_parse() said. */
static inline int tunable_test_parse(const struct tunable *tn, const char *settings,
				     struct tunable_test_opts *ret, struct err *err)
{
	char text[300], *at = text, *word, *name;
	int rc = 0;

	knob_defaults(&tn->group, ret);
	snprintf(text, sizeof(text), "%s", settings);
	while (!rc && (word = strsep(&at, " "))) {
		name = strsep(&word, "=");
		rc = knob_parse(knob_find(&tn->group, name), word, ret, err);
	}
	return rc;
}

/* Settings that must parse, applied to the calling thread. */
static inline int tunable_test_apply(const char *name, const char *settings,
				     struct verdict_report *report)
{
	const struct tunable *tn = tunable_find(name);
	const struct target self = { .fd = -1 };
	struct tunable_test_opts opts;
	struct err err = { 0 };

	CHECK_INT(tunable_test_parse(tn, settings, &opts, &err), 0);
	return tunable_apply(tn, &self, &opts, report, &err);
}

/* One if the settings are not refused with these words, and a line about it. */
static inline unsigned tunable_test_not_denied(const char *name, const char *settings,
					       const char *words)
{
	struct verdict_report report;
	int rc = tunable_test_apply(name, settings, &report);

	if (rc && report.verdict == VERDICT_DENIED && strstr(report.why, words))
		return 0;
	printf("\n    %s: %d, %s: \"%s\", not \"%s\"", settings, rc, verdict_names[report.verdict],
	       report.why, words);
	return 1;
}

/* What the tunable says at the end; the report is left as it was by tunable_test_apply(). */
static inline void tunable_test_ended(const char *name, const char *settings,
				      struct verdict_report *report)
{
	const struct tunable *tn = tunable_find(name);
	const struct target self = { .fd = -1 };
	struct tunable_test_opts opts;
	struct err err = { 0 };

	CHECK_INT(tunable_test_parse(tn, settings, &opts, &err), 0);
	tn->ended(&self, &opts, report);
}

/* Runs fn in a thread of its own and waits for its end. */
static inline void tunable_test_thread(void *(*fn)(void *), void *arg)
{
	pthread_t thread;

	int rc = pthread_create(&thread, NULL, fn, arg);

	CHECK_INT(rc, 0);
	if (!rc)
		pthread_join(thread, NULL);
}

/* Runs fn in a process of its own; what failed there is a failure here. */
static inline void tunable_test_process(void *(*fn)(void *), void *arg)
{
	unsigned failures;
	int status = -1;
	pid_t child;

	fflush(NULL);
	child = fork();
	CU_ASSERT_FATAL(child >= 0);
	if (!child) {
		failures = CU_get_number_of_failures();
		fn(arg);
		fflush(stdout);
		_exit(CU_get_number_of_failures() > failures);
	}
	waitpid(child, &status, 0);
	CHECK_INT(status, 0);
}

static inline void *tunable_test_try_fifo(void *ret)
{
	const struct sched_param param = { .sched_priority = 1 };

	*(bool *)ret = !sched_setscheduler(0, SCHED_FIFO, &param);
	return NULL;
}

/* May this process set real-time policies? Asked once, of the kernel and not of the tunable. */
static inline bool tunable_test_privileged(void)
{
	bool allowed;

	tunable_test_thread(tunable_test_try_fifo, &allowed);
	return allowed;
}

/* What sched_setattr(2) takes, as of its first version. */
struct tunable_test_attr {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime_ns, deadline_ns, period_ns;
};

/* A reservation of 1 ms in 10 for this thread, past the tunable: 0 or -errno. Given back. */
static inline int tunable_test_reserve_past(void)
{
	struct tunable_test_attr attr = { .size = sizeof(attr),
					  .policy = 6, /* SCHED_DEADLINE */
					  .flags = 1,  /* SCHED_FLAG_RESET_ON_FORK */
					  .runtime_ns = 1000000,
					  .deadline_ns = 10000000,
					  .period_ns = 10000000 };
	const struct sched_param other = { 0 };

	if (syscall(SYS_sched_setattr, 0, &attr, 0))
		return -errno;
	return sched_setscheduler(0, SCHED_OTHER, &other) ? -errno : 0;
}

/*
 * Settings of a reservation of 1 ms in 10, applied to this thread. False: the kernel refuses it
 * past the tunable, too, and the test is skipped. Reservations are the machine's: what others held
 * the one moment may be free the next, so both are asked again before they are said to disagree.
 */
static inline bool tunable_test_reserve(const char *settings, struct verdict_report *report)
{
	for (int i = 0; i < 50; i++) {
		int past;

		if (!tunable_test_apply("sched", settings, report))
			return true;
		past = tunable_test_reserve_past();
		if (past) {
			test_not_possible("the kernel refuses reservations: %s", strerror(-past));
			return false;
		}
		usleep(10000);
	}
	printf("\n    %s: %s", settings, report->why);
	CU_FAIL("a reservation that the kernel takes is refused");
	return false;
}

/* Undoes nice(1), for what is expected of the kernel is so at nice 0. False: it may not. */
static inline bool tunable_test_nice_0(void)
{
	return !setpriority(PRIO_PROCESS, 0, 0);
}

/* Runs fn, which returns how many checks failed, at nice 0 in a process without rights or limit. */
static inline void tunable_test_as_nobody(unsigned (*fn)(void))
{
	const struct rlimit none = { 0 };
	int status = -1;
	pid_t child;

	fflush(NULL);
	child = fork();
	CU_ASSERT_FATAL(child >= 0);
	if (!child) {
		if (!tunable_test_nice_0() || (!geteuid() && setuid(NOBODY)))
			_exit(TEST_SKIP);
		setrlimit(RLIMIT_NICE, &none);
		setrlimit(RLIMIT_RTPRIO, &none);
		status = (int)fn();
		fflush(stdout);
		_exit(status);
	}
	waitpid(child, &status, 0);
	if (WIFEXITED(status) && WEXITSTATUS(status) == TEST_SKIP)
		test_not_possible("needs nice 0, and of root another user");
	else
		CHECK_INT(status, 0);
}

/* A sanitizer makes mlock(2) and its kin do nothing, and faults in memory of its own. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define TUNABLE_TEST_SANITIZED true
#else
#define TUNABLE_TEST_SANITIZED false
#endif

/* A network namespace of this process's own, with its loopback up. */
static inline bool tunable_test_enter_net(void)
{
	struct ifreq up = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
	int fd, rc;

	if (unshare(CLONE_NEWNET))
		return false;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	rc = ioctl(fd, SIOCSIFFLAGS, &up);
	CHECK_INT(rc, 0);
	close(fd);
	return true;
}

/* Writes one word into a file of a cgroup, or of /proc/sys. */
static inline bool tunable_test_write(const char *folder, const char *name, const char *word)
{
	char path[512];
	ssize_t done = -1;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd >= 0) {
		done = write(fd, word, strlen(word));
		close(fd);
	}
	return done > 0;
}

/* A thread that was joined leaves its group a moment later: until then the group is busy. */
static inline int tunable_test_remove_group(const char *path)
{
	int rc = -1;

	for (int i = 0; i < 10000 && (rc = rmdir(path)) < 0 && errno == EBUSY; i++)
		usleep(1000);
	return rc;
}

/* Makes a version 1 group below the caller's, for tunable_test_remove_group(). False: not here. */
static inline bool tunable_test_group(const char *controller, char *path, size_t size)
{
	struct cgroup_place place;

	if (!cgroup_find(0, controller, &place) || place.version != 1)
		return false;
	return snprintf(path, size, "%s/ringwalk-test-%d", place.folder, getpid()) < (int)size &&
	       !mkdir(path, 0755);
}

static inline bool tunable_test_has_mptcp(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_MPTCP);

	if (fd < 0)
		test_not_possible("MPTCP: %s", strerror(errno));
	else
		close(fd);
	return fd >= 0;
}

#endif

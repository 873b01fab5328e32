/*
 * init.c - process 1 of the guest: mounts, runs the suites of a list one by one, powers off.
 *
 * The list is /guest/list: one line a suite, fields apart by tabs: how many seconds it may take,
 * its name, the folder it runs in, the program and its arguments. All that suites say goes to the
 * second serial line, where no message of the kernel gets in between. Lines there that begin with
 * "@guest " are init's own: ready, begin, end, done; markers.py reads them.
 *
 * A suite begins with nothing of the last one alive, as the leader of a session, under the limits
 * of a Debian login. What init cannot do is said and left out: the suite that needs it will tell.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define LIST	  "/guest/list"
#define LINE_SIZE 4096
#define ARGS_MAX  64

static const struct {
	const char *type, *where;
} mounts[] = {
	{ "proc", "/proc" },
	{ "sysfs", "/sys" },
	{ "devtmpfs", "/dev" },
	{ "devpts", "/dev/pts" },
	{ "tmpfs", "/dev/shm" },
	{ "tmpfs", "/run" },
	{ "cgroup2", "/sys/fs/cgroup" },
	{ "bpf", "/sys/fs/bpf" },
	{ "debugfs", "/sys/kernel/debug" },
	{ "tracefs", "/sys/kernel/tracing" },
};

static void mount_all(void)
{
	for (size_t i = 0; i < sizeof(mounts) / sizeof(*mounts); i++) {
		mkdir(mounts[i].where, 0755);
		if (mount(mounts[i].type, mounts[i].where, mounts[i].type, 0, NULL) < 0)
			printf("init: no %s: %s\n", mounts[i].where, strerror(errno));
	}
	/* In memory as all of the root; mounted over, it would hide a checkout that lies there. */
	mkdir("/tmp", 01777);
	chmod("/tmp", 01777);
	chmod("/dev/shm", 01777);
}

/* From here on standard output and error are the second serial line, byte for byte. */
static void open_line(void)
{
	struct termios raw;
	int fd = open("/dev/ttyS1", O_RDWR | O_NOCTTY);

	if (fd < 0) {
		printf("init: no second serial line: %s\n", strerror(errno));
		return;
	}
	tcgetattr(fd, &raw);
	cfmakeraw(&raw);
	tcsetattr(fd, TCSANOW, &raw);
	dup2(fd, STDOUT_FILENO);
	dup2(fd, STDERR_FILENO);
	close(fd);
}

static void raise_lo(void)
{
	struct ifreq lo = { .ifr_name = "lo" };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || ioctl(fd, SIOCGIFFLAGS, &lo) < 0)
		printf("init: no lo: %s\n", strerror(errno));
	lo.ifr_flags |= IFF_UP;
	if (fd >= 0 && ioctl(fd, SIOCSIFFLAGS, &lo) < 0)
		printf("init: lo stays down: %s\n", strerror(errno));
	close(fd);
}

/* Debian's kernels have autogroups, and do not switch them on as others do. */
static void switch_autogroups_on(void)
{
	int fd = open("/proc/sys/kernel/sched_autogroup_enabled", O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, "1", 1) != 1)
		printf("init: no autogroups: %s\n", strerror(errno));
	close(fd);
}

static void set_limits(void)
{
	const struct rlimit files = { 1024, 1048576 };

	setrlimit(RLIMIT_NOFILE, &files);
	setenv("PATH", "/usr/bin:/bin", 1);
	setenv("HOME", "/tmp", 1);
	setenv("RINGWALK_GUEST", "1", 1);
}

/* The first line of a file, or "?". */
static const char *first_line(const char *path, char *buf, size_t size)
{
	FILE *file = fopen(path, "re");

	if (!file || !fgets(buf, (int)size, file))
		snprintf(buf, size, "?");
	buf[strcspn(buf, "\n")] = '\0';
	if (file)
		fclose(file);
	return buf;
}

static void say_ready(void)
{
	char cpus[64], nodes[64];
	struct utsname name;

	uname(&name);
	printf("@guest ready %s cpus %s nodes %s\n", name.release,
	       first_line("/sys/devices/system/cpu/online", cpus, sizeof(cpus)),
	       first_line("/sys/devices/system/node/online", nodes, sizeof(nodes)));
}

static void run_program(const char *folder, char **args)
{
	sigset_t none;
	int null = open("/dev/null", O_RDONLY);

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	dup2(null, STDIN_FILENO);
	close(null);
	setsid();
	if (!chdir(folder))
		execv(args[0], args);
	printf("init: cannot run %s in %s: %s\n", args[0], folder, strerror(errno));
	fflush(stdout);
	_exit(127);
}

/* Also for orphans, which are init's own. True when this child has ended. */
static int reap(pid_t child, int *status)
{
	int found = 0, any;
	pid_t pid;

	while ((pid = waitpid(-1, &any, WNOHANG)) > 0) {
		if (pid == child) {
			*status = any;
			found = 1;
		}
	}
	return found;
}

static int64_t seconds_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

/* False when the time was over first. */
static int wait_for(pid_t child, int limit_s, int *status)
{
	int64_t end = seconds_now() + limit_s, left;
	struct timespec wait = { 0 };
	sigset_t ended;

	sigemptyset(&ended);
	sigaddset(&ended, SIGCHLD);
	while (!reap(child, status)) {
		left = end - seconds_now();
		if (left <= 0)
			return 0;
		wait.tv_sec = left;
		sigtimedwait(&ended, NULL, &wait);
	}
	return 1;
}

static void end_all(void)
{
	kill(-1, SIGKILL);
	while (waitpid(-1, NULL, 0) > 0)
		;
}

static void say_end(const char *name, int in_time, int status)
{
	if (!in_time)
		printf("\n@guest end %s timeout 0\n", name);
	else if (WIFSIGNALED(status))
		printf("\n@guest end %s signal %d\n", name, WTERMSIG(status));
	else
		printf("\n@guest end %s exit %d\n", name, WEXITSTATUS(status));
}

static void run_suite(const char *name, int limit_s, const char *folder, char **args)
{
	int status = 0, in_time;
	pid_t child;

	printf("@guest begin %s\n", name);
	fflush(stdout);
	child = fork();
	if (!child)
		run_program(folder, args);
	in_time = child > 0 && wait_for(child, limit_s, &status);
	end_all();
	say_end(name, in_time, status);
	tcdrain(STDOUT_FILENO);
}

static void run_line(char *line)
{
	char *fields[ARGS_MAX + 1] = { NULL }, *at = line;
	size_t count = 0;

	line[strcspn(line, "\n")] = '\0';
	while (count < ARGS_MAX && (fields[count] = strsep(&at, "\t")))
		count++;
	if (count < 4)
		printf("init: not a suite: %s\n", line);
	else
		run_suite(fields[1], atoi(fields[0]), fields[2], fields + 3);
}

static void run_list(void)
{
	FILE *list = fopen(LIST, "re");
	char line[LINE_SIZE];

	if (!list) {
		printf("init: no " LIST ": %s\n", strerror(errno));
		return;
	}
	while (fgets(line, sizeof(line), list))
		run_line(line);
	fclose(list);
}

int main(void)
{
	sigset_t ended;

	if (getpid() != 1) {
		fprintf(stderr, "init: for process 1 of the guest; ./dev test --guest starts it\n");
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	sigemptyset(&ended);
	sigaddset(&ended, SIGCHLD);
	sigprocmask(SIG_BLOCK, &ended, NULL);
	mount_all();
	open_line();
	raise_lo();
	switch_autogroups_on();
	set_limits();
	say_ready();
	run_list();
	printf("@guest done\n");
	fflush(stdout);
	tcdrain(STDOUT_FILENO);
	sync();
	reboot(RB_POWER_OFF);
	return 1;
}

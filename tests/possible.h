/*
 * possible.h - what a machine may lack, asked of the kernel and not of the code under test.
 *
 * Each is true, or false with the running test skipped and the reason given.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_TESTS_POSSIBLE_H
#define RW_TESTS_POSSIBLE_H

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/mempolicy.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/test.h"

/* Is this Linux MAJOR.MINOR or later? Does not skip. */
static inline bool possible_since(unsigned major, unsigned minor)
{
	unsigned has_major = 0, has_minor = 0;
	struct utsname name;

	if (uname(&name) || sscanf(name.release, "%u.%u", &has_major, &has_minor) != 2)
		return false;
	return has_major > major || (has_major == major && has_minor >= minor);
}

/* May this kernel lack what opts, a backend's, ask for? Linux 6.MINOR has it. Does not skip. */
static inline bool possible_lack(const char *opts, unsigned minor)
{
	if (strstr(opts, "busy-poll") && access("/proc/sys/net/core/busy_poll", F_OK))
		return true; /* no CONFIG_NET_RX_BUSY_POLL */
	return minor && !possible_since(6, minor);
}

/* 0, or why there is no IPv6 here, as errno. Does not skip. */
static inline int possible_ipv6_errno(void)
{
	const struct sockaddr_in6 any = { .sin6_family = AF_INET6,
					  .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0), code = 0;

	if (fd < 0 || bind(fd, (const struct sockaddr *)&any, sizeof(any)))
		code = errno;
	if (fd >= 0)
		close(fd);
	return code;
}

static inline bool possible_ipv6(void)
{
	int code = possible_ipv6_errno();

	if (code)
		test_not_possible("no IPv6: %s", strerror(code));
	return !code;
}

/* A network namespace of one's own, with mounts of one's own; tried in a child. */
static inline bool possible_own_net(void)
{
	int status = 0;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (!pid)
		_exit(unshare(CLONE_NEWNET | CLONE_NEWNS) ? errno : 0);
	waitpid(pid, &status, 0);
	if (status)
		test_not_possible("no network namespace can be made: %s",
				  strerror(WEXITSTATUS(status)));
	return !status;
}

/*
 * Why no journal can be kept; NULL: it can. It needs a folder that is ours, and processes to be
 * watched (valgrind has none). Does not skip.
 */
static inline const char *possible_journal_why(void)
{
	const char *named = getenv("RINGWALK_STATE"), *folder = named ? named : "/run/ringwalk";
	int fd = pidfd_open(getpid(), 0);
	struct stat st;

	if (fd < 0)
		return "pidfd_open() is not possible";
	close(fd);
	if ((mkdir(folder, 0755) && errno != EEXIST) || access(folder, W_OK) || stat(folder, &st) ||
	    st.st_uid != geteuid())
		return "the folder of journals is not ours to write to";
	return NULL;
}

static inline bool possible_journal(void)
{
	const char *why = possible_journal_why();

	if (why)
		test_not_possible("%s", why);
	return !why;
}

/* Files opened with O_DIRECT in this folder. */
static inline bool possible_direct(const char *folder)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%.200s/direct-%d", folder, (int)getpid());
	fd = open(path, O_RDWR | O_CREAT | O_DIRECT | O_CLOEXEC, 0600);
	if (fd < 0)
		test_not_possible("O_DIRECT in %.200s: %s", folder, strerror(errno));
	else
		close(fd);
	unlink(path);
	return fd >= 0;
}

/* Whether a program of this type is loaded by the kernel: here one that does nothing. */
static inline bool possible_bpf(enum bpf_prog_type type)
{
	const struct bpf_insn code[] = { { .code = BPF_ALU64 | BPF_MOV | BPF_K },
					 { .code = BPF_JMP | BPF_EXIT } };
	union bpf_attr attr = { .prog_type = type,
				.insns = (uintptr_t)code,
				.insn_cnt = 2,
				.license = (uintptr_t) "GPL" };
	long fd = syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr));

	if (fd < 0)
		test_not_possible("no BPF program can be loaded: %s", strerror(errno));
	else
		close((int)fd);
	return fd >= 0;
}

/* Is memory of this node to be had? */
static inline bool possible_node(unsigned node)
{
	unsigned long nodes[16] = { 1UL << node };
	size_t len = (size_t)sysconf(_SC_PAGESIZE);
	void *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	long rc = syscall(SYS_mbind, p, len, MPOL_BIND, nodes, 1025UL, 0);

	munmap(p, len);
	return !rc;
}

static inline bool possible_two_nodes(void)
{
	if (possible_node(0) && possible_node(1))
		return true;
	test_not_possible("this needs memory nodes 0 and 1");
	return false;
}

#endif

/*
 * netns.c - see netns.h: network_namespaces(7), mount_namespaces(7), open_tree(2).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "system/netns.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"

/* What is mounted below /sys and must be so again when /sys has been mounted anew. */
static const char *const below[] = { "/sys/fs/cgroup",	    "/sys/kernel/debug",
				     "/sys/kernel/tracing", "/sys/kernel/security",
				     "/sys/fs/bpf",	    "/sys/fs/pstore" };
enum { BELOW = sizeof(below) / sizeof(*below) };

static int bring_up_loopback(struct err *err)
{
	AUTO(auto_close) int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request = { .ifr_name = "lo" };

	if (fd < 0 || ioctl(fd, SIOCGIFFLAGS, &request))
		return err_sys(err, -errno, "the namespace's loopback device");
	request.ifr_flags |= IFF_UP;
	return ioctl(fd, SIOCSIFFLAGS, &request)
		       ? err_sys(err, -errno, "the namespace's loopback device")
		       : 0;
}

/* sysfs shows the devices of the namespace in which it was mounted. */
static int mount_sysfs(struct err *err)
{
	int trees[BELOW], rc = 0;

	for (int i = 0; i < BELOW; i++)
		trees[i] = open_tree(AT_FDCWD, below[i],
				     OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
	if (mount("sysfs", "/sys", "sysfs", MS_NOSUID | MS_NOEXEC | MS_NODEV, NULL))
		rc = err_sys(err, -errno, "/sys of the network namespace");
	for (int i = 0; i < BELOW; i++) {
		if (trees[i] < 0)
			continue;
		if (!rc && move_mount(trees[i], "", AT_FDCWD, below[i], MOVE_MOUNT_F_EMPTY_PATH) &&
		    errno != ENOENT)
			rc = err_sys(err, -errno, "%s in the network namespace", below[i]);
		close(trees[i]);
	}
	return rc;
}

/* Without this, what is mounted here would show everywhere. A root made by chroot(2) may be no
 * mount of its own: then that of /sys will do, which is all that is mounted over. */
static int make_mounts_private(void)
{
	if (!mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return 0;
	return errno == EINVAL ? mount("none", "/sys", NULL, MS_REC | MS_PRIVATE, NULL) : -1;
}

int netns_enter(struct err *err)
{
	int rc;

	if (unshare(CLONE_NEWNET | CLONE_NEWNS))
		return errno == EPERM
			       ? err_set(err, -EPERM,
					 "a private network namespace needs CAP_SYS_ADMIN: run as "
					 "root")
			       : err_sys(err, -errno, "a private network namespace");
	if (make_mounts_private())
		return err_sys(err, -errno, "mounts of the network namespace");
	rc = mount_sysfs(err);
	return rc ? rc : bring_up_loopback(err);
}

/* Stays until it is killed, so that the parent can open what it has made. */
static void hold_open(int out, int (*inside)(void *, struct err *), void *context)
{
	struct err err = { 0 };

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	err.code = netns_enter(&err);
	if (!err.code)
		err.code = inside(context, &err);
	if (write(out, &err, sizeof(err)) == sizeof(err))
		pause();
	_exit(1);
}

static int open_of(pid_t pid, const char *which, int flags, int *ret, struct err *err)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, which);
	*ret = open(path, flags | O_CLOEXEC);
	return *ret < 0 ? err_sys(err, -errno, "%s", path) : 0;
}

static int read_answer(int in, struct err *err)
{
	struct err answer = { 0 };

	if (read(in, &answer, sizeof(answer)) != sizeof(answer))
		return err_set(err, -EIO, "a private network namespace cannot be made");
	return answer.code ? err_set(err, answer.code, "%s", answer.text) : 0;
}

int netns_open(struct netns *ret, int (*inside)(void *context, struct err *err), void *context,
	       struct err *err)
{
	int ends[2], rc;
	pid_t pid;

	*ret = (struct netns)NETNS_NONE;
	if (pipe2(ends, O_CLOEXEC))
		return err_sys(err, -errno, "pipe");
	pid = fork();
	if (pid == 0)
		hold_open(ends[1], inside, context);
	rc = pid < 0 ? err_sys(err, -errno, "fork") : 0;
	close(ends[1]);
	if (!rc)
		rc = read_answer(ends[0], err);
	close(ends[0]);
	if (!rc)
		rc = open_of(pid, "ns/net", O_RDONLY, &ret->net, err);
	if (!rc)
		rc = open_of(pid, "ns/mnt", O_RDONLY, &ret->mounts, err);
	if (!rc)
		rc = open_of(pid, "root", O_PATH | O_DIRECTORY, &ret->root, err);
	if (pid > 0) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	if (rc)
		netns_close(ret);
	return rc;
}

void netns_close(struct netns *ns)
{
	if (ns->net >= 0)
		close(ns->net);
	if (ns->mounts >= 0)
		close(ns->mounts);
	if (ns->root >= 0)
		close(ns->root);
	*ns = (struct netns)NETNS_NONE;
}

int netns_join(const struct netns *ns)
{
	char folder[PATH_MAX];

	/* The kernel refuses mounts to a thread whose root and folder are another thread's, too (a
	   sanitizer has one of its own, also after a fork). It goes to the root of these mounts. */
	if (!getcwd(folder, sizeof(folder)) || unshare(CLONE_FS) || setns(ns->net, CLONE_NEWNET) ||
	    setns(ns->mounts, CLONE_NEWNS) || fchdir(ns->root) || chroot(".") || chdir(folder))
		return -errno;
	return 0;
}

/*
 * netns.c - see netns.h: network_namespaces(7), mount_namespaces(7), open_tree(2).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "system/netns.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
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

int netns_enter(struct err *err)
{
	int rc;

	if (unshare(CLONE_NEWNET | CLONE_NEWNS))
		return errno == EPERM
			       ? err_set(err, -EPERM,
					 "a private network namespace needs CAP_SYS_ADMIN: run as "
					 "root")
			       : err_sys(err, -errno, "a private network namespace");
	/* Without this, what is mounted here would show everywhere. */
	if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return err_sys(err, -errno, "mounts of the network namespace");
	rc = mount_sysfs(err);
	return rc ? rc : bring_up_loopback(err);
}

/*
 * netns_id.c - see netns_id.h: socket(7), open_by_handle_at(2).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "system/netns_id.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdalign.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

/* include/uapi/linux/fcntl.h and nsfs.h, exportfs.h of Linux 6.18, which C libraries lack. */
enum { NSFS_ROOT = -10003, NSFS_HANDLE_TYPE = 0xf1 };
struct nsfs_handle {
	uint64_t cookie;
	uint32_t type;
	uint32_t inode;
};

struct netns_id netns_id_own(void)
{
	AUTO(auto_close) int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct netns_id id = { 0 };
	socklen_t size = sizeof(id.cookie);
	struct stat st;

	if (!stat("/proc/thread-self/ns/net", &st))
		id.inode = st.st_ino;
	if (fd < 0 || getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &id.cookie, &size))
		id.cookie = 0;
	return id;
}

bool netns_id_same(const struct netns_id *a, const struct netns_id *b)
{
	return a->inode == b->inode && (!a->cookie || !b->cookie || a->cookie == b->cookie);
}

/* 0, or -errno: -ESTALE means that there is none, or that this is no handle in this kernel. */
static int try_handle(const struct netns_id *id)
{
	const struct nsfs_handle wanted = { id->cookie, CLONE_NEWNET, (uint32_t)id->inode };
	alignas(struct file_handle) char bytes[sizeof(struct file_handle) + sizeof(wanted)] = { 0 };
	struct file_handle *handle = (struct file_handle *)bytes;
	struct stat st;

	handle->handle_bytes = sizeof(wanted);
	handle->handle_type = NSFS_HANDLE_TYPE;
	memcpy(handle->f_handle, &wanted, sizeof(wanted));
	AUTO(auto_close) int fd = open_by_handle_at(NSFS_ROOT, handle, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st))
		return -errno;
	return st.st_ino == id->inode ? 0 : -ESTALE;
}

/* That one's own can be opened shows that this kernel knows such handles and lets us use them. */
enum netns_life netns_id_life(const struct netns_id *id, struct err *err)
{
	const struct netns_id own = netns_id_own();
	int rc;

	if (!id->cookie || !own.cookie) {
		err_set(err, -EOPNOTSUPP, "its number is not known, as before Linux 5.14");
		return NETNS_UNKNOWN;
	}
	/* An inode is one namespace's at a time. */
	if (own.inode == id->inode)
		return own.cookie == id->cookie ? NETNS_LIVES : NETNS_GONE;
	rc = try_handle(&own);
	if (rc) {
		err_sys(err, rc, "the kernel cannot be asked, as Linux 6.18 can");
		return NETNS_UNKNOWN;
	}
	rc = try_handle(id);
	if (rc && rc != -ESTALE)
		err_sys(err, rc, "the kernel does not say");
	return !rc ? NETNS_LIVES : rc == -ESTALE ? NETNS_GONE : NETNS_UNKNOWN;
}

/*
 * datagram_socket.c - what the kernel is told of a UDP socket, and what it says it took.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "engine/datagram.h"

#define GRO_MAX 65535 /* what the kernel puts together at most */

static int get_option(int fd, int level, int name, int *ret)
{
	socklen_t len = sizeof(*ret);

	return getsockopt(fd, level, name, ret, &len) ? -errno : 0;
}

/* The kernel halves what it says: the other half is for its own records (socket(7)). */
static int set_buffer(int fd, int name, int64_t size, const char *knob, const char *limit,
		      struct err *err)
{
	int value = (int)size, got = 0, rc;
	char asked[32], granted[32];

	if (!size)
		return 0;
	rc = setsockopt(fd, SOL_SOCKET, name, &value, sizeof(value)) ? -errno : 0;
	if (!rc)
		rc = get_option(fd, SOL_SOCKET, name, &got);
	units_format(UNIT_SIZE, size, asked, sizeof(asked));
	if (rc)
		return err_sys(err, rc, "%s=%s", knob, asked);
	if (got / 2 >= size)
		return 0;
	return err_set(err, -ENOBUFS, "%s=%s: the kernel gives %s; the limit is %s", knob, asked,
		       units_format(UNIT_SIZE, got / 2, granted, sizeof(granted)), limit);
}

static int set_gro(int fd, struct err *err)
{
	int on = 1, got = 0;
	int rc = setsockopt(fd, SOL_UDP, UDP_GRO, &on, sizeof(on)) ? -errno : 0;

	if (!rc)
		rc = get_option(fd, SOL_UDP, UDP_GRO, &got);
	if (!rc && !got)
		rc = -EOPNOTSUPP;
	return rc ? err_sys(err, rc, "udp.gro=yes (UDP_GRO, Linux 5.0)") : 0;
}

/* It is asked for with each message; here only whether the kernel knows it. */
static int check_gso(int fd, struct err *err)
{
	int got, rc = get_option(fd, SOL_UDP, UDP_SEGMENT, &got);

	return rc ? err_sys(err, rc, "udp.gso=yes (UDP_SEGMENT, Linux 4.18)") : 0;
}

int datagram_set_options(int fd, const struct datagram_opts *opts, struct err *err)
{
	int rc = set_buffer(fd, SO_RCVBUF, opts->receive_buffer, "udp.receive-buffer",
			    "net.core.rmem_max", err);

	if (!rc)
		rc = set_buffer(fd, SO_SNDBUF, opts->send_buffer, "udp.send-buffer",
				"net.core.wmem_max", err);
	if (!rc && opts->gso)
		rc = check_gso(fd, err);
	if (!rc && opts->gro)
		rc = set_gro(fd, err);
	return rc;
}

/* Appends "name=asked" and "name=got", sizes that set_buffer() has compared. */
static void describe_buffer(int fd, int name, int64_t asked, const char *knob,
			    struct verdict_report *ret)
{
	size_t before = strlen(ret->requested), after = strlen(ret->effective);
	char text[32];
	int got = 0;

	if (!asked)
		return;
	get_option(fd, SOL_SOCKET, name, &got);
	snprintf(ret->requested + before, sizeof(ret->requested) - before, "%s%s=%s",
		 before ? " " : "", knob, units_format(UNIT_SIZE, asked, text, sizeof(text)));
	snprintf(ret->effective + after, sizeof(ret->effective) - after, "%s%s=%s",
		 after ? " " : "", knob, units_format(UNIT_SIZE, got / 2, text, sizeof(text)));
}

bool datagram_report(int fd, const struct datagram_opts *opts, struct verdict_report *ret)
{
	*ret = (struct verdict_report){ .name = "udp" };
	describe_buffer(fd, SO_RCVBUF, opts->receive_buffer, "receive-buffer", ret);
	describe_buffer(fd, SO_SNDBUF, opts->send_buffer, "send-buffer", ret);
	return *ret->requested;
}

int datagram_check_backend(const struct loop *loop, const struct datagram_opts *opts,
			   struct err *err)
{
	uint32_t max = loop->backend->datagram_max;

	if (!opts->gro || max >= GRO_MAX)
		return 0;
	return err_set(
		err, -EINVAL,
		"udp.gro=yes: the kernel puts up to %d bytes together, and %s receives %u at "
		"a time, the rest would be lost; io_uring.buffer-size=66KiB or "
		"recv-buffer=64KiB is needed",
		GRO_MAX, loop->ops->group.name, max);
}

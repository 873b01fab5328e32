/*
 * socket.c - the tunable "socket": what the kernel is told of one socket, and what it took.
 *
 * A socket is told at each moment of its life (base/kinds.h) what is due then. What it was told
 * before is compared again when the connection is there, because that is what counts: an accepted
 * socket has inherited from the listening one. Two decisions:
 *  - An established socket is told only what it does not have already. So nothing is set twice,
 *    and what the kernel tunes by itself stays so.
 *  - What the kernel refuses takes back what was set before it.
 *
 * Options and their rows: socket_options.c. What an option needs to have any effect (a device that
 * can be polled, a sysctl, a qdisc), and the sentences: socket_explain.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "system/kernel_file.h"
#include "tunables/socket_options.h"

static bool is_default(const void *opts)
{
	const struct socket_opts *o = opts;

	for (const struct socket_row *row = socket_rows; row->knob; row++)
		if (socket_value(row, opts) != KEEP)
			return false;
	return o->force_buffers == KEEP && !*o->congestion;
}

static int check(const void *opts, struct err *err)
{
	const struct socket_opts *o = opts;

	if (o->force_buffers == 1 && o->receive_buffer == KEEP && o->send_buffer == KEEP)
		return err_set(err, -EINVAL,
			       "socket.force-buffers=on means nothing without "
			       "socket.receive-buffer or socket.send-buffer");
	if (o->keep_alive != 1 &&
	    (o->keep_alive_idle_ns != KEEP || o->keep_alive_interval_ns != KEEP ||
	     o->keep_alive_count != KEEP))
		return err_set(err, -EINVAL,
			       "socket.keepalive-idle, -interval and -count mean nothing without "
			       "socket.keepalive=on");
	return 0;
}

/* The kernel takes any number here. */
static int check_cpu(int64_t cpu, struct err *err)
{
	char path[64], online[128] = "?";

	snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%d", (int)cpu);
	if (cpu < 0 || !access(path, F_OK))
		return 0;
	kernel_file_read("/sys/devices/system/cpu/online", online, sizeof(online));
	return err_set(err, -ENODEV, "socket.incoming-cpu: cpu %d does not exist (online %s)",
		       (int)cpu, online);
}

static int no_socket(const struct target *t, int code, struct err *err)
{
	return err_sys(err, code, "descriptor %d, to set socket options", t->fd);
}

/* Drops what another moment of this socket's life is for. */
static int resolve(const struct target *t, void *opts, struct err *err)
{
	struct socket_opts *o = opts;
	int speaks = socket_speaks(t->fd);

	if (speaks < 0)
		return no_socket(t, speaks, err);
	for (const struct socket_row *row = socket_rows; row->knob; row++)
		if (socket_meet(row, t->kind, (unsigned)speaks) == MEETS_LATER)
			*socket_field(row, opts) = KEEP;
	if (o->receive_buffer == KEEP && o->send_buffer == KEEP)
		o->force_buffers = KEEP;
	return check_cpu(o->incoming_cpu, err);
}

static bool is_alive(const struct target *t)
{
	return 1U << t->kind & LIVES;
}

/* One option, unless it is there already. *ret_old is what to go back to, or KEEP. */
static int tell(const struct target *t, const struct socket_row *row, const struct socket_opts *o,
		int64_t *ret_old)
{
	int64_t value = socket_value(row, o), old = KEEP;
	bool is_known = !socket_get(t->fd, row, &old);
	int rc;

	*ret_old = KEEP;
	/* Nothing can be told. Of one that could have been had explain() says what became of it. */
	if (row->is_innate)
		return value && value != old && !is_alive(t) ? socket_try_mptcp(t->fd) : 0;
	if (is_known && old == value && is_alive(t))
		return 0;
	rc = socket_set(t->fd, row, value, o->force_buffers == 1);
	if (rc && is_known && old == value)
		return 0; /* it cannot be told, and need not be */
	if (!rc && is_known)
		*ret_old = old;
	return rc;
}

static int set_congestion(const struct target *t, const struct socket_opts *o, unsigned speaks)
{
	if (!*o->congestion || !(speaks & SPEAKS_TCP))
		return 0;
	return setsockopt(t->fd, IPPROTO_TCP, TCP_CONGESTION, o->congestion,
			  (socklen_t)strlen(o->congestion))
		       ? -errno
		       : 0;
}

static void take_back(const struct target *t, const struct socket_row *row, const int64_t *old)
{
	for (; row-- > socket_rows;)
		if (old[row - socket_rows] != KEEP)
			socket_set(t->fd, row, old[row - socket_rows], false);
}

static int apply(const struct target *t, const void *opts, struct err *err)
{
	const struct socket_opts *o = opts;
	int speaks = socket_speaks(t->fd), rc = 0;
	int64_t old[KNOB_GROUP_MAX];
	const struct socket_row *row;

	if (speaks < 0)
		return no_socket(t, speaks, err);
	for (row = socket_rows; row->knob; row++) {
		old[row - socket_rows] = KEEP;
		if (socket_value(row, o) == KEEP ||
		    socket_meet(row, t->kind, (unsigned)speaks) != MEETS)
			continue;
		rc = tell(t, row, o, &old[row - socket_rows]);
		if (rc)
			break;
	}
	if (rc)
		rc = socket_refuse(t->fd, row, o, rc, err);
	else if ((rc = set_congestion(t, o, (unsigned)speaks)))
		rc = socket_refuse_congestion(o->congestion, rc, err);
	if (rc)
		take_back(t, row, old);
	return rc;
}

static int read_back(const struct target *t, void *opts, struct err *err)
{
	struct socket_opts *o = opts;
	int speaks = socket_speaks(t->fd);

	if (speaks < 0)
		return no_socket(t, speaks, err);
	socket_keep(o);
	for (const struct socket_row *row = socket_rows; row->knob; row++)
		if (socket_meet(row, t->kind, (unsigned)speaks) == MEETS)
			socket_get(t->fd, row, socket_field(row, o));
	if (speaks & SPEAKS_TCP)
		socket_get_congestion(t->fd, o->congestion);
	return 0;
}

static int protocol(const void *opts)
{
	return ((const struct socket_opts *)opts)->mptcp == 1 ? IPPROTO_MPTCP : 0;
}

const struct tunable tunable_socket = {
	.group = { .name = "socket",
		   .help = "options of sockets",
		   .knobs = socket_knobs,
		   .opts_size = sizeof(struct socket_opts) },
	.scope = SCOPE_SOCKET,
	.kinds = EVERYWHERE,
	.is_default = is_default,
	.check = check,
	.resolve = resolve,
	.protocol = protocol,
	.apply = apply,
	.read_back = read_back,
	.explain = socket_explain,
};

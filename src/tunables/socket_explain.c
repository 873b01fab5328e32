/*
 * socket_explain.c - what became of socket options: whether they can have any effect, in sentences.
 *
 * Several options share one report: the worst verdict decides, and among equals the first.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/units.h"
#include "system/kernel_file.h"
#include "tunables/socket_options.h"

#define FAST_OPEN_SYSCTL "/proc/sys/net/ipv4/tcp_fastopen"
/* Bits of net.ipv4.tcp_fastopen (ip-sysctl.rst). */
#define FAST_OPEN_SERVER 2

/* TCP_INFO as of Linux 4.9; the C library has the beginning (include/uapi/linux/tcp.h). */
struct newer_tcp_info {
	struct tcp_info base;
	uint64_t pacing_rate, max_pacing_rate, bytes_acked, bytes_received;
	uint32_t segments_out, segments_in, unsent_bytes, min_rtt_us;
};

/* One option of one socket. */
struct meeting {
	const struct target *target;
	const struct socket_row *row;
	unsigned speaks;
	int64_t asked, got;
	enum verdict mismatch; /* what it is called when got is not what was asked for */
	struct verdict_report *report;
};

/* From harmless to harmful. */
static unsigned badness(enum verdict verdict)
{
	return verdict == VERDICT_OK	    ? 0
	       : verdict == VERDICT_VACUOUS ? 1
	       : verdict == VERDICT_CLAMPED ? 2
					    : 3;
}

static void conclude(struct verdict_report *report, enum verdict verdict, const char *fmt, ...)
	PRINTF_LIKE(3, 4);

static void conclude(struct verdict_report *report, enum verdict verdict, const char *fmt, ...)
{
	bool is_remark = verdict == VERDICT_OK && report->verdict == VERDICT_OK && !*report->why;
	va_list args;

	if (badness(verdict) <= badness(report->verdict) && !is_remark)
		return;
	report->verdict = verdict;
	va_start(args, fmt);
	vsnprintf(report->why, sizeof(report->why), fmt, args);
	va_end(args);
}

static const struct knob *knob_of(const struct socket_row *row)
{
	const struct knob *k = socket_knobs;

	while (strcmp(k->name, row->knob) != 0)
		k++;
	return k;
}

static const char *text_of(const struct meeting *m, int64_t value, char *buf, size_t size)
{
	struct socket_opts opts;

	*socket_field(m->row, &opts) = value;
	knob_format(knob_of(m->row), &opts, buf, size);
	return buf;
}

static const char *title(unsigned kind, unsigned speaks)
{
	if (speaks & SPEAKS_UNIX)
		return "a unix socket";
	if (speaks & SPEAKS_UDP)
		return "a UDP socket";
	return kind == SOCKET_LISTENING || kind == SOCKET_ACCEPTED
		       ? "a socket that listens, nor to what it accepts"
		       : "a socket that connects";
}

static const char *cut_reason(const struct meeting *m)
{
	const char *name = m->row->knob;

	if (!strcmp(name, "receive-buffer"))
		return m->got < m->asked ? ": the limit is net.core.rmem_max"
					 : ": the kernel's least";
	if (!strcmp(name, "send-buffer"))
		return m->got < m->asked ? ": the limit is net.core.wmem_max"
					 : ": the kernel's least";
	if (!strcmp(name, "defer-accept"))
		return ": it counts repeated SYN-ACKs, after 1s, 3s, 7s, 15s, 31s";
	if (!strcmp(name, "rto-min") || !strcmp(name, "delack-max"))
		return ": it counts in ticks";
	if (!strcmp(name, "fastopen"))
		return ": the limit is net.core.somaxconn";
	return "";
}

static void explain_difference(struct meeting *m)
{
	char asked[64], got[64];
	enum verdict verdict;
	const char *why;

	if (m->row->is_innate) {
		verdict = socket_explain_mptcp(m->target->kind, m->asked, &why);
		conclude(m->report, verdict, "socket.%s: %s", m->row->knob, why);
		return;
	}
	conclude(m->report, m->mismatch, "socket.%s: asked for %s, the kernel has %s%s",
		 m->row->knob, text_of(m, m->asked, asked, sizeof(asked)),
		 text_of(m, m->got, got, sizeof(got)), cut_reason(m));
}

static bool is_alive(const struct meeting *m)
{
	return 1U << m->target->kind & LIVES;
}

static void explain_busy_poll(struct meeting *m)
{
	char device[IFNAMSIZ];
	unsigned id = 0;
	socklen_t len = sizeof(id);

	if (!m->asked || m->target->kind == SOCKET_LISTENING ||
	    m->target->kind == SOCKET_CONNECTING)
		return;
	if (is_alive(m)) {
		getsockopt(m->target->fd, SOL_SOCKET, SO_INCOMING_NAPI_ID, &id, &len);
		if (!id && socket_has_mptcp(m->target->fd))
			conclude(m->report, VERDICT_VACUOUS,
				 "socket.busy-poll: of an MPTCP socket the kernel knows no NAPI "
				 "device, whatever the path: busy polling does nothing");
		else if (!id)
			conclude(m->report, VERDICT_VACUOUS,
				 "socket.busy-poll: no NAPI device on this path (%s): busy polling "
				 "does nothing",
				 socket_device(m->target->fd, device) ? device : "unknown");
	} else if (socket_device(m->target->fd, device) == DEVICE_LOOPBACK) {
		conclude(m->report, VERDICT_VACUOUS,
			 "socket.busy-poll: %s is no NAPI device: busy polling does nothing",
			 device);
	} else {
		conclude(m->report, VERDICT_OK,
			 "socket.busy-poll: whether there is a NAPI device on the path is known "
			 "only when datagrams come");
	}
}

/* How much and with what preference to poll is asked when the socket has a time for it. */
static bool is_polled(struct meeting *m)
{
	socklen_t len = sizeof(int);
	int time_us = 0;

	if (m->target->kind == SOCKET_LISTENING || m->target->kind == SOCKET_CONNECTING ||
	    getsockopt(m->target->fd, SOL_SOCKET, SO_BUSY_POLL, &time_us, &len) || time_us)
		return true;
	conclude(m->report, VERDICT_VACUOUS,
		 "socket.%s says how to busy-poll, and nothing does: socket.busy-poll=50us or the "
		 "like, or net.core.busy_read, must say how long",
		 m->row->knob);
	return false;
}

static void explain_budget(struct meeting *m)
{
	if (m->asked)
		is_polled(m);
}

/* Without both the device does not wait for whoever polls (napi.rst). */
static void explain_prefer(struct meeting *m)
{
	char device[IFNAMSIZ], path[128];
	const char *const files[] = { "gro_flush_timeout", "napi_defer_hard_irqs" };

	if (m->asked != 1 || !is_polled(m) || m->target->kind == SOCKET_LISTENING ||
	    !socket_device(m->target->fd, device))
		return;
	for (unsigned i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "/sys/class/net/%s/%s", device, files[i]);
		if (!kernel_file_number(path, 1))
			conclude(m->report, VERDICT_VACUOUS,
				 "socket.prefer-busy-poll: %s of %s is 0: interrupts are not "
				 "put off",
				 files[i], device);
	}
}

static void explain_stamps(struct meeting *m)
{
	char device[IFNAMSIZ];

	if (m->asked != STAMPS_HARDWARE)
		return;
	if (!socket_device(m->target->fd, device))
		conclude(m->report, VERDICT_OK,
			 "socket.timestamping: through which device packets come is not known");
	else if (!socket_device_stamps(m->target->fd, device))
		conclude(m->report, VERDICT_IGNORED,
			 "socket.timestamping: %s cannot stamp packets: accepted, and no stamp "
			 "ever comes",
			 device);
}

static void explain_fast_open(struct meeting *m)
{
	int64_t bits = kernel_file_number(FAST_OPEN_SYSCTL, FAST_OPEN_SERVER);

	if (m->asked && !(bits & FAST_OPEN_SERVER))
		conclude(m->report, VERDICT_IGNORED,
			 "socket.fastopen: net.ipv4.tcp_fastopen is %d and lacks bit 2: the "
			 "queue is accepted and never used",
			 (int)bits);
}

/*
 * SYN and SYN-ACK are delayed, too, so the handshake shows whether anything is. The smoothed round
 * trip would not: the kernel adds the delay to it when it is told.
 */
static void explain_tx_delay(struct meeting *m)
{
	struct newer_tcp_info info = { 0 };
	socklen_t len = sizeof(info);

	if (!m->asked || !is_alive(m) ||
	    getsockopt(m->target->fd, IPPROTO_TCP, TCP_INFO, &info, &len))
		return;
	if (info.min_rtt_us * US < m->asked)
		conclude(m->report, VERDICT_IGNORED,
			 "socket.tx-delay: the handshake's round trip took %uus, less than the "
			 "delay: no fq qdisc on this path",
			 info.min_rtt_us);
}

static void explain_pacing(struct meeting *m)
{
	if (m->asked && m->speaks & SPEAKS_UDP)
		conclude(m->report, VERDICT_OK,
			 "socket.max-pacing-rate: UDP is paced by the fq qdisc only");
}

/* The kernel looks at it when it has several sockets to choose from. */
static void explain_incoming_cpu(struct meeting *m)
{
	socklen_t len = sizeof(int);
	int is_shared = 0;

	if (m->asked < 0 || getsockopt(m->target->fd, SOL_SOCKET, SO_REUSEPORT, &is_shared, &len) ||
	    is_shared)
		return;
	conclude(m->report, VERDICT_VACUOUS,
		 "socket.incoming-cpu chooses among sockets that share a port, and this one is "
		 "alone: a node's share one with accept-mode=child and several threads");
}

/* What the read-back alone does not show. */
static const struct {
	const char *knob;
	void (*explain)(struct meeting *m);
} effects[] = {
	{ "busy-poll", explain_busy_poll },	{ "prefer-busy-poll", explain_prefer },
	{ "timestamping", explain_stamps },	{ "fastopen", explain_fast_open },
	{ "tx-delay", explain_tx_delay },	{ "max-pacing-rate", explain_pacing },
	{ "busy-poll-budget", explain_budget }, { "incoming-cpu", explain_incoming_cpu },
};

static void explain_effect(struct meeting *m)
{
	for (unsigned i = 0; i < sizeof(effects) / sizeof(*effects); i++)
		if (!strcmp(effects[i].knob, m->row->knob))
			effects[i].explain(m);
}

static void explain_one(struct meeting *m)
{
	if (socket_meet(m->row, m->target->kind, m->speaks) == MEETS_NEVER)
		conclude(m->report, VERDICT_VACUOUS, "socket.%s means nothing to %s", m->row->knob,
			 title(m->target->kind, m->speaks));
	else if (m->got != m->asked && m->got != KEEP)
		explain_difference(m);
	else
		explain_effect(m);
	if (m->got == KEEP)
		conclude(m->report, VERDICT_OK,
			 "socket.%s was accepted; the kernel offers no way to read it back",
			 m->row->knob);
}

/* "a=1 b=2" of what was asked for; "?" is what cannot be read. */
static size_t describe(char *buf, size_t size, size_t len, const char *name, const char *value)
{
	if (len < size)
		len += (size_t)snprintf(buf + len, size - len, "%s%s=%s", len ? " " : "", name,
					value);
	return len;
}

static void explain_congestion(const char *asked, const char *got, unsigned speaks,
			       struct verdict_report *report)
{
	if (!*asked)
		return;
	if (!(speaks & SPEAKS_TCP))
		conclude(report, VERDICT_VACUOUS, "socket.congestion means nothing to %s",
			 title(SOCKET_DATAGRAM, speaks));
	else if (strcmp(asked, got) != 0)
		conclude(report, VERDICT_IGNORED,
			 "socket.congestion: asked for %s, the kernel has %s", asked, got);
}

void socket_explain(const struct target *t, const void *requested, const void *effective,
		    struct verdict_report *report)
{
	const struct socket_opts *asked = requested, *got = effective;
	struct meeting m = { .target = t, .report = report };
	size_t len = 0, size = sizeof(report->effective);
	char text[64];

	m.speaks = (unsigned)socket_speaks(t->fd);
	m.mismatch = report->verdict == VERDICT_OK ? VERDICT_CLAMPED : report->verdict;
	report->verdict = VERDICT_OK;
	*report->why = *report->effective = '\0';
	for (m.row = socket_rows; m.row->knob; m.row++) {
		m.asked = socket_value(m.row, asked);
		m.got = socket_value(m.row, got);
		if (m.asked == KEEP)
			continue;
		explain_one(&m);
		text_of(&m, m.got, text, sizeof(text));
		len = describe(report->effective, size, len, m.row->knob,
			       m.got == KEEP ? "?" : text);
	}
	explain_congestion(asked->congestion, got->congestion, m.speaks, report);
	if (*asked->congestion)
		describe(report->effective, size, len, "congestion", got->congestion);
}

int socket_refuse(int fd, const struct socket_row *row, const struct socket_opts *opts, int code,
		  struct err *err)
{
	struct meeting m = { .row = row };
	char value[64];

	if (row->is_innate)
		return socket_refuse_mptcp(code, err);
	if (code == -EOPNOTSUPP && !strcmp(row->knob, "fastopen-connect"))
		return err_set(err, code,
			       "socket.fastopen-connect: net.ipv4.tcp_fastopen lacks bit 1");
	if ((code == -ENOPROTOOPT || code == -EOPNOTSUPP) && socket_has_mptcp(fd))
		return err_set(err, -EOPNOTSUPP,
			       "socket.%s: this kernel's MPTCP sockets lack the option: only one "
			       "of it and socket.mptcp=on can be had",
			       row->knob);
	text_of(&m, socket_value(row, opts), value, sizeof(value));
	if (code == -EPERM)
		return err_set(err, code, "socket.%s=%s: needs %s", row->knob, value,
			       row->needs ? row->needs : "more rights than this process has");
	if (code == -ENOPROTOOPT && row->since)
		return err_set(err, code, "socket.%s: this kernel does not know it (Linux %s)",
			       row->knob, row->since);
	if (code == -EOPNOTSUPP && !strcmp(row->knob, "reserve-mem"))
		return err_set(err, code,
			       "socket.reserve-mem: the process is in no memory cgroup that "
			       "accounts for sockets");
	if (code == -EINVAL && row->takes)
		return err_set(err, code, "socket.%s=%s: the kernel takes %s", row->knob, value,
			       row->takes);
	if (code == -EINVAL)
		return err_set(err, code, "socket.%s=%s: the kernel does not take this value",
			       row->knob, value);
	return err_sys(err, code, "socket.%s=%s", row->knob, value);
}

int socket_refuse_congestion(const char *name, int code, struct err *err)
{
	char list[128];

	if (code == -ENOENT) {
		kernel_file_read("/proc/sys/net/ipv4/tcp_available_congestion_control", list,
				 sizeof(list));
		return err_set(err, -EOPNOTSUPP,
			       "socket.congestion: %s is not built into this kernel (it has: %s)",
			       name, list);
	}
	if (code == -EPERM) {
		kernel_file_read("/proc/sys/net/ipv4/tcp_allowed_congestion_control", list,
				 sizeof(list));
		return err_set(err, code,
			       "socket.congestion: %s needs CAP_NET_ADMIN (without it: %s)", name,
			       list);
	}
	return err_sys(err, code, "socket.congestion=%s", name);
}

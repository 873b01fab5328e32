/*
 * socket_knobs.c - the knob table of the tunable "socket".
 *
 * For many options 0 is a value, and what a socket has without being asked is the kernel's
 * business. So every knob here stands at `keep` until something else is asked for.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <limits.h>
#include <string.h>

#include "tunables/socket_options.h"

static bool is_keep(const char *text)
{
	return !strcmp(text, "keep");
}

/* "keep", or what another type takes. */
static int parse_kept(const struct knob_type *type, const struct knob *k, const char *text,
		      int64_t *field, struct err *err)
{
	if (!is_keep(text))
		return type->parse(k, text, field, err);
	*field = KEEP;
	return 0;
}

static void format_kept(const struct knob_type *type, const struct knob *k, const int64_t *field,
			char *buf, size_t size)
{
	if (*field == KEEP)
		snprintf(buf, size, "keep");
	else
		type->format(k, field, buf, size);
}

static int parse_int(const struct knob *k, const char *text, void *field, struct err *err)
{
	return parse_kept(&knob_int, k, text, field, err);
}

static void format_int(const struct knob *k, const void *field, char *buf, size_t size)
{
	format_kept(&knob_int, k, field, buf, size);
}

static int parse_time(const struct knob *k, const char *text, void *field, struct err *err)
{
	return parse_kept(&knob_time, k, text, field, err);
}

static void format_time(const struct knob *k, const void *field, char *buf, size_t size)
{
	format_kept(&knob_time, k, field, buf, size);
}

static int parse_size(const struct knob *k, const char *text, void *field, struct err *err)
{
	return parse_kept(&knob_size, k, text, field, err);
}

static void format_size(const struct knob *k, const void *field, char *buf, size_t size)
{
	format_kept(&knob_size, k, field, buf, size);
}

/* The choices without "keep", which stands behind them: what knob_enum counts is the value. */
static int parse_choice(const struct knob *k, const char *text, void *field, struct err *err)
{
	struct knob as_enum = *k;
	int choice = 0, rc = 0;

	as_enum.size = sizeof(choice);
	if (!is_keep(text))
		rc = knob_enum.parse(&as_enum, text, &choice, err);
	if (!rc)
		*(int64_t *)field = is_keep(text) ? KEEP : choice;
	return rc;
}

static void format_choice(const struct knob *k, const void *field, char *buf, size_t size)
{
	const int64_t *value = field;

	snprintf(buf, size, "%s", *value == KEEP ? "keep" : k->choices[*value]);
}

static const struct knob_type kept_int = { "N", parse_int, format_int };
static const struct knob_type kept_time = { "TIME", parse_time, format_time };
static const struct knob_type kept_size = { "SIZE", parse_size, format_size };
static const struct knob_type kept_choice = { "CHOICE", parse_choice, format_choice };

static const char *const switch_names[] = { "off", "on", "keep", NULL };
static const char *const stamp_names[] = { "off", "software", "hardware", "keep", NULL };

#define NUMBER(field) \
	.type = &kept_int, KNOB_FIELD(struct socket_opts, field, int64_t), .def = "keep"
#define TIME(field) \
	.type = &kept_time, KNOB_FIELD(struct socket_opts, field, int64_t), .def = "keep"
#define SIZE(field) \
	.type = &kept_size, KNOB_FIELD(struct socket_opts, field, int64_t), .def = "keep"
#define SWITCH(field)                                                         \
	.type = &kept_choice, KNOB_FIELD(struct socket_opts, field, int64_t), \
	.choices = switch_names, .def = "keep"
#define US_MAX	((int64_t)INT_MAX * 1000)
#define MS_MAX	((int64_t)INT_MAX * 1000000)
#define TCP_SEC ((int64_t)32767 * 1000000000) /* MAX_TCP_KEEPIDLE of linux/tcp.h */

const struct knob socket_knobs[] = {
	{ .name = "mptcp",
	  SWITCH(mptcp),
	  .help = "Multipath TCP where both ends speak it, else TCP (Linux 5.6, net.mptcp.enabled)",
	  .read_back = "SO_PROTOCOL, MPTCP_INFO" },
	{ .name = "receive-buffer",
	  SIZE(receive_buffer),
	  .max = INT_MAX,
	  .help = "bytes the kernel keeps for us; ends autotuning",
	  .read_back = "SO_RCVBUF" },
	{ .name = "send-buffer",
	  SIZE(send_buffer),
	  .max = INT_MAX,
	  .help = "bytes the kernel takes from us; ends autotuning",
	  .read_back = "SO_SNDBUF" },
	{ .name = "force-buffers",
	  SWITCH(force_buffers),
	  .help = "buffers beyond net.core.rmem_max and wmem_max (CAP_NET_ADMIN)",
	  .read_back = "SO_RCVBUF, SO_SNDBUF" },
	{ .name = "reserve-mem",
	  SIZE(reserve_memory),
	  .max = INT_MAX,
	  .help = "of the memory cgroup, set aside for the socket (Linux 5.17)",
	  .read_back = "SO_RESERVE_MEM" },
	{ .name = "priority",
	  NUMBER(priority),
	  .max = 15,
	  .help = "of packets in the queue of the device",
	  .read_back = "SO_PRIORITY" },
	{ .name = "mark",
	  NUMBER(mark),
	  .max = INT_MAX,
	  .help = "of packets, for routing and filters (CAP_NET_ADMIN)",
	  .read_back = "SO_MARK" },
	{ .name = "tos",
	  NUMBER(tos),
	  .max = 255,
	  .help = "type of service, in the packets' head",
	  .read_back = "IP_TOS, IPV6_TCLASS" },
	{ .name = "incoming-cpu",
	  NUMBER(incoming_cpu),
	  .min = -1,
	  .max = 8191,
	  .help = "of sockets that share a port: packets of this CPU first; -1: of any",
	  .read_back = "SO_INCOMING_CPU" },
	{ .name = "max-pacing-rate",
	  SIZE(pacing_rate),
	  .max = INT64_MAX,
	  .help = "bytes a second; 0B: no limit",
	  .read_back = "SO_MAX_PACING_RATE" },
	{ .name = "txrehash",
	  SWITCH(rehash),
	  .help = "another path after a timeout (Linux 5.17)",
	  .read_back = "SO_TXREHASH" },
	{ .name = "timestamping",
	  .type = &kept_choice,
	  KNOB_FIELD(struct socket_opts, timestamping, int64_t),
	  .choices = stamp_names,
	  .def = "keep",
	  .help = "the time of arrival on every packet: what it costs",
	  .read_back = "SO_TIMESTAMPING" },
	{ .name = "busy-poll",
	  TIME(busy_poll_ns),
	  .max = US_MAX,
	  .help = "how long to poll the device instead of sleeping; 0ns: never",
	  .read_back = "SO_BUSY_POLL, SO_INCOMING_NAPI_ID" },
	{ .name = "prefer-busy-poll",
	  SWITCH(prefer_busy_poll),
	  .help = "interrupts only when nobody polls (Linux 5.11, CAP_NET_ADMIN)",
	  .read_back = "SO_PREFER_BUSY_POLL" },
	{ .name = "busy-poll-budget",
	  NUMBER(busy_poll_budget),
	  .max = 65535,
	  .help = "packets a poll (Linux 5.11)" },
	{ .name = "quickack",
	  SWITCH(quick_ack),
	  .help = "acknowledge at once; the kernel may go back to delaying",
	  .read_back = "TCP_QUICKACK" },
	{ .name = "cork",
	  SWITCH(cork),
	  .help = "only full segments, or what is 200 ms old",
	  .read_back = "TCP_CORK" },
	{ .name = "thin",
	  SWITCH(thin),
	  .help = "linear timeouts when little is under way",
	  .read_back = "TCP_THIN_LINEAR_TIMEOUTS" },
	{ .name = "notsent-lowat",
	  SIZE(unsent),
	  .max = INT_MAX,
	  .help = "writable when less than this is unsent; 0B: the sysctl's",
	  .read_back = "TCP_NOTSENT_LOWAT" },
	{ .name = "user-timeout",
	  TIME(user_timeout_ns),
	  .max = MS_MAX,
	  .help = "unacknowledged for so long is lost; 0ns: the kernel's",
	  .read_back = "TCP_USER_TIMEOUT" },
	{ .name = "syncnt",
	  NUMBER(syn_retries),
	  .min = 1,
	  .max = 127,
	  .help = "tries to connect",
	  .read_back = "TCP_SYNCNT" },
	{ .name = "maxseg",
	  SIZE(segment),
	  .max = 32767,
	  .help = "of what the peer is told before the connection",
	  .read_back = "TCP_MAXSEG" },
	{ .name = "keepalive",
	  SWITCH(keep_alive),
	  .help = "ask an idle peer whether it is there",
	  .read_back = "SO_KEEPALIVE" },
	{ .name = "keepalive-idle",
	  TIME(keep_alive_idle_ns),
	  .min = 1000000000,
	  .max = TCP_SEC,
	  .help = "idle for so long before the first question",
	  .read_back = "TCP_KEEPIDLE" },
	{ .name = "keepalive-interval",
	  TIME(keep_alive_interval_ns),
	  .min = 1000000000,
	  .max = TCP_SEC,
	  .help = "between questions",
	  .read_back = "TCP_KEEPINTVL" },
	{ .name = "keepalive-count",
	  NUMBER(keep_alive_count),
	  .min = 1,
	  .max = 127,
	  .help = "questions before it is gone",
	  .read_back = "TCP_KEEPCNT" },
	{ .name = "defer-accept",
	  TIME(defer_accept_ns),
	  .max = TCP_SEC,
	  .help = "of listening sockets: accept when data has come",
	  .read_back = "TCP_DEFER_ACCEPT" },
	{ .name = "fastopen",
	  NUMBER(fast_open),
	  .max = 65535,
	  .help = "of listening sockets: so many requests in a SYN may wait",
	  .read_back = "TCP_FASTOPEN, net.ipv4.tcp_fastopen" },
	{ .name = "fastopen-connect",
	  SWITCH(fast_open_connect),
	  .help = "of connecting sockets: the first request in the SYN (Linux 4.11)",
	  .read_back = "TCP_FASTOPEN_CONNECT, net.ipv4.tcp_fastopen" },
	{ .name = "tx-delay",
	  TIME(tx_delay_ns),
	  .max = US_MAX,
	  .help = "each packet leaves later; needs the fq qdisc (Linux 5.3)",
	  .read_back = "TCP_TX_DELAY, round trip of TCP_INFO" },
	{ .name = "rto-max",
	  TIME(rto_max_ns),
	  .max = MS_MAX,
	  .help = "longest retransmission timeout (Linux 6.15)",
	  .read_back = "TCP_RTO_MAX_MS" },
	{ .name = "rto-min",
	  TIME(rto_min_ns),
	  .max = US_MAX,
	  .help = "shortest retransmission timeout (Linux 6.15)",
	  .read_back = "TCP_RTO_MIN_US" },
	{ .name = "delack-max",
	  TIME(delayed_ack_ns),
	  .max = US_MAX,
	  .help = "longest wait before an acknowledgement (Linux 6.15)",
	  .read_back = "TCP_DELACK_MAX_US" },
	{ .name = "congestion",
	  .type = &knob_text,
	  KNOB_FIELD(struct socket_opts, congestion, char[16]),
	  .def = "",
	  .help = "congestion control; empty: the machine's",
	  .read_back = "TCP_CONGESTION" },
	{ 0 },
};

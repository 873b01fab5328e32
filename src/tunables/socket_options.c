/*
 * socket_options.c - what the kernel can be told of a socket: socket(7), tcp(7), ip(7).
 *
 * Options that a listening socket hands down to what it accepts are told to it, and again to an
 * accepted socket that has another value all the same; so nobody here has to know which they are.
 *
 * Left out on purpose: SO_ZEROCOPY, for nothing here sends with MSG_ZEROCOPY (io_uring's own way
 * needs no option); SO_SNDLOWAT, which Linux cannot set. MPTCP is another protocol and no option,
 * and has a row all the same: socket_mptcp.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tunables/socket_options.h"

#include <errno.h>
#include <linux/net_tstamp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"

/* Newer than the C library's headers: include/uapi/asm-generic/socket.h, linux/tcp.h. */
#define OPTION_PREFER_BUSY_POLL 69
#define OPTION_BUSY_POLL_BUDGET 70
#define OPTION_RESERVE_MEM	73
#define OPTION_TXREHASH		74
#define OPTION_TX_DELAY		37
#define OPTION_RTO_MAX_MS	44
#define OPTION_RTO_MIN_US	45
#define OPTION_DELACK_MAX_US	46

#define FIELD(field)   .offset = offsetof(struct socket_opts, field)
#define SOCKET(name)   .level = SOL_SOCKET, .option = (name)
#define TCP_ONLY(name) .level = IPPROTO_TCP, .option = (name), .speaks = SPEAKS_TCP
#define ADMIN	       "CAP_NET_ADMIN"
/* include/net/tcp.h: TCP_TIMEOUT_MIN to TCP_RTO_MIN, TCP_DELACK_MAX. */
#define TICKS "two of its ticks (8ms at 250 a second, 2ms at 1000) to 200ms"

const struct socket_row socket_rows[] = {
	/* First: which options there are depends on it. */
	{ "mptcp", FIELD(mptcp), SOCKET(SO_PROTOCOL), .speaks = SPEAKS_TCP, .kinds = EVERYWHERE,
	  .is_innate = true },
	{ "receive-buffer", FIELD(receive_buffer), SOCKET(SO_RCVBUF), .speaks = SPEAKS_IP,
	  .kinds = EVERYWHERE, .forced = SO_RCVBUFFORCE, .needs = ADMIN },
	{ "send-buffer", FIELD(send_buffer), SOCKET(SO_SNDBUF), .speaks = SPEAKS_IP | SPEAKS_UNIX,
	  .kinds = EVERYWHERE, .forced = SO_SNDBUFFORCE, .needs = ADMIN },
	{ "reserve-mem", FIELD(reserve_memory), SOCKET(OPTION_RESERVE_MEM), .speaks = SPEAKS_TCP,
	  .kinds = LIVES, .since = "5.17" },
	/* Before the priority: the kernel makes one of the type of service (__ip_sock_set_tos). */
	{ "tos", FIELD(tos), .level = IPPROTO_IP, .option = IP_TOS, .speaks = SPEAKS_IP,
	  .kinds = EVERYWHERE },
	{ "priority", FIELD(priority), SOCKET(SO_PRIORITY), .speaks = SPEAKS_IP,
	  .kinds = EVERYWHERE, .needs = ADMIN " above 6" },
	{ "mark", FIELD(mark), SOCKET(SO_MARK), .speaks = SPEAKS_IP, .kinds = EVERYWHERE,
	  .needs = ADMIN },
	{ "incoming-cpu", FIELD(incoming_cpu), SOCKET(SO_INCOMING_CPU), .speaks = SPEAKS_IP,
	  .kinds = LISTENS | HAS_DATAGRAMS, .since = "4.4" },
	{ "max-pacing-rate", FIELD(pacing_rate), SOCKET(SO_MAX_PACING_RATE), .speaks = SPEAKS_IP,
	  .kinds = EVERYWHERE, .is_wide = true },
	{ "txrehash", FIELD(rehash), SOCKET(OPTION_TXREHASH), .speaks = SPEAKS_TCP,
	  .kinds = EVERYWHERE, .since = "5.17" },
	{ "timestamping", FIELD(timestamping), SOCKET(SO_TIMESTAMPING), .speaks = SPEAKS_IP,
	  .kinds = HAS_DATAGRAMS | LIVES },
	{ "busy-poll", FIELD(busy_poll_ns), SOCKET(SO_BUSY_POLL), .unit = US, .speaks = SPEAKS_IP,
	  .kinds = EVERYWHERE, .needs = ADMIN },
	{ "prefer-busy-poll", FIELD(prefer_busy_poll), SOCKET(OPTION_PREFER_BUSY_POLL),
	  .speaks = SPEAKS_IP, .kinds = EVERYWHERE, .since = "5.11", .needs = ADMIN },
	{ "busy-poll-budget", FIELD(busy_poll_budget), SOCKET(OPTION_BUSY_POLL_BUDGET),
	  .speaks = SPEAKS_IP, .kinds = EVERYWHERE, .since = "5.11", .needs = ADMIN,
	  .cannot_be_read = true },
	{ "quickack", FIELD(quick_ack), TCP_ONLY(TCP_QUICKACK), .kinds = LIVES },
	{ "cork", FIELD(cork), TCP_ONLY(TCP_CORK), .kinds = LIVES },
	{ "thin", FIELD(thin), TCP_ONLY(TCP_THIN_LINEAR_TIMEOUTS), .kinds = EVERYWHERE },
	{ "notsent-lowat", FIELD(unsent), TCP_ONLY(TCP_NOTSENT_LOWAT), .kinds = EVERYWHERE },
	{ "user-timeout", FIELD(user_timeout_ns), TCP_ONLY(TCP_USER_TIMEOUT), .unit = MS,
	  .kinds = EVERYWHERE },
	{ "syncnt", FIELD(syn_retries), TCP_ONLY(TCP_SYNCNT), .kinds = CONNECTS },
	{ "maxseg", FIELD(segment), TCP_ONLY(TCP_MAXSEG), .kinds = LISTENS | CONNECTS,
	  .takes = "88B to 32767B" },
	{ "keepalive", FIELD(keep_alive), SOCKET(SO_KEEPALIVE), .speaks = SPEAKS_TCP,
	  .kinds = EVERYWHERE },
	{ "keepalive-idle", FIELD(keep_alive_idle_ns), TCP_ONLY(TCP_KEEPIDLE), .unit = SEC,
	  .kinds = EVERYWHERE },
	{ "keepalive-interval", FIELD(keep_alive_interval_ns), TCP_ONLY(TCP_KEEPINTVL), .unit = SEC,
	  .kinds = EVERYWHERE },
	{ "keepalive-count", FIELD(keep_alive_count), TCP_ONLY(TCP_KEEPCNT), .kinds = EVERYWHERE },
	{ "defer-accept", FIELD(defer_accept_ns), TCP_ONLY(TCP_DEFER_ACCEPT), .unit = SEC,
	  .kinds = LISTENS },
	{ "fastopen", FIELD(fast_open), TCP_ONLY(TCP_FASTOPEN), .kinds = LISTENS },
	{ "fastopen-connect", FIELD(fast_open_connect), TCP_ONLY(TCP_FASTOPEN_CONNECT),
	  .kinds = CONNECTS, .since = "4.11" },
	{ "tx-delay", FIELD(tx_delay_ns), TCP_ONLY(OPTION_TX_DELAY), .unit = US,
	  .kinds = EVERYWHERE, .since = "5.3" },
	{ "rto-max", FIELD(rto_max_ns), TCP_ONLY(OPTION_RTO_MAX_MS), .unit = MS,
	  .kinds = EVERYWHERE, .takes = "1s to 120s", .since = "6.15" },
	{ "rto-min", FIELD(rto_min_ns), TCP_ONLY(OPTION_RTO_MIN_US), .unit = US,
	  .kinds = EVERYWHERE, .takes = TICKS, .since = "6.15" },
	{ "delack-max", FIELD(delayed_ack_ns), TCP_ONLY(OPTION_DELACK_MAX_US), .unit = US,
	  .kinds = EVERYWHERE, .takes = TICKS, .since = "6.15" },
	{ 0 },
};

int socket_speaks(int fd)
{
	int domain = 0, type = 0;
	socklen_t len = sizeof(int);

	if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) ||
	    getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len))
		return -errno;
	if (domain == AF_UNIX)
		return SPEAKS_UNIX;
	return (type == SOCK_DGRAM ? SPEAKS_UDP : SPEAKS_TCP) |
	       (domain == AF_INET6 ? SPEAKS_IPV6 : 0);
}

/* All moments in the life of a socket of this kind. */
static unsigned life_of(unsigned kind)
{
	static const unsigned lives[] = {
		[SOCKET_LISTENING] = LISTENS | IS_ACCEPTED,
		[SOCKET_ACCEPTED] = LISTENS | IS_ACCEPTED,
		[SOCKET_CONNECTING] = CONNECTS | IS_CONNECTED,
		[SOCKET_CONNECTED] = CONNECTS | IS_CONNECTED,
		[SOCKET_DATAGRAM] = HAS_DATAGRAMS,
	};

	return lives[kind];
}

enum socket_meeting socket_meet(const struct socket_row *row, unsigned kind, unsigned speaks)
{
	if (!(row->speaks & speaks) || !(row->kinds & life_of(kind)))
		return MEETS_NEVER;
	return row->kinds & 1U << kind ? MEETS : MEETS_LATER;
}

int64_t *socket_field(const struct socket_row *row, void *opts)
{
	return (int64_t *)((char *)opts + row->offset);
}

int64_t socket_value(const struct socket_row *row, const void *opts)
{
	return *(const int64_t *)((const char *)opts + row->offset);
}

void socket_keep(struct socket_opts *opts)
{
	for (const struct socket_row *row = socket_rows; row->knob; row++)
		*socket_field(row, opts) = KEEP;
	opts->force_buffers = KEEP;
	memset(opts->congestion, 0, sizeof(opts->congestion));
}

/* Flags to the knob's choice: what is made, and what is handed out. */
static const unsigned stamp_flags[] = {
	[STAMPS_OFF] = 0,
	[STAMPS_SOFTWARE] = SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE,
	[STAMPS_HARDWARE] = SOF_TIMESTAMPING_RX_HARDWARE | SOF_TIMESTAMPING_RAW_HARDWARE,
};

static int64_t stamps_from_kernel(int64_t flags)
{
	return flags & SOF_TIMESTAMPING_RX_HARDWARE   ? STAMPS_HARDWARE
	       : flags & SOF_TIMESTAMPING_RX_SOFTWARE ? STAMPS_SOFTWARE
						      : STAMPS_OFF;
}

static bool is_buffer(const struct socket_row *row)
{
	return row->forced != 0;
}

/* socket(7): a buffer is doubled for the kernel's own records; no pacing is all ones. */
static int64_t from_kernel(const struct socket_row *row, int64_t value)
{
	if (is_buffer(row))
		return value / 2;
	if (row->option == SO_TIMESTAMPING && row->level == SOL_SOCKET)
		return stamps_from_kernel(value);
	if (row->is_wide)
		return value == -1 || value == UINT32_MAX ? 0 : value;
	return value * (row->unit ? row->unit : 1);
}

static int64_t to_kernel(const struct socket_row *row, int64_t value)
{
	int64_t unit = row->unit ? row->unit : 1;

	if (row->option == SO_TIMESTAMPING && row->level == SOL_SOCKET)
		return stamp_flags[value];
	if (row->is_wide)
		return value ? value : -1;
	return (value + unit - 1) / unit;
}

/* IPv6 has a word of its own for the type of service. */
static void place(int fd, const struct socket_row *row, int *level, int *option)
{
	bool is_tos = row->level == IPPROTO_IP && row->option == IP_TOS;
	bool is_v6 = is_tos && socket_speaks(fd) > 0 && socket_speaks(fd) & SPEAKS_IPV6;

	*level = is_v6 ? IPPROTO_IPV6 : row->level;
	*option = is_v6 ? IPV6_TCLASS : row->option;
}

int socket_get(int fd, const struct socket_row *row, int64_t *ret)
{
	int64_t wide = 0;
	int narrow = 0, level, option;
	socklen_t len = row->is_wide ? sizeof(wide) : sizeof(narrow);

	if (row->cannot_be_read)
		return -ENOPROTOOPT;
	if (row->is_innate) {
		*ret = socket_has_mptcp(fd);
		return 0;
	}
	place(fd, row, &level, &option);
	if (getsockopt(fd, level, option, row->is_wide ? (void *)&wide : (void *)&narrow, &len))
		return -errno;
	*ret = from_kernel(row, row->is_wide ? wide : narrow);
	return 0;
}

int socket_set(int fd, const struct socket_row *row, int64_t value, bool force)
{
	int64_t wide = to_kernel(row, value);
	int narrow = (int)wide, level, option;

	place(fd, row, &level, &option);
	if (force && is_buffer(row))
		option = row->forced;
	if (setsockopt(fd, level, option, row->is_wide ? (void *)&wide : (void *)&narrow,
		       row->is_wide ? sizeof(wide) : sizeof(narrow)))
		return -errno;
	return 0;
}

int socket_get_congestion(int fd, char *buf)
{
	socklen_t len = 15;

	memset(buf, 0, 16);
	return getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, buf, &len) ? -errno : 0;
}

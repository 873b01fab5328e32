/*
 * tunable_contract_socket.c - the contract's rows for sockets.
 *
 * The index says which kind of socket a row is for.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>

#include "tests/tunable_contract.h"

/* MPTCP_...: made with it, where there is MPTCP; else of TCP. */
enum { TCP, LISTENING, FRESH, ACCEPTED, UDP, UNIX, SHARED, MPTCP_FRESH, MPTCP_LISTENING };

static const struct row rows[] = {
	{ "receive-buffer=32KiB", TCP, OK, "receive-buffer=32KiB", "receive-buffer=32KiB", NULL,
	  "65536" },
	{ "receive-buffer=1B", TCP, CLAMPED, NULL, NULL, "the kernel's least", NULL },
	{ "receive-buffer=1GiB", TCP, CUT, NULL, NULL, "net.core.rmem_max", NULL },
	{ "force-buffers=on receive-buffer=1MiB", TCP, OK | DENIED, NULL, NULL, NULL, NULL },
	{ "force-buffers=on", TCP, UNSUPPORTED, NULL, "",
	  "socket.force-buffers=on means nothing without", "16384" },
	{ "send-buffer=32KiB", UNIX, OK, NULL, "send-buffer=32KiB", NULL, NULL },
	{ "receive-buffer=32KiB", UNIX, VACUOUS, NULL, NULL, "means nothing to a unix socket",
	  NULL },
	{ "quickack=off", TCP, OK, "quickack=off", "quickack=off", NULL, NULL },
	{ "quickack=on", UDP, VACUOUS, NULL, NULL, "means nothing to a UDP socket", NULL },
	{ "cork=on", TCP, OK, NULL, "cork=on", NULL, NULL },
	{ "thin=on", TCP, OK, NULL, "thin=on", NULL, NULL },
	{ "notsent-lowat=16KiB", TCP, OK, NULL, "notsent-lowat=16KiB", NULL, NULL },
	{ "user-timeout=5s", TCP, OK, NULL, "user-timeout=5s", NULL, NULL },
	{ "user-timeout=1500us", TCP, CLAMPED, NULL, "user-timeout=2ms", NULL, NULL },
	{ "syncnt=3", FRESH, OK, NULL, "syncnt=3", NULL, NULL },
	{ "syncnt=3", LISTENING, VACUOUS, NULL, NULL, "means nothing to a socket that listens",
	  NULL },
	{ "maxseg=1000B", FRESH, OK, NULL, NULL, NULL, NULL },
	{ "keepalive=on keepalive-idle=30s keepalive-interval=2s keepalive-count=4", TCP, OK, NULL,
	  NULL, NULL, NULL },
	{ "keepalive-idle=30s", TCP, REFUSED, NULL, NULL, "mean nothing without", NULL },
	{ "priority=6", TCP, OK, NULL, "priority=6", NULL, NULL },
	{ "priority=7", TCP, OK | DENIED, NULL, NULL, NULL, NULL },
	{ "mark=5", TCP, OK | DENIED, NULL, NULL, NULL, NULL },
	{ "tos=16", TCP, OK, NULL, "tos=16", NULL, NULL },
	{ "priority=3 tos=8", TCP, OK, NULL, "tos=8 priority=3", NULL, NULL },
	{ "priority=3 tos=8", ACCEPTED, OK, NULL, "tos=8 priority=3", NULL, NULL },
	{ "tos=16", UDP, OK, NULL, "tos=16", NULL, NULL },
	{ "max-pacing-rate=1MiB", TCP, OK, NULL, "max-pacing-rate=1MiB", NULL, NULL },
	{ "max-pacing-rate=1MiB", UDP, OK, NULL, NULL, "fq qdisc only", NULL },
	{ "txrehash=off", TCP, OK | UNSUPPORTED, NULL, NULL, NULL, NULL },
	{ "timestamping=software", TCP, OK, NULL, "timestamping=software", NULL, NULL },
	{ "timestamping=hardware", ACCEPTED, IGNORED, NULL, NULL, "no stamp ever comes", NULL },
	{ "busy-poll=50us", TCP, VACUOUS | REFUSED, NULL, NULL, NULL, NULL },
	{ "busy-poll=50us", UDP, VACUOUS | REFUSED, NULL, NULL, NULL, NULL },
	{ "prefer-busy-poll=on", TCP, VACUOUS | REFUSED, NULL, NULL, NULL, NULL },
	{ "busy-poll-budget=8", TCP, VACUOUS | REFUSED, NULL, NULL, NULL, NULL },
	{ "busy-poll-budget=8", LISTENING, OK | REFUSED, NULL, "busy-poll-budget=?", NULL, NULL },
	{ "incoming-cpu=A", SHARED, OK, NULL, "incoming-cpu=A", NULL, NULL },
	{ "incoming-cpu=A", LISTENING, VACUOUS, NULL, "incoming-cpu=A", "this one is alone", NULL },
	{ "incoming-cpu=A", UDP, VACUOUS, NULL, "incoming-cpu=A", "this one is alone", NULL },
	{ "incoming-cpu=-1", LISTENING, OK, NULL, "incoming-cpu=-1", NULL, NULL },
	{ "incoming-cpu=1000", LISTENING, UNSUPPORTED, NULL, NULL, "cpu 1000 does not exist",
	  NULL },
	{ "defer-accept=7s", LISTENING, OK, NULL, "defer-accept=7s", NULL, NULL },
	{ "defer-accept=5s", LISTENING, CLAMPED, NULL, "defer-accept=7s", "SYN-ACK", NULL },
	{ "fastopen=16", LISTENING, OK | IGNORED, NULL, "fastopen=16", NULL, NULL },
	{ "fastopen-connect=on", FRESH, OK | UNSUPPORTED, NULL, NULL, NULL, NULL },
	{ "tx-delay=50ms", TCP, IGNORED | OK | UNSUPPORTED, NULL, NULL, NULL, NULL },
	{ "rto-max=2s", TCP, OK | UNSUPPORTED, NULL, NULL, NULL, NULL },
	{ "rto-min=40ms", TCP, OK | UNSUPPORTED, NULL, NULL, NULL, NULL },
	{ "delack-max=40ms", TCP, OK | UNSUPPORTED, NULL, NULL, NULL, NULL },
	{ "congestion=reno", TCP, OK, NULL, "congestion=reno", NULL, NULL },
	{ "congestion=nosuchthing", TCP, REFUSED, NULL, NULL, "not built into this kernel", NULL },
	{ "congestion=reno", UDP, VACUOUS, NULL, NULL, "means nothing to a UDP socket", NULL },
	{ "reserve-mem=1MiB", TCP, OK | REFUSED, NULL, NULL, NULL, NULL },
	{ "mptcp=off", FRESH, OK, "mptcp=off", "mptcp=off", NULL, NULL },
	{ "mptcp=off", ACCEPTED, OK, NULL, "mptcp=off", NULL, NULL },
	{ "mptcp=on", FRESH, IGNORED | UNSUPPORTED, NULL, NULL, "socket.mptcp: ", NULL },
	{ "mptcp=on", TCP, IGNORED, NULL, "mptcp=off", "this connection fell back to TCP", NULL },
	{ "mptcp=on", ACCEPTED, VACUOUS, NULL, "mptcp=off", "whoever connected speaks no MPTCP",
	  NULL },
	{ "mptcp=on", UDP, VACUOUS, NULL, NULL, "means nothing to a UDP socket", NULL },
	{ "mptcp=on", UNIX, VACUOUS, NULL, NULL, "means nothing to a unix socket", NULL },
	{ "mptcp=on", MPTCP_FRESH, OK | UNSUPPORTED, "mptcp=on", NULL, NULL, NULL },
	{ "mptcp=on", MPTCP_LISTENING, OK | UNSUPPORTED, "mptcp=on", NULL, NULL, NULL },
	{ "mptcp=on tos=16", MPTCP_FRESH, OK | UNSUPPORTED, NULL, NULL, NULL, NULL },
	{ "mptcp=on user-timeout=5s", MPTCP_FRESH, OK | UNSUPPORTED, NULL, NULL, NULL, NULL },
	{ "mptcp=on max-pacing-rate=0B", MPTCP_FRESH, OK | UNSUPPORTED, NULL, NULL, NULL, NULL },
	{ 0 },
};

static const char *const nonsense[] = {
	"busy-poll=50", "quickack=perhaps", "priority=-2", "syncnt=200",
	"tos=256",	"mptcp=yes",	    NULL
};

static int fresh_of(int domain, int type, int protocol)
{
	const int size = 8192;
	int fd = socket(domain, type | SOCK_CLOEXEC, protocol);

	if (fd < 0 && protocol)
		fd = socket(domain, type | SOCK_CLOEXEC, 0);
	CU_ASSERT_FATAL(fd >= 0);
	/* Else the kernel goes on tuning them, and nothing could be brought back. */
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	return fd;
}

static int fresh(int domain, int type)
{
	return fresh_of(domain, type, 0);
}

static void bind_loopback(int fd)
{
	const struct sockaddr_in any = { .sin_family = AF_INET,
					 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	CHECK_INT(bind(fd, (const struct sockaddr *)&any, sizeof(any)), 0);
}

/* The peer stays open until the row's end. */
static _Thread_local int peer = -1;

static int connected(bool accepted)
{
	int listener = fresh(AF_INET, SOCK_STREAM), fd = fresh(AF_INET, SOCK_STREAM), other;
	struct sockaddr_in to;
	socklen_t len = sizeof(to);

	bind_loopback(listener);
	CHECK_INT(listen(listener, 1), 0);
	getsockname(listener, (struct sockaddr *)&to, &len);
	CHECK_INT(connect(fd, (struct sockaddr *)&to, len), 0);
	other = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	CU_ASSERT_FATAL(other >= 0);
	close(listener);
	peer = accepted ? fd : other;
	return accepted ? other : fd;
}

static void open_socket(struct target *t)
{
	static const enum socket_kind kinds[] = {
		[TCP] = SOCKET_CONNECTED,
		[LISTENING] = SOCKET_LISTENING,
		[FRESH] = SOCKET_CONNECTING,
		[ACCEPTED] = SOCKET_ACCEPTED,
		[UDP] = SOCKET_DATAGRAM,
		[UNIX] = SOCKET_CONNECTING,
		[SHARED] = SOCKET_LISTENING,
		[MPTCP_FRESH] = SOCKET_CONNECTING,
		[MPTCP_LISTENING] = SOCKET_LISTENING,
	};
	bool is_mptcp = t->index == MPTCP_FRESH || t->index == MPTCP_LISTENING;
	const int on = 1;

	t->kind = kinds[t->index];
	if (t->index == TCP || t->index == ACCEPTED) {
		t->fd = connected(t->index == ACCEPTED);
		return;
	}
	t->fd = fresh_of(t->index == UNIX ? AF_UNIX : AF_INET,
			 t->index == UDP ? SOCK_DGRAM : SOCK_STREAM, is_mptcp ? IPPROTO_MPTCP : 0);
	if (t->index == SHARED)
		CHECK_INT(setsockopt(t->fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)), 0);
	if (t->index == LISTENING || t->index == UDP || t->index == SHARED ||
	    t->index == MPTCP_LISTENING)
		bind_loopback(t->fd);
}

static void close_socket(struct target *t)
{
	close(t->fd);
	if (peer >= 0)
		close(peer);
	peer = -1;
}

/* socket(7): what is asked for is doubled. */
static int kernel_buffer(const struct target *t, char *buf, size_t size)
{
	int value = 0;
	socklen_t len = sizeof(value);

	getsockopt(t->fd, SOL_SOCKET, SO_RCVBUF, &value, &len);
	return snprintf(buf, size, "%d", value);
}

const struct suite suite_socket = {
	.name = "socket",
	.rows = rows,
	.nonsense = nonsense,
	.change = "user-timeout=5s",
	.kernel = kernel_buffer,
	.open = open_socket,
	.close = close_socket,
	.gone = { .fd = -1 },
	.gone_code = -EBADF,
};

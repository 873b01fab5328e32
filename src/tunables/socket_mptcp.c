/*
 * socket_mptcp.c - whether a socket speaks MPTCP, and in words why not.
 *
 * MPTCP is a protocol of its own: a socket is made with it or never has it. Who makes the sockets
 * asks for it (engine/hooks.h, engine/address.c) and gets TCP where there is none; here is looked
 * and told. What the kernel tells nobody is that a connection fell back to TCP because the other
 * end, or something between, does not speak it: SO_PROTOCOL of whoever connected goes on saying
 * MPTCP. Only MPTCP_INFO (Linux 5.16) is refused then.
 *
 * Who connects has asked for MPTCP in vain then: ignored. Who listens has offered it and was not
 * asked for it: vacuous, for a node need not turn TCP away.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <linux/mptcp.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "tunables/socket_options.h"

static int get(int fd, int name)
{
	socklen_t len = sizeof(int);
	int value = -1;

	return getsockopt(fd, SOL_SOCKET, name, &value, &len) ? -1 : value;
}

bool socket_has_mptcp(int fd)
{
	struct mptcp_info info = { 0 };
	socklen_t len = sizeof(info);

	if (get(fd, SO_PROTOCOL) != IPPROTO_MPTCP ||
	    getsockopt(fd, SOL_MPTCP, MPTCP_INFO, &info, &len))
		return false;
	return !(info.mptcpi_flags & MPTCP_INFO_FLAG_FALLBACK);
}

int socket_try_mptcp(int fd)
{
	int other AUTO(auto_close) =
		socket(get(fd, SO_DOMAIN), SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_MPTCP);

	return other < 0 ? -errno : 0;
}

int socket_refuse_mptcp(int code, struct err *err)
{
	if (code == -ENOPROTOOPT)
		return err_set(err, -EOPNOTSUPP,
			       "socket.mptcp: net.mptcp.enabled is 0 in this network namespace: "
			       "`ringwalk tune run net.mptcp.enabled=1 -- ...` switches it on");
	if (code == -EPROTONOSUPPORT || code == -EINVAL)
		return err_set(err, -EOPNOTSUPP,
			       "socket.mptcp: this kernel has no MPTCP for this kind of address "
			       "(Linux 5.6 with CONFIG_MPTCP, CONFIG_MPTCP_IPV6)");
	if (code == -EPERM || code == -EACCES)
		return err_set(err, code,
			       "socket.mptcp: something here (a container's filter, SELinux) "
			       "forbids MPTCP sockets");
	return err_sys(err, code, "socket.mptcp");
}

enum verdict socket_explain_mptcp(enum socket_kind kind, bool asked, const char **ret_why)
{
	if (!asked) {
		*ret_why = "asked for off, the kernel has on: something here turns TCP into MPTCP "
			   "(mptcpize, a BPF program)";
		return VERDICT_IGNORED;
	}
	if (kind == SOCKET_ACCEPTED) {
		*ret_why = "whoever connected speaks no MPTCP: this is a connection of plain TCP; "
			   "a client speaks it with socket.mptcp=on";
		return VERDICT_VACUOUS;
	}
	*ret_why = kind == SOCKET_CONNECTED
			   ? "the other end speaks no MPTCP, or something between removes it: this "
			     "connection fell back to TCP; a node speaks it with socket.mptcp=on"
			   : "this socket was made without it";
	return VERDICT_IGNORED;
}

/*
 * socket_device.c - the device behind a socket: found by the socket's own address.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <ifaddrs.h>
#include <linux/ethtool.h>
#include <linux/net_tstamp.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "tunables/socket_options.h"

static bool is_same(const struct sockaddr *a, const struct sockaddr_storage *b)
{
	const struct sockaddr_in6 *a6 = (const struct sockaddr_in6 *)a;
	const struct sockaddr_in6 *b6 = (const struct sockaddr_in6 *)b;
	const struct sockaddr_in *a4 = (const struct sockaddr_in *)a;
	const struct sockaddr_in *b4 = (const struct sockaddr_in *)b;

	if (!a || a->sa_family != b->ss_family)
		return false;
	if (a->sa_family == AF_INET)
		return a4->sin_addr.s_addr == b4->sin_addr.s_addr;
	return a->sa_family == AF_INET6 &&
	       !memcmp(&a6->sin6_addr, &b6->sin6_addr, sizeof(a6->sin6_addr));
}

enum socket_device socket_device(int fd, char *name)
{
	struct sockaddr_storage own = { 0 };
	socklen_t len = sizeof(own);
	enum socket_device found = DEVICE_UNKNOWN;
	struct ifaddrs *list;

	*name = '\0';
	if (getsockname(fd, (struct sockaddr *)&own, &len) || getifaddrs(&list))
		return found;
	for (const struct ifaddrs *i = list; i && !found; i = i->ifa_next) {
		if (!is_same(i->ifa_addr, &own))
			continue;
		found = i->ifa_flags & IFF_LOOPBACK ? DEVICE_LOOPBACK : DEVICE_OTHER;
		snprintf(name, IFNAMSIZ, "%s", i->ifa_name);
	}
	freeifaddrs(list);
	return found;
}

bool socket_device_stamps(int fd, const char *name)
{
	struct ethtool_ts_info info = { .cmd = ETHTOOL_GET_TS_INFO };
	struct ifreq request = { .ifr_data = (char *)&info };

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	return !ioctl(fd, SIOCETHTOOL, &request) &&
	       info.so_timestamping & SOF_TIMESTAMPING_RX_HARDWARE;
}

/*
 * address.c - where to listen and where to connect: text to socket addresses.
 *
 * A text is cut into scheme, host and port first, without asking anybody; only a host that is not
 * a number or localhost goes to the resolver. Of a name with addresses of both families the IPv4
 * one is taken.
 *
 * An IPv6 socket that listens takes IPv6 only: "[::]:7891" and "0.0.0.0:7891" can stand side by
 * side and each address given is the one that is open. The file of a unix socket that nobody
 * listens on any more (its node was killed) is replaced; a file that is something else is never
 * touched.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"

#define HOST_TEXT 256

struct parts {
	char host[HOST_TEXT];
	uint16_t port;
	enum transport transport;
};

/* Schemes that are understood; a reason instead of a place means it is refused. */
static const struct scheme {
	const char *name;
	enum transport transport;
	const char *refusal;
} schemes[] = {
	{ "tcp", TRANSPORT_STREAM, NULL },
	{ "udp", TRANSPORT_UDP, NULL },
	{ "tls", TRANSPORT_TLS, NULL },
	{ "ssl", TRANSPORT_TLS, NULL }, /* DistWalk's */
	{ "dpdk", TRANSPORT_STREAM, "dpdk is not served; use tcp" },
};

static int refuse(const char *text, const char *why, struct err *err)
{
	return err_set(err, -EINVAL, "address \"%.*s\": %s", ADDRESS_TEXT, text, why);
}

/* Returns what stands behind "tcp://" or DistWalk's "tcp:", or NULL after a refusal. */
static const char *take_scheme(const char *text, enum transport *ret, struct err *err)
{
	const char *colon = strchr(text, ':');
	size_t i, len = colon ? (size_t)(colon - text) : 0;

	for (i = 0; len && i < sizeof(schemes) / sizeof(*schemes); i++) {
		if (strlen(schemes[i].name) != len || strncmp(text, schemes[i].name, len))
			continue;
		if (schemes[i].refusal) {
			refuse(text, schemes[i].refusal, err);
			return NULL;
		}
		*ret = schemes[i].transport;
		return colon + (strncmp(colon, "://", 3) ? 1 : 3);
	}
	if (!strstr(text, "://"))
		return text;
	refuse(text, "the scheme is unknown; use tcp://, udp://, tls:// or unix:", err);
	return NULL;
}

static int parse_port(const char *text, const char *digits, uint16_t *ret, struct err *err)
{
	size_t len = strspn(digits, "0123456789");
	unsigned long port = 0;

	if (!len || digits[len])
		return refuse(text, "the port must be a number from 0 to 65535", err);
	for (; *digits && port <= UINT16_MAX; digits++)
		port = port * 10 + (unsigned)(*digits - '0');
	if (port > UINT16_MAX)
		return refuse(text, "the port must be a number from 0 to 65535", err);
	*ret = (uint16_t)port;
	return 0;
}

/* Where the port's colon is in "host:port", "[v6]:port", "host" and "v6"; NULL: no port. */
static const char *port_colon(const char *rest)
{
	const char *bracket = strrchr(rest, ']');
	const char *colon = strchr(bracket ? bracket : rest, ':');

	return colon && !strchr(colon + 1, ':') ? colon : NULL;
}

static int split(const char *text, const char *rest, struct parts *ret, struct err *err)
{
	const char *colon = port_colon(rest);
	size_t len = colon ? (size_t)(colon - rest) : strlen(rest);

	ret->port = ADDRESS_PORT;
	if (colon && parse_port(text, colon + 1, &ret->port, err))
		return -EINVAL;
	if (*rest == '[' && (len < 3 || rest[len - 1] != ']'))
		return refuse(text, "an IPv6 address with a port is written [::1]:7891", err);
	if (*rest == '[')
		rest++, len -= 2;
	if (len >= sizeof(ret->host))
		return refuse(text, "the host name is too long", err);
	memcpy(ret->host, rest, len);
	ret->host[len] = '\0';
	if (!len)
		strcpy(ret->host, "127.0.0.1");
	else if (strspn(ret->host, "0123456789") == len)
		return refuse(text, "a number alone is no host; a port is written :7891", err);
	return 0;
}

static const struct addrinfo *choose(const struct addrinfo *list)
{
	const struct addrinfo *a;

	for (a = list; a; a = a->ai_next)
		if (a->ai_family == AF_INET)
			return a;
	return list;
}

static void free_list(struct addrinfo **list)
{
	if (*list)
		freeaddrinfo(*list);
}

static int resolve(const char *text, const struct parts *parts, struct address *ret,
		   struct err *err)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV };
	struct addrinfo *list AUTO(free_list) = NULL;
	/* RFC 6761: the name is always this machine, whatever a resolver knows. */
	const char *host = strcasecmp(parts->host, "localhost") ? parts->host : "127.0.0.1";
	const struct addrinfo *a;
	char port[8];
	int code;

	snprintf(port, sizeof(port), "%u", parts->port);
	code = getaddrinfo(host, port, &hints, &list);
	if (code)
		return err_set(err, -EINVAL, "address \"%.*s\": host \"%s\": %s", ADDRESS_TEXT,
			       text, parts->host, gai_strerror(code));
	a = choose(list);
	*ret = (struct address){ .len = a->ai_addrlen, .transport = parts->transport };
	memcpy(&ret->storage, a->ai_addr, a->ai_addrlen);
	return 0;
}

static int parse_unix(const char *text, const char *path, struct address *ret, struct err *err)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	size_t len = strlen(path);

	if (len < 1 + (*path == '@'))
		return refuse(text, "the path is missing; write unix:/path or unix:@name", err);
	if (len >= sizeof(un.sun_path))
		return refuse(text, "the path of a unix socket has at most 107 bytes", err);
	memcpy(un.sun_path, path, len);
	if (*path == '@')
		un.sun_path[0] = '\0';
	*ret = (struct address){ .len = offsetof(struct sockaddr_un, sun_path) + len +
					(*path != '@') };
	memcpy(&ret->storage, &un, sizeof(un));
	return 0;
}

int address_parse(const char *text, struct address *ret, struct err *err)
{
	struct parts parts = { .transport = TRANSPORT_STREAM };
	const char *rest;

	if (!*text)
		return refuse(text, "is empty; write host:port, :port or unix:/path", err);
	if (!strncmp(text, "unix:", 5))
		return parse_unix(text, text + 5, ret, err);
	rest = take_scheme(text, &parts.transport, err);
	if (!rest || split(text, rest, &parts, err))
		return -EINVAL;
	return resolve(text, &parts, ret, err);
}

int address_host(const char *text, char *buf, size_t size, struct err *err)
{
	struct parts parts = { .transport = TRANSPORT_STREAM };
	const char *rest = take_scheme(text, &parts.transport, err);

	if (!rest || split(text, rest, &parts, err))
		return -EINVAL;
	if (strlen(parts.host) >= size)
		return refuse(text, "the host name is too long", err);
	strcpy(buf, parts.host);
	return 0;
}

static const char *const schemes_written[] = {
	[TRANSPORT_STREAM] = "",
	[TRANSPORT_UDP] = "udp://",
	[TRANSPORT_TLS] = "tls://",
};

static const char *format_unix(const struct address *a, char *buf, size_t size)
{
	const struct sockaddr_un *un = (const struct sockaddr_un *)&a->storage;
	int len = (int)a->len - (int)offsetof(struct sockaddr_un, sun_path);

	if (len <= 0)
		snprintf(buf, size, "unix:");
	else if (!un->sun_path[0])
		snprintf(buf, size, "unix:@%.*s", len - 1, un->sun_path + 1);
	else
		snprintf(buf, size, "unix:%.*s", len, un->sun_path);
	return buf;
}

const char *address_format(const struct address *a, char *buf, size_t size)
{
	const struct sockaddr *sa = (const struct sockaddr *)&a->storage;
	char host[INET6_ADDRSTRLEN + 1 + 16], port[8];

	if (sa->sa_family == AF_UNIX)
		return format_unix(a, buf, size);
	if (getnameinfo(sa, a->len, host, sizeof(host), port, sizeof(port),
			NI_NUMERICHOST | NI_NUMERICSERV))
		snprintf(buf, size, "an address of family %d", sa->sa_family);
	else
		snprintf(buf, size, sa->sa_family == AF_INET6 ? "%s[%s]:%s" : "%s%s:%s",
			 schemes_written[a->transport], host, port);
	return buf;
}

bool address_is_loopback(const struct address *a)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)&a->storage;
	const struct in6_addr *v6 = &((const struct sockaddr_in6 *)&a->storage)->sin6_addr;

	switch (a->storage.ss_family) {
	case AF_UNIX:
		return true;
	case AF_INET:
		return ntohl(v4->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
	case AF_INET6:
		return IN6_IS_ADDR_LOOPBACK(v6) ||
		       (IN6_IS_ADDR_V4MAPPED(v6) && v6->s6_addr[12] == IN_LOOPBACKNET);
	}
	return false;
}

/* Puts the address in front of what went wrong with it. */
static int failed(const struct address *a, int code, const char *what, struct err *err)
{
	char text[ADDRESS_TEXT];

	return err_sys(err, code, "%s %s", what, address_format(a, text, sizeof(text)));
}

int address_stream(int family, int flags, int protocol)
{
	int type = SOCK_STREAM | SOCK_CLOEXEC | flags;
	int fd = protocol && family != AF_UNIX ? socket(family, type, protocol) : -1;

	if (fd < 0)
		fd = socket(family, type, 0);
	return fd < 0 ? -errno : fd;
}

static int open_datagrams(int family, int flags)
{
	int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC | flags, 0);

	return fd < 0 ? -errno : fd;
}

static int open_socket(const struct address *a, int flags, const char *what, struct err *err)
{
	int family = a->storage.ss_family;
	int fd = a->transport == TRANSPORT_UDP ? open_datagrams(family, flags)
					       : address_stream(family, flags, a->protocol);

	return fd < 0 ? failed(a, fd, what, err) : fd;
}

int address_socket(const struct address *a, struct err *err)
{
	return open_socket(a, SOCK_NONBLOCK, "socket for", err);
}

static int set_option(int fd, int level, int name)
{
	const int on = 1;

	return setsockopt(fd, level, name, &on, sizeof(on)) ? -errno : 0;
}

static int set_options(int fd, const struct address *a, const struct listen_opts *opts)
{
	bool is_udp = a->transport == TRANSPORT_UDP;
	int family = a->storage.ss_family;
	int code = 0;

	/* With it a second UDP socket could take the port, and the datagrams, without a word. */
	if (family != AF_UNIX && !is_udp)
		code = set_option(fd, SOL_SOCKET, SO_REUSEADDR);
	if (!code && opts->reuseport)
		code = family == AF_UNIX ? -EOPNOTSUPP : set_option(fd, SOL_SOCKET, SO_REUSEPORT);
	if (!code && family == AF_INET6)
		code = set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY);
	if (!code && opts->no_delay && family != AF_UNIX && !is_udp)
		code = set_option(fd, IPPROTO_TCP, TCP_NODELAY);
	return code;
}

/* Where the socket is in the file system; NULL: nowhere. */
static const char *path_of(const struct address *a)
{
	const struct sockaddr_un *un = (const struct sockaddr_un *)&a->storage;

	return un->sun_family == AF_UNIX && un->sun_path[0] ? un->sun_path : NULL;
}

/* The file at this path is a socket that refuses connections: its owner is gone. */
static bool is_stale(const struct address *a, const char *path)
{
	int fd AUTO(auto_close) = -1;
	struct stat st;

	if (lstat(path, &st) || !S_ISSOCK(st.st_mode))
		return false;
	fd = address_stream(AF_UNIX, SOCK_NONBLOCK, 0);
	return fd >= 0 && connect(fd, (const struct sockaddr *)&a->storage, a->len) &&
	       errno == ECONNREFUSED;
}

static int bind_to(int fd, const struct address *a)
{
	const struct sockaddr *sa = (const struct sockaddr *)&a->storage;
	const char *path = path_of(a);

	if (!bind(fd, sa, a->len))
		return 0;
	if (errno != EADDRINUSE || !path)
		return -errno;
	if (!is_stale(a, path))
		return -EADDRINUSE;
	if (unlink(path) || bind(fd, sa, a->len))
		return -errno;
	return 0;
}

void address_remove(const struct address *a)
{
	const char *path = path_of(a);

	if (path)
		unlink(path);
}

/* Who is asked when the socket has its address. A refusal has its sentence already. */
static int ask_bound(int fd, const struct listen_opts *opts, struct err *err)
{
	return opts->bound ? opts->bound(opts->context, fd, err) : 0;
}

int address_listen(const struct address *a, const struct listen_opts *opts, struct address *bound,
		   struct err *err)
{
	bool is_udp = a->transport == TRANSPORT_UDP;
	int flags = opts->blocking && !is_udp ? 0 : SOCK_NONBLOCK;
	int fd = open_socket(a, flags, "listen on", err);
	struct address got = { .len = sizeof(got.storage),
			       .transport = a->transport,
			       .protocol = a->protocol };
	int code, asked;

	if (fd < 0)
		return fd;
	code = set_options(fd, a, opts);
	if (!code)
		code = bind_to(fd, a);
	asked = code ? 0 : ask_bound(fd, opts, err);
	if (asked) {
		address_remove(a);
		close(fd);
		return asked;
	}
	if (!code && !is_udp && listen(fd, opts->backlog))
		code = -errno;
	if (!code && getsockname(fd, (struct sockaddr *)&got.storage, &got.len))
		code = -errno;
	if (code) {
		close(fd);
		return failed(a, code, "listen on", err);
	}
	*bound = got;
	return fd;
}

unsigned address_backlog(int fd)
{
	struct tcp_info info = { 0 };
	socklen_t len = sizeof(info);

	/* Of a listening socket this field is the limit (tcp_get_info() of net/ipv4/tcp.c). */
	return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) ? 0 : info.tcpi_sacked;
}

void address_report_no_delay(int fd, bool asked, struct verdict_report *ret)
{
	socklen_t len = sizeof(int);
	int got = 0;

	*ret = (struct verdict_report){ .name = "no-delay" };
	snprintf(ret->requested, sizeof(ret->requested), asked ? "yes" : "no");
	if (getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &got, &len))
		return;
	snprintf(ret->effective, sizeof(ret->effective), got ? "yes" : "no");
	if (asked == (got != 0))
		return;
	ret->verdict = VERDICT_IGNORED;
	snprintf(ret->why, sizeof(ret->why), "TCP_NODELAY reads back as %d", got);
}

static bool has_port_zero(const struct address *a)
{
	/* The port is at the same place in both families. */
	return a->storage.ss_family != AF_UNIX &&
	       !((const struct sockaddr_in *)&a->storage)->sin_port;
}

int address_check_free(const struct address *a, struct err *err)
{
	const struct listen_opts plain = { .backlog = 1 };
	struct address bound;
	int fd;

	if (has_port_zero(a))
		return 0;
	fd = address_listen(a, &plain, &bound, err);
	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

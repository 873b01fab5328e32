/*
 * address.h - where to listen and where to connect: text to socket addresses.
 *
 *	[tcp://]host:port  :port  host  [::1]:port  udp://host:port  tls://host:port
 *	unix:/path  unix:@abstract
 *
 * host is a numeric address or a name of this machine's resolver; nothing: 127.0.0.1, port 7891
 * (DistWalk's). ssl:// is tls://.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_ENGINE_ADDRESS_H
#define RW_ENGINE_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/err.h"
#include "base/verdict.h"

#define ADDRESS_TEXT 128
#define ADDRESS_PORT 7891

enum transport { TRANSPORT_STREAM, TRANSPORT_UDP, TRANSPORT_TLS };

struct address {
	struct sockaddr_storage storage;
	socklen_t len;
	uint8_t transport; /* enum transport; TRANSPORT_STREAM is tcp or a unix socket */
	/* What a stream socket for it is made with (MPTCP); 0: the usual. No text says it. */
	int protocol;
};

int address_parse(const char *text, struct address *ret, struct err *err);
/* The host as it is written, or 127.0.0.1: what the peer's certificate should be for. */
int address_host(const char *text, char *buf, size_t size, struct err *err);
/* "127.0.0.1:7891", "udp://[::1]:7891", "unix:/tmp/x": parses back. Returns buf. */
const char *address_format(const struct address *a, char *buf, size_t size);
bool address_is_loopback(const struct address *a); /* unix sockets are */

/*
 * The one place where stream sockets are made. A protocol that cannot be had here gives way to the
 * family's own: whoever asked for it looks what the socket has (hooks.h). flags: of socket(2),
 * beside SOCK_CLOEXEC. fd or -errno.
 */
int address_stream(int family, int flags, int protocol);

/* A non-blocking, close-on-exec socket of the right family and type. fd or -errno. */
int address_socket(const struct address *a, struct err *err);

struct listen_opts {
	int backlog;
	bool reuseport, no_delay;
	bool blocking; /* for a thread that sits in accept(); not for UDP */
	/* Called when it is bound and before it listens: what is accepted inherits from then. A
	 * failure ends it, with err as it stands. NULL: nobody. */
	int (*bound)(void *context, int fd, struct err *err);
	void *context;
};
/* Bound and, unless it is for datagrams, listening; TCP_NODELAY is inherited by accepted sockets.
 * *bound is the address it got (port 0: the kernel's choice). fd or -errno. */
int address_listen(const struct address *a, const struct listen_opts *opts, struct address *bound,
		   struct err *err);
/* How many connections may wait at a listening socket, whatever was asked for; 0: not known. */
unsigned address_backlog(int fd);
/* What a TCP socket has of TCP_NODELAY, beside what was asked for. */
void address_report_no_delay(int fd, bool asked, struct verdict_report *ret);
/* SO_REUSEPORT would let two programs of one user share a port without a word: looks first. */
int address_check_free(const struct address *a, struct err *err);
/* Removes the file of a unix socket, while it is still listened on: nobody else's can be there. */
void address_remove(const struct address *a);

#endif

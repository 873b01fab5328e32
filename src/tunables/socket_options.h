/*
 * socket_options.h - the options of the tunable "socket": which there are, and for which sockets.
 *
 * One row an option. A value is a whole number in the knob's unit, or KEEP: nothing was asked for.
 * (The name of the congestion control is the only text.)
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_TUNABLES_SOCKET_OPTIONS_H
#define RW_TUNABLES_SOCKET_OPTIONS_H

#include "base/err.h"
#include "base/kinds.h"
#include "base/knob.h"
#include "tunables/tunable.h"

#define KEEP INT64_MIN

struct socket_opts {
	int64_t mptcp;
	int64_t receive_buffer, send_buffer, force_buffers, reserve_memory;
	int64_t priority, mark, tos, incoming_cpu, pacing_rate, rehash, timestamping;
	int64_t busy_poll_ns, prefer_busy_poll, busy_poll_budget;
	int64_t quick_ack, cork, thin, unsent, user_timeout_ns, syn_retries, segment;
	int64_t keep_alive, keep_alive_idle_ns, keep_alive_interval_ns, keep_alive_count;
	int64_t defer_accept_ns, fast_open, fast_open_connect, tx_delay_ns;
	int64_t rto_max_ns, rto_min_ns, delayed_ack_ns;
	char congestion[16]; /* TCP_CA_NAME_MAX */
};

enum { STAMPS_OFF, STAMPS_SOFTWARE, STAMPS_HARDWARE };

/* What a socket speaks, as bits. */
enum socket_protocol { SPEAKS_TCP = 1, SPEAKS_UDP = 2, SPEAKS_UNIX = 4, SPEAKS_IPV6 = 8 };
#define SPEAKS_IP (SPEAKS_TCP | SPEAKS_UDP)

/* Kinds of sockets, as bits. */
enum {
	LISTENS = 1 << SOCKET_LISTENING,
	CONNECTS = 1 << SOCKET_CONNECTING,
	IS_CONNECTED = 1 << SOCKET_CONNECTED,
	IS_ACCEPTED = 1 << SOCKET_ACCEPTED,
	HAS_DATAGRAMS = 1 << SOCKET_DATAGRAM,
	OPENS = LISTENS | CONNECTS | HAS_DATAGRAMS,
	LIVES = IS_CONNECTED | IS_ACCEPTED,
	EVERYWHERE = OPENS | LIVES,
};

struct socket_row {
	const char *knob;
	size_t offset; /* of an int64_t in struct socket_opts */
	int level, option;
	int64_t unit;	     /* of the knob for one of the kernel's; 0: 1 */
	unsigned speaks;     /* enum socket_protocol: to whom it means something */
	unsigned kinds;	     /* of sockets that are told */
	const char *needs;   /* what to have when the kernel says EPERM */
	const char *takes;   /* what is right when it says EINVAL */
	const char *since;   /* what it says when the kernel does not know it */
	int forced;	     /* the option that is used instead with force-buffers */
	bool is_wide;	     /* 64 bits */
	bool cannot_be_read; /* there is no getsockopt */
	bool is_innate;	     /* how the socket was made: nothing can be told later */
};

extern const struct socket_row socket_rows[]; /* ends with one without a knob */
extern const struct knob socket_knobs[];      /* with the same names, and what has no row */

/* enum socket_protocol, or -errno when fd is no socket. */
int socket_speaks(int fd);

/* How an option and a socket meet. */
enum socket_meeting {
	MEETS,	     /* it is told, and read back */
	MEETS_LATER, /* another moment of this socket's life is the right one */
	MEETS_NEVER, /* the option means nothing to a socket like this */
};
enum socket_meeting socket_meet(const struct socket_row *row, unsigned kind, unsigned speaks);

/* All of them: nothing is asked for. */
void socket_keep(struct socket_opts *opts);
int64_t *socket_field(const struct socket_row *row, void *opts);
int64_t socket_value(const struct socket_row *row, const void *opts);

/* One option, in the knob's unit. 0 or -errno. */
int socket_get(int fd, const struct socket_row *row, int64_t *ret);
int socket_set(int fd, const struct socket_row *row, int64_t value, bool force);
/* The name of the congestion control; buf has 16 bytes. */
int socket_get_congestion(int fd, char *buf);

/* socket_explain.c: the tunable's explain(), and the sentence of a refusal; returns code. */
void socket_explain(const struct target *t, const void *requested, const void *effective,
		    struct verdict_report *report);
int socket_refuse(int fd, const struct socket_row *row, const struct socket_opts *opts, int code,
		  struct err *err);
int socket_refuse_congestion(const char *name, int code, struct err *err);

/* socket_mptcp.c: does it speak MPTCP, or would it when it connects; not what fell back to TCP. */
bool socket_has_mptcp(int fd);
/* 0: a socket like this one could have been made with it. Else -errno. */
int socket_try_mptcp(int fd);
int socket_refuse_mptcp(int code, struct err *err);
/* Of a socket that is not as asked for: the verdict, and the sentence. */
enum verdict socket_explain_mptcp(enum socket_kind kind, bool asked, const char **ret_why);

/* socket_device.c: the device with the socket's own address; name has IFNAMSIZ bytes. */
enum socket_device { DEVICE_UNKNOWN, DEVICE_LOOPBACK, DEVICE_OTHER };
enum socket_device socket_device(int fd, char *name);
/* Can this device put the time on what it receives? */
bool socket_device_stamps(int fd, const char *name);

#endif

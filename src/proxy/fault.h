/*
 * fault.h - what the proxy does wrong on purpose: one line of text, one kind of fault.
 *
 *	KIND[,prob=SHARE][,after=TIME|SIZE][,from=TIME][,to=TIME][,every=TIME][,dir=WAY][,by=TIME]
 *
 *	refuse      connections are reset as they are accepted
 *	silence     connections are accepted, read, and never answered; nobody is asked
 *	reset       both sides are reset (RST)
 *	half-close  the receiver of a direction is told its end (FIN); the rest is thrown away
 *	black-hole  nothing passes and everything stays open; bytes wait, datagrams are lost
 *	loss        datagrams are lost
 *	duplicate   datagrams come twice
 *	reorder     datagrams are held back `by` so long, and others overtake them
 *	corrupt     one bit of a datagram is turned
 *
 *	prob        which share of connections (of datagrams) it befalls; 1
 *	after       how long after the connection was accepted, or how many bytes have passed then
 *	from, to    when it can begin, counted from the start of the proxy; black-hole, refuse,
 *	            silence and what befalls datagrams end at `to`
 *	every       from and to are repeated so often
 *	dir         forth (to the server), back (to the client), both; half-close: forth, else both
 *
 * Pure: parsing, and questions about time. pair_fault.c and datagram.c do it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_PROXY_FAULT_H
#define RW_PROXY_FAULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum fault_kind {
	FAULT_REFUSE,
	FAULT_SILENCE,
	FAULT_RESET,
	FAULT_HALF_CLOSE,
	FAULT_BLACK_HOLE,
	FAULT_LOSS,
	FAULT_DUPLICATE,
	FAULT_REORDER,
	FAULT_CORRUPT,
	FAULT_KINDS,
};
extern const char *const fault_kind_names[]; /* ends with NULL */

#define FAULTS_MAX 16  /* of one proxy */
#define FAULT_TEXT 160 /* its text, canonical or not, is shorter */

/* A set of directions. */
enum { DIR_FORTH = 1, DIR_BACK = 2, DIR_BOTH = 3 };

struct fault {
	uint8_t kind; /* enum fault_kind */
	uint8_t dir;
	double prob;
	int64_t after_ns, after_bytes; /* one of them is 0 */
	int64_t from_ns, to_ns;	       /* to_ns INT64_MAX: no end */
	int64_t every_ns;	       /* 0: once */
	int64_t by_ns;
};

int fault_parse(const char *text, struct fault *ret, struct err *err);
/* Parses back to the same; FAULT_TEXT bytes are enough. Returns buf. */
const char *fault_format(const struct fault *f, char *buf, size_t size);

/* Whether it can befall connections, and whether datagrams. */
bool fault_is_of_streams(const struct fault *f);
bool fault_is_of_datagrams(const struct fault *f);

/* t_ns: since the start of the proxy. */
bool fault_is_open(const struct fault *f, int64_t t_ns);
/* The first moment at t_ns or later when it is open; INT64_MAX: never again. */
int64_t fault_opens_ns(const struct fault *f, int64_t t_ns);
/* When it is open at t_ns: when it will not be any more; INT64_MAX: it stays so. */
int64_t fault_closes_ns(const struct fault *f, int64_t t_ns);

#endif

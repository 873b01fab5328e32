/*
 * route.h - what a proxy's options come to: addresses, two ways, faults.
 *
 * A way is one direction of every connection. Made once at the start; after that it is only read.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_PROXY_ROUTE_H
#define RW_PROXY_ROUTE_H

#include "base/value.h"
#include "engine/address.h"
#include "proxy/bucket.h"
#include "proxy/proxy.h"

/* Whose draws: keys are (seed, connection, this, fault). */
enum draw { DRAW_DELAY, DRAW_JITTER = 2, DRAW_FAULT = 4, DRAW_DATAGRAM, DRAW_BIT = 7 };

struct way {
	struct value delay, jitter;
	bool has_jitter, jitter_is_up_to; /* a plain jitter is a bound, not a value */
	struct bucket_limit limit;
	int64_t frag, frag_gap_ns;
	uint64_t buffer;
};

struct route {
	struct address to;
	struct address bind[PROXY_BINDS];
	unsigned bind_count;
	bool is_udp;
	struct way ways[PROXY_DIRECTIONS];
	struct fault faults[FAULTS_MAX];
	unsigned fault_count;
	uint64_t seed;
};

int route_init(struct route *route, const struct proxy_opts *opts, struct err *err);
void route_finish(struct route *route); /* takes a zeroed one */

/* "udp://host:port" is datagrams; "tls://" is a stream like any other, for bytes go through. */
int route_parse_address(const char *text, struct address *ret, struct err *err);
/* As address_format(), with udp:// in front where it belongs. Returns buf. */
const char *route_format_address(const struct address *a, char *buf, size_t size);

/* Delay and jitter of one piece of a connection. */
int64_t route_draw_ns(const struct route *route, enum proxy_direction d, uint64_t connection,
		      uint64_t number);
/* Which faults befall a connection: bit i is faults[i]. Those of datagrams do, all of them. */
uint32_t route_draw_faults(const struct route *route, uint64_t connection);

#endif

/*
 * allow.h - where a node may forward to.
 *
 *	loopback  unix  any  none
 *	10.1.0.0/16	fd00::/8	10.1.2.3	10.1.2.3:7891	[fd00::1]:7891
 *	host:port			a name, resolved once at the start
 *	unix:/run/nodes/		every path, or @name, that begins so and has no ".."
 *
 * An empty list is "loopback;unix". A list that says something says everything: what it does not
 * name is refused.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_NODE_ALLOW_H
#define RW_NODE_ALLOW_H

#include "base/knob.h"
#include "engine/address.h"

#define ALLOW_MAX 128 /* rules; a word may stand for two */

struct allow {
	uint8_t family; /* AF_UNSPEC: any */
	uint8_t bits;	/* of address that have to be the same; of a unix path: bytes */
	uint16_t port;	/* 0: any */
	uint8_t address[ADDRESS_TEXT];
};

struct allow_list {
	unsigned count;
	struct allow entries[ALLOW_MAX];
};

int allow_parse(const struct knob_list *texts, struct allow_list *ret, struct err *err);
bool allow_permits(const struct allow_list *list, const struct address *a);

#endif

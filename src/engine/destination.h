/*
 * destination.h - an address as it travels in a forward, and back.
 *
 * The path of a unix socket travels without its end; an abstract name begins with a zero byte.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_ENGINE_DESTINATION_H
#define RW_ENGINE_DESTINATION_H

#include "engine/address.h"
#include "engine/wire.h"

/* ret->address points into *a. 0, or -EAFNOSUPPORT: not a kind of address that travels. */
int address_to_wire(const struct address *a, struct wire_destination *ret);
/* 0, or -EINVAL: a path that is none. */
int address_from_wire(const struct wire_destination *d, struct address *ret);

/* The same place by the same transport. */
bool wire_destination_equal(const struct wire_destination *a, const struct wire_destination *b);
/* Bytes of its address, which are at most 108. */
uint32_t wire_destination_len(const struct wire_destination *d);
uint32_t wire_destination_hash(const struct wire_destination *d);

#endif

/*
 * destination.c - see destination.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/destination.h"

#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>
#include <sys/un.h>

static void unix_to_wire(const struct address *a, struct wire_destination *ret)
{
	const struct sockaddr_un *un = (const struct sockaddr_un *)&a->storage;
	size_t len = a->len - offsetof(struct sockaddr_un, sun_path);

	ret->family = FAMILY_UNIX;
	ret->address = (const uint8_t *)un->sun_path;
	ret->port = (uint16_t)(un->sun_path[0] ? strnlen(un->sun_path, len) : len);
}

int address_to_wire(const struct address *a, struct wire_destination *ret)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)&a->storage;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&a->storage;
	struct wire_destination d = { .transport = a->transport };

	switch (a->storage.ss_family) {
	case AF_INET:
		d.family = FAMILY_IPV4;
		d.port = ntohs(v4->sin_port);
		d.address = (const uint8_t *)&v4->sin_addr;
		break;
	case AF_INET6:
		d.family = FAMILY_IPV6;
		d.port = ntohs(v6->sin6_port);
		d.address = (const uint8_t *)&v6->sin6_addr;
		break;
	case AF_UNIX:
		unix_to_wire(a, &d);
		break;
	default:
		return -EAFNOSUPPORT;
	}
	*ret = d;
	return 0;
}

static int unix_from_wire(const struct wire_destination *d, struct address *ret)
{
	struct sockaddr_un *un = (struct sockaddr_un *)&ret->storage;
	size_t has_path = d->address[0] != 0;

	if (d->port + has_path > sizeof(un->sun_path) || d->port < 1 + !has_path)
		return -EINVAL;
	if (has_path && memchr(d->address, '\0', d->port))
		return -EINVAL;
	un->sun_family = AF_UNIX;
	memcpy(un->sun_path, d->address, d->port);
	ret->len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + d->port + has_path);
	return 0;
}

int address_from_wire(const struct wire_destination *d, struct address *ret)
{
	struct address a = { .transport = d->transport };
	struct sockaddr_in *v4 = (struct sockaddr_in *)&a.storage;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&a.storage;

	if (d->family == FAMILY_UNIX) {
		if (unix_from_wire(d, &a))
			return -EINVAL;
	} else if (d->family == FAMILY_IPV4) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(d->port);
		memcpy(&v4->sin_addr, d->address, sizeof(v4->sin_addr));
		a.len = sizeof(*v4);
	} else {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons(d->port);
		memcpy(&v6->sin6_addr, d->address, sizeof(v6->sin6_addr));
		a.len = sizeof(*v6);
	}
	*ret = a;
	return 0;
}

uint32_t wire_destination_len(const struct wire_destination *d)
{
	switch (d->family) {
	case FAMILY_IPV4:
		return 4;
	case FAMILY_IPV6:
		return 16;
	default:
		return d->port;
	}
}

bool wire_destination_equal(const struct wire_destination *a, const struct wire_destination *b)
{
	return a->transport == b->transport && a->family == b->family && a->port == b->port &&
	       !memcmp(a->address, b->address, wire_destination_len(a));
}

/* FNV-1a, over what tells two destinations apart. */
uint32_t wire_destination_hash(const struct wire_destination *d)
{
	const uint8_t head[] = { d->transport, d->family, (uint8_t)d->port,
				 (uint8_t)(d->port >> 8) };
	uint32_t hash = 2166136261U;

	for (size_t i = 0; i < sizeof(head); i++)
		hash = (hash ^ head[i]) * 16777619U;
	for (uint32_t i = 0; i < wire_destination_len(d); i++)
		hash = (hash ^ d->address[i]) * 16777619U;
	return hash;
}

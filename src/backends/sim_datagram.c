/*
 * sim_datagram.c - messages on simulated sockets: gathered, several in one, or many at a time.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <string.h>

#include "backends/sim_net.h"

#define SEGMENTS_MAX (64 << 10) /* bytes handed over as one (UDP_SEGMENT) */

/* UDP_SEGMENT: how long each of the datagrams is; 0: it is one. */
static size_t segment_of(const struct msghdr *msg)
{
	const struct cmsghdr *c = msg->msg_controllen ? CMSG_FIRSTHDR(msg) : NULL;
	uint16_t segment = 0;

	if (c && c->cmsg_level == SOL_UDP && c->cmsg_type == UDP_SEGMENT)
		memcpy(&segment, CMSG_DATA(c), sizeof(segment));
	return segment;
}

/* All at once or none, as the kernel does. */
static int give_segments(struct sim_net *net, struct sim_socket *s, const struct msghdr *msg,
			 size_t segment)
{
	uint8_t segments[SEGMENTS_MAX];
	size_t len = 0, at, part_len;
	int n = 0;

	if (!sim_writable(net, s))
		return -EAGAIN;
	for (size_t i = 0; i < msg->msg_iovlen; i++) {
		part_len = msg->msg_iov[i].iov_len;
		if (len + part_len > SEGMENTS_MAX)
			return -EMSGSIZE;
		memcpy(segments + len, msg->msg_iov[i].iov_base, part_len);
		len += part_len;
	}
	for (at = 0; at < len && n >= 0; at += part_len) {
		struct iovec part = { segments + at, segment };

		part_len = part.iov_len = segment < len - at ? segment : len - at;
		s->writable_ns = 0;
		n = sim_give(net, s, &part, 1, sim_address_fd(msg->msg_name), true);
	}
	return n < 0 ? n : (int)len;
}

int sim_give_message(struct sim_net *net, struct sim_socket *s, const struct msghdr *msg)
{
	size_t segment = segment_of(msg);

	if (segment)
		return give_segments(net, s, msg, segment);
	return sim_give(net, s, msg->msg_iov, msg->msg_iovlen, sim_address_fd(msg->msg_name), true);
}

int sim_give_many(struct sim_net *net, struct sim_socket *s, const struct io_op *op)
{
	uint32_t done;

	for (done = 0; done < op->count; done++) {
		struct mmsghdr *m = &op->datagrams[done];
		int n = sim_give_message(net, s, &m->msg_hdr);

		if (n == -EAGAIN)
			break;
		m->msg_len = n < 0 ? 0 : (unsigned)n;
		m->msg_hdr.msg_flags = n < 0 ? -n : 0;
	}
	return done ? (int)done : -EAGAIN;
}

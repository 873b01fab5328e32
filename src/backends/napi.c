/*
 * napi.c - see napi.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "backends/napi.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>

static bool ask(int fd, int option, unsigned *ret)
{
	socklen_t len = sizeof(*ret);

	return getsockopt(fd, SOL_SOCKET, option, ret, &len) == 0;
}

/* A listener, also one that listens no more, never has. */
static bool has_received(int fd)
{
	struct tcp_info info = { 0 };
	socklen_t len = sizeof(info);

	return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) == 0 && info.tcpi_bytes_received;
}

static void add_id(struct napi_census *c, unsigned id)
{
	for (unsigned i = 0; i < c->id_count; i++)
		if (c->ids[i] == id)
			return;
	if (c->id_count < NAPI_IDS)
		c->ids[c->id_count++] = id;
}

void napi_census_add(struct napi_census *c, int fd)
{
	unsigned type, id;

	if (!ask(fd, SO_TYPE, &type) || !ask(fd, SO_INCOMING_NAPI_ID, &id))
		return;
	if (!id && type == SOCK_DGRAM) {
		c->datagram++;
	} else if (id || has_received(fd)) {
		c->sockets++;
		c->without += !id;
	}
	if (id)
		add_id(c, id);
}

void napi_census_judge(const struct napi_census *c, const char *knob, bool one_id,
		       struct verdict_report *report)
{
	/* Those count when there are no others: a node has one that nobody may ever write to. */
	unsigned sockets = c->sockets ? c->sockets : c->datagram;

	if (sockets && (!c->sockets || c->without == c->sockets)) {
		report->verdict = VERDICT_VACUOUS;
		snprintf(report->why, sizeof(report->why),
			 "%s was accepted, but none of %u sockets has a NAPI id (loopback and "
			 "MPTCP give none): nothing was polled",
			 knob, sockets);
	} else if (c->without) {
		snprintf(report->why, sizeof(report->why),
			 "%s: %u of %u sockets have no NAPI id and gain nothing", knob, c->without,
			 c->sockets);
	} else if (one_id && c->id_count > 1) {
		snprintf(report->why, sizeof(report->why),
			 "%s: the sockets are of %u NAPI ids, and one of them at a time is polled",
			 knob, c->id_count);
	}
}

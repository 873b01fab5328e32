/*
 * proxy_rig.h - a proxy on the simulated net, whose clients and servers a test plays.
 *
 * Options are given as on the command line. Time stands still but in rig_until().
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_TESTS_PROXY_RIG_H
#define RW_TESTS_PROXY_RIG_H

#include <errno.h>
#include <stdlib.h>

#include "backends/sim_net.h"
#include "base/clock.h"
#include "proxy/pair.h"
#include "tests/test.h"

#define RIG_FLOWS 512

struct rig {
	struct sim_net *net;
	struct loop loop;
	struct relay relay;
	struct route route;
	struct proxy_opts opts;
	struct speaker speaker;
	struct hooks hooks;
	int door, server_door;	/* of UDP: the proxy's socket, and unused */
	int client_udp;		/* whose peer the proxy's socket is */
	int servers[RIG_FLOWS]; /* of UDP: the server's end of each flow */
	unsigned server_count;
	unsigned said;
	char sentence[512]; /* the last */
};

static inline void rig_say(void *context, const char *sentence)
{
	struct rig *rig = context;

	rig->said++;
	snprintf(rig->sentence, sizeof(rig->sentence), "%s", sentence);
}

static inline int rig_open(void *context, const struct address *to, struct err *err)
{
	struct rig *rig = context;
	int fds[2];

	(void)err;
	if (to->transport != TRANSPORT_UDP)
		return sim_socket(rig->net);
	if (rig->server_count == RIG_FLOWS || sim_datagram_pair(rig->net, fds) < 0)
		return -EMFILE;
	rig->servers[rig->server_count++] = fds[1];
	return fds[0];
}

static inline void rig_end(void *context, int fd)
{
	sim_shutdown(((struct rig *)context)->net, fd);
}

static inline void rig_abort(void *context, int fd)
{
	sim_linger_zero(((struct rig *)context)->net, fd);
}

/* args: pairs of a knob's name and its text, ended by NULL. */
static inline void rig_parse(struct proxy_opts *opts, const char *const *args)
{
	struct err err = { 0 };

	knob_defaults(&proxy_knobs, opts);
	opts->seed = 20261122;
	for (; *args; args += 2) {
		const struct knob *k = knob_find(&proxy_knobs, args[0]);

		CU_ASSERT_FATAL(k != NULL);
		if (knob_parse(k, args[1], opts, &err) < 0)
			printf("\n    --%s: %s", args[0], err.text);
		CHECK_INT(err.code, 0);
	}
}

static inline void rig_open_doors(struct rig *rig)
{
	int fds[2];

	if (rig->route.is_udp) {
		CU_ASSERT_FATAL(sim_datagram_pair(rig->net, fds) == 0);
		rig->door = fds[0];
		rig->client_udp = fds[1];
	} else {
		rig->door = sim_listen(rig->net);
		rig->server_door = sim_listen(rig->net);
		sim_address(rig->server_door, &rig->route.to.storage, &rig->route.to.len);
	}
	relay_open_door(&rig->relay, rig->door);
}

static inline void rig_init(struct rig *rig, const struct sim_faults *faults, uint64_t sim_seed,
			    const char *const *args)
{
	const struct sockets sockets = { rig, rig_open, rig_end, rig_abort };
	const struct loop_limits limits = { 0 };
	struct sim_opts sim_opts;
	struct err err = { 0 };

	memset(rig, 0, sizeof(*rig));
	rig->hooks = (struct hooks){ .context = rig, .say = rig_say };
	speaker_init(&rig->speaker, &rig->hooks);
	rig_parse(&rig->opts, args);
	if (!rig->opts.bind.count && !strncmp(rig->opts.to, "udp", 3))
		knob_list_add(&rig->opts.bind, "udp://:7890", strlen("udp://:7890"), NULL);
	else if (!rig->opts.bind.count)
		knob_list_add(&rig->opts.bind, ":7890", strlen(":7890"), NULL);
	if (route_init(&rig->route, &rig->opts, &err) < 0)
		printf("\n    %s", err.text);
	CU_ASSERT_FATAL(err.code == 0);
	rig->net = sim_net_create(sim_seed, faults);
	sim_opts.net = rig->net;
	CU_ASSERT_FATAL(loop_init(&rig->loop, &backend_sim, &sim_opts, &limits, &err) == 0);
	CU_ASSERT_FATAL(relay_init(&rig->relay, &rig->loop, &rig->route, &rig->opts, &sockets,
				   &rig->speaker) == 0);
	rig_open_doors(rig);
}

/* Without options: RIG(rig, NULL). */
#define RIG(rig, ...) rig_init(rig, NULL, 1, (const char *const[]){ __VA_ARGS__, NULL })

static inline void rig_finish(struct rig *rig)
{
	relay_finish(&rig->relay);
	route_finish(&rig->route);
	sim_net_destroy(rig->net);
}

/* All that happens until then, and at that moment. */
static inline void rig_until(struct rig *rig, int64_t at_ns)
{
	while (sim_net_now_ns(rig->net) < at_ns)
		CU_ASSERT(loop_turn(&rig->loop, at_ns - sim_net_now_ns(rig->net)) == 0);
	for (int i = 0; i < 20; i++)
		CU_ASSERT(loop_turn(&rig->loop, 0) == 0);
}

static inline int rig_connect(struct rig *rig)
{
	int fd = sim_connect(rig->net, rig->door);

	CU_ASSERT_FATAL(fd >= 0);
	rig_until(rig, sim_net_now_ns(rig->net));
	return fd;
}

/* -EAGAIN: nobody has come. */
static inline int rig_accept(struct rig *rig)
{
	return sim_accept(rig->net, sim_find(rig->net, rig->server_door));
}

static inline int rig_read(struct rig *rig, int fd, uint8_t *buf, size_t size)
{
	return sim_read(rig->net, fd, buf, size);
}

/* What is there to be read: bytes, 0 at the end, -errno. */
static inline int rig_count(struct rig *rig, int fd)
{
	static uint8_t buf[1 << 20];
	int total = 0, n;

	while ((n = sim_read(rig->net, fd, buf, sizeof(buf))) > 0)
		total += n;
	return total ? total : n;
}

static inline void rig_write(struct rig *rig, int fd, const char *text)
{
	CHECK_INT(sim_write(rig->net, fd, text, strlen(text)), strlen(text));
}

static inline bool rig_reads(struct rig *rig, int fd, const char *text)
{
	char buf[256];
	int n = sim_read(rig->net, fd, buf, sizeof(buf) - 1);

	buf[n > 0 ? n : 0] = '\0';
	return n == (int)strlen(text) && !strcmp(buf, text);
}

#endif

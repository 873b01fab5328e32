/*
 * lab_fake.c - see lab_fake.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/lab_fake.h"

#include <errno.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>

#include "client/client.h"

#define NODE_FIELD(field, ctype)   KNOB_FIELD(struct fake_node, field, ctype)
#define CLIENT_FIELD(field, ctype) KNOB_FIELD(struct fake_client, field, ctype)

struct fake_node {
	struct knob_list bind;
	int64_t threads;
	int behave;
};

struct fake_hog {
	int64_t threads;
	int behave;
};

struct fake_client {
	char to[128];
	int64_t duration_ns, warm_up_ns, drain_ns, threads, connections, requests, outstanding,
		seed;
	double rate;
	struct knob_list program;
	int wait, behave;
};

const char *const fake_behaviours[] = { "well",	  "refuse", "crash", "mute",	"die",	 "deaf",
					"talk",	  "garble", "hang",  "invalid", "flaky", "fail",
					"silent", "slow",   "busy",  NULL };
static const char *const waits[] = { "hybrid", "sleep", "spin", NULL };
static const char *const triggers[] = { "level", "edge", NULL };
static const char *const thread_names[] = { "nt", NULL };

#define BEHAVE                                                                           \
	.name = "behave", .type = &knob_enum, .choices = fake_behaviours, .def = "well", \
	.help = "what the fake program does"

static const struct knob node_table[] = {
	{ .name = "bind-addr", .type = &knob_texts, NODE_FIELD(bind, struct knob_list) },
	{ .name = "threads",
	  .type = &knob_int,
	  NODE_FIELD(threads, int64_t),
	  .aliases = thread_names,
	  .min = 1,
	  .max = 256,
	  .def = "1" },
	{ BEHAVE, NODE_FIELD(behave, int) },
	{ 0 },
};

static const struct knob client_table[] = {
	{ .name = "to", .type = &knob_text, CLIENT_FIELD(to, char[128]) },
	{ .name = "duration", .type = &knob_time, CLIENT_FIELD(duration_ns, int64_t) },
	{ .name = "warm-up", .type = &knob_time, CLIENT_FIELD(warm_up_ns, int64_t) },
	{ .name = "drain", .type = &knob_time, CLIENT_FIELD(drain_ns, int64_t), .def = "1s" },
	{ .name = "threads", .type = &knob_int, CLIENT_FIELD(threads, int64_t), .def = "1" },
	{ .name = "connections",
	  .type = &knob_int,
	  CLIENT_FIELD(connections, int64_t),
	  .def = "1" },
	{ .name = "requests", .type = &knob_int, CLIENT_FIELD(requests, int64_t) },
	{ .name = "outstanding", .type = &knob_int, CLIENT_FIELD(outstanding, int64_t) },
	{ .name = "seed", .type = &knob_int, CLIENT_FIELD(seed, int64_t) },
	{ .name = "rate",
	  .type = &knob_rate,
	  CLIENT_FIELD(rate, double),
	  .max = 1000000000,
	  .def = "10" },
	{ .name = "program", .type = &knob_texts, CLIENT_FIELD(program, struct knob_list) },
	{ .name = "wait",
	  .type = &knob_enum,
	  CLIENT_FIELD(wait, int),
	  .choices = waits,
	  .def = "hybrid" },
	{ BEHAVE, CLIENT_FIELD(behave, int) },
	{ 0 },
};

static const struct knob hog_table[] = {
	{ .name = "threads",
	  .type = &knob_int,
	  KNOB_FIELD(struct fake_hog, threads, int64_t),
	  .max = 256,
	  .def = "1" },
	{ BEHAVE, KNOB_FIELD(struct fake_hog, behave, int) },
	{ 0 },
};

static const struct knob_group hog_group = { .name = "",
					     .knobs = hog_table,
					     .opts_size = sizeof(struct fake_hog) };
static const struct knob_group node_group = { .name = "",
					      .knobs = node_table,
					      .opts_size = sizeof(struct fake_node) };
static const struct knob_group client_group = { .name = "",
						.knobs = client_table,
						.opts_size = sizeof(struct fake_client) };

/* Backends that do nothing but open. */

struct fake_epoll {
	int trigger;
};

static const struct knob epoll_table[] = {
	{ .name = "trigger",
	  .type = &knob_enum,
	  KNOB_FIELD(struct fake_epoll, trigger, int),
	  .choices = triggers,
	  .def = "level" },
	{ 0 },
};

static int open_nothing(struct backend **ret, const void *opts, struct err *err)
{
	static const struct backend_ops silent; /* cannot be asked for anything */
	static struct backend nothing = { .ops = &silent };

	*ret = &nothing;
	return 0;
}

static void close_nothing(struct backend *b)
{
}

static int probe_broken(struct err *why)
{
	return err_set(why, -ENOSYS, "this kernel has no such thing");
}

static const struct backend_ops fake_select = { .group = { .name = "select" },
						.open = open_nothing,
						.close = close_nothing };
static const struct backend_ops fake_poll = { .group = { .name = "poll" },
					      .open = open_nothing,
					      .close = close_nothing };
static const struct backend_ops fake_epoll = {
	.group = { .name = "epoll", .knobs = epoll_table, .opts_size = sizeof(struct fake_epoll) },
	.open = open_nothing,
	.close = close_nothing
};
static const struct backend_ops fake_broken = { .group = { .name = "broken" },
						.probe = probe_broken,
						.open = open_nothing,
						.close = close_nothing };

static const struct backend_ops *const fake_backends[] = { &fake_select, &fake_poll, &fake_epoll,
							   &fake_broken, NULL };

const struct parts fake_parts = {
	.roles = { &node_group, &client_group, &hog_group },
	.backends = fake_backends,
	.tunables = tunables,
};

struct experiment *fake_experiment(const char *text)
{
	struct experiment *x = NULL;
	struct err err = { 0 };

	if (experiment_parse("test.yaml", text, strlen(text), &fake_parts, &x, &err) < 0)
		printf("\n    %s", err.text);
	return x;
}

struct plan *fake_plan(const char *text)
{
	struct experiment *x = fake_experiment(text);
	struct plan *plan = NULL;
	struct err err = { 0 };

	if (x && plan_create(x, &fake_parts, "/proc/self/exe", "ringwalk sweep test.yaml", &plan,
			     &err) < 0)
		printf("\n    %s", err.text);
	return plan;
}

char *fake_folder(void)
{
	char *folder = strdup("/tmp/ringwalk-test-XXXXXX");

	return mkdtemp(folder);
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

void fake_folder_remove(char *folder)
{
	if (folder)
		nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
	free(folder);
}

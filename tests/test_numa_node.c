/*
 * test_numa_node.c - a node under load whose workers' memory is on the nodes that were asked for.
 *
 * The whole way: settings as text, threads that start, requests over loopback, the report at the
 * end. What the report says is compared with where the kernel, asked in another way, has the pages
 * of each worker when it ends. Argument: the backend. Needs two memory nodes, which a guest has.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <linux/mempolicy.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "client/client.h"
#include "lab/placement.h"
#include "system/nodes.h"
#include "tests/node_fixture.h"
#include "tests/possible.h"

#define WORKERS 2

static const struct parts parts = {
	.roles = { [ROLE_NODE] = &node_knobs },
	.backends = backends,
	.tunables = tunables,
};

static const struct backend_ops *backend;

/* A node with its settings, and what it is seen to have. */
struct stage {
	struct setup setup;
	struct role_knobs *knobs;
	struct placement placement;
	struct hooks hooks;	   /* the placement's */
	unsigned long messages[2]; /* pages on nodes 0 and 1, of all workers */
};

/* get_mempolicy(2) says where one page is. */
static void count_messages(struct stage *s, const struct memory_range *r)
{
	unsigned long page = (unsigned long)sysconf(_SC_PAGESIZE);

	for (unsigned long at = 0; at < r->len; at += page) {
		unsigned char resident = 0;
		int node = -1;

		/* Asked for a page that is not there, the kernel makes one. */
		if (mincore((char *)r->base + at, page, &resident) || !(resident & 1))
			continue;
		syscall(SYS_get_mempolicy, &node, NULL, 0UL, (char *)r->base + at,
			(unsigned long)(MPOL_F_NODE | MPOL_F_ADDR));
		if (node == 0 || node == 1)
			__atomic_fetch_add(&s->messages[node], 1, __ATOMIC_RELAXED);
	}
}

static void thread_ending(void *context, enum thread_role role, unsigned index,
			  const struct thread_parts *p)
{
	struct stage *s = (struct stage *)((char *)context - offsetof(struct stage, placement));

	s->hooks.thread_ending(context, role, index, p);
	for (unsigned i = 0; i < p->range_count; i++)
		if (!strcmp(p->ranges[i].what, "messages"))
			count_messages(s, &p->ranges[i]);
}

static void set(struct stage *s, const char *key, const char *text)
{
	struct err err = { 0 };

	if (knob_set_assign(role_knobs_set(s->knobs), key, text, KNOB_ARGUMENT, &err))
		CU_FAIL_FATAL(err.text);
}

static void open_stage(struct stage *s, const char *policy, const char *nodes)
{
	struct err err = { 0 };

	memset(s, 0, sizeof(*s));
	setup_init(&s->setup, backend);
	CHECK_INT(role_knobs_create(&parts, ROLE_NODE, &s->knobs, &err), 0);
	CHECK_INT(placement_init(&s->placement, ROLE_NODE, s->knobs, &err), 0);
	set(s, "numa.policy", policy);
	set(s, "numa.nodes", nodes);
	set(s, "pin.cpus", "0");
	s->hooks = placement_hooks(&s->placement);
	s->setup.hooks = s->hooks;
	s->setup.hooks.thread_ending = thread_ending;
	s->setup.opts.threads = WORKERS;
	CHECK_INT(placement_begin(&s->placement, &err), 0);
	CU_ASSERT_FATAL(setup_start(&s->setup) == 0);
}

static void close_stage(struct stage *s)
{
	setup_finish(&s->setup);
	placement_finish(&s->placement);
	role_knobs_destroy(s->knobs);
}

static void set_client(struct client_opts *o, const char *name, const char *text)
{
	CHECK_INT(knob_parse(knob_find(&client_knobs, name), text, o, NULL), 0);
}

static void load(struct stage *s)
{
	struct client_result *r = NULL;
	struct err err = { 0 };
	struct client_opts o;

	knob_defaults(&client_knobs, &o);
	set_client(&o, "wait", "sleep");
	set_client(&o, "reply", "4KiB");
	set_client(&o, "rate", "1k");
	set_client(&o, "requests", "500");
	set_client(&o, "connections", "32");
	set_client(&o, "drain", "60s"); /* no matter how slow a guest is */
	set_client(&o, "seed", "7");
	address_format(node_address(s->setup.node, 0), o.to, sizeof(o.to));
	CHECK_INT(client_run(&o, backend, s->setup.backend_opts, NULL, NULL, &r, &err), 0);
	CHECK_TEXT(err.text, "");
	CU_ASSERT_FATAL(r != NULL);
	CHECK_INT(r->counts.done, 500);
	client_result_destroy(r);
}

/* The node has ended; its memory is counted. */
static const struct verdict_report *report_of(struct stage *s, unsigned worker)
{
	char subject[32];

	snprintf(subject, sizeof(subject), "worker %u", worker);
	for (unsigned i = 0; i < s->placement.report_count; i++)
		if (!strcmp(s->placement.reports[i].subject, subject) &&
		    !strcmp(s->placement.reports[i].report.name, "numa"))
			return &s->placement.reports[i].report;
	CU_FAIL_FATAL("no report of numa");
	return NULL;
}

static void stop(struct stage *s)
{
	struct err err = { 0 };

	CHECK_INT(node_stop(s->setup.node, &err), 0);
	node_destroy(s->setup.node);
	s->setup.node = NULL;
}

static void test_bound_to_node_1_nearly_every_page_is_there(void)
{
	struct stage s;

	if (!possible_two_nodes())
		return;
	open_stage(&s, "bind", "1");
	load(&s);
	stop(&s);
	for (unsigned i = 0; i < WORKERS; i++) {
		const struct verdict_report *r = report_of(&s, i);
		unsigned long right = 0, all = 0;

		printf("\n    worker %u: %s", i, r->why);
		CHECK_INT(r->verdict, VERDICT_OK);
		CHECK_TEXT(r->requested, "policy=bind nodes=1");
		CHECK_TEXT(r->effective, "policy=bind nodes=1");
		CHECK_INT(sscanf(r->why, "%lu of %lu pages on node 1;", &right, &all), 2);
		CU_ASSERT(all > 10 && right * 100 >= all * 99);
		CU_ASSERT(strstr(r->why, "memory on node 1, CPU on node 0 (distance ") != NULL);
	}
	CHECK_INT(s.messages[0], 0);
	CU_ASSERT(s.messages[1] > 0);
	close_stage(&s);
}

static void test_interleaved_over_two_nodes_half_of_the_pages_are_on_each(void)
{
	unsigned long sum;
	struct stage s;

	if (!possible_two_nodes())
		return;
	open_stage(&s, "interleave", "0-1");
	load(&s);
	stop(&s);
	for (unsigned i = 0; i < WORKERS; i++) {
		const struct verdict_report *r = report_of(&s, i);
		long on0 = 0, on1 = 0;

		printf("\n    worker %u: %s", i, r->why);
		CHECK_INT(r->verdict, VERDICT_OK);
		CHECK_TEXT(r->effective, "policy=interleave nodes=0-1");
		CHECK_INT(sscanf(r->why, "%ld pages on node 0, %ld on node 1", &on0, &on1), 2);
		CU_ASSERT(on0 + on1 > 10);
	}
	sum = s.messages[0] + s.messages[1];
	printf("\n    messages: %lu and %lu pages", s.messages[0], s.messages[1]);
	CU_ASSERT(sum > 0 && s.messages[0] * 100 >= sum * 45 && s.messages[1] * 100 >= sum * 45);
	close_stage(&s);
}

static void test_a_node_that_does_not_exist_ends_the_start(void)
{
	struct err err = { 0 };
	struct stage s = { 0 };

	if (!possible_node(0)) {
		test_not_possible("this kernel knows no memory nodes");
		return;
	}
	setup_init(&s.setup, backend);
	setup_bind(&s.setup, "127.0.0.1:0");
	CHECK_INT(role_knobs_create(&parts, ROLE_NODE, &s.knobs, &err), 0);
	CHECK_INT(placement_init(&s.placement, ROLE_NODE, s.knobs, &err), 0);
	set(&s, "numa.policy", "bind");
	set(&s, "numa.nodes", "0,1000");
	s.setup.hooks = placement_hooks(&s.placement);
	CU_ASSERT(node_start(&s.setup.node, &s.setup.opts, backend, s.setup.backend_opts,
			     &s.setup.hooks, &err) < 0);
	CU_ASSERT(strstr(err.text, "worker 0: ") != NULL);
	if (!strstr(err.text, "node 1000 does not exist on this machine"))
		CHECK_TEXT(err.text, "node 1000 does not exist on this machine");
	close_stage(&s);
}

static CU_TestInfo tests[] = {
	{ "bound to node 1, nearly every page is there",
	  test_bound_to_node_1_nearly_every_page_is_there },
	{ "interleaved over two nodes, half of the pages are on each",
	  test_interleaved_over_two_nodes_half_of_the_pages_are_on_each },
	{ "a node that does not exist ends the start",
	  test_a_node_that_does_not_exist_ends_the_start },
	CU_TEST_INFO_NULL,
};

int main(int argc, char **argv)
{
	int status;

	backend = choose_backend(argc, argv, &status);
	if (!backend)
		return status;
	return test_main(backend->group.name, tests);
}

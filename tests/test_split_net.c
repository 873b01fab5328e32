/*
 * test_split_net.c - where the time went, on real sockets, on the backend that the argument names:
 * a client, three nodes and a proxy that is a slow network.
 *
 *	client ── A ──┬── B, which stores and naps
 *		      ├── D
 *		      └── proxy, 400 ms later ── C
 *
 * What is known beforehand (naps, the delay) must be where it belongs. The rest is bounded by
 * adding up: other work may run on this machine, so how much it is nobody knows, but no part is
 * negative and together they are the response. Delay and slow tail are long, so that what the
 * machine adds does not change who comes last or who is slow. The measured response is not the
 * histogram's but the mean of the rows that the client keeps.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <math.h>

#include "client/client.h"
#include "client/split_text.h"
#include "proxy/proxy.h"
#include "tests/node_fixture.h"

#define REQUESTS 100
#define DELAY	 "400ms"
#define DELAY_NS (400 * MS)
#define SLOW_MS	 2000

static const struct backend_ops *backend;

struct net {
	struct setup a, b, c, d;
	struct proxy *proxy;
	char folder[64];
	char at_b[ADDRESS_TEXT], at_c[ADDRESS_TEXT], at_d[ADDRESS_TEXT];
	struct client_result *result;
};

static void format(const struct address *address, char *text)
{
	address_format(address, text, ADDRESS_TEXT);
}

/* Forth alone, so that it is not symmetric. */
static void start_proxy(struct net *n)
{
	struct proxy_opts opts;
	struct err err = { 0 };

	knob_defaults(&proxy_knobs, &opts);
	CHECK_INT(knob_parse(knob_find(&proxy_knobs, "bind"), "127.0.0.1:0", &opts, NULL), 0);
	CHECK_INT(knob_parse(knob_find(&proxy_knobs, "delay"), DELAY, &opts, NULL), 0);
	format(node_address(n->c.node, 0), opts.to);
	CHECK_INT(proxy_start(&n->proxy, &opts, backend, n->a.backend_opts, NULL, &err), 0);
	CU_ASSERT_FATAL(n->proxy != NULL);
	format(proxy_address(n->proxy, 0), n->at_c);
}

static void start(struct net *n)
{
	char text[128];

	memset(n, 0, sizeof(*n));
	strcpy(n->folder, "/tmp/ringwalk_test_XXXXXX");
	CU_ASSERT_FATAL(mkdtemp(n->folder) != NULL);
	start_plain(&n->a, backend);
	start_plain(&n->c, backend);
	start_plain(&n->d, backend);
	setup_init(&n->b, backend);
	snprintf(text, sizeof(text), "file=%s/device,size=16MiB", n->folder);
	knob_list_add(&n->b.opts.storage.devices, text, strlen(text), NULL);
	n->b.opts.storage.keep = false;
	n->b.opts.storage.prealloc = 1 << 20;
	CU_ASSERT_FATAL(setup_start(&n->b) == 0);
	format(node_address(n->b.node, 0), n->at_b);
	format(node_address(n->d.node, 0), n->at_d);
	start_proxy(n);
}

static void finish(struct net *n)
{
	client_result_destroy(n->result);
	CHECK_INT(proxy_stop(n->proxy, NULL), 0);
	proxy_destroy(n->proxy);
	setup_finish(&n->a);
	setup_finish(&n->b);
	setup_finish(&n->c);
	setup_finish(&n->d);
	rmdir(n->folder);
}

static void set(struct client_opts *o, const char *name, const char *text)
{
	struct err err = { 0 };

	if (knob_parse(knob_find(&client_knobs, name), text, o, &err))
		printf("\n    --%s: %s", name, err.text);
	CHECK_INT(err.code, 0);
}

/* The first requests find no connections between the nodes: they are not measured. */
static void run(struct net *n, const char *program)
{
	struct client_opts o;
	struct err err = { 0 };

	knob_defaults(&client_knobs, &o);
	set(&o, "wait", "sleep");
	set(&o, "request-size", "auto");
	set(&o, "reply-size", "512B");
	set(&o, "rate", "100");
	set(&o, "connections", "4");
	set(&o, "requests", "100");
	set(&o, "warm-up", "100ms");
	set(&o, "keep-records", "1000");
	set(&o, "seed", "20261122");
	set(&o, "drain", "10s");
	set(&o, "program", program);
	format(node_address(n->a.node, 0), o.to);
	if (client_run(&o, backend, n->a.backend_opts, NULL, NULL, &n->result, &err))
		printf("\n    %s", err.text);
	CU_ASSERT_FATAL(n->result != NULL);
	CHECK_INT(n->result->counts.done, REQUESTS);
	CHECK_INT(n->result->split.answers, REQUESTS);
	CHECK_INT(n->result->split.ignored, 0);
	CHECK_INT(n->result->split.cut, 0);
}

/* Of the answers that took at least so long. */
static double measured_mean_ns(const struct client_result *r, int64_t least_ns, double *ret_count)
{
	double sum_ns = 0, count = 0;

	for (uint64_t i = 0; i < r->record_count; i++) {
		int64_t ns = r->records[i].end_ns - r->records[i].intended_ns;

		if (ns < least_ns)
			continue;
		sum_ns += (double)ns;
		count++;
	}
	*ret_count = count;
	return sum_ns / count;
}

static double sum_of_parts_ns(const struct client_result *r, const struct split_view *v)
{
	double sum_ns = v->late_ns;

	for (unsigned hop = 0; hop < r->split.hop_count; hop++)
		for (unsigned i = 0; i < SPLIT_PARTS; i++)
			sum_ns += v->part_ns[hop][i];
	return sum_ns;
}

/* Of all that took at least so long: the parts are the response. */
static void check_adds_up(const struct client_result *r, int64_t least_ns, struct split_view *v)
{
	double count, measured_ns = measured_mean_ns(r, least_ns, &count);

	split_view(&r->split, count / REQUESTS, v);
	CHECK_NEAR(v->answers, count, 1e-6);
	CHECK_NEAR(sum_of_parts_ns(r, v) / measured_ns, 1, 0.02);
	for (unsigned hop = 0; hop < r->split.hop_count; hop++)
		for (unsigned i = 0; i < SPLIT_PARTS; i++)
			CU_ASSERT(v->part_ns[hop][i] >= -1.0);
}

static void check_at_least(double part_ns, double least_ns)
{
	if (part_ns < least_ns)
		printf("\n    %.0f ns, not %.0f", part_ns, least_ns);
	CU_ASSERT(part_ns >= least_ns);
}

/* Of both hops together. */
static double wait_for_both_ns(const struct split_view *v, unsigned one, unsigned other)
{
	double sum_ns = 0;

	for (unsigned i = 0; i < SPLIT_PARTS; i++)
		sum_ns += v->part_ns[one][i] + v->part_ns[other][i];
	return sum_ns;
}

/*
 * One after the other, so each is told whole. Of D and C the one behind the proxy decides, but for
 * requests that D kept waiting longer than that.
 */
static void test_what_is_known_is_where_it_belongs(void)
{
	struct split_view v;
	char program[512];
	struct net n;

	start(&n);
	snprintf(program, sizeof(program),
		 "sleep 2ms;forward %s;store 4KiB,sync;sleep 3ms;reply;"
		 "forward %s,%s,quorum=2;compute 10us;reply",
		 n.at_b, n.at_d, n.at_c);
	run(&n, program);
	check_adds_up(n.result, 0, &v);
	CHECK_INT(n.result->split.hop_count, 4);
	CHECK_NEAR(v.part_ns[0][SPLIT_SERVICE], 2 * MS, 1);
	CHECK_NEAR(v.part_ns[1][SPLIT_SERVICE], 3 * MS, 1);
	check_at_least(v.part_ns[1][SPLIT_STORAGE], 1);
	check_at_least(wait_for_both_ns(&v, 2, 3), DELAY_NS);
	check_at_least(v.part_ns[3][SPLIT_NETWORK], DELAY_NS / 2.0);
	check_at_least(v.part_ns[2][SPLIT_SERVICE] + v.part_ns[3][SPLIT_SERVICE], 9 * US);
	check_at_least(v.part_ns[0][SPLIT_NETWORK], 0);
	CU_ASSERT(v.part_ns[1][SPLIT_NETWORK] < v.part_ns[3][SPLIT_NETWORK]);
	finish(&n);
}

/* Whoever of the two came last is told, request by request; together they are the wait for both. */
static void test_a_quorum_waits_as_long_as_its_last(void)
{
	struct split_view v;
	char program[512];
	struct net n;

	start(&n);
	snprintf(program, sizeof(program),
		 "sleep 2ms;forward %s,branch,quorum=2;store 4KiB,sync;sleep 3ms;reply;"
		 "forward %s,branch;compute 10us;reply",
		 n.at_b, n.at_c);
	run(&n, program);
	check_adds_up(n.result, 0, &v);
	CHECK_NEAR(v.part_ns[0][SPLIT_SERVICE], 2 * MS, 1);
	CU_ASSERT(v.part_ns[1][SPLIT_SERVICE] <= 3 * MS + 1);
	check_at_least(wait_for_both_ns(&v, 1, 2), DELAY_NS);
	CU_ASSERT(v.part_ns[0][SPLIT_FORWARD] < DELAY_NS / 2);
	finish(&n);
}

/* Both are told, the later one with what it took beyond the other. */
static void test_meanwhile_is_told_once(void)
{
	struct split_view v;
	char program[512];
	struct net n;

	start(&n);
	snprintf(program, sizeof(program),
		 "forward %s,meanwhile;sleep 2ms;reply;forward %s,meanwhile;compute 10us;reply;"
		 "sleep 1ms;join;sleep 1ms",
		 n.at_b, n.at_c);
	run(&n, program);
	check_adds_up(n.result, 0, &v);
	CHECK_NEAR(v.part_ns[0][SPLIT_SERVICE], 2 * MS, 1);
	CU_ASSERT(v.part_ns[1][SPLIT_SERVICE] <= 2 * MS + 1);
	/* What B and the nap leave of the proxy's delay. */
	CU_ASSERT(v.part_ns[2][SPLIT_NETWORK] > 0);
	CU_ASSERT(v.part_ns[0][SPLIT_FORWARD] < DELAY_NS / 2);
	finish(&n);
}

static void test_the_slow_tail_adds_up_too(void)
{
	double slow, all_slow = 0;
	struct split_view v;
	char program[512];
	struct net n;

	start(&n);
	snprintf(program, sizeof(program),
		 "sleep 2ms;forward %s;skip 1,prob=0.8;sleep 2s;sleep 3ms;reply;"
		 "forward %s;compute 10us;reply",
		 n.at_b, n.at_c);
	run(&n, program);
	check_adds_up(n.result, 0, &v);
	CU_ASSERT(v.part_ns[1][SPLIT_SERVICE] < (SLOW_MS + 3) * MS);
	measured_mean_ns(n.result, SLOW_MS * MS, &all_slow);
	CU_ASSERT(all_slow >= 10 && all_slow <= 30);
	check_adds_up(n.result, SLOW_MS * MS, &v);
	CHECK_NEAR(v.part_ns[0][SPLIT_SERVICE], 2 * MS, 1);
	CHECK_NEAR(v.part_ns[1][SPLIT_SERVICE] / MS, SLOW_MS + 3, 0.01);
	check_at_least(v.part_ns[2][SPLIT_NETWORK], DELAY_NS);
	/* What is shown of it by itself: so many that there are never fewer than ten. */
	slow = split_slow_share(&n.result->split);
	CHECK_NEAR(slow * REQUESTS, 10, 1e-6);
	split_view(&n.result->split, slow, &v);
	CHECK_NEAR(v.part_ns[1][SPLIT_SERVICE] / MS, SLOW_MS + 3, 0.01);
	finish(&n);
}

static CU_TestInfo tests[] = {
	{ "what is known is where it belongs", test_what_is_known_is_where_it_belongs },
	{ "a quorum waits as long as its last", test_a_quorum_waits_as_long_as_its_last },
	{ "meanwhile is told once", test_meanwhile_is_told_once },
	{ "the slow tail adds up, too", test_the_slow_tail_adds_up_too },
	CU_TEST_INFO_NULL,
};

int main(int argc, char **argv)
{
	int status;

	backend = choose_backend(argc, argv, &status);
	if (!backend)
		return status;
	return test_main("split_net", tests);
}

/*
 * test_client_knobs.c - a client's command line: DistWalk's names, and options that share a field.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/clock.h"
#include "client/client.h"
#include "tests/test.h"

/* Reads a command line, words separated by single spaces. */
static int read_line(const char *line, struct client_opts *opts, struct err *err)
{
	static struct knob_set set;
	char words[512], *argv[64] = { "client" }, *rest = words;
	int argc = 1, positional = 0;

	memset(&set, 0, sizeof(set));
	*err = (struct err){ 0 };
	knob_set_add(&set, &client_knobs, opts);
	snprintf(words, sizeof(words), "%s", line);
	while (rest && *rest)
		argv[argc++] = strsep(&rest, " ");
	return knob_set_args(&set, argc, argv, &positional, err);
}

static const char *program_text(const struct client_opts *opts, char *buf, size_t size)
{
	knob_format(knob_find(&client_knobs, "program"), opts, buf, size);
	return buf;
}

static void test_defaults_are_those_of_distwalk(void)
{
	struct client_opts o;

	knob_defaults(&client_knobs, &o);
	CHECK_TEXT(o.to, "127.0.0.1:7891");
	CHECK_INT(o.requests, 0);
	CHECK_NEAR(o.rate, 10, 0);
	CHECK_TEXT(o.request_size, "auto");
	CHECK_INT(o.reply_size, 512);
	CHECK_INT(o.wait, WAIT_HYBRID);
	CHECK_INT(o.spin_ns, 60 * US);
	CHECK_INT(o.drain_ns, SEC);
	CHECK_INT(o.timeout_ns, 0);
	CHECK_INT(o.in_flight, 65536);
	CHECK_INT(o.threads, 1);
	CHECK_INT(o.connections, 1);
	CHECK_INT(o.program.count, 0);
	CU_ASSERT(o.no_delay);
}

static void test_names_of_distwalk_are_understood(void)
{
	struct client_opts o;
	struct err err;

	CHECK_INT(read_line("--to :7892 -n 100 -r 20k --nt 2 --ps 64 --rs=128 --nd=0 --ws --seed 5 "
			    "-C 10",
			    &o, &err),
		  0);
	CHECK_TEXT(o.to, ":7892");
	CHECK_INT(o.requests, 100);
	CHECK_NEAR(o.rate, 20000, 0);
	CHECK_INT(o.threads, 2);
	CHECK_TEXT(o.request_size, "64B");
	CHECK_INT(o.wait, WAIT_SPIN);
	CHECK_INT(o.seed, 5);
	CU_ASSERT(!o.no_delay);
}

/* Program NULL: refused. */
static const struct row {
	const char *line, *program;
} orders[] = {
	{ "-C 10us -s 1 -C20 -R64 --sleep 1ms -R",
	  "compute 10us;skip 1;compute 20us;reply 64B;sleep 1ms;reply" },
	{ "-R -C 5", "reply;compute 5us" },
	{ "--program compute:cpu=1", NULL },
	{ "--rs=1KiB --comp-time=1.5ms", "reply 1KiB;compute 1.5ms" },
	{ "--skip 2,prob=0.25,every=3 -C 1", "skip 2,prob=25%,every=3;compute 1us" },
	{ "-C exp:1000:min=500:max=2000", "compute exp:1ms:min=500us:max=2ms" },
	{ "-C exp:1000,min=500,max=2000", "compute exp:1ms:min=500us:max=2ms" },
	{ "-C unif:min=10:max=20 -C gamma:k=2:scale=5",
	  "compute unif:min=10us:max=20us;compute gamma:k=2:scale=5us" },
	{ "-C 10m -C 0.5 -C 100ns", "compute 10s;compute 500ns;compute 100ns" },
	{ "-C 10x", NULL },
	{ "-C 10us:min=5", NULL },
	{ "-S 4096", "store 4KiB" },
	{ "-S 1k -L 1m", "store 1kB;load 1MB" },
	{ "-S offset=[4096],size=[100]", "store 100B,offset=4KiB" },
	{ "-S offset=4096,size=100", "store 100B,offset=4KiB" },
	{ "-S offset=[unif:min=0:max=1g],sync,size=[exp:4k:min=1],dev=0",
	  "store exp:4kB:min=1B,offset=unif:min=0B:max=1GB,device=0" },
	{ "-S nosync,size=[4k]", "store 4kB,nosync" },
	{ "-S offset=5000000000,size=1k", "store 1kB,offset=5GB" },
	{ "-S sync", NULL },
	{ "-S 4k,siez=10", NULL },
	{ "-L size=[4k],dev=0", "load 4kB,device=0" },
	{ "-L offset=[0],size=4k", "load 4kB,offset=0B" },
	{ "-L 4k,sync", NULL },
	{ "--store-offset=8k -S 1k -L 1k --store-offset -1 -S 2k",
	  "store 1kB,offset=8kB;load 1kB;store 2kB" },
	{ "--store-offset 8k -S offset=[0],size=1k -S 1k,offset=-1",
	  "store 1kB,offset=0B;store 1kB,offset=sequential" },
	{ "--load-offset unif:min=0,max=1m -L 4k -S 4k",
	  "load 4kB,offset=unif:min=0B:max=1MB;store 4kB" },
	{ "--load-offset=x -L 4k", NULL },
	{ "-F :7892 -C 10", "forward :7892;compute 10us" },
	{ "-F :7892,:7893,timeout=500ms,retries=2,nack=1 -R",
	  "forward :7892,:7893,timeout=500ms,retries=2,nack=1;reply" },
	{ "-F :7892,timeout=500,retry=1", "forward :7892,timeout=500us,retries=1" },
	{ "-F :7892,branch -C 10ms -R -F :7893,branch -C 20ms -R",
	  "forward :7892,branch;compute 10ms;reply;forward :7893,branch;compute 20ms;"
	  "reply" },
	{ "-F tcp://127.0.0.1,tcp:127.0.0.1:1", "forward tcp://127.0.0.1,tcp:127.0.0.1:1" },
	{ "-F nack=2", NULL },
	{ "-F :7892,nakc=2", NULL },
	{ "--rs=sendfile,2000 --rs=sendfile -R", "reply 2kB,sendfile;reply sendfile;reply" },
	{ "--rs=dev=1,sendfile,2k", "reply 2kB,sendfile,device=1" },
	{ "--rs=dev=1,64", "reply 64B,device=1" },
	{ "-Rsendfile,2k", "reply 2kB,sendfile" },
	{ "-Rexp:1k", NULL },
	{ "--rs=4", NULL },
	{ "-R5", NULL },
	{ "--rs=64us", NULL },
	{ "--sleep x", NULL },
	{ "-s 0", NULL },
};

static void test_operations_stand_in_the_order_given(void)
{
	char got[512];

	for (size_t i = 0; i < sizeof(orders) / sizeof(*orders); i++) {
		struct client_opts o;
		struct err err;
		int rc = read_line(orders[i].line, &o, &err);

		CHECK_INT(rc, orders[i].program ? 0 : -22);
		if (rc && orders[i].program)
			printf("\n    %s", err.text);
		if (!rc)
			CHECK_TEXT(program_text(&o, got, sizeof(got)), orders[i].program);
	}
}

static void test_program_takes_whole_operations(void)
{
	const struct knob *k = knob_find(&client_knobs, "program");
	struct client_opts o;
	char got[256];

	knob_defaults(&client_knobs, &o);
	CHECK_INT(knob_parse(k, "compute:cpu 1ms;reply 64B", &o, NULL), 0);
	CHECK_INT(knob_parse(k, "sleep 1us;nonsense", &o, NULL), -22);
	CHECK_TEXT(program_text(&o, got, sizeof(got)), "compute:cpu 1ms;reply 64B");
	knob_format(knob_find(&client_knobs, "comp-time"), &o, got, sizeof(got));
	CHECK_TEXT(got, "");
	knob_format(knob_find(&client_knobs, "reply"), &o, got, sizeof(got));
	CHECK_TEXT(got, "64B");
}

static void test_the_last_of_period_and_rate_counts(void)
{
	static const struct {
		const char *line;
		double rate;
		enum arrival_law law;
		const char *period;
	} rows[] = {
		{ "-r 100", 100, ARRIVAL_CONSTANT, "" },
		{ "-p 100", 10000, ARRIVAL_CONSTANT, "100" },
		{ "-r 100 -p 1ms", 1000, ARRIVAL_CONSTANT, "1ms" },
		{ "-p 1ms -r 100", 100, ARRIVAL_CONSTANT, "" },
		{ "-p exp:100us", 10000, ARRIVAL_EXPONENTIAL, "exp:100us" },
		{ "-p exp:100us -r 100", 100, ARRIVAL_CONSTANT, "" },
		{ "-p exp:100us -p 100us", 10000, ARRIVAL_CONSTANT, "100us" },
		{ "--arrivals exponential -p 100us", 10000, ARRIVAL_EXPONENTIAL, "100us" },
		{ "--arrivals exponential -r 5", 5, ARRIVAL_EXPONENTIAL, "" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct client_opts o;
		struct err err;

		CHECK_INT(read_line(rows[i].line, &o, &err), 0);
		CHECK_NEAR(o.rate, rows[i].rate, 1e-6);
		CHECK_INT(o.arrivals, rows[i].law);
		CHECK_TEXT(o.period, rows[i].period);
	}
}

static void test_impossible_values_are_refused(void)
{
	static const char *const lines[] = {
		"-r 0",	     "-r -5",	    "-p 0",	   "--threads 0",  "--nt 257",
		"-c 0",	     "--timeout 5", "--ps 23",	   "--wait=doze",  "--arrivals pareto",
		"-n -1",     "--drain -1s", "--spin 2",	   "--warm-up 1k", "--max-in-flight 0",
		"--ps 2GiB", "-p unif:1:2", "--seed zero",
	};

	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		struct client_opts o;
		struct err err;
		int rc = read_line(lines[i], &o, &err);

		if (rc != -22)
			printf("\n    %s: %d", lines[i], rc);
		CU_ASSERT(rc == -22 && *err.text);
	}
}

static CU_TestInfo tests[] = {
	{ "defaults are those of DistWalk", test_defaults_are_those_of_distwalk },
	{ "names of DistWalk are understood", test_names_of_distwalk_are_understood },
	{ "operations stand in the order given", test_operations_stand_in_the_order_given },
	{ "program takes whole operations", test_program_takes_whole_operations },
	{ "the last of period and rate counts", test_the_last_of_period_and_rate_counts },
	{ "impossible values are refused", test_impossible_values_are_refused },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return test_main("client_knobs", tests);
}

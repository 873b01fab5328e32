/*
 * test_proxy_knobs.c - the proxy's options by rows: DistWalk's spelling, drawn delays, rates; and
 * what does not go together.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>

#include "base/clock.h"
#include "proxy/route.h"
#include "tests/test.h"

static const struct row {
	const char *name, *text, *canonical;
} rows[] = {
	{ "delay", "50", "50ms" },
	{ "delay", "250us", "250us" },
	{ "delay", "exp:10ms:max=1s", "exp:10ms:max=1s" },
	{ "delay-back", "0.5", "500us" },
	{ "jitter", "unif:min=1ms:max=2ms", "unif:min=1ms:max=2ms" },
	{ "frag", "100", "100B" },
	{ "frag", "4KiB", "4KiB" },
	{ "rate", "1MB/s", "1MB/s" },
	{ "rate", "1MB", "1MB/s" },
	{ "rate-back", "100Mbit/s", "12.5MB/s" },
	{ "rate-both", "1Gbit", "125MB/s" },
	{ "rate", "9600bit/s", "1.2kB/s" },
	{ "rate", "0B/s", "0B/s" },
	{ "fault", "reset,prob=0.5", "reset,prob=50%,dir=both" },
	{ "fault", "refuse;silence", "refuse;silence" },
	{ "to", "udp://:9", "udp://:9" },
};

static void test_values_are_read_and_written_back_canonical(void)
{
	static struct proxy_opts opts;

	for (unsigned i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct knob *k = knob_find(&proxy_knobs, rows[i].name);
		struct err err = { 0 };
		char text[8192];

		knob_defaults(&proxy_knobs, &opts);
		CU_ASSERT_FATAL(k != NULL);
		CHECK_INT(knob_parse(k, rows[i].text, &opts, &err), 0);
		knob_format(k, &opts, text, sizeof(text));
		CHECK_TEXT(text, rows[i].canonical);
	}
}

static const struct row refusals[] = {
	{ "delay", "soon", "soon" },
	{ "delay", "2h", "2h" },
	{ "delay", "7200s", "at most 1h" },
	{ "delay", "exp:", "exp" },
	{ "frag", "-1", "-1" },
	{ "rate", "fast", "100Mbit/s" },
	{ "rate", "10", "10MB/s" },
	{ "rate", "1bit/s", "no rate" },
	{ "rate", "100GB/s", "at most 9GB/s" },
	{ "fault", "rst", "is no fault" },
	{ "buffer", "0B", "at least" },
};

static void test_mistakes_are_refused_and_leave_the_option_alone(void)
{
	static struct proxy_opts opts, was;

	for (unsigned i = 0; i < sizeof(refusals) / sizeof(*refusals); i++) {
		const struct knob *k = knob_find(&proxy_knobs, refusals[i].name);
		struct err err = { 0 };

		knob_defaults(&proxy_knobs, &opts);
		was = opts;
		CHECK_INT(knob_parse(k, refusals[i].text, &opts, &err), -EINVAL);
		if (!strstr(err.text, refusals[i].canonical))
			printf("\n    \"%s\": %s", refusals[i].text, err.text);
		CU_ASSERT(strstr(err.text, refusals[i].canonical) != NULL);
		CHECK_INT(memcmp(&opts, &was, sizeof(opts)), 0);
	}
}

static const struct mixture {
	const char *args[7];
	const char *word; /* NULL: it is fine */
} mixtures[] = {
	{ { "bind", ":7000" }, NULL },
	{ { "to", "127.0.0.1:7000" }, NULL },
	{ { "bind", "unix:/tmp/x", "to", ":7000" }, NULL },
	{ { "bind", "ssl://:7000" }, NULL },
	{ { "bind", "udp://:7000", "to", "udp://:7001" }, NULL },
	{ { "to", "udp://:7001" }, NULL },
	{ { "bind", ":7000", "delay-both", "5", "jitter", "1" }, NULL },
	{ { "bind", "0.0.0.0:7000", "insecure", "yes" }, NULL },
	{ { "to", ":7891" }, "talk to itself" },
	{ { "bind", "0.0.0.0:7000" }, "--insecure" },
	{ { "bind", "udp://0.0.0.0:7000", "to", "udp://:7001" }, "--insecure" },
	{ { "bind", "udp://:7000" }, "does not translate" },
	{ { "to", "udp://:7000", "bind", ":7001" }, "does not translate" },
	{ { "to", "udp:unix:/tmp/x" }, "datagrams go over IP" },
	{ { "to", "nowhere" }, "nowhere" },
	{ { "bind", ":7000", "delay", "5", "delay-both", "6" }, "--delay-both" },
	{ { "bind", ":7000", "jitter-back", "5", "jitter-both", "6" }, "--jitter-both" },
	{ { "bind", ":7000", "rate", "1MB", "rate-both", "1MB" }, "--rate-both" },
	{ { "to", "udp://:7000", "frag", "100" }, "datagrams are not cut" },
	{ { "to", "udp://:7000", "fault", "reset" }, "reset is of connections" },
	{ { "to", ":7000", "fault", "loss" }, "loss is of datagrams" },
};

static void test_what_does_not_go_together_is_said(void)
{
	for (unsigned i = 0; i < sizeof(mixtures) / sizeof(*mixtures); i++) {
		const struct mixture *m = &mixtures[i];
		static struct proxy_opts opts;
		static struct route route;
		struct err err = { 0 };

		knob_defaults(&proxy_knobs, &opts);
		for (const char *const *arg = m->args; *arg; arg += 2)
			CHECK_INT(knob_parse(knob_find(&proxy_knobs, arg[0]), arg[1], &opts, NULL),
				  0);
		CHECK_INT(route_init(&route, &opts, &err), m->word ? -EINVAL : 0);
		if (m->word ? !strstr(err.text, m->word) : err.code)
			printf("\n    row %u: %s", i, err.text);
		CU_ASSERT(!m->word || strstr(err.text, m->word));
		if (!m->word)
			route_finish(&route);
	}
}

static void test_both_means_each(void)
{
	static struct proxy_opts opts;
	static struct route route;

	knob_defaults(&proxy_knobs, &opts);
	knob_parse(knob_find(&proxy_knobs, "bind"), ":7000", &opts, NULL);
	knob_parse(knob_find(&proxy_knobs, "delay-both"), "5", &opts, NULL);
	knob_parse(knob_find(&proxy_knobs, "rate-both"), "1MB", &opts, NULL);
	CHECK_INT(route_init(&route, &opts, NULL), 0);
	for (int d = 0; d < PROXY_DIRECTIONS; d++) {
		CHECK_INT(route_draw_ns(&route, d, 0, 0), 5 * MS);
		CHECK_INT(route.ways[d].limit.rate, 1000000);
		CHECK_INT(route.ways[d].limit.burst, 1500);
	}
	route_finish(&route);
}

static void test_a_plain_jitter_is_drawn_up_to_it(void)
{
	static struct proxy_opts opts;
	static struct route route;
	double sum = 0;

	knob_defaults(&proxy_knobs, &opts);
	opts.seed = 20261122;
	knob_parse(knob_find(&proxy_knobs, "bind"), ":7000", &opts, NULL);
	knob_parse(knob_find(&proxy_knobs, "delay"), "5ms", &opts, NULL);
	knob_parse(knob_find(&proxy_knobs, "jitter"), "2ms", &opts, NULL);
	CHECK_INT(route_init(&route, &opts, NULL), 0);
	for (int i = 0; i < 10000; i++) {
		int64_t ns = route_draw_ns(&route, PROXY_FORTH, 3, i);

		CU_ASSERT(ns >= 5 * MS && ns <= 7 * MS);
		sum += (double)ns;
		CHECK_INT(route_draw_ns(&route, PROXY_BACK, 3, i), 0);
	}
	CHECK_NEAR(sum / 10000 / MS, 6, 0.03);
	route_finish(&route);
}

static CU_TestInfo tests[] = {
	{ "values are read and written back canonical",
	  test_values_are_read_and_written_back_canonical },
	{ "mistakes are refused and leave the option alone",
	  test_mistakes_are_refused_and_leave_the_option_alone },
	{ "what does not go together is said", test_what_does_not_go_together_is_said },
	{ "both means each", test_both_means_each },
	{ "a plain jitter is drawn up to it", test_a_plain_jitter_is_drawn_up_to_it },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return test_main("proxy_knobs", tests);
}

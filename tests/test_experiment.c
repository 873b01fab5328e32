/*
 * test_experiment.c - experiment files: what they mean, and what is said of wrong ones.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>

#include "tests/lab_fake.h"
#include "tests/test.h"

#define FACTORS "factors: {node.backend: [poll, epoll]}\n"

/* A file, and the whole of the complaint, without "test.yaml:". */
static const struct {
	const char *text, *complaint;
} refused[] = {
	/* the file */
	{ "", "test.yaml: no settings in it" },
	{ "blocks: 3\n\xff\xfe\n", "2:1: byte 0xff: this is not UTF-8 text" },
	{ "sweep: \xc3\xa9\xe2\x82\n", "1:9: byte 0xe2: this is not UTF-8 text" },
	{ "sweep: a\x01", "1:9: byte 0x01: this is not UTF-8 text" },
	{ "- a\n", "1:1: not a map of keys, such as \"blocks: 5\"" },
	{ "factors: [1, 2\n",
	  "2:1: while parsing a flow sequence: did not find expected ',' or ']'" },
	{ "factors:\n\t- 3\n", "2:1: a tab cannot indent: spaces do" },
	{ FACTORS "---\nblocks: 3\n", "test.yaml: a second document begins after \"---\"" },
	{ FACTORS "seed: *x\n", "2:7: found undefined alias" },
	/* sections */
	{ "blocks: 3\n", "1:1: factors: missing; they say what is compared" },
	{ FACTORS "block: 3\n", "2:1: block: no such section; did you mean blocks?" },
	{ FACTORS "blocks: 3\nseed: 4\nblocks: 5\n", "4:1: blocks: given twice (first in line 2)" },
	{ FACTORS "blocks: 0\n", "2:9: blocks: 0 is out of range: from 1 to 1000" },
	{ FACTORS "blocks: many\n", "2:9: blocks: \"many\" is not a whole number: try 10" },
	{ FACTORS "blocks:\n", "2:1: blocks: a value is missing here" },
	{ FACTORS "blocks: [3]\n", "2:9: blocks: one value belongs here, not a list" },
	{ FACTORS "seed: 0\n", "2:7: seed: 0 is out of range: from 1 to 9223372036854775807" },
	{ FACTORS "primary: p98\n", "2:10: primary: no metric \"p98\"; did you mean \"p90\"?" },
	{ FACTORS "margins: {p50: 0%}\n",
	  "2:16: margins.p50: 0% is no margin: above 0 % and below 100 %" },
	{ FACTORS "margins: {cpus: 3%}\n",
	  "2:11: margins: no metric \"cpus\"; did you mean \"cpu\"?" },
	{ FACTORS "margins: 3%\n",
	  "2:10: margins: a map of metrics belongs here, such as {p50: 3%}" },
	{ FACTORS "observe: yes\n", "2:10: observe: a map belongs here, such as {hardware: yes}" },
	{ FACTORS "observe: {hardwear: yes}\n",
	  "2:11: observe.hardwear: no such thing; did you mean hardware?; there are hardware and "
	  "runq-latency" },
	{ FACTORS "observe: {hardware: 7}\n",
	  "2:11: observe.hardware: \"7\" is neither yes nor no" },
	{ FACTORS "invalid: {retries: 3}\n", "2:10: invalid: takes {repeat: N} and nothing else" },
	{ FACTORS "invalid: {repeat: 11}\n",
	  "2:19: invalid.repeat: 11 is out of range: from 0 to 10" },
	/* settings */
	{ "node: 3\n" FACTORS, "1:7: node: a map of settings belongs here" },
	{ "node: {thread: 3}\n" FACTORS,
	  "1:8: node.thread: no such setting; did you mean threads?" },
	{ "node:\n  sched: {polic: other}\n" FACTORS,
	  "2:11: node.sched.polic: no such setting; did you mean sched.policy?" },
	{ "node: {threads: 0}\n" FACTORS, "1:17: node.threads: \"0\" is too small: at least 1" },
	{ "node: {threads: [1, 2]}\n" FACTORS,
	  "1:17: node.threads: takes one value; values to compare belong to factors" },
	{ "node: {threads: }\n" FACTORS, "1:8: node.threads: a value is missing here" },
	{ "node: {threads: 1, nt: 2}\n" FACTORS, "1:20: node.nt: given twice" },
	{ "node: {sched: {nice: 1}, sched.nice: 1}\n" FACTORS,
	  "1:26: node.sched.nice: given twice" },
	{ "client: {duration: 7}\n" FACTORS,
	  "1:20: client.duration: \"7\" has no unit: try 7ms or 7s" },
	{ "client: {to: there}\n" FACTORS,
	  "1:10: client.to: the sweep sets this itself; leave it out" },
	{ "client: {seed: 7}\n" FACTORS,
	  "1:10: client.seed: the sweep sets this itself; leave it out" },
	{ "client: {program: [compute 10us, ]}\nclient.x: 3\n" FACTORS,
	  "2:1: client.x: no such section; did you mean client?" },
	/* the whole machine */
	{ "system: 3\n" FACTORS, "1:9: system: a map of settings belongs here" },
	{ "system: {net.core.busy_pol: 3}\n" FACTORS,
	  "1:10: system.net.core.busy_pol: no setting \"net.core.busy_pol\"; did you mean "
	  "net.core.busy_poll?" },
	{ "system:\n  net:\n    core: {busy_pol: 3}\n" FACTORS,
	  "3:12: system.net.core.busy_pol: no setting \"net.core.busy_pol\"; did you mean "
	  "net.core.busy_poll?" },
	{ "system: {network-namespac: yes}\n" FACTORS,
	  "1:10: system.network-namespac: no such setting; did you mean network-namespace?" },
	{ "system: {network-namespace: maybe}\n" FACTORS,
	  "1:29: system.network-namespace: \"maybe\" is neither yes nor no" },
	{ "system: {profile: quite}\n" FACTORS,
	  "1:19: system.profile: no profile \"quite\"; did you mean quiet?" },
	{ "system: {/etc/passwd: x}\n" FACTORS,
	  "1:10: system./etc/passwd: /etc/passwd is not a setting: those are below /proc/sys, "
	  "/sys and /proc/irq" },
	{ "system: {vm.stat_interval: [1, 2]}\n" FACTORS,
	  "1:28: system.vm.stat_interval: takes one value; values to compare belong to factors" },
	{ "system: {vm.stat_interval: \"\"}\n" FACTORS,
	  "1:28: system.vm.stat_interval: a value of 1 to 255 bytes belongs here" },
	{ "system: {vm.stat_interval: 2}\n"
	  "factors: {system.vm.stat_interval: [1, 2]}\n",
	  "2:11: factors.system.vm.stat_interval: system.vm.stat_interval is also fixed under "
	  "system; keep one of the two" },
	{ "factors: {system.vm.stat_interval: [1, 2, 1]}\n",
	  "1:43: factors.system.vm.stat_interval: \"1\" is a level twice" },
	/* factors */
	{ "factors: {}\n", "1:1: factors: a map of factors belongs here" },
	{ "factors: {node.backend: []}\n", "1:11: factors.node.backend: no levels" },
	{ "factors:\n  node.backend: [poll]\n",
	  "1:1: factors: one configuration is left, and nothing to compare it with" },
	{ "factors:\n  node.backend: [poll, epol]\n",
	  "2:24: factors.node.backend: \"epol\" is not one of select, poll, epoll, broken; did you "
	  "mean epoll?" },
	{ "factors:\n  node.backend: [poll, epoll, poll]\n",
	  "2:31: factors.node.backend: \"poll\" is a level twice" },
	{ "factors:\n  client.duration: [1s, 1000ms]\n",
	  "2:25: factors.client.duration: \"1000ms\" is a level twice: the same as \"1s\"" },
	{ "factors: {node.backend: epoll}\n",
	  "1:25: factors.node.backend: a list of levels belongs here, such as [a, b]" },
	{ "factors: {node.bakend: [epoll]}\n",
	  "1:11: factors.node.bakend: no such setting; did you mean backend?" },
	{ "factors: {placement: [same, split]}\n",
	  "1:11: factors.placement: neither a setting (node.KEY, client.KEY, hog.KEY, "
	  "system.KEY) with a list of values nor a name with bundles" },
	{ "factors: {place: {same: {pin.cpus: 0}}}\n",
	  "1:26: factors.place.same.pin.cpus: a setting begins with node., client., hog. or "
	  "system." },
	{ "hog: {busy: 3}\n" FACTORS, "1:7: hog.busy: no such setting" },
	{ "hog: {backend: poll}\n" FACTORS, "1:7: hog.backend: no such setting" },
	{ "factors: {place: {same: 3}}\n",
	  "1:25: factors.place.same: a map of settings belongs here" },
	{ "factors: {place: {same: {node: {pin: {cpu: 0}}}}}\n",
	  "1:39: factors.place.same.node.pin.cpu: no such setting; did you mean pin.cpus?" },
	{ "node: {backend: poll}\n" FACTORS,
	  "2:11: factors.node.backend: node.backend is also fixed under node; "
	  "keep one of the two" },
	{ "factors:\n  node.threads: [1, 2]\n  size: {big: {node.nt: 3}, small: {}}\n",
	  "3:16: factors.size: node.threads is also set by factor node.threads" },
	{ "factors: {size: {big: {node.threads: 3, node.nt: 3}, small: {}}}\n",
	  "1:41: factors.size.big: node.threads is given twice" },
	/* baseline */
	{ FACTORS "baseline: {node.backend: select}\n",
	  "2:26: baseline.node.backend: \"select\" is no level of this factor" },
	{ FACTORS "baseline: {node.backend: epol}\n",
	  "2:26: baseline.node.backend: \"epol\" is no level of this factor; did you mean epoll?" },
	{ FACTORS "baseline: {node.backends: epoll}\n",
	  "2:12: baseline.node.backends: no such factor; did you mean node.backend?" },
	{ FACTORS "baseline: poll\n",
	  "2:11: baseline: a map of factors and their levels belongs here" },
	/* exclude */
	{ FACTORS "exclude: {if: x}\n", "2:10: exclude: a list of rules belongs here" },
	{ FACTORS "exclude: [{if: {node.backend: epoll}}]\n",
	  "2:11: exclude: a rule must say why: add why: \"reason\"" },
	{ FACTORS "exclude: [{if: {node.backend: epoll}, why: }]\n",
	  "2:39: exclude.why: a value is missing here" },
	{ FACTORS "exclude: [{if: {node.backend: epoll}, why: \"\"}]\n",
	  "2:44: exclude.why: is empty" },
	{ FACTORS "exclude: [{why: because}]\n",
	  "2:11: exclude: a rule is {if: {FACTOR: LEVEL, ...}, why: \"reason\"}" },
	{ FACTORS "exclude: [{if: {node.backend: epoll}, when: x, why: y}]\n",
	  "2:39: exclude.when: a rule takes if and why" },
	{ FACTORS "exclude: [{if: {node.backend: select}, why: y}]\n",
	  "2:31: exclude.node.backend: \"select\" is no level of this factor" },
	{ FACTORS "exclude: [{if: {client.connections: 2000}, why: y}]\n",
	  "2:37: exclude.client.connections: applies to no configuration: it is always \"1\"" },
	{ FACTORS "exclude: [{if: {client.connections: 1}, why: y}]\n",
	  "2:11: exclude: this rule applies to every configuration" },
	{ FACTORS "exclude: [{if: {node.backend: poll}, why: y}]\n",
	  "2:11: exclude: this rule applies to the baseline, which everything is compared with" },
	{ FACTORS "exclude: [{if: {node.backend: epoll}, why: y}]\n",
	  "1:1: factors: one configuration is left, and nothing to compare it with" },
	{ FACTORS "exclude: [{if: {placement: same}, why: y}]\n",
	  "2:17: exclude.placement: no such factor" },
	{ FACTORS "exclude: [{if: {node.backend: []}, why: y}]\n",
	  "2:17: exclude.node.backend: no values" },
	{ "factors:\n  node.backend: [poll, epoll]\n  big: {yes: {node.threads: 2}, no: {}}\n"
	  "exclude:\n  - {if: {node.threads: 3}, why: y}\n",
	  "5:5: exclude: this rule applies to no configuration" },
};

static void test_what_is_wrong_is_said_with_its_place(void)
{
	for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
		struct experiment *x = NULL;
		struct err err = { 0 };
		const char *said = err.text;
		int rc = experiment_parse("test.yaml", refused[i].text, strlen(refused[i].text),
					  &fake_parts, &x, &err);

		if (strncmp(refused[i].complaint, "test.yaml", 9))
			said += strlen("test.yaml:");
		CU_ASSERT(rc < 0);
		CHECK_TEXT(rc < 0 ? said : "(accepted)", refused[i].complaint);
		experiment_destroy(x);
	}
}

static const char full[] =
	"sweep: io-backends\n"
	"node: {threads: 2, sched: {policy: other}}\n"
	"client: {rate: 20k, duration: 700ms, program: [\"compute 10us\", reply 64B]}\n"
	"baseline: {node.poll-mode: epoll}\n"
	"factors:\n"
	"  node: {backend: [select, poll, epoll]}\n"
	"  client.connections: [16, 2k]\n"
	"  placement: {same: {node.pin.cpus: 0, client: {pin: {cpus: 0}}}, none: {}}\n"
	"exclude:\n"
	"  - {if: {node.backend: select, client.connections: 2000}, why: FD_SETSIZE}\n"
	"  - {if: {node.pin.cpus: \"0\", client.connections: [2000]}, why: too slow}\n"
	"blocks: 5\n"
	"primary: p50\n"
	"margins: {p50: 3%}\n"
	"seed: 42\n"
	"invalid: {repeat: 1}\n"
	"observe: {hardware: yes}\n";

static void test_a_file_is_read_whole(void)
{
	struct experiment *x = fake_experiment(full);

	CU_ASSERT_FATAL(x != NULL);
	CHECK_TEXT(x->name, "io-backends");
	CHECK_INT(x->blocks, 5);
	CHECK_INT(x->repeat, 1);
	CHECK_INT(x->seed, 42);
	CHECK_INT(x->primary, METRIC_P50);
	CHECK_NEAR(x->margin[METRIC_P50], 0.03, 1e-12);
	CU_ASSERT(x->margin_given[METRIC_P50] && !x->margin_given[METRIC_P99]);
	CU_ASSERT(x->observe.hardware && !x->observe.runq_latency);
	CHECK_INT(x->factor_count, 3);
	CHECK_TEXT(x->factors[0].key, "node.backend");
	CHECK_INT(x->factors[0].baseline, 2);
	CHECK_TEXT(x->factors[2].key, "placement");
	CHECK_INT(experiment_combinations(x), 12);
	experiment_destroy(x);
}

static void test_settings_are_kept_as_typed_and_under_their_own_name(void)
{
	struct experiment *x = fake_experiment(full);
	const unsigned levels[] = { 2, 1, 0 };
	struct settings s = { 0 };
	char label[256];

	CU_ASSERT_FATAL(x != NULL);
	CHECK_TEXT(experiment_label(x, levels, label, sizeof(label)), "epoll 2k same");
	CHECK_INT(experiment_settings(x, levels, &s, NULL), 0);
	CHECK_TEXT(settings_find(&s, ROLE_NODE, "threads")->text, "2");
	CHECK_TEXT(settings_find(&s, ROLE_CLIENT, "program")->text, "compute 10us;reply 64B");
	CHECK_TEXT(settings_find(&s, ROLE_CLIENT, "connections")->text, "2k");
	CHECK_TEXT(settings_find(&s, ROLE_NODE, "pin.cpus")->text, "0");
	CHECK_TEXT(settings_find(&s, ROLE_CLIENT, "pin.cpus")->text, "0");
	CU_ASSERT(!settings_find(&s, ROLE_NODE, "threads")->swept);
	CU_ASSERT(settings_find(&s, ROLE_NODE, "backend")->swept);
	settings_finish(&s);
	experiment_destroy(x);
}

static void test_rules_apply_when_all_conditions_do(void)
{
	struct experiment *x = fake_experiment(full);
	unsigned excluded = 0, levels[3];

	CU_ASSERT_FATAL(x != NULL);
	for (unsigned i = 0; i < experiment_combinations(x); i++) {
		const struct exclude *rule;

		experiment_levels(x, i, levels);
		rule = experiment_excluded(x, levels);
		excluded += rule != NULL;
		/* The first rule that applies is the one that is named. */
		if (rule)
			CHECK_TEXT(rule->why, levels[0] == 0 ? "FD_SETSIZE" : "too slow");
		CU_ASSERT((rule != NULL) == (levels[1] == 1 && (levels[0] == 0 || levels[2] == 0)));
	}
	CHECK_INT(excluded, 4);
	CHECK_TEXT(x->excludes[0].rule, "node.backend: select, client.connections: 2000");
	experiment_destroy(x);
}

static void test_what_is_left_out_has_a_default(void)
{
	struct experiment *x = fake_experiment(FACTORS);

	CU_ASSERT_FATAL(x != NULL);
	CHECK_TEXT(x->name, "test");
	CHECK_INT(x->blocks, 8);
	CHECK_INT(x->repeat, 2);
	CHECK_INT(x->primary, METRIC_P99);
	CHECK_INT(x->seed, 0);
	CHECK_INT(x->factors[0].baseline, 0);
	CHECK_NEAR(x->margin[METRIC_P99], 0.05, 1e-12);
	experiment_destroy(x);
}

static void test_anchors_can_be_used(void)
{
	struct experiment *x = fake_experiment("node: {pin: &where {cpus: 0}}\n"
					       "client: {pin: *where}\n" FACTORS);

	CU_ASSERT_FATAL(x != NULL);
	CHECK_TEXT(settings_find(&x->fixed, ROLE_CLIENT, "pin.cpus")->text, "0");
	experiment_destroy(x);
}

/* Nested beyond the limit, through aliases too: refused, not followed. */
static void test_a_file_that_grows_without_end_is_refused(void)
{
	static const char bomb[] = "a: &a [x, x, x, x, x, x, x, x, x]\n"
				   "b: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a]\n"
				   "c: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b]\n"
				   "d: &d [*c, *c, *c, *c, *c, *c, *c, *c, *c]\n"
				   "e: [*d, *d, *d, *d, *d, *d, *d, *d, *d]\n";
	struct experiment *x = NULL;
	struct err err = { 0 };

	CU_ASSERT(experiment_parse("b.yaml", bomb, strlen(bomb), &fake_parts, &x, &err) < 0);
	CU_ASSERT(strstr(err.text, "too deep or too long") != NULL);
}

static void test_too_many_combinations_are_refused(void)
{
	char text[4096] = "factors:\n";
	struct experiment *x = NULL;
	struct err err = { 0 };
	size_t len = strlen(text);

	for (int f = 0; f < 3; f++) {
		static const char *const keys[] = { "node.threads", "client.threads",
						    "client.connections" };

		len += (size_t)sprintf(text + len, "  %s: [", keys[f]);
		for (int i = 1; i <= 60; i++)
			len += (size_t)sprintf(text + len, "%s%d", i > 1 ? ", " : "", i);
		len += (size_t)sprintf(text + len, "]\n");
	}
	CU_ASSERT(experiment_parse("m.yaml", text, len, &fake_parts, &x, &err) < 0);
	CHECK_TEXT(err.text, "m.yaml:4:23: factors: more than 4096 combinations");
}

static CU_TestInfo tests[] = {
	{ "what is wrong is said with its place", test_what_is_wrong_is_said_with_its_place },
	{ "a file is read whole", test_a_file_is_read_whole },
	{ "settings are kept as typed and under their own name",
	  test_settings_are_kept_as_typed_and_under_their_own_name },
	{ "rules apply when all conditions do", test_rules_apply_when_all_conditions_do },
	{ "what is left out has a default", test_what_is_left_out_has_a_default },
	{ "anchors can be used", test_anchors_can_be_used },
	{ "a file that grows without end is refused",
	  test_a_file_that_grows_without_end_is_refused },
	{ "too many combinations are refused", test_too_many_combinations_are_refused },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return test_main("experiment", tests);
}

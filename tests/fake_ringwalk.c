/*
 * fake_ringwalk.c - speaks like `ringwalk node`, `client` and `hog` without doing their work.
 *
 * What it "measures" follows from the workload's seed and the node's backend: 20 us for epoll, 25
 * us for others, and up to 1 us that all configurations of a block share. The client learns the
 * backend from the port. --behave says how to go wrong: see fake_behaviours in lab_fake.c.
 * "flaky" is INVALID in runs with an odd number.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <jansson.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/hist.h"
#include "base/units.h"

static int argument_count;
static char **arguments;

/* The value of --key=value, or otherwise. */
static const char *option(const char *key, const char *otherwise)
{
	size_t len = strlen(key);

	for (int i = 2; i < argument_count; i++)
		if (!strncmp(arguments[i], "--", 2) && !strncmp(arguments[i] + 2, key, len) &&
		    arguments[i][len + 2] == '=')
			return arguments[i] + len + 3;
	return otherwise;
}

static int behaves(const char *how)
{
	return !strcmp(option("behave", "well"), how);
}

static int say(int status, const char *sentence)
{
	fprintf(stderr, "ringwalk %s: %s\n", arguments[1], sentence);
	return status;
}

static json_t *command_line(void)
{
	json_t *list = json_array();

	for (int i = 1; i < argument_count; i++)
		json_array_append_new(list, json_string(arguments[i]));
	return list;
}

/* A file's first line, without its end. */
static json_t *see(const char *path)
{
	char line[128] = "";
	FILE *in = fopen(path, "r");

	if (in && fgets(line, sizeof(line), in))
		line[strcspn(line, "\n")] = '\0';
	if (in)
		fclose(in);
	return json_string(line);
}

/* What a system's settings are where the node runs. */
static json_t *seen(void)
{
	char name[64] = "", folder[4096] = "";

	if (readlink("/proc/self/ns/net", name, sizeof(name) - 1) < 0 ||
	    !getcwd(folder, sizeof(folder)))
		*name = '\0';
	return json_pack("{s:s, s:s, s:o, s:o}", "network", name, "folder", folder,
			 "vm.stat_interval", see("/proc/sys/vm/stat_interval"),
			 "net.ipv4.tcp_autocorking", see("/proc/sys/net/ipv4/tcp_autocorking"));
}

static void write_node_json(void)
{
	json_t *json = json_pack("{s:i, s:[s], s:s, s:o, s:[], s:{s:i, s:i}, s:o}", "version", 1,
				 "addresses", "127.0.0.1:7", "backend", option("backend", "epoll"),
				 "arguments", command_line(), "tunables", "stats", "requests", 1000,
				 "syscalls", 2100, "seen", seen());

	json_dump_file(json, option("json", "/dev/null"), 0);
	json_decref(json);
}

/* 20 ms of CPU time. */
static void burn(void)
{
	int64_t end_ns = clock_read_ns(CLOCK_PROCESS_CPUTIME_ID) + 20 * MS;

	while (clock_read_ns(CLOCK_PROCESS_CPUTIME_ID) < end_ns)
		;
}

/* More than a pipe holds. False: nobody listened before the end came. */
static bool talk(void)
{
	sigset_t pending;

	for (int i = 0; i < 20000; i++)
		printf("connection %d came and went\n", i);
	fflush(stdout);
	sigpending(&pending);
	return !sigismember(&pending, SIGTERM);
}

/* Blocks it first, so that it cannot come too early. */
static void await_term(const char *words)
{
	sigset_t signals;
	int number;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	puts(words);
	fflush(stdout);
	sigwait(&signals, &number);
}

static int be_hog(void)
{
	json_t *json;

	if (behaves("refuse"))
		return say(3, "sched: SCHED_FIFO refused: needs CAP_SYS_NICE");
	await_term("busy with 1 thread");
	json = json_pack("{s:i, s:o}", "version", 1, "arguments", command_line());
	json_dump_file(json, option("json", "/dev/null"), 0);
	json_decref(json);
	return 0;
}

static int be_node(void)
{
	sigset_t signals;
	int number;

	if (behaves("refuse"))
		return say(3, "sched: SCHED_FIFO refused: needs CAP_SYS_NICE");
	if (behaves("crash")) {
		signal(SIGSEGV, SIG_DFL); /* a sanitizer would catch it */
		raise(SIGSEGV);
	}
	if (behaves("mute"))
		sleep(60);
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	printf("ready\nlistening on 127.0.0.1:%d\nlistening on [::1]:7\n",
	       strcmp(option("backend", "epoll"), "epoll") ? 25000 : 20000);
	fflush(stdout);
	if (behaves("talk") && !talk())
		return say(1, "had to wait for its output to be read");
	if (behaves("busy"))
		burn();
	if (behaves("die"))
		raise(SIGKILL);
	while (behaves("deaf"))
		sleep(60);
	sigwait(&signals, &number);
	if (!behaves("garble"))
		write_node_json();
	else if (!freopen(option("json", "/dev/null"), "w", stdout) || puts("{\"addr") < 0)
		return 1;
	return 0;
}

static json_t *latency(int64_t p50)
{
	return json_pack("{s:I, s:I, s:{s:I, s:I, s:I, s:n}}", "count", (json_int_t)1000, "mean_ns",
			 (json_int_t)p50, "percentiles_ns", "p50", (json_int_t)p50, "p90",
			 (json_int_t)(2 * p50), "p99", (json_int_t)(4 * p50), "p99.9");
}

static const char *verdict(void)
{
	const char *runs = strstr(option("json", ""), "runs/");
	int id = runs ? atoi(runs + strlen("runs/")) : 0;

	return behaves("invalid") || (behaves("flaky") && id % 2) ? "INVALID" : "VALID";
}

static void write_client_json(int64_t p50)
{
	json_t *json = json_pack("{s:s, s:[s], s:{s:i}, s:{s:f}, s:{s:o, s:o, s:o}, s:o}",
				 "verdict", verdict(), "reasons",
				 strcmp(verdict(), "VALID") ? "sent too late" : "as planned",
				 "counts", "done", 1000, "rates_per_s", "done", 5000.0, "latency",
				 "response", latency(p50), "service", latency(p50 - 1000),
				 "lateness", latency(500), "arguments", command_line());

	json_dump_file(json, option("json", "/dev/null"), 0);
	json_decref(json);
}

static void write_histograms(int64_t p50)
{
	FILE *out = fopen(option("hlog", "/dev/null"), "w");
	struct hist *h = hist_create();

	hist_record_n(h, p50, 1000);
	hist_log_begin(out, "fake", 0, NULL);
	hist_log_add(out, "response", h, 0, 1, NULL);
	hist_log_add(out, "service", h, 0, 1, NULL);
	hist_destroy(h);
	fclose(out);
}

static int be_client(void)
{
	int64_t duration_ns = 0, seed = atoll(option("seed", "0"));
	int64_t p50 = atoi(option("to", "127.0.0.1:0") + strlen("127.0.0.1:")) + seed % 1000;
	struct timespec pause;

	if (behaves("fail"))
		return say(2, "--program: \"compute\" needs a time");
	units_parse(UNIT_TIME, option("duration", "1ms"), NULL, &duration_ns, NULL);
	pause = clock_timespec(behaves("slow") ? 10 * duration_ns : duration_ns);
	nanosleep(&pause, NULL);
	while (behaves("hang"))
		sleep(60);
	if (behaves("silent"))
		return 0;
	write_client_json(p50);
	write_histograms(p50);
	return strcmp(verdict(), "VALID") != 0;
}

int main(int argc, char **argv)
{
	argument_count = argc;
	arguments = argv;
	if (argc < 2)
		return 2;
	if (!strcmp(argv[1], "hog"))
		return be_hog();
	return strcmp(argv[1], "node") ? be_client() : be_node();
}

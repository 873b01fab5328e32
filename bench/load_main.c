/*
 * load_main.c - the program `load`: CPU time per request of servers, compared by bracketed slices.
 *
 *	load [options] NAME=PID:PORT[>PORT] ...
 *
 * The first server is the reference; the same server given twice under two names shows what the
 * machine's noise makes of no difference. `floor` prints NAME=PID:PORT when it is ready. With a
 * second port (a node's; the size must be 84 at least) requests are forwarded to it.
 *
 *	-c N	busy connections to each server (64); select's are limited to 1000
 *	-i N	idle connections on top (0)
 *	-p N	requests outstanding on each connection (1)
 *	-s N	bytes of a request and of its reply (64)
 *	-r N	accepted pairs wanted of each variant (8, at most 64)
 *	-t MS	length of a slice (200)
 *	-C CPU	same-core mode, the precise one and the default: servers and load are pinned to CPU
 *		(0) and the load sleeps, so the server always finds the whole batch
 *	-X S,L	cross-core mode: servers on CPU S, the load on CPU L, spinning
 *	-W	the load sleeps in cross-core mode, too
 *	-n NICE	niceness of the autogroups of servers and load (needs CAP_SYS_NICE below 0)
 *
 * One line a server: median requests per second, median CPU time per request (worthless as absolute
 * figures on a shared machine), median and quartiles of the ratio to the reference, pairs accepted
 * of those tried. Where the scheduler groups tasks by session (sched_autogroup), load and servers
 * should be alone in theirs: start both under one setsid(1); a load in another session than its
 * servers makes one for itself.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <dirent.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "bench/slices.h"

#define SELECT_MAX   1000
#define FORWARD_SIZE 84 /* of the request that load.c makes */

struct settings {
	struct slices_plan plan;
	int server_cpu, load_cpu;
	bool cross, sleeps, renice;
	int nice;
	int count;
	struct load_server servers[SLICES_SERVERS];
};

static void pin(pid_t tid, int cpu)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(cpu, &cpus);
	if (sched_setaffinity(tid, sizeof(cpus), &cpus))
		fprintf(stderr, "load: warning: %d is not pinned to CPU %d: %s\n", tid, cpu,
			strerror(errno));
}

static void pin_threads(pid_t pid, int cpu)
{
	char path[64];
	struct dirent *entry;
	DIR *tasks;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	tasks = opendir(path);
	while (tasks && (entry = readdir(tasks)))
		if (atoi(entry->d_name) > 0)
			pin(atoi(entry->d_name), cpu);
	if (tasks)
		closedir(tasks);
}

static void renice_group(pid_t pid, int nice)
{
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/autogroup", pid);
	file = fopen(path, "we");
	if (!file || fprintf(file, "%d", nice) < 0 || fflush(file))
		fprintf(stderr, "load: warning: %s: %s\n", path, strerror(errno));
	if (file)
		fclose(file);
}

static void place(struct settings *set)
{
	if (getsid(set->servers[0].pid) != getsid(0))
		setsid();
	for (int i = 0; i < set->count; i++) {
		pin_threads(set->servers[i].pid, set->server_cpu);
		if (set->renice)
			renice_group(set->servers[i].pid, set->nice);
	}
	pin(0, set->load_cpu);
	if (set->renice)
		renice_group(getpid(), set->nice);
}

static int set_option(struct settings *set, int letter, const char *text)
{
	struct load_shape *shape = &set->plan.shape;
	int value = text ? atoi(text) : 0;

	switch (letter) {
	case 'c':
		shape->connections = (uint32_t)value;
		return value < 1;
	case 'i':
		shape->idle = (uint32_t)value;
		return value < 0;
	case 'p':
		shape->outstanding = (uint32_t)value;
		return value < 1;
	case 's':
		shape->size = (uint32_t)value;
		return value < 36;
	case 'r':
		set->plan.pairs = value;
		return value < 1 || value > SLICES_PAIRS;
	case 't':
		set->plan.slice_ns = value * MS;
		return value < 1 || value > 10000;
	case 'C':
		set->server_cpu = set->load_cpu = value;
		return value < 0 || value >= CPU_SETSIZE;
	case 'X':
		set->cross = true;
		return sscanf(text, "%d,%d", &set->server_cpu, &set->load_cpu) != 2;
	case 'W':
		set->sleeps = true;
		return 0;
	case 'n':
		set->renice = true;
		set->nice = value;
		return value < -20 || value > 19;
	default:
		return 1;
	}
}

static int usage(void)
{
	fprintf(stderr, "usage: load [-c N] [-i N] [-p N] [-s BYTES] [-r PAIRS] [-t MS] [-C CPU | "
			"-X SERVERCPU,LOADCPU [-W]] [-n NICE] NAME=PID:PORT[>PORT] ...\n");
	return 2;
}

static int parse(struct settings *set, int argc, char **argv, struct err *err)
{
	struct load_shape *shape = &set->plan.shape;
	int letter, code = 0;

	while ((letter = getopt(argc, argv, "c:i:p:s:r:t:C:X:Wn:")) != -1)
		if (set_option(set, letter, optarg))
			return err_set(err, -EINVAL, "-%c: bad value", letter);
	if (optind == argc || argc - optind > SLICES_SERVERS)
		return err_set(err, -EINVAL, "give 1 to %d servers", SLICES_SERVERS);
	for (int i = optind; i < argc; i++)
		if (strchr(argv[i], '>') && shape->size < FORWARD_SIZE)
			return err_set(err, -EINVAL, "-s: a forward takes %d bytes", FORWARD_SIZE);
	if ((uint64_t)shape->outstanding * shape->size > LOAD_BURST)
		return err_set(err, -EINVAL, "more than %d bytes outstanding on a connection",
			       LOAD_BURST);
	shape->spin = set->cross && !set->sleeps;
	for (; optind < argc && !code; optind++) {
		struct load_server *s = &set->servers[set->count++];

		code = load_parse(s, argv[optind], err);
		if (!strncmp(s->name, "select", 6) && shape->connections + shape->idle > SELECT_MAX)
			code = err_set(err, -EINVAL, "%s: at most %d connections", s->name,
				       SELECT_MAX);
	}
	return code;
}

static int compare(struct settings *set, struct err *err)
{
	const struct load_shape *shape = &set->plan.shape;
	struct slices_result results[SLICES_SERVERS];
	int code = 0;

	for (int i = 0; i < set->count && !code; i++)
		code = load_open(&set->servers[i], shape, err);
	if (!code)
		code = slices_run(&set->plan, set->servers, set->count, results, err);
	if (code < 0)
		return code;
	printf("# %u connections, %u idle, %u outstanding, %u bytes, servers on CPU %d, load on "
	       "CPU %d, %s\n",
	       shape->connections, shape->idle, shape->outstanding, shape->size, set->server_cpu,
	       set->load_cpu, shape->spin ? "spinning" : "sleeping");
	printf("%-16s %10s %10s %7s %7s %7s %9s\n", "server", "requests/s", "ns/request", "ratio",
	       "low", "high", "pairs");
	for (int i = 0; i < set->count; i++) {
		const struct slices_result *r = &results[i];

		printf("%-16s %10.0f %10.0f ", set->servers[i].name, r->rate_hz, r->cpu_ns);
		if (i)
			printf("%7.3f %7.3f %7.3f %4d/%d\n", r->ratio, r->low, r->high, r->accepted,
			       r->tried);
		else
			printf("%7.3f %7s %7s %9s\n", 1.0, "-", "-", "-");
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct settings set = {
		.plan = { .shape = { .connections = 64, .outstanding = 1, .size = 64 },
			  .slice_ns = 200 * MS,
			  .pairs = 8 }
	};
	struct rlimit files;
	struct err err = { 0 };
	int code;

	if (parse(&set, argc, argv, &err) < 0) {
		fprintf(stderr, "load: %s\n", err.text);
		return usage();
	}
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	place(&set);
	code = compare(&set, &err);
	for (int i = 0; i < set.count; i++)
		load_close(&set.servers[i]);
	if (code < 0)
		fprintf(stderr, "load: %s\n", err.text);
	return code < 0;
}

/*
 * cpus.c - see cpus.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "system/cpus.h"

#include <pthread.h>
#include <string.h>

#include "base/cpus.h"
#include "system/kernel_file.h"

void cpus_online(cpu_set_t *ret)
{
	char text[1024];

	kernel_file_read("/sys/devices/system/cpu/online", text, sizeof(text));
	cpus_read(text, ret);
}

static void *ask_for_all(void *ret)
{
	cpu_set_t all;

	memset(&all, 0xff, sizeof(all));
	sched_setaffinity(0, sizeof(all), &all);
	sched_getaffinity(0, sizeof(cpu_set_t), ret);
	return NULL;
}

void cpus_allowed(cpu_set_t *ret)
{
	pthread_t thread;

	CPU_ZERO(ret);
	if (pthread_create(&thread, NULL, ask_for_all, ret) == 0)
		pthread_join(thread, NULL);
	else
		sched_getaffinity(0, sizeof(*ret), ret);
}

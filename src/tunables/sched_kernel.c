/*
 * sched_kernel.c - the two system calls behind "sched", and the policies by name and number.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tunables/sched_kernel.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

const struct sched_policy sched_policies[] = {
	[SCHED_CHOICE_INHERIT] = { "inherit", NULL, -1, .takes_nice = true, .takes_slice = true },
	[SCHED_CHOICE_OTHER] = { "other", "SCHED_OTHER", SCHED_OTHER, .takes_nice = true,
				 .takes_slice = true },
	[SCHED_CHOICE_BATCH] = { "batch", "SCHED_BATCH", SCHED_BATCH, .takes_nice = true,
				 .takes_slice = true },
	[SCHED_CHOICE_IDLE] = { "idle", "SCHED_IDLE", SCHED_IDLE, .takes_slice = true },
	[SCHED_CHOICE_FIFO] = { "fifo", "SCHED_FIFO", SCHED_FIFO, .takes_priority = true },
	[SCHED_CHOICE_RR] = { "rr", "SCHED_RR", SCHED_RR, .takes_priority = true },
	[SCHED_CHOICE_DEADLINE] = { "deadline", "SCHED_DEADLINE", SCHED_DEADLINE,
				    .takes_reservation = true },
	[SCHED_CHOICE_EXT] = { "ext", "SCHED_EXT", SCHED_KERNEL_EXT, .takes_nice = true },
};
#define POLICIES (int)(sizeof(sched_policies) / sizeof(*sched_policies))

int sched_attr_get(pid_t tid, struct sched_kernel_attr *ret)
{
	memset(ret, 0, sizeof(*ret));
	return syscall(SYS_sched_getattr, tid, ret, sizeof(*ret), 0) ? -errno : 0;
}

int sched_attr_set(pid_t tid, struct sched_kernel_attr *attr)
{
	attr->size = sizeof(*attr);
	return syscall(SYS_sched_setattr, tid, attr, 0) ? -errno : 0;
}

int sched_choice_of(uint32_t number)
{
	for (int i = SCHED_CHOICE_OTHER; i < POLICIES; i++)
		if (sched_policies[i].number == (int)number)
			return i;
	return -EOPNOTSUPP;
}

const struct sched_policy *sched_policy_of(pid_t tid)
{
	struct sched_kernel_attr now;
	int choice = sched_attr_get(tid, &now);

	if (!choice)
		choice = sched_choice_of(now.policy);
	return choice < 0 ? NULL : &sched_policies[choice];
}

bool sched_kernel_is(unsigned major, unsigned minor)
{
	unsigned have_major = 0, have_minor = 0;
	struct utsname name;

	if (uname(&name) || sscanf(name.release, "%u.%u", &have_major, &have_minor) != 2)
		return false;
	return have_major > major || (have_major == major && have_minor >= minor);
}

/*
 * sched_overrun.c - how often a SCHED_DEADLINE thread needed more than its runtime: SIGXCPU.
 *
 * The kernel sends it to the process whenever a thread with the flag has used up its reservation
 * (sched(7)), and it kills unless there is a handler. A signal handler reaches nothing but what is
 * global, so this counter is the one thing in the tunables that changes and belongs to nobody.
 *
 * The kernel looks when the thread is interrupted by the tick, so short overruns are seen now and
 * then only: many are many, none is no proof.
 *
 * The same signal is the alarm of RLIMIT_RTTIME and RLIMIT_CPU. Where one of those is set so that
 * it would be sent (a soft limit below the hard one, which kills), the two cannot be told apart,
 * and counting is refused rather than the alarm switched off.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>

#include "tunables/sched_kernel.h"

static atomic_uint overruns;

static void count_overrun(int signal)
{
	atomic_fetch_add_explicit(&overruns, 1, memory_order_relaxed);
}

static bool is_alarm_of(int resource)
{
	struct rlimit limit;

	return !getrlimit(resource, &limit) && limit.rlim_cur != RLIM_INFINITY &&
	       limit.rlim_cur < limit.rlim_max;
}

int sched_overrun_watch(struct err *err)
{
	struct sigaction now, ours = { .sa_handler = count_overrun, .sa_flags = SA_RESTART };

	sigemptyset(&ours.sa_mask);
	if (is_alarm_of(RLIMIT_RTTIME) || is_alarm_of(RLIMIT_CPU))
		return err_set(err, -EBUSY,
			       "sched.overrun refused: SIGXCPU is the alarm of a limit of CPU time "
			       "(limits.rttime, ulimit -t), and would no longer end the process");
	if (sigaction(SIGXCPU, NULL, &now))
		return err_sys(err, -errno, "SIGXCPU");
	if (now.sa_handler != SIG_DFL && now.sa_handler != SIG_IGN &&
	    now.sa_handler != count_overrun)
		return err_set(err, -EBUSY, "sched.overrun refused: SIGXCPU has a handler already");
	return sigaction(SIGXCPU, &ours, NULL) ? err_sys(err, -errno, "SIGXCPU") : 0;
}

unsigned sched_overrun_count(void)
{
	return atomic_load_explicit(&overruns, memory_order_relaxed);
}

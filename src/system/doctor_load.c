/*
 * doctor_load.c - the doctor on who else uses the CPUs: neighbours, processes, daemons, interrupts.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "system/doctor_checks.h"
#include "system/machine.h"

/*
 * A sweep tells differences of some per cent. What takes less than `warn` of the time is below
 * them; what takes more than `bad` is larger than most of them.
 */
static enum severity severity_of_share(double share, double warn, double bad)
{
	return share >= bad ? SEVERITY_BAD : share >= warn ? SEVERITY_WARN : SEVERITY_OK;
}

static void look_at_gaps(const struct doctor *d, struct finding *f)
{
	const struct spin *s = d->window ? &d->window->spin : NULL;

	if (!s || !s->window_ns) {
		finding_unknown(f, "nothing was measured");
		return;
	}
	finding_say(f, severity_of_share((double)s->lost_ns / (double)s->window_ns, 0.01, 0.1),
		    "a spin of %lld ms was interrupted %u times for more than %d us: %.1f %% of "
		    "it, %.2f ms at the longest",
		    (long long)(s->window_ns / MS), s->gaps, SPIN_GAP_NS / 1000,
		    100.0 * (double)s->lost_ns / (double)s->window_ns, (double)s->longest_ns / MS);
}

static void look_at_steal(const struct doctor *d, struct finding *f)
{
	const struct doctor_window *w = d->window;
	double share;

	if (!w || !w->all_ticks) {
		finding_unknown(f, w ? "nothing passed on /proc/stat's clock"
				     : "nothing was measured");
		return;
	}
	share = (double)w->steal_ticks / (double)w->all_ticks;
	finding_say(f, severity_of_share(share, 0.005, 0.05),
		    "%.1f %% of the CPUs' time went to other virtual machines (%llu of %llu ticks)",
		    100 * share, (unsigned long long)w->steal_ticks,
		    (unsigned long long)w->all_ticks);
}

/* "make 42 %, cc1 30 %": of one CPU, the three that used the most. */
static void list_processes(const struct doctor_window *w, double ticks_of_one, char *buf,
			   size_t size)
{
	size_t len = 0;

	*buf = '\0';
	for (unsigned i = 0; i < w->process_count && i < 3 && len < size; i++)
		if (w->processes[i].ticks)
			len += (size_t)snprintf(buf + len, size - len, "%s%s %.0f %%",
						len ? ", " : ": ", w->processes[i].name,
						100 * (double)w->processes[i].ticks / ticks_of_one);
}

static unsigned count_cpus(const struct doctor *d)
{
	char text[1024];
	cpu_set_t online;

	machine_read(d->root, "/sys/devices/system/cpu/online", text, sizeof(text));
	cpus_read(text, &online);
	return CPU_COUNT(&online) ? (unsigned)CPU_COUNT(&online) : 1;
}

static void look_at_processes(const struct doctor *d, struct finding *f)
{
	const struct doctor_window *w = d->window;
	char list[160];
	double ticks = 0, all;

	if (!w || !w->all_ticks) {
		finding_unknown(f, "nothing was measured");
		return;
	}
	all = (double)w->all_ticks;
	for (unsigned i = 0; i < w->process_count; i++)
		ticks += (double)w->processes[i].ticks;
	list_processes(w, all / count_cpus(d), list, sizeof(list));
	finding_say(f, severity_of_share(ticks / all, 0.05, 0.25),
		    "other processes used %.0f %% of the CPUs%s%s", 100 * ticks / all, list,
		    *list ? " of a CPU" : "");
}

/* proc_pressure(5): "some avg10=1.23 avg60=...". */
static void look_at_pressure(const struct doctor *d, struct finding *f)
{
	char line[128];
	double avg10;

	if (!machine_find(d->root, "/proc/pressure/cpu", "some", line, sizeof(line)) ||
	    sscanf(line, "avg10=%lf", &avg10) != 1) {
		finding_unknown(f, "no /proc/pressure/cpu: PSI is not built, or psi=0");
		return;
	}
	finding_say(f, severity_of_share(avg10 / 100, 0.05, 0.3),
		    "in the last 10 s some task waited for a CPU during %.1f %% of the time",
		    avg10);
}

/* They change settings, move interrupts or threads, or limit frequencies behind one's back. */
static const char *const daemons[] = {
	"irqbalance", "tuned",		 "bpftune",	"thermald",  "power-profiles-",
	"cpupower",   "numad",		 "stalld",	"ksmtuned",  "auto-cpufreq",
	"tlp",	      "scx_lavd",	 "scx_bpfland", "scx_rusty", "ananicy-cpp",
	"earlyoom",   "unattended-upgr", "packagekitd",
};

/* Names are asked for whether anything was measured or not, so the window's list is no help. */
static void add_daemon(const char *name, char *buf, size_t size)
{
	size_t len = strlen(buf);

	for (size_t i = 0; i < sizeof(daemons) / sizeof(*daemons); i++)
		if (!strcmp(name, daemons[i]) && !machine_has_word(buf, name) && len < size)
			snprintf(buf + len, size - len, "%s%s", len ? ", " : "", name);
}

static void look_at_daemons(const struct doctor *d, struct finding *f)
{
	char list[160] = "";

	if (!d->window || !d->window->process_count) {
		finding_unknown(f, "no processes were looked at");
		return;
	}
	for (unsigned i = 0; i < d->window->process_count; i++)
		add_daemon(d->window->processes[i].name, list, sizeof(list));
	if (*list)
		finding_say(f, SEVERITY_WARN, "running: %s", list);
	else
		finding_say(f, SEVERITY_OK, "none of those known to change settings is running");
}

static void look_at_irqs(const struct doctor *d, struct finding *f)
{
	const struct doctor_window *w = d->window;
	const struct irq_use *most = NULL;
	uint64_t all = 0;
	char planned[64];

	if (!CPU_COUNT(d->planned) || !w) {
		finding_unknown(f,
				w ? "no CPUs were planned: --cpus=LIST" : "nothing was measured");
		return;
	}
	for (unsigned i = 0; i < w->irq_count; i++) {
		all += w->irqs[i].planned;
		if (w->irqs[i].planned && (!most || w->irqs[i].planned > most->planned))
			most = &w->irqs[i];
	}
	cpus_write(d->planned, planned, sizeof(planned));
	if (most)
		finding_say(f, all > 100 ? SEVERITY_WARN : SEVERITY_NOTE,
			    "%llu interrupts of devices on cpus %s, the most by irq %d (%s): %llu",
			    (unsigned long long)all, planned, most->number, most->name,
			    (unsigned long long)most->planned);
	else
		finding_say(f, SEVERITY_OK, "no device interrupted cpus %s", planned);
}

const struct doctor_check doctor_load_checks[] = {
	{ "gaps", "a thread that is stopped adds its pause to every request that waits",
	  "stop what else runs here, or use a machine of your own", look_at_gaps },
	{ "steal", "time that the hypervisor gives to others looks like the kernel's latency",
	  "dedicated CPUs, or repeat when the host is quiet", look_at_steal },
	{ "load",
	  "what else runs takes CPU, cache and wake-ups from what is measured; beside more than "
	  "2 % of a run's CPUs a sweep calls it SUSPECT",
	  "stop it, or keep it off with cpusets: systemctl set-property user.slice AllowedCPUs=0",
	  look_at_processes },
	{ "pressure", "tasks that wait for a CPU wait inside the measured latency, too",
	  "stop what else runs, or use fewer threads than CPUs", look_at_pressure },
	{ "daemons", "they change settings, move interrupts or install updates during a run",
	  "systemctl stop NAME while measuring", look_at_daemons },
	{ "irqs", "interrupts on the CPU of a pinned thread delay it",
	  "ringwalk tune, or: echo LIST > /proc/irq/N/smp_affinity_list", look_at_irqs },
	{ 0 },
};

/*
 * doctor.c - runs the checks, in the order in which a person would look.
 *
 * The checks stand in doctor_load.c (who else runs), doctor_place.c (virtual machine, groups,
 * limits), doctor_cpu.c, doctor_kernel.c and doctor_memory.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "system/doctor.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "system/doctor_checks.h"
#include "system/machine.h"

const char *const severity_names[] = { "ok", "note", "warn", "bad", NULL };

static const struct doctor_check *const all_checks[] = {
	doctor_load_checks,   doctor_place_checks,  doctor_cpu_checks,
	doctor_kernel_checks, doctor_memory_checks,
};

void finding_say(struct finding *f, enum severity severity, const char *fmt, ...)
{
	va_list args;

	f->severity = severity;
	va_start(args, fmt);
	vsnprintf(f->seen, sizeof(f->seen), fmt, args);
	va_end(args);
}

void finding_unknown(struct finding *f, const char *fmt, ...)
{
	int len = snprintf(f->seen, sizeof(f->seen), "unknown: ");
	va_list args;

	f->severity = SEVERITY_NOTE;
	f->is_unknown = true;
	va_start(args, fmt);
	vsnprintf(f->seen + len, sizeof(f->seen) - (size_t)len, fmt, args);
	va_end(args);
}

void finding_absent(const struct doctor *d, struct finding *f, const char *folder)
{
	if (machine_has(d->root, folder))
		finding_say(f, SEVERITY_OK, "not built into this kernel");
	else
		finding_unknown(f, "no %s", folder);
}

static void look(const struct doctor *d, const struct doctor_check *c, struct doctor_report *ret)
{
	struct finding *f = &ret->findings[ret->count++];

	assert(ret->count <= DOCTOR_FINDINGS);
	*f = (struct finding){ .id = c->id, .why = c->why, .remedy = c->remedy };
	c->look(d, f);
	assert(*f->seen);
}

int doctor_examine(const struct doctor_request *r, struct doctor_report *ret, struct err *err)
{
	struct doctor d = { .root = r->later ? r->later : r->root, .planned = &r->planned };
	struct doctor_window *window = NULL;
	int rc = r->window_ns ? doctor_window_watch(r, &window, err) : 0;

	if (rc < 0)
		return rc;
	d.window = window;
	ret->count = 0;
	for (unsigned i = 0; i < sizeof(all_checks) / sizeof(*all_checks); i++)
		for (const struct doctor_check *c = all_checks[i]; c->id; c++)
			look(&d, c, ret);
	doctor_window_free(window);
	return 0;
}

enum severity doctor_worst(const struct doctor_report *report)
{
	enum severity worst = SEVERITY_OK;

	for (unsigned i = 0; i < report->count; i++)
		if (report->findings[i].severity > worst)
			worst = report->findings[i].severity;
	return worst;
}

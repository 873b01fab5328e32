/*
 * memory_settle.c - a thread's memory, faulted in and put into huge pages before the first request.
 *
 * Which ranges: huge pages are for those that consist of them (the messages: whole huge pages at
 * their boundary); faulting in for all, but of the stack, which is mostly never used, only as much
 * as was asked for. Whether pages are there is asked of mincore(2), page by page.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <linux/mempolicy.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "system/page_census.h"
#include "tunables/memory_opts.h"

/* What came of it. */
struct outcome {
	unsigned long wanted, resident; /* pages */
	long huge_wanted_kib, huge_kib;
	unsigned long stack_bytes; /* of what was asked for */
	struct err huge_err;
};

#define MPOL_WEIGHTED 6 /* MPOL_WEIGHTED_INTERLEAVE, Linux 6.9 */

/* Does this thread deal out its pages? A huge page lies on one node. */
static bool is_spread(void)
{
	int mode = 0;

	if (syscall(SYS_get_mempolicy, &mode, NULL, 0UL, NULL, 0UL))
		return false;
	mode &= ~MPOL_MODE_FLAGS;
	return mode == MPOL_INTERLEAVE || mode == MPOL_WEIGHTED;
}

static void fault_in(const struct memory_range *r, struct outcome *out)
{
	unsigned long page = (unsigned long)sysconf(_SC_PAGESIZE);
	unsigned char resident[512];

	page_fault_in(r);
	for (unsigned long at = 0; at < r->len; at += sizeof(resident) * page) {
		unsigned long left = r->len - at, len = sizeof(resident) * page;

		len = left < len ? left : len;
		out->wanted += len / page;
		if (mincore((char *)r->base + at, len, resident))
			continue;
		for (unsigned long i = 0; i < len / page; i++)
			out->resident += resident[i] & 1;
	}
}

/* Below what is in use now, down to the last page but one. */
static void fault_in_stack(const struct memory_range *stack, int64_t bytes, struct outcome *out)
{
	unsigned long page = (unsigned long)sysconf(_SC_PAGESIZE);
	uintptr_t end = (uintptr_t)__builtin_frame_address(0) / page * page;
	unsigned long room = end - (uintptr_t)stack->base;
	unsigned long len = ((unsigned long)bytes + page - 1) / page * page;
	struct memory_range part;

	room = room > page ? room - page : 0;
	out->stack_bytes = len < room ? len : room;
	part = (struct memory_range){ "stack", (void *)(end - out->stack_bytes), out->stack_bytes };
	fault_in(&part, out);
}

static bool is_of_huge_pages(const struct memory_range *r, unsigned long huge)
{
	return huge && (uintptr_t)r->base % huge == 0 && r->len % huge == 0;
}

static void make_huge(const struct memory_range *r, enum memory_huge how, struct outcome *out)
{
	if (how != HUGE_NEVER && !is_of_huge_pages(r, memory_huge_page_bytes(how)))
		return;
	out->huge_wanted_kib += (long)(r->len / 1024);
	if (how == HUGE_NEVER || !memory_make_huge(r, how, &out->huge_err))
		out->huge_kib += memory_huge_kib(r, how);
}

static void work(const struct memory_opts *o, const struct memory_range *ranges, unsigned count,
		 struct outcome *out)
{
	for (unsigned i = 0; i < count; i++) {
		const struct memory_range *r = &ranges[i];

		if (page_is_stack(r)) {
			if (o->stack_prefault_bytes)
				fault_in_stack(r, o->stack_prefault_bytes, out);
			continue;
		}
		if (o->huge_pages != HUGE_DEFAULT)
			make_huge(r, (enum memory_huge)o->huge_pages, out);
		else if (o->prefault && is_spread())
			madvise(r->base, r->len, MADV_NOHUGEPAGE);
		if (o->prefault)
			fault_in(r, out);
	}
}

static enum verdict judge_huge(const struct memory_opts *o, const struct outcome *out,
			       struct verdict_report *report)
{
	size_t len = strlen(report->why), room = sizeof(report->why) - len;
	char *text = report->why + len;
	const char *mark = len ? "; " : "";

	if (o->huge_pages == HUGE_NEVER) {
		snprintf(text, room, "%s%ld KiB in huge pages", mark, out->huge_kib);
		return out->huge_kib > 0 ? VERDICT_IGNORED : VERDICT_OK;
	}
	if (!out->huge_wanted_kib) {
		snprintf(text, room, "%sthis thread has no message memory", mark);
		return VERDICT_VACUOUS;
	}
	snprintf(text, room, "%s%ld of %ld KiB in huge pages%s%.150s", mark, out->huge_kib,
		 out->huge_wanted_kib, *out->huge_err.text ? ": " : "", out->huge_err.text);
	if (out->huge_kib == out->huge_wanted_kib)
		return VERDICT_OK;
	if (out->huge_err.code)
		return verdict_of_error(out->huge_err.code);
	return out->huge_kib ? VERDICT_CLAMPED : VERDICT_IGNORED;
}

static enum verdict judge_resident(const struct memory_opts *o, const struct outcome *out,
				   struct verdict_report *report)
{
	if (!o->prefault && !o->stack_prefault_bytes)
		return VERDICT_OK;
	snprintf(report->why, sizeof(report->why), "%lu of %lu pages are there", out->resident,
		 out->wanted);
	if (out->stack_bytes < (unsigned long)o->stack_prefault_bytes) {
		snprintf(report->why, sizeof(report->why),
			 "memory.stack-prefault: asked for %ld KiB, and %lu KiB of this thread's "
			 "stack are free",
			 (long)o->stack_prefault_bytes / 1024, out->stack_bytes / 1024);
		return VERDICT_CLAMPED;
	}
	return out->resident == out->wanted ? VERDICT_OK : VERDICT_CLAMPED;
}

static enum verdict worse(enum verdict a, enum verdict b)
{
	return a == VERDICT_OK || a == VERDICT_VACUOUS ? (b == VERDICT_OK ? a : b) : a;
}

/* What is there now, as options. */
static void describe(const struct memory_opts *o, const struct outcome *out,
		     struct verdict_report *report)
{
	struct memory_opts now = *o;

	now.prefault = o->prefault && out->resident == out->wanted;
	now.stack_prefault_bytes = (int64_t)out->stack_bytes < o->stack_prefault_bytes
					   ? (int64_t)out->stack_bytes
					   : o->stack_prefault_bytes;
	if (o->huge_pages != HUGE_NEVER && !out->huge_kib)
		now.huge_pages = HUGE_DEFAULT;
	tunable_describe(tunable_find("memory"), o, &now, report);
}

int memory_settle(const struct target *t, const void *opts, const struct memory_range *ranges,
		  unsigned count, bool at_end, struct verdict_report *report, struct err *err)
{
	struct memory_opts o = *(const struct memory_opts *)opts;
	struct outcome out = { 0 };
	enum verdict resident;

	(void)t;
	(void)err;
	o.lock = LOCK_NO;
	o.oom_score_adj = 0;
	if (at_end || !count ||
	    (!o.prefault && !o.stack_prefault_bytes && o.huge_pages == HUGE_DEFAULT))
		return SETTLE_SAME;
	work(&o, ranges, count, &out);
	describe(&o, &out, report);
	resident = judge_resident(&o, &out, report);
	report->verdict = resident;
	if (o.huge_pages != HUGE_DEFAULT)
		report->verdict = worse(resident, judge_huge(&o, &out, report));
	return 0;
}

/*
 * hooks.c - see hooks.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/hooks.h"

#include "engine/memory.h"

int hooks_start_thread(const struct hooks *h, enum thread_role role, unsigned index,
		       struct err *err)
{
	int rc = h->thread_started ? h->thread_started(h->context, role, index, err) : 0;
	struct memory memory = { 0 };
	struct thread_parts parts;

	if (rc || !h->thread_ready)
		return rc;
	memory_add_stack(&memory);
	parts = memory_parts(&memory, NULL);
	return h->thread_ready(h->context, role, index, &parts, err);
}

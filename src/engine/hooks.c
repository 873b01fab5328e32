/*
 * hooks.c - see hooks.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/hooks.h"

int hooks_start_thread(const struct hooks *h, enum thread_role role, unsigned index,
		       struct err *err)
{
	const struct thread_parts none = { 0 };
	int rc = h->thread_started ? h->thread_started(h->context, role, index, err) : 0;

	if (!rc && h->thread_ready)
		rc = h->thread_ready(h->context, role, index, &none, err);
	return rc;
}

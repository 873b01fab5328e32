/*
 * transfer_sync.c - which stores share a sync, and when it begins.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>

#include "node/transfer_private.h"

static void settle(struct syncer *y);

static void on_own_sync(struct io_op *op, const struct io_result *r)
{
	struct transfer *x = (struct transfer *)op;

	transfer_add_time(x, x->ended_ns);
	if (r->res >= 0)
		device_count(&x->device->syncs, 1);
	else if (r->res != -ECANCELED)
		device_failed(x->host->storage, x->device, IO_SYNC, r->res);
	transfer_end(x, r->res);
}

static void sync_alone(struct transfer *x)
{
	transfer_move(x, &x->host->moving);
	x->op.kind = IO_SYNC;
	x->op.done = on_own_sync;
	x->start_ns = transfers_start_ns(x->host);
	x->ended_ns = transfers_submit(x->host, &x->op);
}

/* Busy until all are told: what they do next may store, and must wait for another sync. */
static void on_synced(struct io_op *op, const struct io_result *r)
{
	struct syncer *y = (struct syncer *)op;
	struct transfer *x;

	if (r->res >= 0)
		device_count(&y->device->syncs, 1);
	else
		device_failed(y->host->storage, y->device, IO_SYNC, r->res);
	while ((x = y->served.first)) {
		transfer_add_time(x, y->ended_ns);
		transfer_end(x, r->res);
	}
	y->is_busy = false;
	settle(y);
}

static void begin_sync(struct syncer *y)
{
	struct transfer *x;

	while ((x = y->waiting.first))
		transfer_move(x, &y->served);
	y->is_busy = true;
	y->is_dirty = false;
	y->op.kind = IO_SYNC;
	y->ended_ns = transfers_submit(y->host, &y->op);
}

static void on_tick(struct io_op *op, const struct io_result *r)
{
	struct syncer *y = (struct syncer *)((char *)op - offsetof(struct syncer, timer));

	(void)r;
	y->is_armed = false;
	if (!y->is_busy)
		begin_sync(y);
}

static void arm(struct syncer *y)
{
	int64_t period_ns = y->device->opts.sync_period_ns, begin_ns = y->host->begin_ns;
	int64_t passed = (program_now_ns(y->host->host) - begin_ns) / period_ns;

	y->is_armed = true;
	y->timer.kind = IO_TIMER;
	y->timer.done = on_tick;
	y->timer.deadline_ns = begin_ns + (passed + 1) * period_ns;
	loop_submit(y->host->host->loop, &y->timer);
}

/* After anything that may call for a sync. */
static void settle(struct syncer *y)
{
	if (y->is_busy || y->is_armed || (!y->waiting.first && !y->is_dirty))
		return;
	if (y->device->opts.sync_period_ns && !y->host->hurries)
		arm(y);
	else
		begin_sync(y);
}

void syncer_written(struct transfer *x)
{
	struct syncer *y = &x->host->syncers[x->device->index];
	bool is_periodic = x->device->opts.sync_period_ns;

	y->is_dirty |= is_periodic;
	if (!x->syncs)
		transfer_end(x, 0);
	else if (!is_periodic && !x->host->storage->groups)
		sync_alone(x);
	else {
		x->start_ns = transfers_start_ns(x->host);
		transfer_move(x, &y->waiting);
	}
	settle(y);
}

void transfers_hurry(struct transfers *t)
{
	t->hurries = true;
	for (unsigned i = 0; i < t->syncer_count; i++) {
		if (t->syncers[i].is_armed)
			loop_cancel(t->host->loop, &t->syncers[i].timer);
	}
}

bool syncers_create(struct transfers *t)
{
	unsigned count = atomic_load_explicit(&t->storage->count, memory_order_acquire);

	t->syncers = calloc(count, sizeof(*t->syncers));
	if (!t->syncers)
		return false;
	t->syncer_count = count;
	for (unsigned i = 0; i < count; i++) {
		struct syncer *y = &t->syncers[i];

		y->host = t;
		y->device = &t->storage->devices[i];
		y->op.fd = y->device->fd;
		y->op.device = (uint16_t)i;
		y->op.done = on_synced;
	}
	return true;
}

struct transfer_list *syncer_waiting(struct transfers *t, unsigned device)
{
	return &t->syncers[device].waiting;
}

struct transfer_list *syncer_served(struct transfers *t, unsigned device)
{
	return &t->syncers[device].served;
}

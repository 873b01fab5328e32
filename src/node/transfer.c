/*
 * transfer.c - blocks of loads and stores, and who waits for a sync.
 *
 * Every transfer is in exactly one list: queued, moving, or waiting or served of a device's syncer
 * (transfer_sync.c). So transfers_finish() finds them all, and cancelling one is taking it out, or
 * cancelling its operation.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "node/transfer.h"

#include <errno.h>
#include <sys/mman.h>

#include "base/clock.h"
#include "node/transfer_private.h"

#define PAGE	       4096UL
#define KEEP_TRANSFERS 1024

void transfer_move(struct transfer *x, struct transfer_list *to)
{
	struct transfer_list *from = x->list;

	if (from) {
		*(x->previous ? &x->previous->next : &from->first) = x->next;
		*(x->next ? &x->next->previous : &from->last) = x->previous;
	}
	x->list = to;
	if (!to)
		return;
	x->next = NULL;
	x->previous = to->last;
	*(to->last ? &to->last->next : &to->first) = x;
	to->last = x;
}

int64_t transfers_submit(struct transfers *t, struct io_op *op)
{
	loop_submit(t->host->loop, op);
	if (!t->storage->is_inline)
		return 0;
	return t->host->busy_until_ns = clock_now_ns();
}

int64_t transfers_start_ns(const struct transfers *t)
{
	return t->storage->is_inline ? clock_now_ns() : program_now_ns(t->host);
}

void transfer_add_time(struct transfer *x, int64_t ended_ns)
{
	int64_t now_ns = ended_ns ? ended_ns : loop_now_ns(x->host->host->loop);

	if (now_ns < x->start_ns)
		now_ns = x->start_ns;
	x->storage_ns += now_ns - x->start_ns;
	x->ready_ns = now_ns;
}

static void count(const struct transfer *x)
{
	struct device *d = x->device;

	device_count(x->is_store ? &d->stores : &d->loads, 1);
	device_count(x->is_store ? &d->stored : &d->loaded, x->len);
}

void transfer_end(struct transfer *x, int code)
{
	struct waiting *w = x->waiting;
	struct run *r = &w->run;

	if (code >= 0)
		count(x);
	else
		r->status = WIRE_ERROR;
	r->storage_ns += x->storage_ns;
	r->queue_ns += x->ready_ns - x->begin_ns - x->storage_ns;
	w->ready_ns = x->ready_ns;
	transfer_move(x, NULL);
	cache_put(&x->host->cache, x);
	program_continue(w);
}

/* What one operation can move of what is left. */
static void submit_block(struct transfer *x)
{
	struct transfers *t = x->host;
	uint64_t block = (uint64_t)t->storage->opts.block, end;

	x->op.len = x->left < block ? x->left : block;
	if (x->is_store) {
		x->op.kind = IO_WRITE;
		x->op.buf = t->storage->pattern;
	} else {
		end = device_end(x->device);
		x->at = x->at < end ? x->at : 0;
		x->op.len = device_round(x->device, x->op.len);
		x->op.len = x->op.len < end - x->at ? x->op.len : end - x->at;
		x->op.kind = IO_READ;
		x->op.rbuf = t->memory + x->place * t->stride;
	}
	x->op.offset = x->at;
	x->start_ns = transfers_start_ns(t);
	x->ended_ns = transfers_submit(t, &x->op);
}

/* Those who wait get the places that are free. */
static void serve_queue(struct transfers *t)
{
	struct transfer *x;

	while (t->place_count && (x = t->queued.first)) {
		x->place = t->places[--t->place_count];
		transfer_move(x, &t->moving);
		submit_block(x);
	}
}

static void leave_place(struct transfer *x)
{
	x->host->places[x->host->place_count++] = x->place;
}

static void end_moving(struct transfer *x, int code)
{
	struct transfers *t = x->host;

	leave_place(x);
	if (code < 0 || !x->is_store)
		transfer_end(x, code);
	else
		syncer_written(x);
	serve_queue(t);
}

/* A block of n bytes has been read. 0: there is nothing at its place; an error: nor at 0. */
static int advance_load(struct transfer *x, uint64_t n)
{
	bool is_at_end = !n || n % x->device->align;

	if (!n && !x->at)
		return -ENODATA;
	x->left -= n < x->left ? n : x->left;
	x->at = is_at_end ? 0 : x->at + n;
	return 0;
}

static int advance(struct transfer *x, int32_t res)
{
	if (res < 0)
		return res;
	if (!x->is_store)
		return advance_load(x, (uint64_t)res);
	if (!res)
		return -EIO;
	x->at += (uint64_t)res;
	x->left -= (uint64_t)res;
	device_grow(x->device, x->at);
	return 0;
}

static void on_moved(struct io_op *op, const struct io_result *r)
{
	struct transfer *x = (struct transfer *)op;
	enum io_kind kind = op->kind;
	int code = advance(x, r->res);

	transfer_add_time(x, x->ended_ns);
	if (code < 0 && code != -ECANCELED)
		device_failed(x->host->storage, x->device, kind, code);
	if (!code && x->is_cancelled)
		code = -ECANCELED;
	if (!code && x->left)
		submit_block(x);
	else
		end_moving(x, code);
}

/* Memory, and where the backend carries files out: before the first transfer. */
static int get_memory(struct transfers *t, struct err *err)
{
	struct storage *s = t->storage;
	struct backend *b = t->host->loop->backend;
	unsigned depth = (unsigned)s->opts.depth;

	t->was_tried = true;
	t->stride = ((size_t)s->opts.block + PAGE - 1) / PAGE * PAGE;
	t->memory_size = depth * t->stride;
	t->places = calloc(depth, sizeof(*t->places));
	t->memory = mmap(NULL, t->memory_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			 -1, 0);
	if (t->memory == MAP_FAILED)
		t->memory = NULL;
	if (!t->places || !t->memory || !syncers_create(t))
		return err_sys(err, -ENOMEM, "memory of loads and stores");
	for (; t->place_count < depth; t->place_count++)
		t->places[t->place_count] = t->place_count;
	b->files = s->files;
	b->pool = s->pool;
	t->begin_ns = loop_now_ns(t->host->loop);
	return 0;
}

/* What it moves to and from is registered; where that is refused, it still works. */
static void register_memory(struct transfers *t)
{
	const struct backend_ops *ops = t->host->loop->ops;
	struct backend *b = t->host->loop->backend;
	struct storage *s = t->storage;
	struct err why = { 0 };
	int result;

	if (!ops->register_buffer)
		return;
	result = ops->register_buffer(b, t->memory, t->memory_size, &why);
	if (!result)
		result = ops->register_buffer(b, (void *)(uintptr_t)s->pattern, s->pattern_size,
					      &why);
	if (result && s->speaker && !atomic_exchange(&s->told_unregistered, true))
		speaker_say(s->speaker, clock_now_ns(),
			    "storage: %s: loads and stores are a little dearer", why.text);
}

/* Files that the backend, as it was set up, cannot serve are found before they are used. */
static int tell_backend(struct transfers *t, struct err *err)
{
	const struct backend_ops *ops = t->host->loop->ops;
	struct storage *s = t->storage;
	int result = 0;

	if (s->files != FILES_OWN)
		return 0;
	for (unsigned i = 0; i < t->syncer_count && ops->check_file && !result; i++) {
		result = ops->check_file(t->host->loop->backend, s->devices[i].fd, err);
		if (result)
			err_wrap(err, "storage %u: %s", i, s->devices[i].opts.path);
	}
	if (!result)
		register_memory(t);
	return result;
}

static int make_ready(struct transfers *t, struct err *err)
{
	int result = get_memory(t, err);

	if (!result)
		result = tell_backend(t, err);
	t->is_ready = !result;
	t->failure = result;
	return result;
}

int transfers_init(struct transfers *t, struct storage *storage, struct program_host *host,
		   struct err *err)
{
	*t = (struct transfers){ .storage = storage, .host = host };
	cache_init(&t->cache, sizeof(struct transfer), KEEP_TRANSFERS);
	host->transfers = t;
	if (!atomic_load_explicit(&storage->count, memory_order_acquire))
		return 0;
	return make_ready(t, err);
}

static void drop(struct transfers *t, struct transfer_list *list)
{
	while (list->first) {
		struct transfer *x = list->first;

		transfer_move(x, NULL);
		cache_put(&t->cache, x);
	}
}

void transfers_finish(struct transfers *t)
{
	drop(t, &t->queued);
	drop(t, &t->moving);
	for (unsigned i = 0; i < t->syncer_count; i++) {
		drop(t, syncer_waiting(t, i));
		drop(t, syncer_served(t, i));
	}
	cache_finish(&t->cache);
	if (t->memory)
		munmap(t->memory, t->memory_size);
	free(t->places);
	free(t->syncers);
	*t = (struct transfers){ 0 };
}

static struct transfer *make(struct transfers *t, struct waiting *w,
			     const struct wire_operation *op)
{
	struct transfer *x = cache_get(&t->cache);
	struct device *d = &t->storage->devices[op->device];

	if (!x)
		return NULL;
	*x = (struct transfer){
		.op = { .fd = d->fd, .device = (uint16_t)op->device, .done = on_moved },
		.host = t,
		.waiting = w,
		.device = d,
		.is_store = op->code == WIRE_STORE,
		.syncs = op->code == WIRE_STORE && op->flags & WIRE_STORE_SYNC,
		.len = op->value,
		.left = device_round(d, op->value),
		.begin_ns = program_now_ns(t->host),
	};
	x->ready_ns = x->begin_ns;
	x->at = x->is_store ? device_place_store(d, op) : device_place_load(d, op);
	return x;
}

/* For device 0 that nobody named. */
static void make_ready_late(struct transfers *t)
{
	struct err err = { 0 };

	if (make_ready(t, &err) && t->storage->speaker)
		speaker_say(t->storage->speaker, clock_now_ns(), "storage: %s", err.text);
}

static enum step refuse(struct transfers *t, struct waiting *w, const struct wire_operation *op,
			int code)
{
	device_failed(t->storage, &t->storage->devices[op->device],
		      op->code == WIRE_STORE ? IO_WRITE : IO_READ, code);
	w->run.status = WIRE_ERROR;
	return STEP_DONE;
}

enum step transfer_begin(struct transfers *t, struct waiting *w, const struct wire_operation *op)
{
	struct device *d = &t->storage->devices[op->device];
	struct transfer *x;

	if (!t->was_tried)
		make_ready_late(t);
	if (op->code == WIRE_LOAD && op->value && !device_end(d))
		return refuse(t, w, op, -ENODATA);
	x = t->is_ready ? make(t, w, op) : NULL;
	if (!x)
		return refuse(t, w, op, t->is_ready ? -ENOMEM : t->failure);
	w->own = x;
	if (x->left) {
		transfer_move(x, &t->queued);
		serve_queue(t);
		return STEP_WAITS;
	}
	if (x->syncs) {
		syncer_written(x);
		return STEP_WAITS;
	}
	count(x);
	cache_put(&t->cache, x);
	return STEP_DONE;
}

void transfer_cancel(struct waiting *w)
{
	struct transfer *x = w->own;

	x->is_cancelled = true;
	if (x->list == &x->host->moving)
		loop_cancel(x->host->host->loop, &x->op);
	else
		transfer_end(x, -ECANCELED);
}

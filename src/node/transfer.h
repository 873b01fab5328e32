/*
 * transfer.h - one worker's loads and stores, on their way between its memory and the devices.
 *
 * A transfer moves in blocks, one after the other, through one of `depth` places; when all are
 * taken, more wait in the order they came. Loads read into the place's own buffer; stores write
 * the same bytes always (storage->pattern).
 *
 * A store that is to be durable then waits for an IO_SYNC that began after its last write:
 *
 *	group-sync=yes	one IO_SYNC a device is in flight; it serves all stores that were written
 *			when it began, and who comes later shares the next one
 *	group-sync=no	each store has its own
 *	sync=TIME	the IO_SYNC begins at multiples of that time, if anything was stored
 *
 * A thread makes one call after the other, so that sharing pays there (2.4 times the stores of 16
 * connections); a kernel that works on many syncs at once shares its journal better than we do (1.8
 * times, the other way round). Both measured on ext4, Linux 6.18, 4 KiB each, and noisy.
 *
 * Each worker syncs for itself, so nothing is locked; that several do at once is the kernel's
 * business, which knows how to share a journal.
 *
 * Times: queue is waiting for a place, storage all from the first block to the last sync. Carried
 * out inline, storage is what the calls took.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_NODE_TRANSFER_H
#define RW_NODE_TRANSFER_H

#include "node/operation.h"
#include "node/storage.h"

struct transfer;
struct syncer;

struct transfer_list {
	struct transfer *first, *last;
};

struct transfers {
	struct storage *storage;
	struct program_host *host;
	struct cache cache;
	struct transfer_list queued, moving;
	struct syncer *syncers; /* by device */
	unsigned syncer_count;
	uint8_t *memory; /* buffers of loads, by place */
	size_t memory_size, stride;
	unsigned *places; /* those that are free */
	unsigned place_count;
	int64_t begin_ns; /* periods are counted from here */
	bool is_ready;	  /* memory is there and the backend knows */
	bool hurries;	  /* the worker drains: nothing waits for a period */
	bool was_tried;
	int failure; /* why it is not ready */
};

/* Fills in *t, after program_host_init(), in the worker's thread. host->transfers is set. */
int transfers_init(struct transfers *t, struct storage *storage, struct program_host *host,
		   struct err *err);
/* After loop_finish(). Takes a zeroed one. */
void transfers_finish(struct transfers *t);
/* From now on periodic syncs begin at once. */
void transfers_hurry(struct transfers *t);

/* Begins a load or store, for which w waits then (STEP_WAITS), or has it done at once. */
enum step transfer_begin(struct transfers *t, struct waiting *w, const struct wire_operation *op);
/* w->own is ended early. */
void transfer_cancel(struct waiting *w);

#endif

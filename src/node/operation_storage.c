/*
 * operation_storage.c - load and store: what a request may ask of a device, and that it waits.
 *
 * A load is done when all its bytes have been read. A store is done when they have been written;
 * one with WIRE_STORE_SYNC when they are durable, which with sync=TIME is the end of the next
 * periodic sync. What the device cannot do when it comes to it is an error of the reply.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "node/operation.h"
#include "node/transfer.h"

enum wire_fault find_device(const struct program_host *h, uint32_t index, struct demand *demand,
			    struct device **ret)
{
	struct storage *s = h->transfers ? h->transfers->storage : NULL;

	*ret = NULL;
	if (!s)
		return WIRE_NO_DEVICE;
	if (!demand->makes_default && storage_would_make(s, index)) {
		demand->wants_default = true;
		return WIRE_FINE;
	}
	*ret = storage_device(s, index);
	return *ret ? WIRE_FINE : WIRE_NO_DEVICE;
}

/* op's bytes within what is left of the limit, and within the device. */
static enum wire_fault check_bytes(const struct program_host *h, const struct wire_operation *op,
				   struct demand *demand, uint64_t *sum, int64_t limit)
{
	enum wire_fault excess;
	struct device *d;

	excess = find_device(h, op->device, demand, &d);
	if (excess)
		return excess;
	if (op->value > (uint64_t)limit - *sum)
		return WIRE_OVER_LIMIT;
	*sum += op->value;
	return d ? device_check(d, op) : WIRE_FINE;
}

static enum wire_fault check_load(const struct program_host *h, const struct wire_operation *op,
				  struct demand *demand)
{
	int64_t limit = h->transfers ? h->transfers->storage->opts.load_max : 0;

	return check_bytes(h, op, demand, &demand->loaded, limit);
}

static enum wire_fault check_store(const struct program_host *h, const struct wire_operation *op,
				   struct demand *demand)
{
	int64_t limit = h->transfers ? h->transfers->storage->opts.store_max : 0;

	return check_bytes(h, op, demand, &demand->stored, limit);
}

static enum step run_storage(struct run *r, const struct wire_operation *op)
{
	return transfer_begin(r->host->transfers, r->waiting, op);
}

const struct operation operation_load = { "load", OPERATION_LASTS, check_load, run_storage,
					  transfer_cancel };
const struct operation operation_store = { "store", OPERATION_LASTS, check_store, run_storage,
					   transfer_cancel };

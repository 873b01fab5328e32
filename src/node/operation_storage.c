/*
 * operation_storage.c - load and store: what a request may ask of a device, and that it waits.
 *
 * A load is done when all its bytes have been read. A store is done when they have been written;
 * one with WIRE_STORE_SYNC when they are durable, which with sync=TIME is the end of the next
 * periodic sync. What the device cannot do does not end the connection: the reply says error.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "node/operation.h"
#include "node/transfer.h"

/* op's bytes within what is left of the limit, and within the device. */
static enum wire_fault check_bytes(const struct program_host *h, const struct wire_operation *op,
				   uint64_t *sum, int64_t limit)
{
	struct device *d = storage_device(h->transfers->storage, op->device);

	if (!d)
		return WIRE_NO_DEVICE;
	if (op->value > (uint64_t)limit - *sum)
		return WIRE_OVER_LIMIT;
	*sum += op->value;
	return device_check(d, op);
}

static enum wire_fault check_load(const struct program_host *h, const struct wire_operation *op,
				  struct demand *demand)
{
	if (!h->transfers)
		return WIRE_NO_DEVICE;
	return check_bytes(h, op, &demand->loaded, h->transfers->storage->opts.load_max);
}

static enum wire_fault check_store(const struct program_host *h, const struct wire_operation *op,
				   struct demand *demand)
{
	if (!h->transfers)
		return WIRE_NO_DEVICE;
	return check_bytes(h, op, &demand->stored, h->transfers->storage->opts.store_max);
}

static enum step run_storage(struct run *r, const struct wire_operation *op)
{
	return transfer_begin(r->host->transfers, r->waiting, op);
}

const struct operation operation_load = { "load", OPERATION_LASTS, check_load, run_storage,
					  transfer_cancel };
const struct operation operation_store = { "store", OPERATION_LASTS, check_store, run_storage,
					   transfer_cancel };

/*
 * storage_device.h - one file of the storage: made, measured, closed.
 *
 * For storage.c and its tests; struct device is in storage.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_NODE_STORAGE_DEVICE_H
#define RW_NODE_STORAGE_DEVICE_H

#include "node/storage.h"

/* Fills in *ret, whatever was there. When it returns, the file would survive a power cut. On
 * failure nothing is left open, but a file that was made stays. */
int device_open(struct device *ret, unsigned index, const struct device_opts *opts,
		const struct storage_opts *common, struct err *err);
/* Syncs what is synced from time to time; removes the file if the node has made it and may. */
void device_close(struct device *d, bool keep);

#endif

/*
 * storage.h - the storage devices of a node: files that all its workers load from and store to.
 *
 * They are opened, sized and made durable before the first request, and shared: what changes
 * while they are used is atomic. How bytes move is transfer.h's.
 *
 * A file that is there is taken as it is: what is in it can be loaded and sent, and is overwritten
 * by stores. One that is not there is made. Both are grown to `prealloc` bytes, so that the first
 * stores measure the device and not the file system's search for space.
 *
 * Without any --storage there is still device 0, as in DistWalk: the first program that asks for
 * it, and for nothing else that is refused, makes $HOME/.ringwalk_store_0, and the node says so.
 * --storage=none is a node without any.
 *
 * Sequential loads and stores have a place each in every device, common to all workers. Stores go
 * back to 0 where the next one would not fit below `size`; loads go on at 0 behind the end of what
 * was ever written. With O_DIRECT offsets and lengths are rounded up to what the file asks for.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_NODE_STORAGE_H
#define RW_NODE_STORAGE_H

#include <pthread.h>
#include <stdatomic.h>

#include "backends/backend.h"
#include "engine/hooks.h"
#include "engine/speaker.h"
#include "engine/wire.h"
#include "node/node.h"
#include "node/storage_text.h"

#define STORAGE_DEVICES 256

struct device {
	struct device_opts opts; /* size: rounded down to `align` */
	unsigned index;
	int fd;
	int send_fd;	  /* for sendfile: never O_DIRECT; -1: it is no file that can be sent */
	uint32_t align;	  /* of offsets and lengths; 1: any */
	bool is_made;	  /* by this node */
	bool has_size;	  /* a file that grows; else a block or character device */
	atomic_uint told; /* enum io_kind whose failure was said, as bits */

	_Alignas(64) atomic_uint_fast64_t next_store, next_load;
	atomic_uint_fast64_t end; /* bytes that can be loaded */
	atomic_uint_fast64_t loads, stores, sends;
	atomic_uint_fast64_t loaded, stored, sent; /* bytes */
	atomic_uint_fast64_t syncs, errors;
};

struct storage {
	struct storage_opts opts;
	enum backend_files files;
	bool is_inline; /* transfers hold the worker */
	bool groups;	/* stores share syncs */
	bool has_default;
	struct device *devices;
	unsigned opened;	/* of the devices */
	atomic_uint count;	/* those that can be used: their threads have started */
	struct file_pool *pool; /* FILES_THREAD */
	const uint8_t *pattern; /* opts.block bytes that stores write */
	size_t pattern_size;
	const struct hooks *hooks;
	struct speaker *speaker; /* NULL: failures are not said */
	unsigned first_thread;	 /* number of the first thread, behind the workers */
	pthread_mutex_t lock;	 /* of device 0 being made */
	bool was_tried;
	atomic_bool told_unregistered; /* that memory could not be registered: once */
};

/* What a node lends to its storage. */
struct storage_env {
	const struct backend_ops *backend;
	const struct hooks *hooks;
	struct speaker *speaker;
	unsigned workers;
};

/* Does this backend do what is asked for? storage_open() asks, too. */
int storage_check(const struct storage_opts *opts, const struct backend_ops *backend,
		  struct err *err);
/* Fills in a zeroed storage. On failure storage_close() is still to be called. */
int storage_open(struct storage *s, const struct storage_opts *opts, const struct storage_env *env,
		 struct err *err);
/* When no backend is left: threads end and files are closed; the counters stay. */
void storage_stop(struct storage *s);
/* Stops it if need be. Takes a zeroed one. */
void storage_close(struct storage *s);

/* storage_device() would have to make it first, or has tried in vain. */
bool storage_would_make(const struct storage *s, uint32_t index);
/* NULL: there is none. May make device 0. */
struct device *storage_device(struct storage *s, uint32_t index);

/* Whether the device can do that; the sums of a request are the caller's to limit. */
enum wire_fault device_check(const struct device *d, const struct wire_operation *op);
enum wire_fault device_check_send(const struct device *d, uint64_t bytes);

/* Length as the device takes it. */
static inline uint64_t device_round(const struct device *d, uint64_t bytes)
{
	return (bytes + d->align - 1) / d->align * d->align;
}

/* Where a checked operation begins: at its offset, or where the last sequential one ended. */
uint64_t device_place_store(struct device *d, const struct wire_operation *op);
uint64_t device_place_load(struct device *d, const struct wire_operation *op);
/* Bytes up to `end` have been stored. */
void device_grow(struct device *d, uint64_t end);
/* Where loads wrap. */
static inline uint64_t device_end(const struct device *d)
{
	return device_round(d, atomic_load_explicit(&d->end, memory_order_relaxed));
}

/* One more; the counters of different devices are far apart. */
static inline void device_count(atomic_uint_fast64_t *counter, uint64_t n)
{
	atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}

/* An operation failed: counted, and said the first time. */
void device_failed(struct storage *s, struct device *d, enum io_kind kind, int code);

#endif

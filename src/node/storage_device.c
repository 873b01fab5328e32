/*
 * storage_device.c - one file of the storage: made, measured, closed, and places in it given out.
 *
 * A file is opened and prepared without O_DIRECT; what is O_DIRECT has a second descriptor then,
 * and the first one is kept for sendfile, which goes through the page cache.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "node/storage_device.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/units.h"

/* So often may a reply begin the file anew; each time takes a part of its own. */
#define SEND_WRAPS 64

static int open_file(struct device *d, struct err *err)
{
	const char *path = d->opts.path;

	d->fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	d->is_made = d->fd >= 0;
	if (d->fd < 0 && errno == EEXIST)
		d->fd = open(path, O_RDWR | O_CLOEXEC);
	return d->fd < 0 ? err_sys(err, -errno, "cannot open it for reading and writing") : 0;
}

/* The entry in its folder is what would be missing after a power cut. */
static int sync_entry(const struct device *d, struct err *err)
{
	const char *path = d->opts.path, *slash = strrchr(path, '/');
	char folder[DEVICE_PATH] = ".";
	AUTO(auto_close) int fd = -1;

	if (slash) {
		memcpy(folder, path, (size_t)(slash - path) + 1);
		folder[slash - path + 1] = '\0';
	}
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd))
		return err_sys(err, -errno, "cannot sync its folder %s", folder);
	return 0;
}

/* What was only reserved is read without asking the device, and whether it can be asked as the
 * backend wants to (io_uring.iopoll) would come out only later. */
static int write_first(const struct device *d, int64_t bytes)
{
	static const uint8_t zeros[4096];
	size_t len = bytes < (int64_t)sizeof(zeros) ? (size_t)bytes : sizeof(zeros);

	return pwrite(d->fd, zeros, len, 0) < 0;
}

static int reserve(struct device *d, int64_t bytes, struct err *err)
{
	char text[32];
	int code = bytes ? posix_fallocate(d->fd, 0, bytes) : 0;

	if (code)
		return err_sys(err, -code, "cannot reserve %s (--storage-prealloc)",
			       units_format(UNIT_SIZE, bytes, text, sizeof(text)));
	if (bytes && d->is_made && write_first(d, bytes))
		return err_sys(err, -errno, "cannot write to it");
	if (fsync(d->fd))
		return err_sys(err, -errno, "cannot sync it");
	return 0;
}

static int prepare_file(struct device *d, int64_t prealloc, struct err *err)
{
	int64_t bytes = prealloc < d->opts.size ? prealloc : d->opts.size;
	int result = reserve(d, bytes, err);
	struct stat st;

	if (!result && d->is_made)
		result = sync_entry(d, err);
	if (result)
		return result;
	fstat(d->fd, &st);
	d->end = (uint64_t)(st.st_size < d->opts.size ? st.st_size : d->opts.size);
	d->has_size = true;
	return 0;
}

/* How large a block device is; what has no size is as large as was asked for. */
static void measure_special(struct device *d)
{
	int64_t size = lseek(d->fd, 0, SEEK_END);

	if (size > 0 && size < d->opts.size)
		d->opts.size = size;
	d->end = (uint64_t)d->opts.size;
}

static int prepare(struct device *d, int64_t prealloc, struct err *err)
{
	struct stat st;

	if (fstat(d->fd, &st))
		return err_sys(err, -errno, "cannot look at it");
	d->send_fd = S_ISREG(st.st_mode) || S_ISBLK(st.st_mode) ? d->fd : -1;
	if (S_ISREG(st.st_mode))
		return prepare_file(d, prealloc, err);
	if (!S_ISBLK(st.st_mode) && !S_ISCHR(st.st_mode))
		return err_set(err, -EINVAL, "it is neither a file nor a device");
	measure_special(d);
	return 0;
}

/* What the kernel says direct operations have to be multiples of; else the file system's block. */
static int find_alignment(struct device *d, struct err *err)
{
	struct statx stx;

	if (statx(d->fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_DIOALIGN, &stx))
		return err_sys(err, -errno, "odirect: cannot ask for its block size");
	d->align = stx.stx_blksize;
	if (!(stx.stx_mask & STATX_DIOALIGN))
		return 0;
	if (!stx.stx_dio_offset_align)
		return err_set(err, -EINVAL, "odirect: its file system has no direct I/O");
	d->align = stx.stx_dio_offset_align > stx.stx_dio_mem_align ? stx.stx_dio_offset_align
								    : stx.stx_dio_mem_align;
	return 0;
}

static int make_direct(struct device *d, int64_t block, struct err *err)
{
	int fd = open(d->opts.path, O_RDWR | O_DIRECT | O_CLOEXEC);
	int result;

	if (fd < 0)
		return err_sys(err, -errno, "odirect: cannot open it");
	result = find_alignment(d, err);
	d->fd = fd; /* the other one is send_fd */
	if (result)
		return result;
	d->opts.size -= d->opts.size % d->align;
	if (!d->opts.size || block % d->align)
		return err_set(err, -EINVAL,
			       "odirect: it takes multiples of %u B; its size is less, or "
			       "--storage-block is none",
			       d->align);
	return 0;
}

static void close_fds(struct device *d)
{
	if (d->send_fd >= 0 && d->send_fd != d->fd)
		close(d->send_fd);
	if (d->fd >= 0)
		close(d->fd);
	d->fd = d->send_fd = -1;
}

int device_open(struct device *ret, unsigned index, const struct device_opts *opts,
		const struct storage_opts *common, struct err *err)
{
	struct device *d = memset(ret, 0, sizeof(*ret));
	int result;

	d->opts = *opts;
	d->index = index;
	d->fd = d->send_fd = -1;
	d->align = 1;
	result = open_file(d, err);
	if (!result)
		result = prepare(d, common->prealloc, err);
	if (!result && d->opts.direct)
		result = make_direct(d, common->block, err);
	if (!result)
		return 0;
	close_fds(d);
	/* Else a disk that it was too large for would stay full of it. */
	if (d->is_made)
		unlink(opts->path);
	return err_wrap(err, "storage %u: %s", index, opts->path);
}

void device_close(struct device *d, bool keep)
{
	if (d->opts.sync_period_ns)
		fdatasync(d->fd);
	close_fds(d);
	if (d->is_made && !keep)
		unlink(d->opts.path);
}

/* Whether [from, from + len) lies below size, after both have grown to what the device takes. */
static bool is_inside(const struct device *d, uint64_t from, uint64_t len)
{
	uint64_t size = (uint64_t)d->opts.size;

	return from <= size && len <= size && device_round(d, from) <= size &&
	       device_round(d, len) <= size - device_round(d, from);
}

enum wire_fault device_check(const struct device *d, const struct wire_operation *op)
{
	bool is_fixed = op->offset != WIRE_SEQUENTIAL;

	if (op->code == WIRE_STORE)
		return is_inside(d, is_fixed ? op->offset : 0, op->value) ? WIRE_FINE
									  : WIRE_BEYOND_DEVICE;
	/* A load goes on at the beginning, so it can be longer than the file. */
	if (is_fixed && !is_inside(d, op->offset, op->value != 0))
		return WIRE_BEYOND_DEVICE;
	return op->value <= INT64_MAX ? WIRE_FINE : WIRE_BEYOND_DEVICE;
}

enum wire_fault device_check_send(const struct device *d, uint64_t bytes)
{
	uint64_t end = atomic_load_explicit(&d->end, memory_order_relaxed);

	if (d->send_fd < 0)
		return WIRE_NO_DEVICE;
	return bytes <= end * SEND_WRAPS ? WIRE_FINE : WIRE_BEYOND_DEVICE;
}

uint64_t device_place_store(struct device *d, const struct wire_operation *op)
{
	uint64_t len = device_round(d, op->value), at, from;

	if (op->offset != WIRE_SEQUENTIAL)
		return device_round(d, op->offset);
	at = atomic_load_explicit(&d->next_store, memory_order_relaxed);
	do {
		from = len <= (uint64_t)d->opts.size - at ? at : 0;
	} while (!atomic_compare_exchange_weak_explicit(
		&d->next_store, &at, from + len, memory_order_relaxed, memory_order_relaxed));
	return from;
}

uint64_t device_place_load(struct device *d, const struct wire_operation *op)
{
	uint64_t len = device_round(d, op->value), end = device_end(d), at, from;

	if (op->offset != WIRE_SEQUENTIAL)
		return device_round(d, op->offset);
	if (!end)
		return 0;
	at = atomic_load_explicit(&d->next_load, memory_order_relaxed);
	do {
		from = at < end ? at : 0;
	} while (!atomic_compare_exchange_weak_explicit(&d->next_load, &at, (from + len) % end,
							memory_order_relaxed,
							memory_order_relaxed));
	return from;
}

void device_grow(struct device *d, uint64_t end)
{
	uint64_t was = atomic_load_explicit(&d->end, memory_order_relaxed);

	while (was < end && !atomic_compare_exchange_weak_explicit(
				    &d->end, &was, end, memory_order_relaxed, memory_order_relaxed))
		;
}

void device_failed(struct storage *s, struct device *d, enum io_kind kind, int code)
{
	unsigned bit = 1U << kind;

	device_count(&d->errors, 1);
	if (atomic_fetch_or_explicit(&d->told, bit, memory_order_relaxed) & bit || !s->speaker)
		return;
	speaker_say(s->speaker, clock_now_ns(),
		    "storage %u: %s: %s: %s: such requests are answered with an error", d->index,
		    d->opts.path,
		    kind == IO_READ    ? "load"
		    : kind == IO_WRITE ? "store"
				       : "sync",
		    strerror(-code));
}

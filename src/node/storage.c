/*
 * storage.c - the storage devices of a node: opened once, used by all workers.
 *
 * What a text says is storage_text.c's, one file is storage_device.c's; here they become a table,
 * with the threads that serve them and the bytes that stores write.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "node/storage.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "backends/file_pool.h"
#include "base/clock.h"
#include "base/random.h"
#include "node/storage_device.h"

#define DEFAULT_NAME ".ringwalk_store_0"

static const char *const mode_names[] = { "native", "thread", "inline", "auto" };

int storage_check(const struct storage_opts *opts, const struct backend_ops *backend,
		  struct err *err)
{
	if (opts->mode == STORAGE_NATIVE && !backend->has_files)
		return err_set(err, -EINVAL,
			       "--storage-mode=native: %s cannot read and write files by itself; "
			       "thread, inline and auto can be had",
			       backend->group.name);
	return 0;
}

static int choose_files(struct storage *s, const struct backend_ops *backend, struct err *err)
{
	int mode = s->opts.mode;

	if (storage_check(&s->opts, backend, err))
		return -EINVAL;
	if (mode == STORAGE_AUTO)
		mode = backend->has_files ? STORAGE_NATIVE : STORAGE_THREAD;
	s->files = mode == STORAGE_NATIVE   ? FILES_OWN
		   : mode == STORAGE_THREAD ? FILES_THREAD
					    : FILES_INLINE;
	s->is_inline = mode == STORAGE_INLINE;
	s->groups = s->opts.group_sync == GROUP_YES ||
		    (s->opts.group_sync == GROUP_AUTO && mode != STORAGE_NATIVE);
	return 0;
}

/* Not zeros: file systems and disks know how to make nothing of those. */
static int make_pattern(struct storage *s, struct err *err)
{
	const struct random_key key = random_key(0, 0, 0, 0);
	size_t size = ((size_t)s->opts.block + 4095) & ~4095UL;
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint64_t *words = p;

	if (p == MAP_FAILED)
		return err_sys(err, -errno, "storage");
	for (size_t i = 0; i < size / sizeof(*words); i++)
		words[i] = random_u64(&key, i);
	s->pattern = p;
	s->pattern_size = size;
	return 0;
}

static int check_spin(const struct storage *s, const struct device_opts *opts, struct err *err)
{
	if (!opts->spin || s->files == FILES_THREAD)
		return 0;
	return err_set(err, -EINVAL,
		       "storage %s: wait-spin is for storage threads, and --storage-mode is %s "
		       "here: there are none",
		       opts->path, mode_names[s->is_inline ? STORAGE_INLINE : STORAGE_NATIVE]);
}

static int add_device(struct storage *s, const struct device_opts *opts, unsigned clone,
		      struct err *err)
{
	unsigned index = s->opened;
	struct device_opts own = *opts;
	int result;

	if (index == STORAGE_DEVICES)
		return err_set(err, -E2BIG, "more than %d storage devices", STORAGE_DEVICES);
	result = storage_text_path(opts, clone, own.path, err);
	if (!result)
		result = check_spin(s, &own, err);
	if (!result)
		result = device_open(&s->devices[index], index, &own, &s->opts, err);
	s->opened += !result;
	return result;
}

static int add_text(struct storage *s, const char *text, struct err *err)
{
	struct device_opts opts = {
		.size = s->opts.size_max,
		.sync_period_ns = s->opts.sync_period_ns,
		.direct = s->opts.direct,
		.spin = s->opts.spin,
	};
	int result = storage_text_parse(text, &opts, err);

	if (result)
		return err_wrap(err, "--storage=%s", text);
	for (unsigned i = 0; i < (opts.clones ? opts.clones : 1) && !result; i++)
		result = add_device(s, &opts, i, err);
	return result;
}

static int thread_started(void *context, unsigned device, struct err *err)
{
	struct storage *s = context;

	return hooks_start_thread(s->hooks, THREAD_STORAGE, s->first_thread + device, err);
}

static bool polls(void *context, unsigned device)
{
	return ((const struct storage *)context)->devices[device].opts.spin;
}

static int open_pool(struct storage *s, struct err *err)
{
	struct file_pool_opts opts = {
		.count = s->opened,
		.hooks = { s, thread_started, polls },
	};

	if (s->files != FILES_THREAD || !opts.count)
		return 0;
	return file_pool_open(&s->pool, &opts, err);
}

/* The devices, with their threads: from here on others see them. */
static int publish(struct storage *s, struct err *err)
{
	int result = open_pool(s, err);

	if (!result)
		atomic_store_explicit(&s->count, s->opened, memory_order_release);
	return result;
}

static bool is_none(const struct knob_list *list)
{
	return list->count == 1 && !strcmp(knob_list_text(list, 0), "none");
}

int storage_open(struct storage *s, const struct storage_opts *opts, const struct storage_env *env,
		 struct err *err)
{
	int result;

	s->opts = *opts;
	s->hooks = env->hooks;
	s->speaker = env->speaker;
	s->first_thread = env->workers;
	s->has_default = !opts->devices.count;
	pthread_mutex_init(&s->lock, NULL);
	s->devices = aligned_alloc(_Alignof(struct device), STORAGE_DEVICES * sizeof(*s->devices));
	if (!s->devices)
		return err_sys(err, -ENOMEM, "storage");
	result = choose_files(s, env->backend, err);
	if (!result)
		result = make_pattern(s, err);
	for (int i = 0; i < opts->devices.count && !is_none(&opts->devices) && !result; i++)
		result = add_text(s, knob_list_text(&opts->devices, i), err);
	return result ? result : publish(s, err);
}

void storage_stop(struct storage *s)
{
	file_pool_close(s->pool);
	s->pool = NULL;
	for (unsigned i = 0; i < s->opened; i++)
		device_close(&s->devices[i], s->opts.keep);
	s->opened = 0;
}

void storage_close(struct storage *s)
{
	storage_stop(s);
	free(s->devices);
	if (s->pattern)
		munmap((void *)(uintptr_t)s->pattern, s->pattern_size);
	*s = (struct storage){ 0 };
}

static int make_default(struct storage *s, struct err *err)
{
	const char *home = getenv("HOME");
	char text[STORAGE_TEXT];
	int result;

	if (!home || !*home)
		return err_set(err, -ENOENT,
			       "a program asks for storage device 0, and there is neither "
			       "--storage nor a HOME for " DEFAULT_NAME);
	if (snprintf(text, sizeof(text), "file=%s/" DEFAULT_NAME, home) >= (int)sizeof(text))
		return err_set(err, -ENAMETOOLONG,
			       "a program asks for storage device 0, and HOME is too long for "
			       "it: --storage says where");
	result = add_text(s, text, err);
	return result ? result : publish(s, err);
}

/* Once in a node's life; the worker that asks first waits for the file system. */
static void try_default(struct storage *s)
{
	struct err err = { 0 };
	int result;

	if (s->was_tried)
		return;
	s->was_tried = true;
	result = make_default(s, &err);
	if (!s->speaker)
		return;
	if (result)
		speaker_say(s->speaker, clock_now_ns(), "%s", err.text);
	else
		speaker_say(s->speaker, clock_now_ns(),
			    "a program asks for storage device 0 and no --storage is given: it is "
			    "%s",
			    s->devices[0].opts.path);
}

bool storage_would_make(const struct storage *s, uint32_t index)
{
	return index == 0 && s->has_default &&
	       !atomic_load_explicit(&s->count, memory_order_acquire);
}

struct device *storage_device(struct storage *s, uint32_t index)
{
	if (storage_would_make(s, index)) {
		pthread_mutex_lock(&s->lock);
		try_default(s);
		pthread_mutex_unlock(&s->lock);
	}
	if (index < atomic_load_explicit(&s->count, memory_order_acquire))
		return &s->devices[index];
	return NULL;
}

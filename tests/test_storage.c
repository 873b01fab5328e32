/*
 * test_storage.c - devices: opened, prepared, checked, and places given out in them.
 *
 * Files are real and small, in a folder that is made anew for each test.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backends/sim.h"
#include "base/clock.h"
#include "node/storage.h"
#include "node/storage_device.h"
#include "tests/possible.h"

#define KIB 1024LL
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)

/* A folder, and storage_opts with the knobs' defaults. */
struct place {
	char folder[64];
	struct storage_opts opts;
	struct storage storage;
	struct hooks hooks;
	struct speaker speaker;
	char said[512];
};

static void keep_sentence(void *context, const char *sentence)
{
	snprintf(((struct place *)context)->said, 512, "%s", sentence);
}

static void open_place(struct place *p)
{
	struct node_opts opts;

	memset(p, 0, sizeof(*p));
	knob_defaults(&node_knobs, &opts);
	p->opts = opts.storage;
	strcpy(p->folder, "/tmp/ringwalk_test_storage_XXXXXX");
	CU_ASSERT_FATAL(mkdtemp(p->folder) != NULL);
	p->hooks = (struct hooks){ .context = p, .say = keep_sentence };
	speaker_init(&p->speaker, &p->hooks);
}

static void close_place(struct place *p)
{
	char command[128];

	storage_close(&p->storage);
	snprintf(command, sizeof(command), "rm -r %s", p->folder);
	CHECK_INT(system(command), 0);
}

/* rest: "/name,size=..." */
static void add_text(struct place *p, const char *text)
{
	knob_list_add(&p->opts.devices, text, strlen(text), NULL);
}

static void add(struct place *p, const char *rest)
{
	char text[128];

	strcpy(text, p->folder);
	strcat(text, rest);
	add_text(p, text);
}

static int open_storage(struct place *p, struct err *err)
{
	const struct storage_env env = { &backend_sim, &p->hooks, &p->speaker, 1 };

	return storage_open(&p->storage, &p->opts, &env, err);
}

static const char *path_of(const struct place *p, const char *name, char buf[128])
{
	snprintf(buf, 128, "%s/%s", p->folder, name);
	return buf;
}

static int64_t size_of(const struct place *p, const char *name)
{
	struct stat st;
	char buf[128];

	return stat(path_of(p, name, buf), &st) ? -1 : st.st_size;
}

static void write_file(const struct place *p, const char *name, const char *text)
{
	char buf[128];
	FILE *file = fopen(path_of(p, name, buf), "w");

	CU_ASSERT_FATAL(file != NULL);
	fputs(text, file);
	fclose(file);
}

static void test_a_file_is_made_and_reserved(void)
{
	struct place p;
	struct device *d;

	open_place(&p);
	p.opts.size_max = 20 * MIB;
	add(&p, "/a");
	add(&p, "/b,size=1MiB,count=2");
	CHECK_INT(open_storage(&p, NULL), 0);
	CHECK_INT(p.storage.count, 3);
	CHECK_INT(size_of(&p, "a"), 16 * MIB);
	CHECK_INT(size_of(&p, "b_0"), MIB);
	CHECK_INT(size_of(&p, "b_1"), MIB);
	d = storage_device(&p.storage, 0);
	CHECK_INT(d->opts.size, 20 * MIB);
	CHECK_INT(d->end, 16 * MIB);
	CU_ASSERT(d->is_made);
	CHECK_INT(storage_device(&p.storage, 2)->index, 2);
	CU_ASSERT(storage_device(&p.storage, 3) == NULL);
	CU_ASSERT(storage_device(&p.storage, UINT32_MAX) == NULL);
	close_place(&p);
}

static void test_a_file_that_is_there_keeps_what_is_in_it(void)
{
	struct place p;
	char bytes[8] = "";

	open_place(&p);
	write_file(&p, "a", "hello");
	p.opts.keep = false;
	p.opts.prealloc = 100;
	add(&p, "/a");
	CHECK_INT(open_storage(&p, NULL), 0);
	CHECK_INT(pread(storage_device(&p.storage, 0)->fd, bytes, 5, 0), 5);
	CHECK_TEXT(bytes, "hello");
	CHECK_INT(size_of(&p, "a"), 100);
	storage_stop(&p.storage);
	CHECK_INT(size_of(&p, "a"), 100);
	close_place(&p);
}

static void test_files_are_kept_unless_the_node_made_them_and_may_remove_them(void)
{
	for (int keep = 0; keep < 2; keep++) {
		struct place p;

		open_place(&p);
		p.opts.keep = keep;
		p.opts.prealloc = 0;
		add(&p, "/a");
		CHECK_INT(open_storage(&p, NULL), 0);
		CHECK_INT(size_of(&p, "a"), 0);
		storage_stop(&p.storage);
		CHECK_INT(size_of(&p, "a"), keep ? 0 : -1);
		close_place(&p);
	}
}

/* Blocks of 1000 bytes are no multiple of what any file system takes directly. */
static void test_a_file_that_cannot_be_prepared_is_not_left_behind(void)
{
	struct err err = { 0 };
	struct place p;

	open_place(&p);
	p.opts.block = 1000;
	p.opts.prealloc = MIB;
	write_file(&p, "old", "text");
	add(&p, "/new,odirect");
	CU_ASSERT(open_storage(&p, &err) < 0);
	CU_ASSERT(strstr(err.text, "odirect") != NULL);
	CHECK_INT(size_of(&p, "new"), -1);
	storage_close(&p.storage);
	p.opts.devices = (struct knob_list){ 0 };
	add(&p, "/old,odirect");
	CU_ASSERT(open_storage(&p, NULL) < 0);
	CU_ASSERT(size_of(&p, "old") > 0);
	close_place(&p);
}

static void test_what_cannot_be_opened_is_said(void)
{
	static const struct {
		const char *text, *part;
		int mode;
	} rows[] = {
		{ "/no/such/folder/a", "storage 0: /no/such/folder/a: cannot open", STORAGE_AUTO },
		{ "/tmp", "storage 0: /tmp: cannot open", STORAGE_AUTO },
		{ "/tmp/x,siez=10", "--storage=/tmp/x,siez=10: unknown key \"siez\"",
		  STORAGE_AUTO },
		{ "/dev/null,wait-spin", "wait-spin is for storage threads", STORAGE_NATIVE },
		{ "/dev/null,wait-spin", "--storage-mode is inline", STORAGE_INLINE },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct err err = { 0 };
		struct place p;

		open_place(&p);
		p.opts.mode = rows[i].mode;
		add_text(&p, rows[i].text);
		CU_ASSERT(open_storage(&p, &err) < 0);
		if (!strstr(err.text, rows[i].part))
			CHECK_TEXT(err.text, rows[i].part);
		close_place(&p);
	}
}

static void test_native_needs_a_backend_that_can(void)
{
	struct backend_ops poor = backend_sim;
	struct place p;
	struct err err = { 0 };
	const struct storage_env env = { &poor, &p.hooks, &p.speaker, 1 };

	open_place(&p);
	poor.has_files = false;
	p.opts.mode = STORAGE_NATIVE;
	CHECK_INT(storage_open(&p.storage, &p.opts, &env, &err), -EINVAL);
	CU_ASSERT(strstr(err.text, "--storage-mode=native: sim cannot") != NULL);
	close_place(&p);
}

static void test_syncs_are_shared_where_one_call_follows_the_other(void)
{
	static const struct {
		int mode, group_sync;
		bool groups;
	} rows[] = {
		{ STORAGE_AUTO, GROUP_AUTO, false }, { STORAGE_NATIVE, GROUP_AUTO, false },
		{ STORAGE_NATIVE, GROUP_YES, true }, { STORAGE_INLINE, GROUP_AUTO, true },
		{ STORAGE_INLINE, GROUP_NO, false }, { STORAGE_THREAD, GROUP_AUTO, true },
		{ STORAGE_THREAD, GROUP_YES, true },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct place p;

		open_place(&p);
		p.opts.mode = rows[i].mode;
		p.opts.group_sync = rows[i].group_sync;
		CHECK_INT(open_storage(&p, NULL), 0);
		CHECK_INT(p.storage.groups, rows[i].groups);
		close_place(&p);
	}
}

static void test_without_storage_device_0_is_made_when_asked_for(void)
{
	struct place p;
	char home[128];

	snprintf(home, sizeof(home), "%s", getenv("HOME") ? getenv("HOME") : "");
	open_place(&p);
	setenv("HOME", p.folder, 1);
	CHECK_INT(open_storage(&p, NULL), 0);
	CHECK_INT(p.storage.count, 0);
	CU_ASSERT(storage_device(&p.storage, 1) == NULL);
	CHECK_INT(size_of(&p, ".ringwalk_store_0"), -1);
	CU_ASSERT(storage_device(&p.storage, 0) != NULL);
	CHECK_INT(size_of(&p, ".ringwalk_store_0"), 16 * MIB);
	CU_ASSERT(strstr(p.said, "no --storage is given: it is /tmp/") != NULL);
	CU_ASSERT(storage_device(&p.storage, 1) == NULL);
	setenv("HOME", home, 1);
	close_place(&p);
}

static void test_without_storage_and_home_the_sentence_names_both(void)
{
	struct place p;
	char home[128];

	snprintf(home, sizeof(home), "%s", getenv("HOME") ? getenv("HOME") : "");
	open_place(&p);
	unsetenv("HOME");
	CHECK_INT(open_storage(&p, NULL), 0);
	CU_ASSERT(storage_device(&p.storage, 0) == NULL);
	CU_ASSERT(strstr(p.said, "neither --storage nor a HOME") != NULL);
	*p.said = '\0';
	CU_ASSERT(storage_device(&p.storage, 0) == NULL);
	CHECK_TEXT(p.said, "");
	setenv("HOME", home, 1);
	close_place(&p);
}

static void test_none_is_no_device(void)
{
	struct place p;

	open_place(&p);
	add_text(&p, "none");
	CHECK_INT(open_storage(&p, NULL), 0);
	CU_ASSERT(storage_device(&p.storage, 0) == NULL);
	close_place(&p);
}

static void test_odirect_asks_for_whole_blocks(void)
{
	struct place p;
	struct err err = { 0 };
	struct device *d;

	open_place(&p);
	add(&p, "/a,odirect,size=1000001");
	if (open_storage(&p, &err) < 0) {
		CU_ASSERT(strstr(err.text, "odirect: ") != NULL);
		CU_ASSERT(!possible_direct(p.folder));
		close_place(&p);
		return;
	}
	d = storage_device(&p.storage, 0);
	CU_ASSERT(d->align >= 512 && d->align <= 65536);
	CHECK_INT(d->opts.size, 1000001 / d->align * d->align);
	CU_ASSERT(fcntl(d->fd, F_GETFL) & O_DIRECT);
	CU_ASSERT(!(fcntl(d->send_fd, F_GETFL) & O_DIRECT));
	CHECK_INT(pwrite(d->fd, p.storage.pattern, d->align, d->align), d->align);
	close_place(&p);
}

static void test_odirect_refuses_what_is_no_block(void)
{
	static const struct {
		const char *rest;
		int64_t block;
	} rows[] = { { "/a,odirect,size=100", 256 * KIB }, { "/a,odirect", 1000 } };

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct place p;
		struct err err = { 0 };

		open_place(&p);
		p.opts.block = rows[i].block;
		add(&p, rows[i].rest);
		CU_ASSERT(open_storage(&p, &err) < 0);
		CU_ASSERT(strstr(err.text, "odirect: ") != NULL);
		close_place(&p);
	}
}

static void test_devices_that_are_no_files_have_the_size_asked_for(void)
{
	struct place p;
	struct device *d;

	open_place(&p);
	add_text(&p, "/dev/full,size=4KiB");
	CHECK_INT(open_storage(&p, NULL), 0);
	d = storage_device(&p.storage, 0);
	CHECK_INT(d->end, 4096);
	CU_ASSERT(!d->is_made);
	CHECK_INT(device_check_send(d, 64), WIRE_NO_DEVICE);
	close_place(&p);
}

static CU_TestInfo tests[] = {
	{ "a file is made and reserved", test_a_file_is_made_and_reserved },
	{ "a file that is there keeps what is in it",
	  test_a_file_that_is_there_keeps_what_is_in_it },
	{ "files are kept unless the node made them and may remove them",
	  test_files_are_kept_unless_the_node_made_them_and_may_remove_them },
	{ "a file that cannot be prepared is not left behind",
	  test_a_file_that_cannot_be_prepared_is_not_left_behind },
	{ "what cannot be opened is said", test_what_cannot_be_opened_is_said },
	{ "native needs a backend that can", test_native_needs_a_backend_that_can },
	{ "syncs are shared where one call follows the other",
	  test_syncs_are_shared_where_one_call_follows_the_other },
	{ "without storage device 0 is made when asked for",
	  test_without_storage_device_0_is_made_when_asked_for },
	{ "without storage and home the sentence names both",
	  test_without_storage_and_home_the_sentence_names_both },
	{ "none is no device", test_none_is_no_device },
	{ "odirect asks for whole blocks", test_odirect_asks_for_whole_blocks },
	{ "odirect refuses what is no block", test_odirect_refuses_what_is_no_block },
	{ "devices that are no files have the size asked for",
	  test_devices_that_are_no_files_have_the_size_asked_for },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return test_main("storage", tests);
}

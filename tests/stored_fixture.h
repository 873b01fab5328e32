/*
 * stored_fixture.h - a real node with a storage device, whose file is new, and what is asked of it.
 *
 * The backend and the storage mode are arguments of the test.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_TESTS_STORED_FIXTURE_H
#define RW_TESTS_STORED_FIXTURE_H

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "tests/node_fixture.h"

#define KIB 1024LL
#define MIB (1024 * KIB)

static const struct backend_ops *backend;
static int mode; /* the one that is being tested */
static char folder[64];
static unsigned file_count;

/* A node with one device, whose file is new; rest: ",size=..." */
struct stored {
	struct setup setup;
	char path[128];
};

static inline void prepare(struct stored *s, const char *rest)
{
	char text[256];

	setup_init(&s->setup, backend);
	snprintf(s->path, sizeof(s->path), "%.60s/%u", folder, file_count++);
	snprintf(text, sizeof(text), "file=%s%s", s->path, rest);
	knob_list_add(&s->setup.opts.storage.devices, text, strlen(text), NULL);
	s->setup.opts.storage.mode = mode;
	s->setup.opts.storage.prealloc = 0;
}

static inline void start(struct stored *s, const char *rest)
{
	prepare(s, rest);
	CU_ASSERT_FATAL(setup_start(&s->setup) == 0);
}

static inline void finish(struct stored *s)
{
	setup_finish(&s->setup);
	unlink(s->path);
}

static inline struct node_device device_of(const struct stored *s)
{
	struct node_device d;

	node_device(s->setup.node, 0, &d);
	return d;
}

static inline struct wire_operation store(uint64_t offset, uint64_t bytes, unsigned flags)
{
	return (struct wire_operation){ WIRE_STORE, (uint8_t)flags, bytes, offset, 0 };
}

static inline struct wire_operation load(uint64_t offset, uint64_t bytes)
{
	return (struct wire_operation){ WIRE_LOAD, 0, bytes, offset, 0 };
}

static inline int ask(int fd, uint64_t id, struct wire_operation op)
{
	const struct wire_operation ops[] = { op, { WIRE_SEND_REPLY, 0, 64 } };

	return send_request(fd, id, ops, 2);
}

struct answer {
	int status; /* -1: there was none */
	struct wire_hop hop;
};

static inline struct answer await(int fd)
{
	struct answer a = { .status = -1 };
	struct wire_head head;

	if (!read_reply(fd, &head, &a.hop))
		a.status = head.hops;
	return a;
}

static inline struct answer call(int fd, struct wire_operation op)
{
	return ask(fd, 1, op) ? (struct answer){ .status = -1 } : await(fd);
}

static inline int64_t size_of(const char *path)
{
	struct stat st;

	return stat(path, &st) ? -1 : st.st_size;
}

/* Bytes of [at, at + len) that are not zero: stored ones hardly ever are. */
static inline int64_t count_stored(const char *path, int64_t at, int64_t len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int64_t count = 0;
	uint8_t bytes[4096];
	ssize_t n;

	while (len > 0 && (n = pread(fd, bytes, len < 4096 ? len : 4096, at)) > 0) {
		for (ssize_t i = 0; i < n; i++)
			count += bytes[i] != 0;
		at += n;
		len -= n;
	}
	close(fd);
	return count;
}

#define CHECK_STORED(path, at, len) CU_ASSERT(count_stored(path, at, len) > (len)*98 / 100)

static const char *const modes[] = { "native", "thread", "inline" };

/* main() of a test: BACKEND MODE. */
static inline int stored_main(int argc, char **argv, const char *name, CU_TestInfo *tests)
{
	int result;

	backend = choose_backend(argc, argv, &result);
	if (!backend)
		return result;
	while (argc > 2 && mode < STORAGE_AUTO && strcmp(modes[mode], argv[2]))
		mode++;
	if (mode == STORAGE_AUTO) {
		printf("there is no storage mode '%s'\n", argv[2]);
		return 1;
	}
	if (mode == STORAGE_NATIVE && !backend->has_files)
		return test_skip("this backend does not have this storage mode");
	strcpy(folder, "/tmp/ringwalk_test_XXXXXX");
	if (!mkdtemp(folder))
		return 1;
	/* What is mounted here is nobody else's to see; without the right to it, it is refused. */
	if (!unshare(CLONE_NEWNS))
		mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL);
	result = test_main(name, tests);
	rmdir(folder);
	return result;
}

#endif

/*
 * kill_at.c - a library to be preloaded: SIGKILL just before the Nth call that changes something.
 *
 * KILL_OWNER=N is for the program itself, KILL_WATCHER=N for the first child it forks. What counts
 * is every write, sync, removal, folder, fork and kill that the program asks for by itself: so all
 * that can be half done is, at some N. Programs that it executes are left alone, and so is the
 * program without the variables.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static unsigned forks, steps;
static const char *variable = "KILL_OWNER";

static void step(void)
{
	const char *at = variable ? getenv(variable) : NULL;

	if (at && !strcmp(program_invocation_short_name, "ringwalk") &&
	    ++steps == (unsigned)atoi(at))
		raise(SIGKILL);
}

/* The function behind this one, as POSIX wants dlsym(3) to be read. */
#define NEXT(name) (*(__typeof__(name) **)(void *[]){ dlsym(RTLD_NEXT, #name) })

ssize_t write(int fd, const void *buf, size_t size)
{
	step();
	return NEXT(write)(fd, buf, size);
}

int fdatasync(int fd)
{
	step();
	return NEXT(fdatasync)(fd);
}

int unlink(const char *path)
{
	step();
	return NEXT(unlink)(path);
}

int mkdir(const char *path, mode_t mode)
{
	step();
	return NEXT(mkdir)(path, mode);
}

int rmdir(const char *path)
{
	step();
	return NEXT(rmdir)(path);
}

int kill(pid_t pid, int number)
{
	step();
	return NEXT(kill)(pid, number);
}

pid_t fork(void)
{
	pid_t pid;

	step();
	forks++;
	pid = NEXT(fork)();
	if (pid == 0) {
		variable = forks == 1 ? "KILL_WATCHER" : NULL;
		steps = 0;
	}
	return pid;
}

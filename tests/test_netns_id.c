/*
 * test_netns_id.c - a network namespace is told from those before it, and whether it is gone.
 *
 * Each is made by a child of this test, which can end only itself with it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "system/netns_id.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/possible.h"

/* A process in a namespace of its own, until it is killed. */
struct inhabitant {
	pid_t pid;
	struct netns_id id;
};

static void be_inhabitant(int out)
{
	struct netns_id id = { 0 };

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (!unshare(CLONE_NEWNET) || !unshare(CLONE_NEWUSER | CLONE_NEWNET))
		id = netns_id_own();
	if (write(out, &id, sizeof(id)) == sizeof(id))
		pause();
	_exit(1);
}

static void leave(struct inhabitant *i)
{
	kill(i->pid, SIGKILL);
	waitpid(i->pid, NULL, 0);
}

/* Whether namespaces have numbers, asked past netns_id.h. */
static bool has_cookies(void)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), rc;
	socklen_t size = sizeof(uint64_t);
	uint64_t cookie;

	rc = getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &size);
	if (rc)
		test_not_possible("SO_NETNS_COOKIE: %s", strerror(errno));
	close(fd);
	return !rc;
}

/* Whether the kernel can be asked for one by its number: Linux 6.18, as root. */
static bool has_handles(void)
{
	if (possible_since(6, 18) && !geteuid())
		return has_cookies();
	test_not_possible("namespaces are opened by their numbers as root, since Linux 6.18");
	return false;
}

/* False: not possible here, and the test is skipped. */
static bool move_in(struct inhabitant *i)
{
	struct err err = { 0 };
	int ends[2];

	if (!has_handles())
		return false;
	CHECK_INT(pipe2(ends, O_CLOEXEC), 0);
	i->pid = fork();
	if (i->pid == 0)
		be_inhabitant(ends[1]);
	close(ends[1]);
	CHECK_INT(read(ends[0], &i->id, sizeof(i->id)), sizeof(i->id));
	close(ends[0]);
	if (i->id.inode && netns_id_life(&i->id, &err) != NETNS_UNKNOWN)
		return true;
	leave(i);
	if (!i->id.inode)
		test_not_possible("no network namespace can be made");
	else
		CHECK_TEXT(err.text, "");
	return false;
}

/* The kernel may take a moment to end what nobody holds. */
static enum netns_life life_at_last(const struct netns_id *id)
{
	const struct timespec pause = { .tv_nsec = 10000000 };

	for (int i = 0; i < 1000 && netns_id_life(id, NULL) == NETNS_LIVES; i++)
		nanosleep(&pause, NULL);
	return netns_id_life(id, NULL);
}

static void test_the_one_it_is_in_lives(void)
{
	const struct netns_id own = netns_id_own(), again = netns_id_own();

	CU_ASSERT(own.inode != 0);
	CHECK_INT(netns_id_same(&own, &again), true);
	if (own.cookie)
		CHECK_INT(netns_id_life(&own, NULL), NETNS_LIVES);
}

static void test_another_with_its_inode_is_one_that_is_gone(void)
{
	struct netns_id own = netns_id_own(), before = own;

	if (!has_cookies())
		return;
	CU_ASSERT(own.cookie != 0);
	before.cookie++;
	CHECK_INT(netns_id_same(&own, &before), false);
	CHECK_INT(netns_id_life(&before, NULL), NETNS_GONE);
}

static void test_without_a_cookie_nothing_is_certain(void)
{
	struct netns_id own = netns_id_own(), nameless = own;
	struct err err = { 0 };

	nameless.cookie = 0;
	CHECK_INT(netns_id_same(&own, &nameless), true);
	nameless.inode++;
	CHECK_INT(netns_id_same(&own, &nameless), false);
	CHECK_INT(netns_id_life(&nameless, &err), NETNS_UNKNOWN);
	CU_ASSERT(*err.text != '\0');
}

static void test_one_lives_as_long_as_a_process_is_in_it(void)
{
	struct inhabitant i;

	if (!move_in(&i))
		return;
	CHECK_INT(netns_id_life(&i.id, NULL), NETNS_LIVES);
	leave(&i);
	CHECK_INT(life_at_last(&i.id), NETNS_GONE);
}

static void test_one_lives_as_long_as_a_descriptor_is_open(void)
{
	const struct timespec pause = { .tv_nsec = 100000000 };
	struct inhabitant i;
	char path[64];
	int fd;

	if (!move_in(&i))
		return;
	snprintf(path, sizeof(path), "/proc/%d/ns/net", i.pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	CU_ASSERT(fd >= 0);
	leave(&i);
	nanosleep(&pause, NULL); /* a mistake would take as long as the end of a namespace */
	CHECK_INT(netns_id_life(&i.id, NULL), NETNS_LIVES);
	close(fd);
	CHECK_INT(life_at_last(&i.id), NETNS_GONE);
}

/* The next one gets the number of the last one's inode, mostly. */
static void test_a_new_one_is_not_taken_for_the_old(void)
{
	struct inhabitant old, new;

	if (!move_in(&old))
		return;
	leave(&old);
	CHECK_INT(life_at_last(&old.id), NETNS_GONE);
	if (!move_in(&new))
		return;
	CHECK_INT(netns_id_same(&old.id, &new.id), false);
	CHECK_INT(netns_id_life(&old.id, NULL), NETNS_GONE);
	leave(&new);
}

static CU_TestInfo tests[] = {
	{ "the one it is in lives", test_the_one_it_is_in_lives },
	{ "another with its inode is one that is gone",
	  test_another_with_its_inode_is_one_that_is_gone },
	{ "without a cookie nothing is certain", test_without_a_cookie_nothing_is_certain },
	{ "one lives as long as a process is in it", test_one_lives_as_long_as_a_process_is_in_it },
	{ "one lives as long as a descriptor is open",
	  test_one_lives_as_long_as_a_descriptor_is_open },
	{ "a new one is not taken for the old", test_a_new_one_is_not_taken_for_the_old },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return test_main("netns_id", tests);
}

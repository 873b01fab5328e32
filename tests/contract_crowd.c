/*
 * contract_crowd.c - the contract suite: many descriptors at a time.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/select.h>

#include "tests/contract.h"
#include "tests/descriptors.h"

/* Data crosses each of `pairs` connections both ways; both ends belong to the backend. */
static void crowd(struct fixture *f, int pairs)
{
	struct probe *recv AUTO(auto_free) = calloc(2 * pairs, sizeof(*recv));
	struct probe *send AUTO(auto_free) = calloc(2 * pairs, sizeof(*send));
	int(*fd)[2] = calloc(pairs, sizeof(*fd));

	for (int i = 0; i < pairs; i++)
		if (f->peer->local_pair(f, fd[i]) < 0) {
			CU_FAIL("no socket pair");
			goto out;
		}
	for (int i = 0; i < 2 * pairs; i++)
		probe_recv(f, &recv[i], fd[i / 2][i % 2]);
	turn(f, 0);
	for (int i = 0; i < 2 * pairs; i++)
		probe_send(f, &send[i], fd[i / 2][i % 2], "0123456789", 1 + i % 10);
	for (int i = 0; i < 2 * pairs; i++) {
		probe_wait_end(&send[i]);
		CHECK_INT(send[i].res, 1 + i % 10);
		probe_wait_bytes(&recv[i ^ 1], 1 + i % 10);
		CHECK_INT(recv[i].finals, 0);
	}
out:
	free(fd);
}

static void test_thousand(void)
{
	FIXTURE(f);

	crowd(f, subject.ops->group.name[0] == 's' ? 490 : 500);
}

static void test_ten_thousand(void)
{
	bool is_for_it = subject.peer->kernel && strcmp(subject.ops->group.name, "select");
	bool reach = is_for_it && descriptors_reach(10100);
	FIXTURE(f);

	if (!is_for_it)
		test_does_not_apply("%s does not reach so far", subject.ops->group.name);
	if (reach)
		crowd(f, 5000);
}

static void test_out_of_range(void)
{
	bool is_select = !strcmp(subject.ops->group.name, "select");
	bool reach = is_select && descriptors_reach(FD_SETSIZE + 16);
	FIXTURE(f);
	struct probe recv[2] = { 0 }, send = { 0 }, close = { 0 };
	int fd[2] = { -1, -1 };

	if (!is_select)
		test_does_not_apply("%s has no FD_SETSIZE", subject.ops->group.name);
	if (!reach)
		return;
	while (fd[1] < FD_SETSIZE && !f->peer->local_pair(f, fd))
		;
	if (fd[1] < FD_SETSIZE) {
		CU_FAIL("no socket pair");
		return;
	}
	probe_recv(f, &recv[1], fd[1]);
	probe_send(f, &send, fd[1], "hello", 5);
	probe_wait_end(&recv[1]);
	probe_wait_end(&send);
	CHECK_INT(recv[1].res, -ERANGE);
	CHECK_INT(send.res, -ERANGE);
	probe_close(f, &close, fd[1]);
	probe_wait_end(&close);
	CHECK_INT(close.res, 0);
	CHECK_INT(f->peer->local_pair(f, fd), 0);
}

/* Every third connection is closed; the others go on, and can wait for space as before. */
static void test_some_closed(void)
{
	enum { PAIRS = 60, LEN = 300000, DRAIN_TRIES = 5000 };
	FIXTURE(f);
	struct probe *recv AUTO(auto_free) = calloc(PAIRS, sizeof(*recv));
	struct probe *send AUTO(auto_free) = calloc(PAIRS, sizeof(*send));
	uint8_t *bytes AUTO(auto_free) = calloc(1, LEN);
	int fd[PAIRS][2];

	for (int i = 0; i < PAIRS; i++) {
		CHECK_INT(f->peer->local_pair(f, fd[i]), 0);
		probe_recv(f, &recv[i], fd[i][0]);
	}
	turn(f, 0);
	for (int i = 0; i < PAIRS; i += 3) {
		probe_close(f, &send[i], fd[i][0]);
		probe_wait_end(&send[i]);
		CHECK_INT(recv[i].finals, 1);
	}
	for (int i = PAIRS - 1; i >= 0; i--) {
		if (i % 3 == 0)
			continue;
		do {
			probe_send(f, &send[i], fd[i][0], bytes, LEN);
			turn(f, 0);
			turn(f, 0);
		} while (send[i].finals);
		CHECK_INT(f->peer->write(f, fd[i][1], "hello", 5), 5);
		probe_wait_bytes(&recv[i], 5);
		for (int tries = 0; !send[i].finals && tries < DRAIN_TRIES; tries++) {
			f->peer->read(f, fd[i][1], bytes, LEN);
			turn(f, 1 * MS);
		}
		CHECK_INT(send[i].finals, 1);
		CU_ASSERT(send[i].res > 0);
	}
}

CU_TestInfo crowd_tests[] = {
	{ "a thousand descriptors work at a time", test_thousand },
	{ "ten thousand descriptors work at a time (not select, sim)", test_ten_thousand },
	{ "closing some of many leaves the others alone", test_some_closed },
	{ "select says -ERANGE from FD_SETSIZE on, and closes all the same", test_out_of_range },
	CU_TEST_INFO_NULL,
};

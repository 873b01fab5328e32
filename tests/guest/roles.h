/*
 * roles.h - `ringwalk node` and `client` as processes, for scenarios in the guest.
 *
 * What the scenarios claim is asked of the kernel, from outside and past the product: roles.h
 * starts and stops, and the tests look at the process's threads and pages themselves.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_TESTS_GUEST_ROLES_H
#define RW_TESTS_GUEST_ROLES_H

#include <jansson.h>
#include <stdbool.h>
#include <sys/types.h>

struct node {
	pid_t pid;
	int status;	  /* how it ended: an exit code, or minus a signal */
	char address[64]; /* where it listens; empty: it does not */
	char words[4096]; /* what it said on standard error, after its end */
	char report[64];  /* its --json file */
	int out_fd, err_fd;
};

/* The program under test, from the command line; false outside of the guest, for nothing of this is
   to be done to a machine. */
bool roles_init(int argc, char **argv);

/* Starts a node with these options, apart by blanks. False: it did not come to listen, and is gone:
   status and words say why. */
bool node_start(struct node *n, const char *options);
/* Asks it to end, waits, and fills in status and words. */
void node_stop(struct node *n);
/* As kill -9 does. */
void node_kill(struct node *n);

/* A client with these options; how many requests were done, or -1 if any failed. */
int client_run(const struct node *n, const char *options);

/* What became of a tunable, by the node's report: "ok" if it is for all; empty: it says nothing. */
void node_verdict(const struct node *n, const char *tunable, char *buf, size_t size);

/* What its first entry there says: "effective", "why". */
void node_text(const struct node *n, const char *tunable, const char *key, char *buf, size_t size);

/* The same as assertions of a test, with what the node said when it is otherwise. */
bool check_starts(struct node *n, const char *options);	 /* false: it did not */
void check_refuses(struct node *n, const char *options); /* as not possible here: status 3 */
void check_stops(struct node *n);			 /* with status 0 */
void check_verdict(const struct node *n, const char *tunable, const char *verdict);

/* Groups of version 2 in the guest: how many there are below the topmost. */
#define GUEST_GROUPS "/sys/fs/cgroup"
int count_groups(void);
/* How often, and at which distance, to look whether a group that was to go has gone. */
#define GROUP_TRIES    1000
#define GROUP_PAUSE_US 10000

/* Any role, apart by blanks, to its end: its status, and all that it said. */
int role_run(const char *words, char *buf, size_t size);

#endif

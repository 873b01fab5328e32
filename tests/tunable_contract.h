/*
 * tunable_contract.h - what a tunable's suite consists of: rows, nonsense, and another witness.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_TESTS_TUNABLE_CONTRACT_H
#define RW_TESTS_TUNABLE_CONTRACT_H

#include "tests/tunable_test.h"

/* Verdicts that a row may end with, as bits. */
#define OK	    (1U << VERDICT_OK)
#define DONE	    (1U << VERDICT_OK | 1U << VERDICT_VACUOUS)
#define VACUOUS	    (1U << VERDICT_VACUOUS)
#define CLAMPED	    (1U << VERDICT_CLAMPED)
#define IGNORED	    (1U << VERDICT_IGNORED)
#define CUT	    (CLAMPED | IGNORED)
#define SLICED	    (OK | IGNORED)
#define DENIED	    (1U << VERDICT_DENIED)
#define UNSUPPORTED (1U << VERDICT_UNSUPPORTED)
#define REFUSED	    (DENIED | UNSUPPORTED)

/*
 * In texts A and B, where they are no part of a word, are the first and the last CPU this process
 * may use, O those online. What is NULL is not compared.
 */
struct row {
	const char *settings;
	unsigned index;	   /* of the thread */
	unsigned verdicts; /* that are right, as bits */
	const char *requested, *effective, *why;
	const char *kernel; /* what it says when not asked by the tunable */
	bool privileged;    /* to apply, or to come back */
};

struct suite {
	const char *name; /* of the tunable */
	const struct row *rows;
	const char *const *nonsense; /* refused before it comes near the kernel */
	const char *change;	     /* a setting that makes a difference */
	/* What the kernel says when not asked by the tunable. */
	int (*kernel)(const struct target *t, char *buf, size_t size);
	/*
	 * What a row is applied to, beyond the calling thread: a socket, say. In the row's own
	 * thread (SCOPE_THREAD, SCOPE_SOCKET) or process (SCOPE_PROCESS). NULL: nothing.
	 */
	void (*open)(struct target *t);
	void (*close)(struct target *t);
	const char *(*impossible)(
		void);	    /* why the suite cannot run on this machine; NULL: it can */
	struct target gone; /* what must be refused because it does not exist */
	int gone_code;	    /* 0: this cannot be for this tunable */
};

/* One a tunable, in tests/tunable_contract_NAME.c. */
extern const struct suite suite_limits;
extern const struct suite suite_autogroup;
extern const struct suite suite_cgroup;
extern const struct suite suite_memory;
extern const struct suite suite_numa;
extern const struct suite suite_pin;
extern const struct suite suite_sched;
extern const struct suite suite_timer;
extern const struct suite suite_socket;
extern const struct suite suite_steer;

#endif

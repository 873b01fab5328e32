/*
 * forward_stats.h - what is counted about forwards: once each, so that the sums are exact.
 *
 *	forwards = completed + timeouts + failures + refused + cancelled, when none is under way
 *	attempts = answers + late + lost or still unanswered
 *
 * By UDP an answer that comes twice is late the second time.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_NODE_FORWARD_STATS_H
#define RW_NODE_FORWARD_STATS_H

#include <stdint.h>

struct forward_stats {
	uint64_t forwards;    /* begun */
	uint64_t completed;   /* got their quorum */
	uint64_t timeouts;    /* ended because somebody was silent for too long */
	uint64_t failures;    /* ended because of errors */
	uint64_t refused;     /* ended because the destination or the hop budget forbids them, or
				 because they ask another node for too much */
	uint64_t cancelled;   /* nobody waited any more: the client has gone */
	uint64_t attempts;    /* requests sent to other nodes */
	uint64_t retries;     /* of those, not the first to their destination */
	uint64_t answers;     /* that found their attempt */
	uint64_t late;	      /* answers to attempts that were given up, or not needed any more */
	uint64_t strays;      /* answers to nothing that was ever asked */
	uint64_t opened;      /* connections to other nodes */
	uint64_t connections; /* of those, open now */
};

#endif

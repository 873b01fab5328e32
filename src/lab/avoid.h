/*
 * avoid.h - a node that is placed by a strategy is told where the client of its run is.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_LAB_AVOID_H
#define RW_LAB_AVOID_H

#include "lab/settings.h"

/*
 * Where the node's settings have a pin.strategy (also of one kind of threads) and no pin.avoid,
 * adds one: the client's pin.cpus or pin.at. Nothing when the client is not pinned that way.
 */
int avoid_client(struct settings *s, struct err *err);

#endif

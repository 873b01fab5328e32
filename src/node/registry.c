/*
 * registry.c - the operations that this node can run: the one place that names them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "node/operation.h"

extern const struct operation operation_compute, operation_sleep, operation_reply;
extern const struct operation operation_load, operation_store;
extern const struct operation operation_forward, operation_join;

const struct operation *const operations[WIRE_CODES] = {
	[WIRE_COMPUTE] = &operation_compute,  [WIRE_SLEEP] = &operation_sleep,
	[WIRE_SEND_REPLY] = &operation_reply, [WIRE_LOAD] = &operation_load,
	[WIRE_STORE] = &operation_store,      [WIRE_FORWARD_TO] = &operation_forward,
	[WIRE_JOIN] = &operation_join,
};

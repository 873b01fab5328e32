/*
 * node_json.h - what a node leaves behind: addresses, settings, effective values, counters.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_LAB_NODE_JSON_H
#define RW_LAB_NODE_JSON_H

#include <jansson.h>

#include "base/knob.h"
#include "lab/observation.h"
#include "lab/placement.h"
#include "node/node.h"

/* {"key": {"value": "text", "from": "default"}}; every knob of the set. */
json_t *settings_json(const struct knob_set *set);
json_t *backend_stats_json(const struct backend_stats *s);
/* observation: of the node itself, since it served; ended or not. */
json_t *node_json(const struct node *node, const char *backend, const struct knob_set *set,
		  struct placement *placement, const struct observation *observation);

/* One line of counters for a person. */
void node_counters_text(const struct node_stats *s, FILE *out);
/* One line for each storage device. */
void node_devices_text(const struct node *node, FILE *out);

#endif

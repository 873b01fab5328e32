/*
 * run.h - one run: a fresh node, a fresh client, a folder with what came of it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_LAB_RUN_H
#define RW_LAB_RUN_H

#include "lab/child.h"
#include "lab/plan.h"

struct run_order {
	const struct plan *plan;
	const char *program; /* ringwalk itself */
	const char *folder;  /* of the sweep */
	unsigned id;	     /* of the run's folder: runs/00042 */
	unsigned block, position, attempt;
	struct plan_slot slot;
};

struct run_result {
	bool failed;	 /* no numbers; reasons say why */
	bool impossible; /* failed because this machine cannot */
	enum validity validity;
	char reasons[512];
	double metric[METRICS]; /* NaN: not there */
	int64_t started_epoch_ns;
	int64_t took_ns; /* from the first fork to the last wait */
};

/*
 * 0: the run's folder is complete and on the disk, also when the run failed. -EINTR: *watch->stop
 * was set; nothing of the run is left. Other errors: the sweep cannot go on (disk full ...).
 */
int run_once(const struct run_order *order, const struct watch *watch, struct run_result *ret,
	     struct err *err);

/* "FOLDER/runs/00042". Returns buf. */
const char *run_folder(const char *folder, unsigned id, char *buf, size_t size);

/*
 * record.c: what is kept of a run. node and client are what these programs wrote, observed is what
 * was seen from outside (NULL: nothing); cpu_ns is the node's CPU time from "listening" to the end
 * of the client.
 */
struct run_facts {
	const json_t *node, *client, *observed;
	int64_t cpu_ns;
};
void record_judge(const struct run_facts *facts, struct run_result *r);
json_t *record_to_json(const struct run_order *order, const struct run_result *r,
		       const struct run_facts *facts);

#endif

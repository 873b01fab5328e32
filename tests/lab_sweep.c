/*
 * lab_sweep.c - see lab_sweep.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/lab_sweep.h"

#include <unistd.h>

#include "lab/store.h"
#include "tests/test.h"

const char lab_sweep_text[] = "sweep: fake\n"
			      "client: {duration: 2ms}\n"
			      "factors: {node.backend: [epoll, poll], node.threads: [1, 2]}\n"
			      "blocks: 2\nseed: 11\n";

volatile sig_atomic_t lab_sweep_stop;
const char *lab_sweep_program;

int lab_sweep_run(const struct plan *plan, const char *folder, bool resume, bool force,
		  struct sweep_result *ret, struct err *err)
{
	struct sweep_opts opts = {
		.folder = folder,
		.program = lab_sweep_program,
		.resume = resume,
		.force = force,
		.stop = &lab_sweep_stop,
	};

	return sweep_run(plan, &opts, ret, err);
}

/* A plan names the program in its environment, so the fake one must be named there too. */
struct plan *lab_sweep_plan(const char *text)
{
	struct experiment *x = fake_experiment(text);
	struct plan *plan = NULL;

	if (x)
		plan_create(x, &fake_parts, lab_sweep_program, "ringwalk sweep test.yaml", &plan,
			    NULL);
	return plan;
}

struct dataset *lab_sweep_load(const char *folder)
{
	struct dataset *d = NULL;
	struct err err = { 0 };

	if (store_load(folder, false, &d, NULL, &err) < 0)
		printf("\n    %s", err.text);
	return d;
}

/* Every run of the plan is there once, numbered from 1 without a gap. */
void lab_sweep_check_complete(const char *folder, const struct plan *plan)
{
	struct dataset *d = lab_sweep_load(folder);

	CU_ASSERT_FATAL(d != NULL);
	CHECK_INT(d->run_count, plan->slot_count * d->block_count);
	for (unsigned i = 0; i < d->run_count; i++) {
		CHECK_INT(d->runs[i].id, i + 1);
		CHECK_INT(d->runs[i].attempt, 0);
		CU_ASSERT(d->runs[i].usable);
	}
	for (unsigned b = 0; b < d->block_count; b++) {
		CU_ASSERT(dataset_aa_run(d, b) != NULL);
		for (unsigned c = 0; c < d->config_count; c++)
			CU_ASSERT(dataset_run(d, c, b) != NULL);
	}
	dataset_destroy(d);
}

bool lab_sweep_has(const char *folder, const char *name)
{
	char path[200];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return access(path, F_OK) == 0;
}

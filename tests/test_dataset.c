/*
 * test_dataset.c - finding runs, metrics and names in a dataset.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "lab/dataset.h"

#include <errno.h>
#include <math.h>

#include "tests/synthetic.h"
#include "tests/test.h"

static void test_the_aa_run_is_not_the_run_of_the_baseline(void)
{
	struct dataset *d = synthetic_create(&synthetic_demo);

	for (unsigned b = 0; b < d->block_count; b++) {
		CU_ASSERT_FATAL(dataset_run(d, d->baseline, b) && dataset_aa_run(d, b));
		CU_ASSERT(!dataset_run(d, d->baseline, b)->is_aa);
		CU_ASSERT(dataset_aa_run(d, b)->is_aa);
	}
	CU_ASSERT_PTR_NULL(dataset_run(d, d->baseline, d->block_count));
	dataset_destroy(d);
	dataset_destroy(NULL);
}

static void test_metrics_are_found_by_name(void)
{
	struct err err = { 0 };

	CHECK_INT(metric_find("p99", &err), METRIC_P99);
	CHECK_INT(metric_find("syscalls", &err), METRIC_SYSCALLS);
	CHECK_INT(metric_find("p99.9", &err), METRIC_P999);
	CHECK_INT(metric_find("service-p99", &err), METRIC_SERVICE_P99);
	CHECK_INT(metric_find("run_delay", &err), METRIC_RUN_DELAY);
	CHECK_INT(metric_find("p9", &err), -EINVAL);
	CHECK_INT(metric_find("p999_", &err), -EINVAL);
	CHECK_INT(metric_find("", &err), -EINVAL);
	CHECK_INT(metric_find("servic_p50", &err), -EINVAL);
	CHECK_TEXT(err.text, "no metric \"servic_p50\"; did you mean \"service_p50\"?");
	CHECK_INT(metric_find("zzzzzzzz", &err), -EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "there are p50, p99"));
}

/* A metric that counts something may be 0; a time may not. */
static void test_nothing_has_a_logarithm_where_it_can_be_measured(void)
{
	CU_ASSERT(isnan(metric_log(METRIC_P50, 0)) && isnan(metric_log(METRIC_P50, -1)));
	CU_ASSERT(isnan(metric_log(METRIC_P50, NAN)) && isnan(metric_log(METRIC_RUN_DELAY, NAN)));
	CHECK_NEAR(metric_log(METRIC_P50, 1e3), log(1e3), 1e-12);
	CHECK_NEAR(metric_log(METRIC_RUN_DELAY, 0), log(1e3), 1e-12);
	for (int m = 0; m < METRICS; m++)
		CHECK_NEAR(metric_exp((enum metric)m, metric_log((enum metric)m, 5)), 5, 1e-9);
}

static void test_every_metric_has_a_name_of_its_own_and_a_margin(void)
{
	for (int m = 0; m < METRICS; m++) {
		CHECK_INT(metric_find(metric_infos[m].name, NULL), m);
		CU_ASSERT(metric_infos[m].title && metric_infos[m].unit);
		CU_ASSERT(metric_infos[m].margin > 0 && metric_infos[m].margin < 1);
	}
}

static void test_factor_names_are_as_short_as_they_can_be(void)
{
	struct dataset *d = synthetic_create(&synthetic_demo);

	CHECK_TEXT(factor_title(d, 0), "backend");
	CHECK_TEXT(factor_title(d, 1), "policy");
	snprintf(d->factors[2].key, sizeof(d->factors[2].key), "client.sched.policy");
	CHECK_TEXT(factor_title(d, 1), "node.sched.policy");
	CHECK_TEXT(factor_title(d, 2), "client.sched.policy");
	snprintf(d->factors[2].key, sizeof(d->factors[2].key), "rate.policy");
	CHECK_TEXT(factor_title(d, 1), "sched.policy");
	CHECK_INT(factors_varied(d), 3);
	d->factors[0].level_count = 1;
	CHECK_INT(factors_varied(d), 2);
	d->factors[0].level_count = 4;
	dataset_destroy(d);
}

static void test_failed_is_a_status_of_its_own(void)
{
	struct lab_run run = { .validity = RUN_SUSPECT };

	CHECK_TEXT(run_status_names[run_status(&run)], "suspect");
	run.failed = true;
	CHECK_TEXT(run_status_names[run_status(&run)], "failed");
}

static CU_TestInfo tests[] = {
	{ "the A/A run is not the run of the baseline",
	  test_the_aa_run_is_not_the_run_of_the_baseline },
	{ "metrics are found by name", test_metrics_are_found_by_name },
	{ "nothing has a logarithm where it can be measured",
	  test_nothing_has_a_logarithm_where_it_can_be_measured },
	{ "every metric has a name of its own and a margin",
	  test_every_metric_has_a_name_of_its_own_and_a_margin },
	{ "factor names are as short as they can be",
	  test_factor_names_are_as_short_as_they_can_be },
	{ "failed is a status of its own", test_failed_is_a_status_of_its_own },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return test_main("dataset", tests);
}

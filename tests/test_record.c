/*
 * test_record.c - rows as other programs read them, byte by byte.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "client/record.h"

#include <errno.h>
#include <stdlib.h>

#include "tests/test.h"

static struct client_record rows[] = {
	{ .intended_ns = 0, .sent_ns = 1500, .end_ns = 2501500, .id = 0, .outcome = OUTCOME_DONE },
	{ .intended_ns = 1000000,
	  .sent_ns = 1000900,
	  .end_ns = 4000000,
	  .id = 1,
	  .outcome = OUTCOME_FAILED,
	  .status = WIRE_REFUSED },
	{ .intended_ns = 2000000,
	  .sent_ns = 2000100,
	  .end_ns = 9000000,
	  .id = 2,
	  .thread = 1,
	  .session = 4,
	  .outcome = OUTCOME_TIMED_OUT },
	{ .intended_ns = 3000000, .sent_ns = 3000200, .id = 3, .outcome = OUTCOME_UNANSWERED },
	{ .intended_ns = 4000000, .id = 4, .outcome = OUTCOME_CENSORED },
};
static const struct client_result result = { .records = rows, .record_count = 5 };

static void check_output(int (*write)(const struct client_result *, FILE *, struct err *),
			 const char *want)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	CHECK_INT(write(&result, out, NULL), 0);
	fclose(out);
	CHECK_TEXT(text, want);
	free(text);
}

static void test_csv_leaves_out_what_did_not_happen(void)
{
	check_output(record_write_csv,
		     "intended_ns,sent_ns,end_ns,id,thread,session,outcome,status\n"
		     "0,1500,2501500,0,0,0,done,ok\n"
		     "1000000,1000900,4000000,1,0,0,failed,refused\n"
		     "2000000,2000100,9000000,2,1,4,timed_out,\n"
		     "3000000,3000200,,3,0,0,unanswered,\n"
		     "4000000,,,4,0,0,censored,\n");
}

static void test_a_failed_request_has_the_status_of_its_answer_or_none(void)
{
	static const char *const want[WIRE_STATUSES] = { "", "error", "timeout", "refused" };

	for (unsigned status = 0; status < WIRE_STATUSES; status++) {
		struct client_record row = { .outcome = OUTCOME_FAILED, .status = (uint8_t)status };
		const struct client_result one = { .records = &row, .record_count = 1 };
		char *text = NULL, tail[32];
		size_t len;
		FILE *out = open_memstream(&text, &len);

		CHECK_INT(record_write_csv(&one, out, NULL), 0);
		fclose(out);
		snprintf(tail, sizeof(tail), ",failed,%s\n", want[status]);
		CHECK_TEXT(strstr(text, ",failed,"), tail);
		free(text);
	}
}

static void check_rows(const char *option, bool nano, const char *want)
{
	struct row_format format = { .separator = ',', .nano = nano };
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (option)
		CHECK_INT(record_parse_output(option, &format, NULL), 0);
	record_write_header(&format, out);
	CHECK_INT(record_write_rows(&result, &format, out, NULL), 0);
	fclose(out);
	CHECK_TEXT(text, want);
	free(text);
}

static void test_rows_are_those_of_distwalk_and_lost_is_not_zero(void)
{
	check_rows(NULL, false,
		   "t: 1 us, elapsed: 2500 us, req_id: 0, thr_id: 0, sess_id: 0\n"
		   "t: 1000 us, elapsed: - us, req_id: 1, thr_id: 0, sess_id: 0\n"
		   "t: 2000 us, elapsed: - us, req_id: 2, thr_id: 1, sess_id: 4\n"
		   "t: 3000 us, elapsed: - us, req_id: 3, thr_id: 0, sess_id: 0\n");
	check_rows("x.csv", false,
		   "t(us),elapsed(us),req_id,thr_id,sess_id\n"
		   "1,2500,0,0,0\n1000,,1,0,0\n2000,,2,1,4\n3000,,3,0,0\n");
	check_rows("x.csv,sep=;,header=0", true,
		   "1500;2500000;0;0;0\n1000900;;1;0;0\n2000100;;2;1;4\n3000200;;3;0;0\n");
	check_rows("x.csv,header=true,sep=,", true,
		   "t(ns),elapsed(ns),req_id,thr_id,sess_id\n"
		   "1500,2500000,0,0,0\n1000900,,1,0,0\n2000100,,2,1,4\n3000200,,3,0,0\n");
	check_rows("x.txt,sep=tab", false,
		   "t:1\telapsed:2500\treq_id:0\tthr_id:0\tsess_id:0\n"
		   "t:1000\telapsed:-\treq_id:1\tthr_id:0\tsess_id:0\n"
		   "t:2000\telapsed:-\treq_id:2\tthr_id:1\tsess_id:4\n"
		   "t:3000\telapsed:-\treq_id:3\tthr_id:0\tsess_id:0\n");
}

static void test_outputs_that_make_no_sense_are_refused(void)
{
	static const struct {
		const char *option, *error;
	} bad[] = {
		{ "", "\"\" must end in .csv or .txt" },
		{ "x.json", "\"x.json\" must end in .csv or .txt" },
		{ "x.csv,sep=_",
		  "\"_\" cannot separate values; use one character such as ; or tab" },
		{ "x.csv,sep=", "\"\" cannot separate values; use one character such as ; or tab" },
		{ "x.txt,sep=:",
		  "\":\" cannot separate values; use one character such as ; or tab" },
		{ "x.csv,header=maybe", "header \"maybe\" must be true or false" },
		{ "x.csv,head=1", "\"head=1\" is not understood: FILE.csv,sep=C,header=true" },
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct row_format format = { .path = "before" };
		struct err err = { 0 };

		CHECK_INT(record_parse_output(bad[i].option, &format, &err), -EINVAL);
		CHECK_TEXT(err.text, bad[i].error);
		CHECK_TEXT(format.path, "before");
	}
}

static void test_a_full_disk_is_an_error(void)
{
	struct err err = { 0 };
	FILE *out = fopen("/dev/full", "w");

	CU_ASSERT_FATAL(out != NULL);
	CHECK_INT(record_write_csv(&result, out, &err), -ENOSPC);
	CHECK_TEXT(err.text, "records: No space left on device");
	fclose(out);
}

static CU_TestInfo tests[] = {
	{ "CSV leaves out what did not happen", test_csv_leaves_out_what_did_not_happen },
	{ "a failed request has the status of its answer, or none",
	  test_a_failed_request_has_the_status_of_its_answer_or_none },
	{ "rows are those of DistWalk, and lost is not zero",
	  test_rows_are_those_of_distwalk_and_lost_is_not_zero },
	{ "outputs that make no sense are refused", test_outputs_that_make_no_sense_are_refused },
	{ "a full disk is an error", test_a_full_disk_is_an_error },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return test_main("record", tests);
}

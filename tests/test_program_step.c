/*
 * test_program_step.c - every form of an operation's text, what is refused, and back to text.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "client/program_step.h"

#include <errno.h>

#include "tests/test.h"

static char longest[PROGRAM_TEXT_MAX + VALUE_TEXT_MAX];

static void check_text(const char *text, bool has_bare_units, const char *canonical)
{
	struct program_step step;
	struct err err = { 0 };

	if (program_step_parse(text, has_bare_units, &step, &err)) {
		printf("\n    %s: %s", text, err.text);
		CU_FAIL("refused");
		return;
	}
	CHECK_TEXT(program_step_format(&step, longest, sizeof(longest)), canonical);
	program_step_finish(&step);
}

static const struct {
	const char *text, *canonical;
} forms[] = {
	{ "compute 10us", "compute 10us" },
	{ "  compute:wall\t10us ", "compute 10us" },
	{ "compute:cpu 1500us", "compute:cpu 1.5ms" },
	{ "compute:loops 10us", "compute:loops 10us" },
	{ "compute exp:10us:max=1ms", "compute exp:10us:max=1ms" },
	{ "compute exp:10us,max=1ms", "compute exp:10us:max=1ms" },
	{ "compute exp:10us , max=1ms", "compute exp:10us:max=1ms" },
	{ "compute [exp:10us,max=1ms]", "compute exp:10us:max=1ms" },
	{ "sleep 0s", "sleep 0ns" },
	{ "sleep unif:min=1us,max=3us", "sleep unif:min=1us:max=3us" },
	{ "load 4KiB", "load 4KiB" },
	{ "load size=4KiB", "load 4KiB" },
	{ "load offset=1kB,size=4KiB", "load 4KiB,offset=1kB" },
	{ "load 4KiB,dev=2", "load 4KiB,device=2" },
	{ "load 4KiB,device=zipf,n=4,s=1", "load 4KiB,device=zipf:n=4:s=1:one=1" },
	{ "store 4KiB", "store 4KiB" },
	{ "store 4KiB,sync", "store 4KiB" },
	{ "store sync,4KiB", "store 4KiB" },
	{ "store nosync,size=exp:4KiB,min=1B,offset=unif:min=0B,max=1GiB",
	  "store exp:4KiB:min=1B,offset=unif:min=0B:max=1GiB,nosync" },
	{ "store exp:1kB,offset=-1", "store exp:1kB,offset=sequential" },
	{ "store 1kB,offset=sequential", "store 1kB,offset=sequential" },
	{ "store 1kB,offset=[sequential]", "store 1kB,offset=sequential" },
	{ "forward :7892", "forward :7892" },
	{ "forward 127.0.0.1 , [::1]:80,unix:/a/b", "forward 127.0.0.1,[::1]:80,unix:/a/b" },
	{ "forward tcp://127.0.0.1:1", "forward tcp://127.0.0.1:1" },
	{ "forward timeout=1s,:1,retries=2,:2,quorum=1,size=1kB",
	  "forward :1,:2,timeout=1s,retries=2,quorum=1,size=1kB" },
	{ "forward :1,retry=2,nack=9", "forward :1,retries=2,nack=9" },
	{ "forward :1,timeout=exp:1ms,max=2ms,:2", "forward :1,:2,timeout=exp:1ms:max=2ms" },
	{ "forward :1,pick=round-robin", "forward :1,pick=round-robin" },
	{ "forward :1,pick=random", "forward :1,pick=random" },
	{ "forward :1,pick=least", "forward :1,pick=least" },
	{ "forward :1,pick=two", "forward :1,pick=two" },
	{ "forward :1,pick=hash,quorum=1", "forward :1,quorum=1,pick=hash" },
	{ "forward :1,pick=all", "forward :1" },
	{ "forward :1,branch,meanwhile", "forward :1,branch,meanwhile" },
	{ "join", "join" },
	{ "reply", "reply" },
	{ "reply 64B", "reply 64B" },
	{ "reply size=64B", "reply 64B" },
	{ "reply sendfile", "reply sendfile" },
	{ "reply zero-copy,1MB,dev=1", "reply 1MB,zero-copy,device=1" },
	{ "reply dev=1,sendfile,1MB", "reply 1MB,sendfile,device=1" },
	{ "skip 2", "skip 2" },
	{ "skip 2,prob=0.25,every=3", "skip 2,prob=25%,every=3" },
	{ "skip 1k,prob=50%", "skip 1k,prob=50%" },
	{ "skip unif:min=1:max=3", "skip unif:min=1:max=3" },
};

static void test_a_text_becomes_a_step_and_canonical_text_again(void)
{
	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		check_text(forms[i].text, false, forms[i].canonical);
		check_text(forms[i].canonical, false, forms[i].canonical);
	}
}

static void test_bare_numbers_are_us_and_bytes_where_that_is_said(void)
{
	static const struct {
		const char *text, *canonical;
	} rows[] = {
		{ "compute 10", "compute 10us" },
		{ "compute 10k", "compute 10ms" },
		{ "compute 10m", "compute 10s" },
		{ "compute 0.5", "compute 500ns" },
		{ "compute exp:1000,min=500,max=2000", "compute exp:1ms:min=500us:max=2ms" },
		{ "store offset=[4096],sync,size=[100],dev=0", "store 100B,offset=4KiB,device=0" },
		{ "store offset=[unif:min=0:max=1m],size=[4k]",
		  "store 4kB,offset=unif:min=0B:max=1MB" },
		{ "load 1g", "load 1GB" },
		{ "forward :1,timeout=500", "forward :1,timeout=500us" },
		{ "reply sendfile,2k", "reply 2kB,sendfile" },
		{ "reply 64b", "reply 64B" },
		{ "skip 2", "skip 2" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		check_text(rows[i].text, true, rows[i].canonical);
}

static const struct {
	const char *text, *word;
} refusals[] = {
	{ "", "no such operation" },
	{ "foo", "no such operation" },
	{ "comptue 10us", "did you mean compute?" },
	{ "compute:gpu 1us", "compute:cpu" },
	{ "compute", "needs a time" },
	{ "compute 10", "10" },
	{ "compute 10x", "10x" },
	{ "compute 2h", "2h" },
	{ "compute 1.5ns", "whole number" },
	{ "compute 3601s", "a time is at most 3600s" },
	{ "compute unif:min=1s:max=3601s", "add max=3600s" },
	{ "compute 1us,2us", "given before" },
	{ "compute 1us,", "is not understood" },
	{ "compute exp:1us,mxa=2us", "mxa" },
	{ "compute size=1us", "size" },
	{ "sleep", "needs a time" },
	{ "load", "needs a size" },
	{ "load device=1", "needs a size" },
	{ "load 10us", "10us" },
	{ "load 1kB,size=2kB", "given before" },
	{ "load 1kB,sync", "\"sync\"" },
	{ "load 1kB,device=-1", "-1" },
	{ "load 1kB,device=1.5", "no whole number" },
	{ "load 1kB,device=65536", "a device is at most 65535" },
	{ "load 1kB,device=0,device=1", "given before" },
	{ "load 1kB,ofset=2kB", "ofset" },
	{ "load 1kB,offset=", "\"\"" },
	{ "store 1kB,sink", "is not understood" },
	{ "reply 64B,sendfle", "did you mean sendfile?" },
	{ "forward", "needs a destination" },
	{ "forward timeout=1s", "needs a destination" },
	{ "forward :99999", "port" },
	{ "forward :1,", "is not understood" },
	{ "forward :1,tmieout=1s", "did you mean timeout?" },
	{ "forward :1,timeout=1", "no unit" },
	{ "forward :1,retries=256", "at most 255" },
	{ "forward :1,pick=best", "round-robin" },
	{ "forward :1,pick=two,branch", "leave one out" },
	{ "forward :1,:2,pick=two,quorum=2", "out of reach" },
	{ "forward :1,size=23B", "a forward is at least 24B" },
	{ "join now", "join takes nothing" },
	{ "reply 23B", "a reply is at least 24B" },
	{ "reply 4", "4" },
	{ "reply 5GB", "at most 4294967295B" },
	{ "reply exp:1kB", "add min=24B" },
	{ "reply 10us", "10us" },
	{ "reply sendfile,zerocopy", "zerocopy" },
	{ "skip", "needs a count" },
	{ "skip 0", "at least 1" },
	{ "skip 1.5", "no whole number" },
	{ "skip 1,prob=1.5", "1.5" },
	{ "skip 1,every=0", "every" },
	{ "skip 1,maybe", "\"maybe\"" },
	{ "skip exp:1", "add min=1" },
};

static void test_what_is_wrong_is_refused_in_words(void)
{
	for (size_t i = 0; i < sizeof(refusals) / sizeof(*refusals); i++) {
		struct program_step step;
		struct err err = { 0 };

		CHECK_INT(program_step_parse(refusals[i].text, false, &step, &err), -EINVAL);
		CHECK_INT(step.given, 0);
		if (!strstr(err.text, refusals[i].word) || strncmp(err.text, "operation \"", 11))
			printf("\n    %s: %s", refusals[i].text, err.text);
		CU_ASSERT(strstr(err.text, refusals[i].word) != NULL);
	}
}

static void test_a_forward_takes_64_destinations_and_no_more(void)
{
	char text[1024] = "forward :1";
	struct program_step step;
	struct err err = { 0 };

	for (int i = 1; i < WIRE_FAN_OUT; i++)
		strcat(text, ",:1");
	CHECK_INT(program_step_parse(text, false, &step, &err), 0);
	CHECK_INT(step.destinations, WIRE_FAN_OUT);
	program_step_finish(&step);
	strcat(text, ",:1");
	CHECK_INT(program_step_parse(text, false, &step, &err), -EINVAL);
	CU_ASSERT(strstr(err.text, "one destination too many") != NULL);
}

static CU_TestInfo tests[] = {
	{ "a text becomes a step, and canonical text again",
	  test_a_text_becomes_a_step_and_canonical_text_again },
	{ "bare numbers are us and bytes where that is said",
	  test_bare_numbers_are_us_and_bytes_where_that_is_said },
	{ "what is wrong is refused in words", test_what_is_wrong_is_refused_in_words },
	{ "a forward takes 64 destinations and no more",
	  test_a_forward_takes_64_destinations_and_no_more },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return test_main("program_step", tests);
}

/*
 * test_program_build.c - texts to whole programs: levels, branches, sizes, and what is refused.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/program_fixture.h"

#define A "127.0.0.1:7892"
#define B "127.0.0.1:7893"

static void test_programs_become_operations_on_the_wire(void)
{
	static const struct {
		const char *text, *operations;
	} rows[] = {
		{ "", "reply 512" },
		{ "reply", "reply 512" },
		{ "reply 64B", "reply 64" },
		{ "reply 64B;reply 1KiB", "reply 1024" },
		{ "reply 64B,device=2;reply exp:1KiB:min=64B;reply 65B", "reply 65" },
		{ "compute 10us", "compute 10000;reply 512" },
		{ "compute:wall 1.5us;compute:cpu 1ms;compute:loops 2us;reply 24B",
		  "compute 1500;compute:cpu 1000000;compute:loops 2000;reply 24" },
		{ "sleep 1ms;compute 1us", "sleep 1000000;compute 1000;reply 512" },
		{ "compute   3us", "compute 3000;reply 512" },
		{ "load 4KiB", "load 4096;reply 512" },
		{ "load size=4KiB,offset=5GB,device=3", "load 4096 at 5000000000 on 3;reply 512" },
		{ "store 100B", "store 100;reply 512" },
		{ "store offset=[4096B],size=[100B]", "store 100 at 4096;reply 512" },
		{ "store 1kB,nosync,dev=1", "store:nosync 1000 on 1;reply 512" },
		{ "store 1kB,nosync,sync", "store 1000;reply 512" },
		{ "store 1kB,offset=sequential", "store 1000;reply 512" },
		{ "join", "join;reply 512" },
		{ "reply sendfile", "reply:sendfile 512" },
		{ "reply sendfile,2kB,device=1", "reply:sendfile 2000 on 1" },
		{ "reply dev=1,64B,zero-copy", "reply:zero-copy 64 on 1" },
	};
	struct described got;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct program p;

		parse_well(rows[i].text, "auto", &p);
		CHECK_TEXT(describe(p.bytes, &got), rows[i].operations);
		CU_ASSERT(p.is_constant && p.fits_chunk);
		program_finish(&p);
	}
}

static void test_forwards_nest_as_replies_close_them(void)
{
	static const struct {
		const char *text, *operations;
	} rows[] = {
		{ "forward " A, "forward #0 (" A "){reply 512};reply 512" },
		{ "forward :7892", "forward #0 (" A "){reply 512};reply 512" },
		{ "forward " A ";compute 1us;reply;compute 2us",
		  "forward #0 (" A "){compute 1000;reply 512};compute 2000;reply 512" },
		{ "forward " A ";compute 1us;forward " B ";compute 2us",
		  "forward #0 (" A "){compute 1000;forward #2 (" B
		  "){compute 2000;reply 512};reply 512};reply 512" },
		{ "forward " A ";reply 64B;reply 65B;reply 66B",
		  "forward #0 (" A "){reply 64};reply 66" },
		{ "forward " A "," B ",nack=1;store 1kB",
		  "forward #0 quorum 1 (" A " " B "){store 1000;reply 512};reply 512" },
		{ "forward " A "," B ",nack=3", "forward #0 (" A " " B "){reply 512};reply 512" },
		{ "forward " A "," B ",quorum=2",
		  "forward #0 quorum 2 (" A " " B "){reply 512};reply 512" },
		{ "forward " A ",timeout=500ms,retry=2",
		  "forward #0 timeout 500000 retries 2 (" A "){reply 512};reply 512" },
		{ "forward " A ",timeout=0s,retries=255",
		  "forward #0 timeout 0 retries 255 (" A "){reply 512};reply 512" },
		{ "forward " A ",timeout=1ns",
		  "forward #0 timeout 1 (" A "){reply 512};reply 512" },
		{ "forward " A "," A ",pick=least",
		  "forward #0 pick 3 (" A " " A "){reply 512};reply 512" },
		{ "forward " A ",size=1kB", "forward #0 size 1000 (" A "){reply 512};reply 512" },
		{ "forward " A ",meanwhile;reply;compute 1us;join",
		  "forward #0 meanwhile (" A "){reply 512};compute 1000;join;reply 512" },
		{ "forward unix:/tmp/socket,unix:@name,[::1]:7892",
		  "forward #0 (unix:/tmp/socket unix:@name ipv6 ..1:7892){reply 512};reply 512" },
	};
	struct described got;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct program p;

		parse_well(rows[i].text, "auto", &p);
		CHECK_TEXT(describe(p.bytes, &got), rows[i].operations);
		program_finish(&p);
	}
}

static void test_branches_that_follow_each_other_are_one_forward(void)
{
	static const struct {
		const char *text, *operations;
	} rows[] = {
		{ "forward " A ",branch;compute 1us;reply;forward " B ",branch;compute 2us;reply",
		  "forward #0 (" A "){compute 1000;reply 512} (" B
		  "){compute 2000;reply 512};reply 512" },
		{ "forward " A ",branch;reply;compute 1us;forward " B ",branch",
		  "forward #0 (" A "){reply 512};compute 1000;forward #3 (" B
		  "){reply 512};reply 512" },
		{ "forward " A ",branch;reply;forward " B,
		  "forward #0 (" A "){reply 512};forward #2 (" B "){reply 512};reply 512" },
		{ "forward " A ",branch;forward " B ",branch;reply;forward " A ",branch",
		  "forward #0 (" A "){forward #1 (" B "){reply 512} (" A
		  "){reply 512};reply 512};reply 512" },
		{ "forward " A ",branch,timeout=1s;reply;forward " B
		  ",branch,timeout=1000ms,retries=1;reply;forward " A ",branch,quorum=2",
		  "forward #0 timeout 1000000 retries 1 quorum 2 (" A "){reply 512} (" B
		  "){reply 512} (" A "){reply 512};reply 512" },
		{ "forward " A ",branch;reply;forward " B ",branch,meanwhile;reply;join",
		  "forward #0 meanwhile (" A "){reply 512} (" B "){reply 512};join;reply 512" },
	};
	struct described got;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct program p;

		parse_well(rows[i].text, "auto", &p);
		CHECK_TEXT(describe(p.bytes, &got), rows[i].operations);
		program_finish(&p);
	}
}

static void test_what_is_wrong_is_refused_in_words(void)
{
	static const struct {
		const char *text, *size, *word;
	} rows[] = {
		{ "foo", "auto", "no such operation" },
		{ "reply 64B;compute 10us", "auto", "must come last" },
		{ "forward " A ";reply;reply;skip 1", "auto", "must come last" },
		{ "skip 1", "auto", "only 0 operations" },
		{ "compute 1us;skip 2;compute 1us;reply 64B", "auto", "only 1 operation stands" },
		{ "forward " A ";skip 1;reply;compute 1us", "auto", "only 0 operations" },
		{ "skip unif:min=1:max=2;compute 1us", "auto", "only 1 operation stands" },
		{ "skip exp:1:min=1;compute 1us", "auto", "skip inf leaves no reply" },
		{ "forward " A "," B ",quorum=3", "auto", "2 destinations" },
		{ "forward " A ",quorum=2", "auto", "1 destination" },
		{ "forward " A ",branch;reply;forward " B ",branch,quorum=3", "auto",
		  "out of reach" },
		{ "forward " A ",branch,timeout=1s;reply;forward " B ",branch,timeout=2s", "auto",
		  "it has only one" },
		{ "forward " A ",size=40B;compute 1us;reply", "auto", "at least 48 bytes" },
		{ "forward " A ",size=exp:40B:min=47B;compute 1us;reply", "auto",
		  "at least 48 bytes" },
		{ "compute 1us;compute 1us;reply 64B", "59B",
		  "a request of 59 bytes cannot hold this program: at least 60 bytes" },
		{ "compute 1us;compute 1us;reply 64B", "unif:min=59B:max=100B",
		  "at least 60 bytes" },
		{ "reply", "5GB", "at most 4294967295" },
		{ "reply", "10us", "request size" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct program p = { .operations = 12345 };
		struct err err;

		CHECK_INT(parse(rows[i].text, rows[i].size, &p, &err), -EINVAL);
		CHECK_INT(p.operations, 12345);
		if (!strstr(err.text, rows[i].word))
			printf("\n    %s: %s", rows[i].text, err.text);
		CU_ASSERT(strstr(err.text, rows[i].word) != NULL);
	}
}

static void test_padding_is_bytes_or_a_number_and_grows_for_a_long_program(void)
{
	char sizes[2][16], many[8192];
	struct program p;

	parse_well("compute 1us;compute 1us;reply 64B", "60B", &p);
	CHECK_INT(p.prefix_len, 60);
	CHECK_INT(p.payload_len, 0);
	program_finish(&p);
	snprintf(sizes[0], sizeof(sizes[0]), "%dB", 36 + PROGRAM_PADDING);
	snprintf(sizes[1], sizeof(sizes[1]), "%dB", 36 + PROGRAM_PADDING + 1);
	parse_well("", sizes[0], &p);
	CHECK_INT(p.prefix_len, 36 + PROGRAM_PADDING);
	CHECK_INT(p.payload_len, 0);
	program_finish(&p);
	parse_well("", sizes[1], &p);
	CHECK_INT(p.prefix_len, 36);
	CHECK_INT(p.payload_len, PROGRAM_PADDING + 1);
	CHECK_INT(p.request_size, 36 + PROGRAM_PADDING + 1);
	program_finish(&p);
	parse_well("", "auto", &p);
	CHECK_INT(p.request_size, 1024);
	program_finish(&p);
	*many = '\0';
	for (int i = 0; i < 100; i++)
		strcat(many, "compute 1us;");
	parse_well(strcat(many, "reply"), "auto", &p);
	CHECK_INT(p.request_size, WIRE_HEAD + 12 * 101);
	program_finish(&p);
}

/* DistWalk's D11 and D24: 70 operations behind a forward, and 150 of them. */
static void test_many_operations_fit_up_to_the_longest_body(void)
{
	static struct described got;
	static char text[8192];
	struct program p;
	struct err err;

	strcpy(text, "forward " A);
	for (int i = 0; i < 70; i++)
		strcat(text, ";compute 1us");
	parse_well(text, "auto", &p);
	CU_ASSERT(strstr(describe(p.bytes, &got), "forward #0 size 876 (") != NULL);
	program_finish(&p);
	strcpy(text, "compute 1us");
	for (int i = 0; i < 339; i++)
		strcat(text, ";compute 1us");
	parse_well(text, "auto", &p);
	CHECK_INT(p.body_len, 341 * 12);
	CHECK_INT(p.operations, 341);
	CU_ASSERT(!p.fits_chunk);
	program_finish(&p);
	strcat(text, ";compute 1us");
	CHECK_INT(parse(text, "auto", &p, &err), -EINVAL);
	CU_ASSERT(strstr(err.text, "more than the 4096 bytes") != NULL);
}

static void test_forwards_have_a_greatest_depth_and_width(void)
{
	static char text[8192];
	struct program p;
	struct wire_head head;
	struct err err;

	strcpy(text, "forward " A);
	for (int i = 1; i < WIRE_DEPTH; i++)
		strcat(text, ";forward " A);
	parse_well(text, "auto", &p);
	wire_get_head(p.bytes, UINT32_MAX, &head);
	CHECK_INT(head.hops, WIRE_DEPTH);
	program_finish(&p);
	strcat(text, ";forward " A);
	CHECK_INT(parse(text, "auto", &p, &err), -EINVAL);
	CU_ASSERT(strstr(err.text, "17 deep") != NULL);
	strcpy(text, "forward " A ",branch;reply");
	for (int i = 1; i < WIRE_FAN_OUT; i++)
		strcat(text, ";forward " A ",branch;reply");
	parse_well(text, "auto", &p);
	program_finish(&p);
	strcat(text, ";forward " A ",branch;reply");
	CHECK_INT(parse(text, "auto", &p, &err), -EINVAL);
	CU_ASSERT(strstr(err.text, "at most 64") != NULL);
}

static void test_everyone_who_answers_has_a_name(void)
{
	struct program p;

	parse_well("forward :7892,:7893;forward " A ",branch;reply;forward " B ",branch", "auto",
		   &p);
	CHECK_INT(p.hop_count, 5);
	CHECK_INT(p.hops[0].depth, 0);
	CHECK_TEXT(p.hops[1].name, ":7892");
	CHECK_TEXT(p.hops[2].name, ":7893");
	CHECK_INT(p.hops[2].tag, 0);
	CHECK_INT(p.hops[2].destination, 1);
	CHECK_INT(p.hops[2].depth, 1);
	CHECK_TEXT(p.hops[4].name, B);
	CHECK_INT(p.hops[4].tag, 1);
	CHECK_INT(p.hops[4].destination, 1);
	CHECK_INT(p.hops[4].depth, 2);
	program_finish(&p);
}

static void test_the_deadline_is_told_to_the_node(void)
{
	struct knob_list list = { 0 };
	const struct program_setup setup = {
		.texts = &list, .request_size = "64B", .reply_size = 64, .deadline_us = 250000
	};
	struct wire_head head;
	struct program p;

	CHECK_INT(program_parse(&setup, &p, NULL), 0);
	wire_get_head(p.bytes, 64, &head);
	CHECK_INT(head.deadline_us, 250000);
	CHECK_INT(head.hops, WIRE_HOPS);
	CHECK_INT(head.length, 64);
	program_finish(&p);
}

static void test_the_longest_reply_is_known_beforehand(void)
{
	static const struct {
		const char *text;
		uint32_t size;
	} rows[] = {
		{ "", 512 },
		{ "reply 64B", 64 },
		{ "reply unif:min=64B:max=2kB", 2000 },
		{ "reply exp:64B:min=24B", UINT32_MAX },
		{ "reply 64B,device=unif:min=0:max=3", 64 },
		{ "forward :7892;reply 5kB;reply 32B", 32 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct program p;

		parse_well(rows[i].text, "auto", &p);
		CHECK_INT(p.reply_size, rows[i].size);
		program_finish(&p);
	}
}

static CU_TestInfo tests[] = {
	{ "programs become operations on the wire", test_programs_become_operations_on_the_wire },
	{ "forwards nest as replies close them", test_forwards_nest_as_replies_close_them },
	{ "branches that follow each other are one forward",
	  test_branches_that_follow_each_other_are_one_forward },
	{ "what is wrong is refused in words", test_what_is_wrong_is_refused_in_words },
	{ "padding is bytes or a number, and grows for a long program",
	  test_padding_is_bytes_or_a_number_and_grows_for_a_long_program },
	{ "many operations fit, up to the longest body",
	  test_many_operations_fit_up_to_the_longest_body },
	{ "forwards have a greatest depth and width",
	  test_forwards_have_a_greatest_depth_and_width },
	{ "everyone who answers has a name", test_everyone_who_answers_has_a_name },
	{ "the deadline is told to the node", test_the_deadline_is_told_to_the_node },
	{ "the longest reply is known beforehand", test_the_longest_reply_is_known_beforehand },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return test_main("program_build", tests);
}

/*
 * fuzz_program.c - arbitrary texts as programs: what is taken is sound, and can be written again.
 *
 * A program that is accepted must make requests that the node's decoder accepts, whatever is drawn
 * and skipped; each of its steps has a text that parses back to itself.
 *
 * libFuzzer's entry point (`./dev test --fuzz`), and a main of its own with damaged texts for
 * builds without it. Operations stand between semicolons; no file is read.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/program_step.h"
#include "client/program_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int __real_getaddrinfo(const char *host, const char *port, const struct addrinfo *hints,
		       struct addrinfo **ret);
int __wrap_getaddrinfo(const char *host, const char *port, const struct addrinfo *hints,
		       struct addrinfo **ret);

/* Nobody is asked about names that do not exist. */
int __wrap_getaddrinfo(const char *host, const char *port, const struct addrinfo *hints,
		       struct addrinfo **ret)
{
	struct addrinfo numeric = *hints;

	numeric.ai_flags |= AI_NUMERICHOST;
	return __real_getaddrinfo(host, port, &numeric, ret);
}

static void check_body(struct wire_program program)
{
	struct wire_operation op;
	unsigned replies = 0;

	for (;;) {
		if (wire_next_operation(&program, &op))
			abort();
		if (!op.code)
			break;
		replies += op.code == WIRE_SEND_REPLY;
		if (op.code == WIRE_FORWARD_TO && wire_check_forward(&op))
			abort();
	}
	if (replies != 1)
		abort();
}

static void check_requests(const struct program *p)
{
	static uint8_t at[PROGRAM_PREFIX_MAX];
	struct program_stream stream;
	struct wire_head head;

	if (program_stream_init(&stream, p, 1, 0))
		abort();
	for (uint64_t i = 0; i < 8; i++) {
		struct program_request request = { .number = i, .id = i, .session = 1 };

		program_write(&stream, &request, at);
		if (wire_get_head(at, UINT32_MAX, &head) ||
		    head.length != request.prefix_len + request.payload_len ||
		    WIRE_HEAD + head.body_len > request.prefix_len ||
		    request.prefix_len > sizeof(at))
			abort();
		check_body(wire_program(at + WIRE_HEAD, head.body_len));
	}
	program_stream_finish(&stream);
}

static void check_text(const char *text)
{
	static char first[PROGRAM_TEXT_MAX + 2 * VALUE_TEXT_MAX];
	static char again[PROGRAM_TEXT_MAX + 2 * VALUE_TEXT_MAX];
	static struct program_step step;
	struct err err = { 0 };

	if (program_step_parse(text, true, &step, &err)) {
		if (!*err.text || step.given)
			abort();
		return;
	}
	program_step_format(&step, first, sizeof(first));
	program_step_finish(&step);
	if (program_step_parse(first, false, &step, &err))
		abort();
	program_step_format(&step, again, sizeof(again));
	program_step_finish(&step);
	if (strcmp(first, again))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct knob k = { .size = sizeof(struct knob_list) };
	struct knob_list list = { 0 };
	const struct program_setup setup = { .texts = &list,
					     .request_size = "auto",
					     .reply_size = 512 };
	struct program p;
	char text[1024];

	if (!size || size >= sizeof(text))
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	if (strstr(text, "file"))
		return 0;
	if (knob_texts.parse(&k, text, &list, NULL))
		return 0;
	for (const char *one = NULL; (one = knob_list_next(&list, one));)
		check_text(one);
	if (program_parse(&setup, &p, NULL))
		return 0;
	check_requests(&p);
	program_finish(&p);
	return 0;
}

#ifdef FUZZ_MAIN
static const char *const operations[] = {
	"compute 10us",
	"compute:cpu exp:10us,max=1ms",
	"sleep unif:min=1us:max=2us",
	"load 4KiB,offset=sequential",
	"store size=[exp:4k,min=1],offset=[unif:min=0B:max=1m],dev=1,nosync",
	"forward :1,:2,nack=1",
	"forward :1,branch,timeout=exp:1ms,size=1kB",
	"forward [::1]:1,:2,pick=hash,retries=2",
	"forward :1,meanwhile",
	"join",
	"reply",
	"reply 64B,sendfile",
	"reply unif:min=64B,max=1kB",
	"skip 1,prob=0.5",
	"skip unif:min=1:max=2,every=2",
};
#define OPERATIONS (sizeof(operations) / sizeof(*operations))

/* Operations in any order; then some marks are misplaced. */
static size_t make_input(uint8_t *input, size_t size, const struct random_key *key, uint64_t round)
{
	static const char marks[] = ",;=:[] 0";
	uint64_t at = round * 64, count = 1 + random_below(key, at++, 8);
	char *text = (char *)input;
	size_t len = 0;

	for (uint64_t i = 0; i < count; i++)
		len += snprintf(text + len, size - len, "%s%s", i ? ";" : "",
				operations[random_below(key, at++, OPERATIONS)]);
	for (uint64_t i = random_below(key, at++, 3); i > 0; i--) {
		uint64_t where = random_below(key, at++, len);

		text[where] = marks[random_below(key, at++, sizeof(marks) - 1)];
	}
	return len;
}

int main(int argc, char **argv)
{
	uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
	struct random_key key = random_key(seed, 0, 0, 0);
	uint8_t input[1024];

	printf("seed %llu, 20000 inputs\n", (unsigned long long)seed);
	for (uint64_t round = 0; round < 20000; round++)
		LLVMFuzzerTestOneInput(input, make_input(input, sizeof(input), &key, round));
	puts("1 passed, 0 failed, 0 skipped");
	return 0;
}
#endif

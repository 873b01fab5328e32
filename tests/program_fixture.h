/*
 * program_fixture.h - programs from one text, and requests as the node reads them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_TESTS_PROGRAM_FIXTURE_H
#define RW_TESTS_PROGRAM_FIXTURE_H

#include <errno.h>
#include <stdarg.h>

#include "client/program_text.h"
#include "tests/test.h"

#define SEED 4711

/* "compute 10us;reply 64B" with requests of this size. */
static inline int parse(const char *text, const char *request_size, struct program *p,
			struct err *err)
{
	struct knob_list list = { 0 };
	struct knob k = { .type = &knob_texts, .size = sizeof(list) };
	const struct program_setup setup = { .texts = &list,
					     .request_size = request_size,
					     .reply_size = 512 };

	*err = (struct err){ 0 };
	if (knob_texts.parse(&k, text, &list, err))
		return err->code;
	return program_parse(&setup, p, err);
}

static inline void parse_well(const char *text, const char *request_size, struct program *p)
{
	struct err err;

	if (parse(text, request_size, p, &err))
		printf("\n    %.200s: %s", text, err.text);
	CU_ASSERT_FATAL(!err.code);
}

struct described {
	char text[16384];
	size_t len;
};

__attribute__((format(printf, 2, 3))) static inline void tell(struct described *d, const char *fmt,
							      ...)
{
	va_list args;

	va_start(args, fmt);
	if (d->len < sizeof(d->text))
		d->len += vsnprintf(d->text + d->len, sizeof(d->text) - d->len, fmt, args);
	va_end(args);
}

static inline void tell_destination(struct described *d, const struct wire_destination *to)
{
	static const char *const transports[] = { "", "udp:", "tls:" };

	tell(d, "%s", transports[to->transport]);
	if (to->family == FAMILY_UNIX)
		tell(d, "unix:%s%.*s", *to->address ? "" : "@", to->port - !*to->address,
		     (const char *)to->address + !*to->address);
	else if (to->family == FAMILY_IPV4)
		tell(d, "%u.%u.%u.%u:%u", to->address[0], to->address[1], to->address[2],
		     to->address[3], to->port);
	else
		tell(d, "ipv6 ..%x:%u", to->address[15], to->port);
}

static inline void tell_program(struct described *d, struct wire_program program);

/* "forward(:7892 :7893){...}": what is unusual of it in front. */
static inline void tell_forward(struct described *d, const struct wire_operation *op)
{
	struct wire_forward f;
	struct wire_branch branch;

	CHECK_INT(wire_check_forward(op), WIRE_FINE);
	wire_get_forward(op, &f);
	tell(d, "forward #%u", f.tag);
	if (f.timeout_us != 10000000)
		tell(d, " timeout %u", f.timeout_us);
	if (f.retries)
		tell(d, " retries %u", f.retries);
	if (f.quorum)
		tell(d, " quorum %u", f.quorum);
	if (f.size != 512)
		tell(d, " size %u", f.size);
	if (f.pick)
		tell(d, " pick %u", f.pick);
	if (f.key)
		tell(d, " key %u", f.key);
	if (f.meanwhile)
		tell(d, " meanwhile");
	while (wire_next_branch(&f, &branch)) {
		const char *gap = " (";
		struct wire_destination to;

		for (unsigned i = 0; i < branch.destinations; i++) {
			wire_next_destination(&branch, &to);
			tell(d, "%s", gap);
			tell_destination(d, &to);
			gap = " ";
		}
		tell(d, "){");
		tell_program(d, wire_program(branch.program, branch.program_len));
		tell(d, "}");
	}
}

static inline void tell_storage(struct described *d, const struct wire_operation *op)
{
	tell(d, "%s%s %llu", op->code == WIRE_LOAD ? "load" : "store",
	     op->code == WIRE_STORE && !(op->flags & WIRE_STORE_SYNC) ? ":nosync" : "",
	     (unsigned long long)op->value);
	if (op->offset != WIRE_SEQUENTIAL)
		tell(d, " at %llu", (unsigned long long)op->offset);
	if (op->device)
		tell(d, " on %u", op->device);
}

static inline void tell_program(struct described *d, struct wire_program program)
{
	static const char *const names[] = { "?", "compute", "sleep", "reply" };
	static const char *const variants[] = { "", ":cpu", ":loops" };
	static const char *const modes[] = { "", ":sendfile", ":zero-copy" };
	struct wire_operation op;
	const char *gap = "";

	while (wire_next_operation(&program, &op) == WIRE_FINE && op.code) {
		tell(d, "%s", gap);
		gap = ";";
		if (op.code == WIRE_FORWARD_TO)
			tell_forward(d, &op);
		else if (op.code == WIRE_LOAD || op.code == WIRE_STORE)
			tell_storage(d, &op);
		else if (op.code == WIRE_JOIN)
			tell(d, "join");
		else
			tell(d, "%s%s %llu", names[op.code],
			     op.code == WIRE_SEND_REPLY ? modes[op.flags] : variants[op.flags],
			     (unsigned long long)op.value);
		if (op.code == WIRE_SEND_REPLY && op.device)
			tell(d, " on %u", op.device);
	}
	CU_ASSERT(program.at == program.end);
}

/* The request's operations as the node reads them. */
static inline const char *describe(const uint8_t *at, struct described *d)
{
	struct wire_head head;

	*d = (struct described){ .len = 0 };
	if (wire_get_head(at, UINT32_MAX, &head) != WIRE_FINE || head.type != WIRE_REQUEST)
		return "not a request";
	tell_program(d, wire_program(at + WIRE_HEAD, head.body_len));
	return d->text;
}

#endif

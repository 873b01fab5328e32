/*
 * wire.h - messages on the wire: versioned, length-prefixed, little-endian, checked before use.
 *
 *	head, 24 bytes			u32 length	whole message, head included
 *					u8  version	2
 *					u8  type	1 request, 2 reply; 3 to 5: below
 *					u8  hops	request: forwards still allowed
 *					    status	reply: enum wire_status
 *					u8  flags	reply: WIRE_RECORDS_CUT; else 0
 *					u64 id		the sender's, copied into the reply
 *					u32 body_len	operations, or records
 *					u32 deadline_us	request: time left, 0: none; reply: 0
 *	body, body_len bytes		request: operations; reply: records
 *	padding up to length		ignored, never stored
 *
 *	operation, len bytes		u8 code, u8 flags, u16 len (a multiple of 4), arguments
 *	  compute, 12			u64 ns; flags: enum wire_compute
 *	  sleep, 12			u64 ns
 *	  reply, 12			u32 size of the whole reply in bytes, u32 device;
 *					flags: enum wire_reply
 *	  load, store, 24		u64 offset or WIRE_SEQUENTIAL, u64 bytes, u32 device;
 *					store's flags: WIRE_STORE_SYNC
 *	  join, 4			waits for what was forwarded with WIRE_MEANWHILE
 *	  forward, 24 and branches	u32 timeout_us of an attempt, 0: none; u32 size of the
 *					message, u32 key (of the session), u16 tag (copied into
 *					the record), u16 quorum, 0: all; u8 retries, u8 pick
 *					(enum wire_pick), u8 branches, u8 0; flags: WIRE_MEANWHILE
 *	    branch			u16 program_len, u8 destinations, u8 0; then they; then
 *					program_len bytes of operations with a reply of their own
 *	      destination		u8 transport (enum transport), u8 family (enum
 *					wire_family), u16 port, or length of a unix path; 4, 16 or
 *					so many bytes of address, padded to a multiple of 4
 *
 *	records of a reply		first 32 bytes of the node itself: u64 queue_ns,
 *					service_ns, storage_ns, forward_ns; then children, parents
 *					before theirs:
 *	  child, 56			u8 depth (1: of the node itself), u8 status, u16 tag,
 *					u16 destination (number over all branches), u16 attempts;
 *					u64 elapsed_ns, waited_ns; its own four as above
 *
 * Where a secret is asked for (guard.h), three messages go before all others, each as long as its
 * head and body, everything else in the head 0. HMAC-SHA256 has the secret as its key; `binding` is
 * what tls_binding() gives, and nothing without TLS:
 *
 *	challenge, by the node		32 random bytes
 *	proof, by the peer		32 random bytes of its own,
 *					HMAC("ringwalk client" challenge random binding)
 *	welcome, by the node		HMAC("ringwalk node" challenge random binding)
 *
 * A child is the answer that completed a forward: `elapsed` from the first attempt to it, `waited`
 * the part of that in which its parent had nothing else to do, so the parent's forward_ns is the
 * sum of what it waited. What elapsed beyond the child's own four is the network's and the
 * retries'.
 *
 * Two things can be wrong with a request, and whoever serves it treats them differently:
 *
 *	its form is broken	the connection ends (conn_fault): what cannot be read, down to the
 *				inmost program of a forward. Every node on the way sees that, so
 *				none passes it on, and it costs nobody but its sender.
 *	it asks for too much	the request alone ends, before its first operation: the reply is a
 *				bare head with WIRE_REFUSED. What a receiver has and allows (devices
 *				and their sizes, time, bytes, the length of messages) only it can
 *				know; a node that forwards such a request is not to blame, and its
 *				connection carries the requests of others.
 *
 * A length above the receiver's limit is of the second kind: the head is sound and says where the
 * next message begins, so the padding is counted to its end. Of a reply it is a fault, for nobody
 * asked for that much.
 *
 * Drawn constants only, no code. Durations, not instants: no clock has to agree with another. A
 * reply too small for its records (below 56 bytes for the first) carries those that fit and says
 * so; below 24 bytes there is no reply. The decoder never reads beyond what it was given and
 * believes nothing: tests/fuzz_wire.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_ENGINE_WIRE_H
#define RW_ENGINE_WIRE_H

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define WIRE_VERSION	    2
#define WIRE_HEAD	    24
#define WIRE_HOP	    32
#define WIRE_CHILD	    (24 + WIRE_HOP)
#define WIRE_OPERATION_HEAD 4
#define WIRE_OPERATION	    12	  /* compute, sleep, reply */
#define WIRE_STORAGE	    24	  /* load, store */
#define WIRE_FORWARD	    24	  /* without its branches */
#define WIRE_HOPS	    8	  /* default hop budget of a request */
#define WIRE_BODY_MAX	    4096U /* longest program; a message may be longer by padding */
#define WIRE_DEPTH	    16	  /* forwards within forwards */
#define WIRE_FAN_OUT	    64	  /* destinations of one forward */
#define WIRE_SEQUENTIAL	    UINT64_MAX
#define WIRE_RANDOM	    32 /* bytes of a challenge, and of its answer */
#define WIRE_MAC	    32

enum wire_type {
	WIRE_REQUEST = 1,
	WIRE_REPLY = 2,
	WIRE_CHALLENGE,
	WIRE_PROOF,
	WIRE_WELCOME,
	WIRE_TYPES
};
enum wire_status { WIRE_OK, WIRE_ERROR, WIRE_TIMEOUT, WIRE_REFUSED, WIRE_STATUSES };
enum wire_code {
	WIRE_COMPUTE = 1,
	WIRE_SLEEP,
	WIRE_SEND_REPLY,
	WIRE_LOAD,
	WIRE_STORE,
	WIRE_FORWARD_TO,
	WIRE_JOIN,
	WIRE_CODES
};
enum wire_compute { COMPUTE_WALL, COMPUTE_CPU, COMPUTE_LOOPS, COMPUTE_VARIANTS };
enum wire_reply { REPLY_COPY, REPLY_SENDFILE, REPLY_ZERO_COPY, REPLY_VARIANTS };
enum wire_pick {
	PICK_ALL, /* every destination */
	PICK_ROUND_ROBIN,
	PICK_RANDOM,
	PICK_LEAST, /* outstanding requests */
	PICK_TWO,   /* the better of two at random */
	PICK_HASH,  /* of the session's key */
	PICKS
};
enum wire_family { FAMILY_UNIX = 1, FAMILY_IPV4 = 4, FAMILY_IPV6 = 6 };

#define WIRE_STORE_SYNC	 1 /* flags of store: durable when answered */
#define WIRE_MEANWHILE	 1 /* flags of forward: the program goes on until a join, or its reply */
#define WIRE_RECORDS_CUT 1 /* flags of a reply: it was too small for all records */

/* What can be wrong with a message; wire_fault_text() says it in words. */
enum wire_fault {
	WIRE_FINE,
	WIRE_BAD_VERSION,
	WIRE_BAD_TYPE,
	WIRE_SHORT_LENGTH, /* length below the head's, or below head + body */
	WIRE_LONG_BODY,	   /* above WIRE_BODY_MAX */
	WIRE_BAD_FLAGS,
	WIRE_CUT_OPERATION,   /* an operation reaches over the end of the body */
	WIRE_BAD_OPERATION,   /* unknown code, wrong len, unknown flags */
	WIRE_BAD_REPLY,	      /* reply size below the head's, or a second reply */
	WIRE_NO_REPLY,	      /* the program ends without a reply */
	WIRE_BAD_FORWARD,     /* no or too many destinations, impossible quorum, too deep, ... */
	WIRE_BAD_DESTINATION, /* an address that is none */
	/* A request of sound form that asks for too much: WIRE_REFUSED. */
	WIRE_LONG_MESSAGE,  /* above the receiver's limit; as a reply: a fault */
	WIRE_LONG_REPLY,    /* asks for a reply, or a message to be forwarded, above it or UDP's */
	WIRE_OVER_LIMIT,    /* asks for more than the receiver allows (compute time, ...) */
	WIRE_NO_DEVICE,	    /* a storage device that the receiver does not have */
	WIRE_BEYOND_DEVICE, /* reaches over the end of a storage device */
	/* The form again. */
	WIRE_ASKS_SECRET, /* a challenge, where nobody knows a secret */
	WIRE_NO_PROOF,	  /* something else before the proof */
	WIRE_LATE_PROOF,  /* nothing, for too long */
	WIRE_BAD_PROOF,
	WIRE_FAULTS
};

struct wire_head {
	uint32_t length;
	uint8_t version, type;
	uint8_t hops; /* request: hops; reply: status */
	uint8_t flags;
	uint64_t id;
	uint32_t body_len;
	uint32_t deadline_us;
};

struct wire_hop {
	uint64_t queue_ns, service_ns, storage_ns, forward_ns;
};

/* The answer that completed one forward, and the attempt to get it. */
struct wire_child {
	uint8_t depth, status;
	uint16_t tag, destination, attempts;
	uint64_t elapsed_ns, waited_ns;
	struct wire_hop hop;
};

struct wire_operation {
	uint8_t code, flags;
	uint64_t value;	   /* ns, or bytes */
	uint64_t offset;   /* load, store */
	uint32_t device;   /* load, store, reply */
	uint16_t len;	   /* of the whole operation; not needed for writing */
	const uint8_t *at; /* its first byte: for wire_get_forward() */
};

/* A forward. Reading: wire_get_forward(), wire_next_branch(), wire_next_destination(). */
struct wire_forward {
	uint32_t timeout_us, size, key;
	uint16_t tag, quorum;
	uint8_t retries, pick, branches;
	bool meanwhile;
	const uint8_t *at, *end; /* branches not read yet */
};

struct wire_branch {
	const uint8_t *program;
	uint32_t program_len;
	uint8_t destinations;
	const uint8_t *at; /* destination to read next */
};

struct wire_destination {
	uint8_t transport, family;
	uint16_t port; /* unix: length of the path */
	const uint8_t *address;
};

/* What is left of a program; wire_next_operation() walks it. */
struct wire_program {
	const uint8_t *at, *end;
};

const char *wire_fault_text(enum wire_fault fault);

/* What wire_get_head() does with types that are neither request nor reply. */
enum wire_fault wire_check_rare(const struct wire_head *head);
/* Bytes of their bodies. */
uint32_t wire_rare_len(enum wire_type type);
extern const char *const wire_status_names[]; /* "ok", "error", "timeout", "refused" */

static inline uint16_t wire_get16(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

static inline void wire_put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)v;
	p[1] = (uint8_t)(v >> 8);
}

static inline uint32_t wire_get32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return le32toh(v);
}

static inline uint64_t wire_get64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return le64toh(v);
}

static inline void wire_put32(uint8_t *p, uint32_t v)
{
	v = htole32(v);
	memcpy(p, &v, sizeof(v));
}

static inline void wire_put64(uint8_t *p, uint64_t v)
{
	v = htole64(v);
	memcpy(p, &v, sizeof(v));
}

/* p has WIRE_HEAD bytes. Checks everything that the head alone can tell. */
static inline enum wire_fault wire_get_head(const uint8_t *p, uint32_t length_max,
					    struct wire_head *ret)
{
	ret->length = wire_get32(p);
	ret->version = p[4];
	ret->type = p[5];
	ret->hops = p[6];
	ret->flags = p[7];
	ret->id = wire_get64(p + 8);
	ret->body_len = wire_get32(p + 16);
	ret->deadline_us = wire_get32(p + 20);
	if (ret->version != WIRE_VERSION)
		return WIRE_BAD_VERSION;
	if (ret->type != WIRE_REQUEST && ret->type != WIRE_REPLY)
		return wire_check_rare(ret);
	if (ret->flags > (ret->type == WIRE_REPLY ? WIRE_RECORDS_CUT : 0))
		return WIRE_BAD_FLAGS;
	if (ret->length > length_max)
		return WIRE_LONG_MESSAGE;
	if (ret->body_len > WIRE_BODY_MAX)
		return WIRE_LONG_BODY;
	if (ret->length < WIRE_HEAD + ret->body_len)
		return WIRE_SHORT_LENGTH;
	return WIRE_FINE;
}

/* What can be told of less than a head: nonsense is not waited for. */
static inline enum wire_fault wire_check_beginning(const uint8_t *p, uint32_t len)
{
	if (len > 4 && p[4] != WIRE_VERSION)
		return WIRE_BAD_VERSION;
	if (len >= 4 && wire_get32(p) < WIRE_HEAD)
		return WIRE_SHORT_LENGTH;
	return WIRE_FINE;
}

/* p has room for WIRE_HEAD bytes. */
static inline void wire_put_head(uint8_t *p, const struct wire_head *head)
{
	wire_put32(p, head->length);
	p[4] = head->version;
	p[5] = head->type;
	p[6] = head->hops;
	p[7] = head->flags;
	wire_put64(p + 8, head->id);
	wire_put32(p + 16, head->body_len);
	wire_put32(p + 20, head->deadline_us);
}

/* p has room for WIRE_HOP bytes. */
static inline void wire_put_hop(uint8_t *p, const struct wire_hop *hop)
{
	wire_put64(p, hop->queue_ns);
	wire_put64(p + 8, hop->service_ns);
	wire_put64(p + 16, hop->storage_ns);
	wire_put64(p + 24, hop->forward_ns);
}

void wire_get_hop(const uint8_t *p, struct wire_hop *ret);

/* p has WIRE_CHILD bytes, or room for them. */
void wire_get_child(const uint8_t *p, struct wire_child *ret);
void wire_put_child(uint8_t *p, const struct wire_child *child);

/* Appends one operation that is no forward at p (room for 24 bytes). Returns the bytes written. */
uint32_t wire_put_operation(uint8_t *p, const struct wire_operation *op);

/*
 * Writing a forward: wire_put_forward(), and for each branch wire_put_branch(), its destinations
 * and its program; then wire_end_forward() with the length of all that. Each returns the bytes it
 * wrote. The caller sees to it that there is room: WIRE_FORWARD, 4, WIRE_DESTINATION_MAX.
 */
#define WIRE_DESTINATION_MAX (4 + 108)
uint32_t wire_put_forward(uint8_t *p, const struct wire_forward *f);
uint32_t wire_put_branch(uint8_t *p, uint32_t program_len, unsigned destinations);
uint32_t wire_put_destination(uint8_t *p, const struct wire_destination *d);
void wire_end_forward(uint8_t *p, uint32_t len);

/* Reading what wire_check_forward() has found fine. */
void wire_get_forward(const struct wire_operation *op, struct wire_forward *ret);
/* False: there is none left. */
bool wire_next_branch(struct wire_forward *f, struct wire_branch *ret);
bool wire_next_destination(struct wire_branch *b, struct wire_destination *ret);
/* All that can be said without knowing the receiver's limits, sub-programs included. */
enum wire_fault wire_check_forward(const struct wire_operation *op);

/*
 * Checks a program on the way through it, { .program = P } to begin with: an operation that comes
 * is sound, with all that is inside a forward; the program is when its end (code 0) has come, which
 * it does not without a reply, or with two.
 */
struct wire_check {
	struct wire_program program;
	unsigned depth; /* of forwards around it */
	bool has_reply;
};
enum wire_fault wire_check_next(struct wire_check *check, struct wire_operation *ret);
/* To the end. */
enum wire_fault wire_check_program(struct wire_program program);

static inline struct wire_program wire_program(const uint8_t *body, uint32_t body_len)
{
	return (struct wire_program){ body, body + body_len };
}

/* The operations that are not of the usual form. */
enum wire_fault wire_get_operation(const uint8_t *p, size_t left, struct wire_operation *ret);

/*
 * WIRE_FINE with *ret filled; ret->code is 0 at the end of the program. Of a forward only the head
 * is looked at: wire_check_forward().
 */
static inline enum wire_fault wire_next_operation(struct wire_program *program,
						  struct wire_operation *ret)
{
	const uint8_t *p = program->at;
	size_t left = program->end - p;
	enum wire_fault fault;

	*ret = (struct wire_operation){ .at = p };
	if (!left)
		return WIRE_FINE;
	fault = wire_get_operation(p, left, ret);
	program->at = p + ret->len;
	return fault;
}

#endif

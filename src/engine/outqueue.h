/*
 * outqueue.h - what a connection owes its peer: chunks of bytes, and payload as a number.
 *
 * A chunk is some bytes followed by `payload` constant bytes, so a reply of 20 MB to a peer that
 * reads late is 2 KiB of memory. Bytes may be appended to a chunk whose beginning is in flight: the
 * kernel was told a length and looks no further. Used by conn.c alone.
 *
 * What follows the bytes may also be a piece of a file, or zeros to be sent without a copy:
 * each of those is a send of its own kind, and what stands before it leaves first, with MSG_MORE,
 * so that a small head does not become a segment by itself.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_ENGINE_OUTQUEUE_H
#define RW_ENGINE_OUTQUEUE_H

#include <sys/uio.h>

#include "backends/backend.h"
#include "engine/cache.h"

struct conn;

#define CHUNK_BYTES 2000

enum chunk_tail { TAIL_ZEROS, TAIL_ZEROS_UNCOPIED, TAIL_FILE };

struct chunk {
	struct chunk *next;
	uint64_t payload, payload_sent; /* behind bytes[] */
	uint32_t used, sent;		/* of bytes[] */
	uint64_t file_offset;		/* TAIL_FILE: where payload begins */
	int32_t file_fd;
	uint32_t tail; /* enum chunk_tail: what payload is */
	uint8_t bytes[CHUNK_BYTES];
};
_Static_assert(sizeof(struct chunk) == 2048, "a chunk is 2 KiB");

/* One iovec covers at most this much payload; 16 of them are what one send gathers at most. */
#define PAYLOAD_SPAN 65536
#define SENDER_IOVS  32
#define SENDER_BYTES (16 * PAYLOAD_SPAN)

/* One send in flight. A lone chunk without payload goes as buf and len, which is cheaper. */
struct sender {
	struct io_op op;
	struct conn *conn;
	struct chunk *orphans; /* of a closed connection, to be freed after the send */
	struct msghdr msg;
	struct iovec iov[SENDER_IOVS];
};

struct outqueue {
	struct chunk *head, *tail;
	uint64_t bytes;
};

/* NULL: memory is out. */
uint8_t *outqueue_append(struct outqueue *q, struct cache *chunks, uint32_t len);
/* len bytes that are none in memory, not TAIL_FILE; false: memory is out. */
bool outqueue_append_payload(struct outqueue *q, struct cache *chunks, enum chunk_tail tail,
			     uint64_t len);
bool outqueue_append_file(struct outqueue *q, struct cache *chunks, int fd, uint64_t offset,
			  uint64_t len);
/* Points s->op at the beginning of the queue, which is not empty. */
void outqueue_fill(const struct outqueue *q, struct sender *s);
/* The first bytes of the queue, which is not empty, at most size of them: in place, or in buf.
 * There are no files in it. */
const uint8_t *outqueue_peek(const struct outqueue *q, uint8_t *buf, uint32_t size,
			     uint32_t *ret_len);
/* `sent` bytes have left. */
void outqueue_advance(struct outqueue *q, struct cache *chunks, uint64_t sent);

/* A place in a queue, for who cuts it into datagrams. The queue is not changed meanwhile. */
struct cursor {
	const struct chunk *chunk;
	uint32_t at;	     /* in chunk->bytes */
	uint64_t payload_at; /* of chunk->payload, when the bytes are passed */
};
struct cursor outqueue_begin(const struct outqueue *q);
/* The bytes there, up to the end of their chunk; there must be some. */
const uint8_t *outqueue_at(struct cursor *c);
void outqueue_skip(struct cursor *c, uint64_t len);
/* Moves over len bytes and points iov[] at them. Returns how many it took; above room: too few. */
unsigned outqueue_gather(struct cursor *c, uint64_t len, struct iovec *iov, unsigned room);

void outqueue_free_chunks(struct chunk *head, struct cache *chunks);

#endif

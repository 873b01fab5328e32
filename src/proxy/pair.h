/*
 * pair.h - one connection through the proxy: two sockets, and two ways between them.
 *
 *	sides[0], the client ──► ways[PROXY_FORTH] ──► sides[1], the server
 *	sides[0], the client ◄── ways[PROXY_BACK]  ◄── sides[1], the server
 *
 * So ways[i] begins at sides[i] and leads to sides[!i]. A way holds what is under way and, behind
 * the last byte, how its side ended: FIN or RST, with a due time like any piece.
 *
 * Every operation in flight holds the pair; when it is closing and the last one is back it goes to
 * the cache. Read pair.c for its life, pair_move.c for its bytes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_PROXY_PAIR_H
#define RW_PROXY_PAIR_H

#include "proxy/relay.h"

enum pair_end { END_NONE, END_FIN, END_RST };

struct pair_side {
	struct io_op recv, closing;
	struct pair *pair;
	int fd; /* -1: not open */
	bool is_reading, is_cancelling;
	bool is_paused; /* the line is full */
	bool has_ended; /* nothing more is to be read */
	bool is_dead;	/* it was reset, or cannot be sent to */
};

struct pair_sender {
	struct io_op op;
	struct pair_way *way;
	struct msghdr msg;
	struct iovec parts[LINE_PARTS];
	uint64_t len;
};

struct pair_way {
	struct io_op timer;
	struct pair *pair;
	struct line line;
	struct bucket bucket;
	struct pair_sender *sender; /* in flight */
	int64_t gap_until_ns;
	uint64_t drawn;	 /* number of the next piece */
	uint64_t passed; /* bytes the other side's kernel has taken */
	int64_t end_due_ns;
	uint8_t end; /* enum pair_end, how its side ended */
	bool is_armed;
	bool is_finished; /* the FIN has been passed on */
	bool is_cut;	  /* what comes is thrown away */
};

struct pair {
	struct relay *relay;
	struct pair *next, **linked;
	struct pair_side sides[PROXY_DIRECTIONS];
	struct pair_way ways[PROXY_DIRECTIONS];
	struct io_op connect; /* IO_TIMER, then IO_CONNECT */
	struct io_op event;   /* IO_TIMER: the next fault */
	int64_t event_ns, opened_ns;
	uint64_t number;
	uint32_t in_flight;
	uint32_t armed, fired; /* faults: bit i is route->faults[i] */
	bool waits_to_connect, is_connected, has_event, is_silent, is_closing;
};

/* A connection that was accepted; the descriptor is the pair's. */
void pair_open(struct relay *r, int fd);
/* At once; what is under way is dropped. is_reset: both sides are told RST, else FIN. */
void pair_close(struct pair *p, bool is_reset);

/* For the files that share a pair. */
void pair_submit(struct pair *p, struct io_op *op);
void pair_release(struct pair *p); /* an operation is back for the last time */
void pair_start_reading(struct pair_side *side);
/* A side was lost. code: -errno, said when it is not what peers do. */
void pair_lose_side(struct pair *p, unsigned index, int code);

static inline unsigned pair_way_index(const struct pair_way *w)
{
	return w == &w->pair->ways[1];
}

/* pair_move.c */
void pair_take(struct pair_side *side, const uint8_t *data, uint32_t len);
void pair_pump(struct pair_way *w); /* sends what is due, or comes back when something is */
void pair_end_way(struct pair_way *w, enum pair_end end);
void pair_cut_way(struct pair_way *w);

/* pair_fault.c */
/* Refuse and silence are decided with the connection. */
void pair_draw_faults(struct pair *p);
bool pair_has_fault(struct pair *p, enum fault_kind kind);
/* Does what is due and waits for the next. The pair may be closing then. */
void pair_check_faults(struct pair *p);
/* How many bytes may pass before something happens; UINT64_MAX: any number. */
uint64_t pair_fault_budget(const struct pair_way *w);
/* Until when nothing passes on this way; 0: it is free. */
int64_t pair_held_until_ns(struct pair_way *w);

#endif

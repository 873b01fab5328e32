/*
 * post.c - datagrams under way: each leaves when it is due, through an outlet.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "proxy/post.h"

#include <errno.h>
#include <string.h>

#define HEAP_FIRST   256
#define KEEP_PACKETS 1024

static void on_timer(struct io_op *op, const struct io_result *r);
static void outlet_pump(struct outlet *o);

void post_init(struct post *post, struct loop *loop, struct line_pool *lines)
{
	post->loop = loop;
	post->lines = lines;
	cache_init(&post->packets, sizeof(struct packet), KEEP_PACKETS);
}

static void packet_free(struct post *post, struct packet *p)
{
	line_drop(&p->line, post->lines);
	cache_put(&post->packets, p);
}

void post_finish(struct post *post)
{
	while (post->count)
		packet_free(post, post->heap[--post->count]);
	free(post->heap);
	post->heap = NULL;
	cache_finish(&post->packets);
}

static void lose(struct post *post, struct packet *p, int result)
{
	post->gone(p, result);
	packet_free(post, p);
}

void post_drop(struct post *post)
{
	while (post->count)
		lose(post, post->heap[--post->count], -ECANCELED);
}

struct packet *post_packet(struct post *post, const uint8_t *data, uint32_t len)
{
	struct packet *p = cache_get(&post->packets);

	if (!p)
		return NULL;
	memset(p, 0, sizeof(*p));
	if (line_push(&p->line, post->lines, data, len, 0) < 0) {
		packet_free(post, p);
		return NULL;
	}
	p->load = line_load(&p->line) + sizeof(*p);
	return p;
}

static bool is_before(const struct packet *a, const struct packet *b)
{
	return a->due_ns != b->due_ns ? a->due_ns < b->due_ns : a->sequence < b->sequence;
}

static void swap(struct packet **a, struct packet **b)
{
	struct packet *was = *a;

	*a = *b;
	*b = was;
}

static void sift_up(struct post *post, uint32_t at)
{
	while (at && is_before(post->heap[at], post->heap[(at - 1) / 2])) {
		swap(&post->heap[at], &post->heap[(at - 1) / 2]);
		at = (at - 1) / 2;
	}
}

static void sift_down(struct post *post)
{
	uint32_t at = 0, child;

	while ((child = 2 * at + 1) < post->count) {
		if (child + 1 < post->count && is_before(post->heap[child + 1], post->heap[child]))
			child++;
		if (!is_before(post->heap[child], post->heap[at]))
			return;
		swap(&post->heap[child], &post->heap[at]);
		at = child;
	}
}

static bool has_room(struct post *post)
{
	uint32_t size = post->size ? 2 * post->size : HEAP_FIRST;
	struct packet **heap;

	if (post->count < post->size)
		return true;
	heap = reallocarray(post->heap, size, sizeof(struct packet *));
	if (!heap)
		return false;
	post->heap = heap;
	post->size = size;
	return true;
}

/* Armed for a later time it is called back; cancelled it looks again. */
static void arm(struct post *post)
{
	int64_t due_ns;

	if (!post->count)
		return;
	due_ns = post->heap[0]->due_ns;
	if (post->is_armed) {
		if (due_ns < post->timer_ns) {
			post->timer_ns = INT64_MIN;
			loop_cancel(post->loop, &post->timer);
		}
		return;
	}
	post->is_armed = true;
	post->timer_ns = due_ns;
	post->timer = (struct io_op){ .kind = IO_TIMER, .done = on_timer };
	post->timer.deadline_ns = due_ns;
	loop_submit(post->loop, &post->timer);
}

static void on_timer(struct io_op *op, const struct io_result *r)
{
	struct post *post = (struct post *)((char *)op - offsetof(struct post, timer));

	(void)r;
	post->is_armed = false;
	post_run(post);
}

static void outlet_put(struct outlet *o, struct packet *p)
{
	p->next = NULL;
	if (o->first)
		o->last->next = p;
	else
		o->first = p;
	o->last = p;
	outlet_pump(o);
}

void post_send(struct post *post, struct packet *p, int64_t due_ns)
{
	p->due_ns = due_ns;
	p->sequence = post->sequence++;
	if (!has_room(post)) {
		lose(post, p, -ENOMEM);
		return;
	}
	post->heap[post->count] = p;
	sift_up(post, post->count++);
}

void post_run(struct post *post)
{
	int64_t now_ns = loop_now_ns(post->loop);

	while (post->count && post->heap[0]->due_ns <= now_ns) {
		struct packet *p = post->heap[0];

		post->heap[0] = post->heap[--post->count];
		sift_down(post);
		outlet_put(p->outlet, p);
	}
	arm(post);
}

static void on_sent(struct io_op *op, const struct io_result *r)
{
	struct outlet *o = (struct outlet *)op;
	struct packet *p = o->sending;

	o->sending = NULL;
	outlet_pump(o);
	lose(o->post, p, r->res); /* last: the outlet may go with it */
}

static void outlet_pump(struct outlet *o)
{
	while (o->first && !o->sending) {
		struct packet *p = o->first;
		bool is_last = !p->next;
		struct sockaddr *to;
		unsigned count;

		o->first = p->next;
		o->msg = (struct msghdr){ 0 };
		if (!o->post->address(p, &to, &o->msg.msg_namelen)) {
			lose(o->post, p, -ECANCELED);
			if (is_last)
				return; /* the outlet may have gone with it */
			continue;
		}
		line_gather(&p->line, p->line.bytes, o->parts, &count);
		o->msg.msg_name = to;
		o->msg.msg_iov = o->parts;
		o->msg.msg_iovlen = count;
		o->sending = p;
		o->op = (struct io_op){ .kind = IO_SENDMSG, .fd = o->fd, .done = on_sent };
		o->op.msg = &o->msg;
		loop_submit(o->post->loop, &o->op);
	}
}

void outlet_init(struct outlet *o, struct post *post, int fd)
{
	*o = (struct outlet){ .post = post, .fd = fd };
}

void outlet_drop(struct outlet *o)
{
	while (o->first) {
		struct packet *p = o->first;

		o->first = p->next;
		lose(o->post, p, -ECANCELED);
	}
}

void outlet_finish(struct outlet *o)
{
	while (o->first) {
		struct packet *p = o->first;

		o->first = p->next;
		packet_free(o->post, p);
	}
	if (o->sending)
		packet_free(o->post, o->sending);
	o->sending = NULL;
}

/*
 * test_split.c - where the time went: what records are believed, and the slowest told apart.
 *
 * test_split_nodes.c has nodes that really answer.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "client/split.h"

#include <math.h>

#include "client/split_text.h"
#include "tests/program_fixture.h"

/* The tag of each hop is the number of its forward's text. */
#define TREE "forward :1,:2;sleep 1us;forward :3;reply;reply;forward :1"

/* A node's records, by hand. */
struct told {
	uint8_t bytes[WIRE_BODY_MAX];
	uint32_t len;
};

static void tell_self(struct told *t, uint64_t queue, uint64_t service, uint64_t storage,
		      uint64_t forward)
{
	wire_put_hop(t->bytes, &(struct wire_hop){ queue, service, storage, forward });
	t->len = WIRE_HOP;
}

static void tell_child(struct told *t, const struct wire_child *child)
{
	wire_put_child(t->bytes + t->len, child);
	t->len += WIRE_CHILD;
}

static void begin_split(struct split *s, const char *text)
{
	struct program p;

	parse_well(text, "auto", &p);
	CHECK_INT(split_init(s, &p), 0);
	program_finish(&p);
	split_name(s, "here");
}

static struct split_view view_one(struct split *s, int64_t late_ns, int64_t service_ns,
				  const struct told *t)
{
	const struct split_answer a = {
		.late_ns = late_ns, .service_ns = service_ns, .records = t->bytes, .len = t->len
	};
	struct split_view v;

	split_add(s, &a);
	split_view(s, 1, &v);
	CHECK_NEAR(v.response_ns, s->response_ns / (double)s->answers, 1e-6);
	return v;
}

static void check_parts(const double *part_ns, double network, double queue, double service,
			double storage, double forward)
{
	CHECK_NEAR(part_ns[SPLIT_NETWORK], network, 1e-6);
	CHECK_NEAR(part_ns[SPLIT_QUEUE], queue, 1e-6);
	CHECK_NEAR(part_ns[SPLIT_SERVICE], service, 1e-6);
	CHECK_NEAR(part_ns[SPLIT_STORAGE], storage, 1e-6);
	CHECK_NEAR(part_ns[SPLIT_FORWARD], forward, 1e-6);
}

static void test_what_a_node_does_not_tell_is_the_networks(void)
{
	struct told t = { .len = 0 };
	struct split_view v;
	struct split s;

	begin_split(&s, "reply");
	v = view_one(&s, 50, 1000, &t);
	CHECK_NEAR(v.late_ns, 50, 0);
	check_parts(v.part_ns[0], 1000, 0, 0, 0, 0);
	split_finish(&s);
	begin_split(&s, "reply");
	tell_self(&t, 100, 200, 300, 0);
	v = view_one(&s, 0, 1000, &t);
	check_parts(v.part_ns[0], 400, 100, 200, 300, 0);
	CHECK_INT(s.ignored, 0);
	split_finish(&s);
}

/* The first forward was waited for half of its time, and its child for half of that. */
static void test_children_count_as_much_as_they_were_waited_for(void)
{
	struct told t;
	struct split_view v;
	struct split s;

	begin_split(&s, TREE);
	CHECK_INT(s.hop_count, 5);
	tell_self(&t, 10, 20, 0, 700);
	tell_child(&t, &(struct wire_child){ 1, 0, 0, 1, 1, 1000, 500, { 100, 200, 300, 400 } });
	tell_child(&t, &(struct wire_child){ 2, 0, 2, 0, 1, 600, 300, { 0, 400, 0, 0 } });
	tell_child(&t, &(struct wire_child){ 1, 0, 5, 0, 1, 150, 150, { 0, 0, 50, 0 } });
	v = view_one(&s, 0, 1000, &t);
	CHECK_INT(s.ignored, 0);
	/* 50 of its waiting, and 100 of the first child's at half, are told by nobody. */
	check_parts(v.part_ns[0], 270, 10, 20, 0, 50);
	check_parts(v.part_ns[1], 0, 0, 0, 0, 0);
	check_parts(v.part_ns[2], 0, 50, 100, 150, 50);
	check_parts(v.part_ns[3], 50, 0, 100, 0, 0);
	check_parts(v.part_ns[4], 100, 0, 0, 50, 0);
	split_finish(&s);
}

/* Each row: one record behind the node's own, that cannot be true, and one below it. */
static void test_records_that_cannot_be_true_are_left_out_and_counted(void)
{
	static const struct {
		const char *what;
		struct wire_child child;
		unsigned ignored;
	} rows[] = {
		{ "no depth", { 0, 0, 0, 0, 1, 100, 100, { 0 } }, 2 },
		{ "too deep", { 2, 0, 2, 0, 1, 100, 100, { 0 } }, 2 },
		{ "much too deep", { 255, 0, 2, 0, 1, 100, 100, { 0 } }, 2 },
		{ "unknown forward", { 1, 0, 9, 0, 1, 100, 100, { 0 } }, 2 },
		{ "unknown destination", { 1, 0, 0, 2, 1, 100, 100, { 0 } }, 2 },
		{ "of another depth", { 1, 0, 2, 0, 1, 100, 100, { 0 } }, 2 },
		{ "longer than its parent waited", { 1, 0, 0, 0, 1, 501, 501, { 0 } }, 2 },
		{ "waited longer than it took", { 1, 0, 0, 0, 1, 100, 101, { 0 } }, 2 },
		{ "more than it took", { 1, 0, 0, 0, 1, 100, 100, { 0, 2000, 0, 0 } }, 2 },
		{ "overflow", { 1, 0, 0, 0, 1, 100, 100, { UINT64_MAX, 1, UINT64_MAX, 1 } }, 2 },
		{ "took for ever",
		  { 1, 0, 0, 0, 1, 1ULL << 63, 100, { 1ULL << 63, 1ULL << 63, 0, 0 } },
		  2 },
		{ "nothing wrong", { 1, 0, 0, 0, 1, 100, 100, { 0, 0, 0, 60 } }, 0 },
		{ "a child that took longer", { 1, 0, 0, 0, 1, 100, 100, { 0, 0, 0, 49 } }, 1 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct split_view v;
		struct told t;
		struct split s;

		begin_split(&s, TREE);
		tell_self(&t, 0, 0, 0, 500);
		tell_child(&t, &rows[i].child);
		tell_child(&t, &(struct wire_child){ 2, 0, 2, 0, 1, 50, 50, { 0 } });
		v = view_one(&s, 0, 1000, &t);
		if (s.ignored != rows[i].ignored)
			printf("\n    %s", rows[i].what);
		CHECK_INT(s.ignored, rows[i].ignored);
		CHECK_NEAR(v.response_ns, 1000, 1e-6);
		split_finish(&s);
	}
}

/* The batch it came with had begun before it was sent. */
static void test_a_queue_is_cut_to_the_time_there_was(void)
{
	struct split_view v;
	struct told t;
	struct split s;

	begin_split(&s, TREE);
	tell_self(&t, 900, 200, 0, 500);
	tell_child(&t, &(struct wire_child){ 1, 0, 0, 0, 1, 400, 400, { UINT64_MAX, 300, 0, 0 } });
	v = view_one(&s, 0, 1000, &t);
	CHECK_INT(s.ignored, 0);
	check_parts(v.part_ns[0], 0, 300, 200, 0, 100);
	check_parts(v.part_ns[1], 0, 100, 300, 0, 0);
	CHECK_NEAR(v.response_ns, 1000, 1e-6);
	split_finish(&s);
}

static void test_a_node_that_claims_more_than_the_response_is_not_believed(void)
{
	struct split_view v;
	struct told t;
	struct split s;

	begin_split(&s, TREE);
	tell_self(&t, 0, 3000, 0, 500);
	tell_child(&t, &(struct wire_child){ 1, 0, 0, 0, 1, 100, 100, { 0 } });
	v = view_one(&s, 0, 1000, &t);
	check_parts(v.part_ns[0], 1000, 0, 0, 0, 0);
	CHECK_INT(s.ignored, 1);
	t.len = WIRE_HOP + WIRE_CHILD - 1; /* cut in the middle of a record */
	tell_self(&t, 0, 0, 0, 500);
	t.len = WIRE_HOP + WIRE_CHILD - 1;
	view_one(&s, 0, 1000, &t);
	CHECK_INT(s.ignored, 1);
	split_finish(&s);
}

struct dice {
	struct random_key key;
	uint64_t at;
};

static uint64_t roll(struct dice *d, uint64_t bound)
{
	return random_below(&d->key, d->at++, bound);
}

static void tell_anything(struct told *t, struct dice *d)
{
	struct wire_child child = { .depth = (uint8_t)roll(d, 4), .tag = (uint16_t)roll(d, 7) };

	child.destination = (uint16_t)roll(d, 3);
	child.elapsed_ns = roll(d, 500) << roll(d, 30);
	child.waited_ns = roll(d, child.elapsed_ns + 2);
	child.hop.queue_ns = roll(d, 200);
	child.hop.forward_ns = roll(d, 400);
	tell_child(t, &child);
}

/* Records at random: the parts still add up, and nothing is less than nothing. */
static void test_whatever_is_told_the_parts_add_up(void)
{
	struct dice dice = { random_key(SEED, 0, 0, 0), 0 };
	struct split_view v;
	struct split s;

	begin_split(&s, TREE);
	for (unsigned i = 0; i < 20000; i++) {
		struct told t = { .len = 0 };

		tell_self(&t, roll(&dice, 100), 0, 0, 900);
		for (unsigned k = 0; k < 5; k++)
			tell_anything(&t, &dice);
		t.len -= 3 * (uint32_t)roll(&dice, 2);
		split_add(&s, &(struct split_answer){
				      .service_ns = 1000, .records = t.bytes, .len = t.len });
	}
	CU_ASSERT(s.ignored > 20000 && s.ignored < 99000);
	split_view(&s, 1, &v);
	CHECK_NEAR(v.response_ns, 1000, 1e-6);
	for (unsigned hop = 0; hop < s.hop_count; hop++)
		CU_ASSERT(v.part_ns[hop][SPLIT_FORWARD] > -1e-6);
	split_finish(&s);
}

/* 2000 answers, 20 of them slow because of storage: both halves in a split of their own. */
static void test_the_slowest_of_all_threads_are_told_apart(void)
{
	struct split s, other;
	struct split_view v;
	struct told t;

	begin_split(&s, TREE);
	begin_split(&other, TREE);
	for (int i = 0; i < 2000; i++) {
		bool is_slow = i % 100 == 99;
		int64_t service_ns = is_slow ? 1000000 : 100000 + i;

		tell_self(&t, 0, 20000, is_slow ? 900000 : 0, 0);
		split_add(i % 2 ? &s : &other, &(struct split_answer){ .service_ns = service_ns,
								       .records = t.bytes,
								       .len = t.len });
	}
	split_merge(&s, &other);
	split_view(&s, split_slow_share(&s), &v);
	CHECK_NEAR(v.answers, 20, 1e-9);
	CHECK_NEAR(v.response_ns, 1000000, 1e-3);
	check_parts(v.part_ns[0], 80000, 0, 20000, 900000, 0);
	split_view(&s, 1, &v);
	CHECK_NEAR(v.answers, 2000, 0);
	CHECK_NEAR(v.part_ns[0][SPLIT_STORAGE], 9000, 1e-6);
	split_finish(&s);
	split_finish(&other);
}

/* Every 1/16 octave its own; times below 1 us and above an hour have their buckets, too. */
static void test_the_boundary_lies_within_a_sixteenth_of_an_octave(void)
{
	static const int64_t times[] = {
		0, 1, 1023, 1024, 5000, 1000000, 999999999, INT64_MAX / 2
	};
	const struct told t = { .len = 0 };

	for (size_t i = 0; i < sizeof(times) / sizeof(*times); i++) {
		struct split s;
		struct split_view v;

		begin_split(&s, "reply");
		view_one(&s, 0, times[i], &t);
		if (times[i] >= 1024 && times[i] < 1000000000) {
			view_one(&s, 0, times[i] + times[i] / 15 + 1, &t);
			split_view(&s, 0.5, &v);
			CHECK_NEAR(v.response_ns, times[i] + times[i] / 15 + 1, 1e-3);
		}
		split_finish(&s);
	}
}

static void test_the_sentence_names_the_largest_part_of_the_slowest(void)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	struct split s;
	struct told t;

	begin_split(&s, TREE);
	for (int i = 0; i < 2000; i++) {
		uint64_t storage = i % 100 ? 0 : 610000;

		tell_self(&t, 0, 0, 0, 90000 + storage);
		tell_child(&t, &(struct wire_child){ 1,
						     0,
						     0,
						     1,
						     1,
						     90000 + storage,
						     90000 + storage,
						     { 0, 90000, storage, 0 } });
		split_add(&s, &(struct split_answer){ .service_ns = i % 100 ? 100000 : 1000000,
						      .records = t.bytes,
						      .len = t.len });
	}
	split_write_text(&s, out);
	fclose(out);
	CU_ASSERT(strstr(text, "slowest 1 %: 61 % waiting for storage on :2\n") != NULL);
	CU_ASSERT(strstr(text, "  service on :2") != NULL);
	CU_ASSERT(strstr(text, "  service on :3") == NULL);
	CU_ASSERT(strstr(text, "  response ") != NULL);
	if (!strstr(text, "slowest 1 %: 61"))
		printf("\n%s", text);
	free(text);
	split_finish(&s);
}

static CU_TestInfo tests[] = {
	{ "a queue is cut to the time there was", test_a_queue_is_cut_to_the_time_there_was },
	{ "what a node does not tell is the network's",
	  test_what_a_node_does_not_tell_is_the_networks },
	{ "children count as much as they were waited for",
	  test_children_count_as_much_as_they_were_waited_for },
	{ "records that cannot be true are left out and counted",
	  test_records_that_cannot_be_true_are_left_out_and_counted },
	{ "a node that claims more than the response is not believed",
	  test_a_node_that_claims_more_than_the_response_is_not_believed },
	{ "whatever is told, the parts add up", test_whatever_is_told_the_parts_add_up },
	{ "the slowest of all threads are told apart",
	  test_the_slowest_of_all_threads_are_told_apart },
	{ "the boundary lies within a sixteenth of an octave",
	  test_the_boundary_lies_within_a_sixteenth_of_an_octave },
	{ "the sentence names the largest part of the slowest",
	  test_the_sentence_names_the_largest_part_of_the_slowest },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	printf("seed %d\n", SEED);
	return test_main("split", tests);
}

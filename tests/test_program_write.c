/*
 * test_program_write.c - requests: what is drawn, where it is written, and what is left out.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <math.h>

#include "tests/program_fixture.h"

#define A "127.0.0.1:7892"
#define B "127.0.0.1:7893"

/* One thread of a client, without its connections. */
struct thread {
	struct program program;
	struct program_stream stream;
	struct program_request request;
	uint8_t at[PROGRAM_PREFIX_MAX];
	struct described described;
};

static struct thread *begin(const char *text, const char *size, uint64_t seed, unsigned number)
{
	struct thread *t = calloc(1, sizeof(*t));

	parse_well(text, size, &t->program);
	CHECK_INT(program_stream_init(&t->stream, &t->program, seed, number), 0);
	t->request.session = number;
	return t;
}

static const char *write_one(struct thread *t, uint64_t number)
{
	memset(t->at, 0xff, sizeof(t->at));
	t->request.number = number;
	t->request.id = number + 7;
	program_write(&t->stream, &t->request, t->at);
	CHECK_INT(wire_get64(t->at + 8), number + 7);
	CHECK_INT(wire_get32(t->at), t->request.prefix_len + t->request.payload_len);
	for (uint32_t i = WIRE_HEAD + wire_get32(t->at + 16); i < t->request.prefix_len; i++)
		CU_ASSERT(t->at[i] == 0);
	CHECK_INT(t->at[t->request.prefix_len], 0xff);
	return describe(t->at, &t->described);
}

static void end(struct thread *t)
{
	program_stream_finish(&t->stream);
	program_finish(&t->program);
	free(t);
}

static void test_requests_of_a_constant_program_differ_in_their_id_only(void)
{
	struct thread *t = begin("compute 10us;reply 64B", "128B", SEED, 0);
	uint8_t first[128];

	write_one(t, 0);
	memcpy(first, t->at, 128);
	write_one(t, 1);
	CHECK_INT(t->request.prefix_len, 128);
	memcpy(t->at + 8, first + 8, 8);
	CU_ASSERT(!memcmp(t->at, first, 128));
	end(t);
}

static void test_every_third_request_skips_two_operations(void)
{
	struct thread *t = begin("skip 2,every=3;compute 1us;sleep 2us;compute 3us;reply 64B",
				 "256B", SEED, 0);

	for (uint64_t i = 0; i < 9; i++) {
		CHECK_TEXT(write_one(t, i), i % 3 ? "compute 1000;sleep 2000;compute 3000;reply 64"
						  : "compute 3000;reply 64");
		CHECK_INT(t->request.skipped, i % 3 ? 0 : 2);
		CHECK_INT(wire_get32(t->at), 256);
	}
	end(t);
}

/* A forward is one operation, and what stays keeps its lengths right. */
static void test_skips_reach_into_forwards_and_over_them(void)
{
	static const struct {
		const char *text, *left;
	} rows[] = {
		{ "skip 1;forward " A ";compute 1us;reply;compute 2us", "compute 2000;reply 512" },
		{ "skip 1;forward " A ",branch;reply;forward " B ",branch;reply;compute 2us",
		  "compute 2000;reply 512" },
		{ "skip 2;compute 1us;forward " A ";forward " B ";reply;reply;reply", "reply 512" },
		{ "forward " A ";skip 1;compute 1us;compute 2us;reply;compute 3us",
		  "forward #0 (" A "){compute 2000;reply 512};compute 3000;reply 512" },
		{ "forward " A ";forward " B ";skip 1;compute 1us;reply;store 1kB;reply",
		  "forward #0 (" A "){forward #1 (" B "){reply 512};store 1000;reply 512};reply "
		  "512" },
		{ "forward " A ",branch;skip 1;sleep 1us;reply;forward " B
		  ",branch;skip 1;sleep 2us;sleep 3us",
		  "forward #0 (" A "){reply 512} (" B "){sleep 3000;reply 512};reply 512" },
		{ "skip 1;skip 1;compute 1us;compute 2us", "compute 2000;reply 512" },
		{ "skip 1;compute 1us;skip 1;compute 2us;compute 3us", "compute 3000;reply 512" },
		{ "skip 2;compute 1us;skip 1;compute 2us;compute 3us", "compute 3000;reply 512" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct thread *t = begin(rows[i].text, "auto", SEED, 0);

		CHECK_TEXT(write_one(t, 0), rows[i].left);
		end(t);
	}
}

static unsigned count_skipped(unsigned thread, uint64_t seed, uint64_t *pattern)
{
	struct thread *t = begin("skip 1,prob=0.25;compute 1us;reply 64B", "256B", seed, thread);
	unsigned skipped = 0;

	*pattern = 0;
	for (uint64_t i = 0; i < 10000; i++) {
		t->request.number = i;
		program_write(&t->stream, &t->request, t->at);
		skipped += t->request.skipped;
		*pattern = *pattern * 3 + t->request.skipped;
	}
	end(t);
	return skipped;
}

static void test_skips_by_chance_are_seeded_and_a_thread_has_its_own(void)
{
	uint64_t first, again, other, seeded;

	/* Binomial: 2500, standard deviation 43. */
	CHECK_NEAR(count_skipped(0, SEED, &first), 2500, 220);
	count_skipped(0, SEED, &again);
	count_skipped(1, SEED, &other);
	count_skipped(0, SEED + 1, &seeded);
	CU_ASSERT(first == again);
	CU_ASSERT(first != other);
	CU_ASSERT(first != seeded);
}

/* Sequences show which request a field was drawn for, and in which field it arrived. */
#define RISING(unit) "aseq:min=100" unit ":max=900" unit ":step=100" unit

/* clang-format off */
static const char drawn_everywhere[] =
	"compute " RISING("ns")
	";load 5B,offset=" RISING("B") ",device=" RISING("")
	";store " RISING("B")
	";forward " A "," B ",timeout=" RISING("us") ",retries=aseq:min=1:max=9"
		",quorum=aseq:min=1:max=2,size=" RISING("B")
	";sleep " RISING("ns")
	";reply " RISING("B") ",dev=" RISING("")
	";reply " RISING("B");
/* clang-format on */

static void test_drawn_fields_lie_where_they_belong(void)
{
	struct thread *t = begin(drawn_everywhere, RISING("0B"), SEED, 0);
	char want[1024];

	for (unsigned i = 0; i < 8; i++) {
		unsigned k = 100 * (i + 1), quorum = i ? 2 : 1;

		snprintf(want, sizeof(want),
			 "compute %u;load 5 at %u on %u;store %u;forward #3 timeout %u retries %u "
			 "quorum %u size %u (" A " " B "){sleep %u;reply %u on %u};reply %u",
			 k, k, k, k, k, i + 1, quorum, k, k, k, k, k);
		CHECK_TEXT(write_one(t, i), want);
		CHECK_INT(wire_get32(t->at), 10 * k);
	}
	CU_ASSERT(!t->program.is_constant && !t->program.fits_chunk);
	end(t);
}

static void test_drawn_fields_move_with_what_is_skipped(void)
{
	struct thread *t = begin("skip 1,every=2;compute 1us;forward " A
				 ";skip 1,every=2;sleep 5us;store " RISING("B") ",offset=" RISING(
					 "B") ";reply;reply " RISING("B"),
				 "auto", SEED, 0);

	CHECK_TEXT(write_one(t, 0), "forward #2 (" A "){store 100 at 100;reply 512};reply 100");
	CHECK_TEXT(write_one(t, 1), "compute 1000;forward #2 (" A
				    "){sleep 5000;store 200 at 200;reply 512};reply 200");
	CHECK_TEXT(write_one(t, 2), "forward #2 (" A "){store 300 at 300;reply 512};reply 300");
	end(t);
}

static void test_the_session_is_told_to_a_forward_that_picks_by_it(void)
{
	struct thread *t = begin("forward " A "," B ",pick=hash", "auto", SEED, 3);

	CHECK_TEXT(write_one(t, 0), "forward #0 pick 5 key 3 (" A " " B "){reply 512};reply 512");
	t->request.session = 90;
	CHECK_TEXT(write_one(t, 1), "forward #0 pick 5 key 90 (" A " " B "){reply 512};reply 512");
	end(t);
}

static double drawn(struct thread *t, uint64_t number, unsigned operation)
{
	struct wire_program program;
	struct wire_operation op;

	t->request.number = number;
	program_write(&t->stream, &t->request, t->at);
	program = wire_program(t->at + WIRE_HEAD, wire_get32(t->at + 16));
	do
		wire_next_operation(&program, &op);
	while (operation--);
	return (double)op.value;
}

static void test_draws_follow_their_law_by_seed_thread_and_place(void)
{
	const char *text = "compute exp:10us;compute exp:10us";
	struct thread *t = begin(text, "auto", SEED, 0), *again = begin(text, "auto", SEED, 0);
	struct thread *other = begin(text, "auto", SEED, 1),
		      *seeded = begin(text, "auto", SEED + 1, 0);
	double sum = 0;
	unsigned same = 0;

	for (uint64_t i = 20000; i-- > 0;) {
		double ns = drawn(t, i, 0);

		sum += ns;
		CU_ASSERT(ns == drawn(again, i, 0));
		same += ns == drawn(other, i, 0);
		same += ns == drawn(seeded, i, 0);
		same += ns == drawn(t, i, 1);
		same += ns == drawn(t, i + 20000, 0);
	}
	/* Mean 10 us, standard error 71 ns; 80000 pairs of about 10^4 likely values. */
	CHECK_NEAR(sum / 20000, 10000, 350);
	CU_ASSERT(same < 20);
	end(t);
	end(again);
	end(other);
	end(seeded);
}

static void test_sizes_are_rounded_to_bytes(void)
{
	struct thread *t = begin("reply unif:min=64B:max=66B", "auto", SEED, 0);
	unsigned count[3] = { 0 };

	for (uint64_t i = 0; i < 4000; i++)
		count[(unsigned)drawn(t, i, 0) - 64]++;
	/* The ends get half as much: 1000, 2000, 1000; standard deviations 27, 32. */
	CHECK_NEAR(count[0], 1000, 140);
	CHECK_NEAR(count[1], 2000, 160);
	end(t);
}

static void test_what_a_law_draws_beyond_a_limit_is_cut_and_counted(void)
{
	/* The tail of this Pareto law reaches an hour in one of 1000 draws. */
	struct thread *t = begin("sleep pareto:alpha=0.5:xmin=3.6ms", "auto", SEED, 0);
	unsigned cut = 0, longest = 0;

	for (uint64_t i = 0; i < 20000; i++) {
		double ns = drawn(t, i, 0);

		CU_ASSERT(ns >= 3.6e6 && ns <= 3600e9);
		longest += ns == 3600e9;
		cut += t->request.cut;
	}
	CHECK_INT(cut, longest);
	CHECK_NEAR(cut, 20, 20);
	CU_ASSERT(cut > 0);
	end(t);
}

static void test_requests_of_drawn_length_hold_their_program(void)
{
	struct thread *t = begin("compute 1us", "unif:min=48B:max=2kB", SEED, 0);
	uint32_t least = UINT32_MAX, most = 0;
	double sum = 0;

	for (uint64_t i = 0; i < 4000; i++) {
		uint32_t len;

		CHECK_TEXT(write_one(t, i), "compute 1000;reply 512");
		len = t->request.prefix_len + t->request.payload_len;
		least = len < least ? len : least;
		most = len > most ? len : most;
		sum += len;
	}
	CU_ASSERT(least >= 48 && least < 60 && most <= 2000 && most > 1990);
	CHECK_NEAR(sum / 4000, 1024, 40);
	end(t);
}

static CU_TestInfo tests[] = {
	{ "requests of a constant program differ in their id only",
	  test_requests_of_a_constant_program_differ_in_their_id_only },
	{ "every third request skips two operations",
	  test_every_third_request_skips_two_operations },
	{ "skips reach into forwards and over them", test_skips_reach_into_forwards_and_over_them },
	{ "skips by chance are seeded, and a thread has its own",
	  test_skips_by_chance_are_seeded_and_a_thread_has_its_own },
	{ "drawn fields lie where they belong", test_drawn_fields_lie_where_they_belong },
	{ "drawn fields move with what is skipped", test_drawn_fields_move_with_what_is_skipped },
	{ "the session is told to a forward that picks by it",
	  test_the_session_is_told_to_a_forward_that_picks_by_it },
	{ "draws follow their law, by seed, thread and place",
	  test_draws_follow_their_law_by_seed_thread_and_place },
	{ "sizes are rounded to bytes", test_sizes_are_rounded_to_bytes },
	{ "what a law draws beyond a limit is cut and counted",
	  test_what_a_law_draws_beyond_a_limit_is_cut_and_counted },
	{ "requests of drawn length hold their program",
	  test_requests_of_drawn_length_hold_their_program },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	printf("seed %d\n", SEED);
	return test_main("program_write", tests);
}

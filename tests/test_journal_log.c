/*
 * test_journal_log.c - the journal's lines: written, read again, torn at every byte, damaged.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "system/journal_log.h"
#include "tests/test.h"

#define HEAD "ringwalk-journal\t1\tboot-id\t12\t345\t678:9\tringwalk test\n"

static void parse(struct journal_log *log, const char *text, int wanted)
{
	CHECK_INT(journal_log_parse(log, text, strlen(text)), wanted);
}

static void test_records_add_up_to_what_is_to_be_taken_back(void)
{
	struct journal_log log;

	parse(&log, HEAD "set\t/a\t1\t2\ngot\t/a\t2\nset\t/b\t5\t6\nset\t/a\t2\t3\nfolder\t/c\n",
	      0);
	CHECK_TEXT(log.holder.boot, "boot-id");
	CHECK_INT(log.holder.pid, 12);
	CHECK_INT(log.holder.start_ticks, 345);
	CHECK_INT(log.holder.netns.inode, 678);
	CHECK_INT(log.holder.netns.cookie, 9);
	CHECK_TEXT(log.holder.what, "ringwalk test");
	CHECK_INT(log.count, 3);
	CHECK_TEXT(log.entries[0].path, "/a");
	CHECK_TEXT(log.entries[0].old, "1"); /* of its first change */
	CHECK_INT(log.entries[0].ours_count, 3);
	CU_ASSERT(log.entries[2].old == NULL);
	CHECK_INT(log.damaged_line, 0);
	CHECK_INT(log.is_kept, false);
	journal_log_finish(&log);
	parse(&log, HEAD "set\t/a\t1\t2\nset\t/b\t5\t6\nback\t/a\nkept\n", 0);
	CHECK_INT(log.count, 1);
	CHECK_TEXT(log.entries[0].path, "/b");
	CHECK_INT(log.is_kept, true);
	journal_log_finish(&log);
}

static void test_a_value_is_ours_when_written_seen_or_under_way(void)
{
	struct journal_log log;

	parse(&log, HEAD "set\t/a\t1\t50\ngot\t/a\t40\nset\t/b\t1\t2\n", 0);
	CHECK_INT(journal_entry_is_ours(&log.entries[0], "50"), true);
	CHECK_INT(journal_entry_is_ours(&log.entries[0], "40"), true);
	CHECK_INT(journal_entry_is_ours(&log.entries[0], "41"), false);
	CHECK_INT(journal_entry_is_ours(&log.entries[1], "41"), true); /* no result noted yet */
	journal_log_finish(&log);
}

/* Cut anywhere, what is read is what the whole lines say. */
static void test_torn_at_every_byte_only_whole_lines_count(void)
{
	static const char text[] = HEAD "set\t/a\t1\t2\ngot\t/a\t2\nset\t/b\t3\t4\ngot\t/b\t4\n"
					"folder\t/c\nback\t/b\n";

	for (size_t len = 0; len < sizeof(text); len++) {
		struct journal_log log;
		unsigned count = 0;
		char copy[sizeof(text)];

		snprintf(copy, len + 1, "%s", text);
		if (!strchr(copy, '\n')) {
			CHECK_INT(journal_log_parse(&log, text, len), -ENODATA);
			continue;
		}
		*(strrchr(copy, '\n') + 1) = '\0';
		count += strstr(copy, "set\t/a") != NULL;
		count += strstr(copy, "set\t/b") != NULL;
		count += strstr(copy, "folder\t") != NULL;
		count -= strstr(copy, "back\t") != NULL;
		CHECK_INT(journal_log_parse(&log, text, len), 0);
		CHECK_INT(log.count, count);
		CHECK_INT(log.damaged_line, 0);
		journal_log_finish(&log);
	}
}

static void test_what_is_written_is_read_again(void)
{
	static const char odd[] = "a\tb\\c\nd", *const set[] = { "set", "/a\tb", odd, "", NULL };
	char path[] = "/tmp/test_journal_log.XXXXXX";
	struct journal_holder holder;
	struct journal_log log;
	int fd = mkstemp(path);

	CU_ASSERT_FATAL(fd >= 0);
	unlink(path);
	CHECK_INT(journal_holder_fill(&holder, "test"), 0);
	CHECK_INT(journal_holder_is_of_before(&holder), 0);
	CHECK_INT(journal_holder_append(&holder, fd), 0);
	CHECK_INT(journal_log_append(fd, set), 0);
	CHECK_INT(write(fd, "set\t/torn", 9), 9);
	CHECK_INT(journal_log_load(&log, fd, true), 0);
	CHECK_INT(log.count, 1);
	CHECK_TEXT(log.entries[0].path, "/a\tb");
	CHECK_TEXT(log.entries[0].old, odd);
	CHECK_TEXT(log.entries[0].ours[0], "");
	CHECK_INT(journal_holder_lives(&log.holder), true);
	log.holder.start_ticks++; /* another process with our number */
	CHECK_INT(journal_holder_lives(&log.holder), false);
	journal_log_finish(&log);
	/* The torn line was cut off: the next one stands alone. */
	CHECK_INT(journal_log_append(fd, set), 0);
	CHECK_INT(journal_log_load(&log, fd, false), 0);
	CHECK_INT(log.count, 1);
	CHECK_INT(log.entries[0].ours_count, 2);
	journal_log_finish(&log);
	close(fd);
}

static void test_a_damaged_line_ends_the_reading_and_is_numbered(void)
{
	static const char *const lines[] = { "nonsense",
					     "set\t/b",
					     "set\t/b\t1\t2\t3",
					     "got\t/x\t1",
					     "set\t/b\t\\q\t2",
					     "",
					     "a\tb\tc\td\te\tf\tg\th\ti\tj" };

	for (unsigned i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		struct journal_log log;
		char text[256];

		snprintf(text, sizeof(text), HEAD "set\t/a\t1\t2\n%s\nset\t/c\t1\t2\n", lines[i]);
		parse(&log, text, 0);
		CHECK_INT(log.damaged_line, 3);
		CHECK_INT(log.count, 1);
		journal_log_finish(&log);
	}
}

/* Who restores a damaged journal writes behind the damage, and is not to do it twice. */
static void test_behind_a_damaged_line_what_is_taken_back_and_kept_counts(void)
{
	struct journal_log log;

	parse(&log,
	      HEAD "set\t/a\t1\t2\nset\t/b\t1\t2\nnonsense\nset\t/c\t1\t2\nback\t/a\nback\t/c\n",
	      0);
	CHECK_INT(log.damaged_line, 4);
	CHECK_INT(log.count, 1);
	CHECK_TEXT(log.entries[0].path, "/b");
	CHECK_INT(log.is_kept, false);
	journal_log_finish(&log);
	parse(&log, HEAD "set\t/a\t1\t2\nnonsense\ngot\t/a\t7\nback\t/x\t1\nkept\n", 0);
	CHECK_INT(log.damaged_line, 3);
	CHECK_INT(log.count, 1);
	CHECK_INT(log.entries[0].ours_count, 1);
	CHECK_INT(log.is_kept, true);
	journal_log_finish(&log);
}

static void test_a_zero_byte_is_damage(void)
{
	static const char text[] = HEAD "set\t/a\t1\t2\nset\t/b\t1\0\t2\nset\t/c\t1\t2\n";
	static const char none[] = "ringwalk-journal\t1\tboot-id\t12\t345\t678\tte\0st\n";
	struct journal_log log;

	CHECK_INT(journal_log_parse(&log, text, sizeof(text) - 1), 0);
	CHECK_INT(log.damaged_line, 3);
	CHECK_INT(log.count, 1);
	journal_log_finish(&log);
	CHECK_INT(journal_log_parse(&log, none, sizeof(none) - 1), -EBADMSG);
}

static void test_a_file_that_is_none_is_refused(void)
{
	struct journal_log log;

	parse(&log, "", -ENODATA);
	parse(&log, "ringwalk-journal\t1\tboot", -ENODATA);
	parse(&log, "hello\n", -EBADMSG);
	parse(&log, "hello", -EBADMSG); /* not torn: it never was one */
	parse(&log, "ringwalk-journal\t2\tboot-id\t12\t345\t678\ttest\n", -EPROTONOSUPPORT);
	parse(&log, "ringwalk-journal\t10\tanything else\n", -EPROTONOSUPPORT);
	parse(&log, "ringwalk-journal\t1x\tboot-id\t12\t345\t678\ttest\n", -EBADMSG);
	parse(&log, "ringwalk-journal\n", -EBADMSG);
	parse(&log, "ringwalk-journal\t1\tboot-id\tx\t345\t678\ttest\n", -EBADMSG);
}

static CU_TestInfo tests[] = {
	{ "records add up to what is to be taken back",
	  test_records_add_up_to_what_is_to_be_taken_back },
	{ "a value is ours when written, seen or under way",
	  test_a_value_is_ours_when_written_seen_or_under_way },
	{ "torn at every byte, only whole lines count",
	  test_torn_at_every_byte_only_whole_lines_count },
	{ "what is written is read again", test_what_is_written_is_read_again },
	{ "a damaged line ends the reading and is numbered",
	  test_a_damaged_line_ends_the_reading_and_is_numbered },
	{ "behind a damaged line, what is taken back and kept counts",
	  test_behind_a_damaged_line_what_is_taken_back_and_kept_counts },
	{ "a zero byte is damage", test_a_zero_byte_is_damage },
	{ "a file that is none is refused", test_a_file_that_is_none_is_refused },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return test_main("journal_log", tests);
}

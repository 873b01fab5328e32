/*
 * journal_log.c - see journal_log.h. Who a holder is: journal_holder.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "system/journal_log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "system/kernel_value.h"

#define FIRST_WORD "ringwalk-journal"

enum { FIELDS_MAX = 8, LOG_BYTES_MAX = 16 << 20 };

static void finish_entry(struct journal_entry *e)
{
	for (unsigned i = 0; i < e->ours_count; i++)
		free(e->ours[i]);
	free(e->ours);
	free(e->path);
	free(e->old);
}

void journal_log_finish(struct journal_log *log)
{
	for (unsigned i = 0; i < log->count; i++)
		finish_entry(&log->entries[i]);
	free(log->entries);
	log->entries = NULL;
	log->count = 0;
}

struct journal_entry *journal_log_find(const struct journal_log *log, const char *path)
{
	for (unsigned i = 0; i < log->count; i++)
		if (!strcmp(log->entries[i].path, path))
			return &log->entries[i];
	return NULL;
}

bool journal_path_is_netns(const char *path)
{
	static const char net[] = "/proc/sys/net/";

	return !strncmp(path, net, strlen(net));
}

bool journal_entry_is_ours(const struct journal_entry *e, const char *value)
{
	if (e->is_under_way)
		return true;
	for (unsigned i = 0; i < e->ours_count; i++)
		if (kernel_value_same(e->ours[i], value))
			return true;
	return false;
}

static int add_ours(struct journal_entry *e, const char *value)
{
	char **ours = realloc(e->ours, (e->ours_count + 1) * sizeof(*ours));

	if (!ours)
		return -ENOMEM;
	e->ours = ours;
	ours[e->ours_count] = strdup(value);
	return ours[e->ours_count] ? (e->ours_count++, 0) : -ENOMEM;
}

/* old: NULL for a folder. */
static int add_entry(struct journal_log *log, const char *path, const char *old)
{
	struct journal_entry *more = realloc(log->entries, (log->count + 1) * sizeof(*more)), *e;

	if (!more)
		return -ENOMEM;
	log->entries = more;
	e = &more[log->count];
	*e = (struct journal_entry){ .path = strdup(path), .old = old ? strdup(old) : NULL };
	if (e->path && (e->old || !old))
		return log->count++, 0;
	finish_entry(e);
	return -ENOMEM;
}

static int take_set(struct journal_log *log, const char *const *f)
{
	int rc = journal_log_find(log, f[1]) ? 0 : add_entry(log, f[1], f[2]);
	struct journal_entry *e = rc ? NULL : journal_log_find(log, f[1]);

	if (!e || !e->old)
		return rc ? rc : -EBADMSG;
	e->is_under_way = true;
	return add_ours(e, f[3]);
}

static int take_got(struct journal_log *log, const char *const *f)
{
	struct journal_entry *e = journal_log_find(log, f[1]);

	if (!e)
		return -EBADMSG;
	e->is_under_way = false;
	return add_ours(e, f[2]);
}

static int take_folder(struct journal_log *log, const char *const *f)
{
	return journal_log_find(log, f[1]) ? 0 : add_entry(log, f[1], NULL);
}

static int take_back(struct journal_log *log, const char *const *f)
{
	struct journal_entry *e = journal_log_find(log, f[1]);

	if (!e)
		return 0; /* noted twice: by one who was killed while noting, and the next */
	finish_entry(e);
	memmove(e, e + 1, (size_t)(&log->entries[--log->count] - e) * sizeof(*e));
	return 0;
}

static int take_kept(struct journal_log *log, const char *const *f)
{
	log->is_kept = true;
	return 0;
}

static const struct {
	const char *word;
	unsigned fields;
	int (*take)(struct journal_log *log, const char *const *fields);
} records[] = {
	{ "set", 4, take_set },	  { "got", 3, take_got },   { "folder", 2, take_folder },
	{ "back", 2, take_back }, { "kept", 1, take_kept },
};

int journal_log_take(struct journal_log *log, const char *const *fields)
{
	unsigned count = 0;

	while (fields[count])
		count++;
	for (unsigned i = 0; i < sizeof(records) / sizeof(*records); i++)
		if (!strcmp(fields[0], records[i].word))
			return count == records[i].fields ? records[i].take(log, fields) : -EBADMSG;
	return -EBADMSG;
}

/* In place. False: a backslash that stands for nothing. */
static bool unescape(char *text)
{
	static const char letters[] = "tn\\", meant[] = "\t\n\\";
	char *to = text;

	for (; *text; text++) {
		const char *letter;

		if (*text != '\\') {
			*to++ = *text;
			continue;
		}
		letter = *++text ? strchr(letters, *text) : NULL;
		if (!letter)
			return false;
		*to++ = meant[letter - letters];
	}
	*to = '\0';
	return true;
}

/* A line without its end as fields, in place; fields[] ends with NULL. */
static int split(char *line, const char **fields)
{
	char *field;
	unsigned count = 0;

	while ((field = strsep(&line, "\t"))) {
		if (count == FIELDS_MAX || !unescape(field))
			return -EBADMSG;
		fields[count++] = field;
	}
	fields[count] = NULL;
	return 0;
}

/* "INODE:COOKIE", or INODE where there are no cookies. */
static void parse_netns(struct netns_id *id, const char *text)
{
	char *end;

	id->inode = strtoull(text, &end, 10);
	id->cookie = *end == ':' ? strtoull(end + 1, NULL, 10) : 0;
}

static int parse_holder(struct journal_holder *h, char *line)
{
	const char *f[FIELDS_MAX + 1] = { 0 };

	if (split(line, f) || !f[0] || strcmp(f[0], FIRST_WORD))
		return -EBADMSG;
	if (f[1] && *f[1] && strcmp(f[1], "1") && !f[1][strspn(f[1], "0123456789")])
		return -EPROTONOSUPPORT;
	if (!f[6] || f[7] || strcmp(f[1], "1"))
		return -EBADMSG;
	snprintf(h->boot, sizeof(h->boot), "%s", f[2]);
	snprintf(h->what, sizeof(h->what), "%s", f[6]);
	h->pid = (pid_t)strtol(f[3], NULL, 10);
	h->start_ticks = strtoull(f[4], NULL, 10);
	parse_netns(&h->netns, f[5]);
	return h->pid > 0 ? 0 : -EBADMSG;
}

/* These two are true whatever was lost before: who takes back what could be read notes it there. */
static bool counts_behind_damage(const char *word)
{
	return !strcmp(word, "back") || !strcmp(word, "kept");
}

static int parse_record(struct journal_log *log, char *line)
{
	const char *fields[FIELDS_MAX + 1];
	int rc = split(line, fields);

	if (!rc && log->damaged_line && !counts_behind_damage(fields[0]))
		return 0;
	return rc ? rc : journal_log_take(log, fields);
}

/* The line at *text as a string, *text behind it; NULL: no whole line is left. */
static char *cut_line(char **text, const char *end, int *rc)
{
	char *line = *text, *stop = memchr(line, '\n', (size_t)(end - line));

	if (!stop)
		return NULL;
	*stop = '\0';
	*text = stop + 1;
	*rc = strlen(line) == (size_t)(stop - line) ? 0 : -EBADMSG; /* a zero byte */
	return line;
}

static int parse_first(struct journal_log *log, char **text, const char *end)
{
	size_t len = (size_t)(end - *text), known = strlen(FIRST_WORD);
	int rc = 0;
	char *line = cut_line(text, end, &rc);

	if (!line)
		return memcmp(*text, FIRST_WORD, len < known ? len : known) ? -EBADMSG : -ENODATA;
	return rc ? rc : parse_holder(&log->holder, line);
}

static int parse_lines(struct journal_log *log, char *text, size_t len)
{
	const char *end = text + len;
	int rc = parse_first(log, &text, end);
	char *line;

	for (unsigned number = 2; !rc && (line = cut_line(&text, end, &rc)); number++) {
		if (!rc)
			rc = parse_record(log, line);
		if (rc != -EBADMSG)
			continue;
		rc = 0;
		if (!log->damaged_line)
			log->damaged_line = number;
	}
	return rc;
}

int journal_log_parse(struct journal_log *log, const char *text, size_t len)
{
	AUTO(auto_free) char *copy = malloc(len + 1);
	int rc;

	*log = (struct journal_log){ 0 };
	if (!copy)
		return -ENOMEM;
	memcpy(copy, text, len);
	rc = parse_lines(log, copy, len);
	if (rc)
		journal_log_finish(log);
	return rc;
}

/* Else the next line would become part of it. */
static int cut_torn_line(int fd, const char *text, size_t len)
{
	const char *end = memrchr(text, '\n', len);
	size_t whole = end ? (size_t)(end - text) + 1 : 0;

	return whole < len && ftruncate(fd, (off_t)whole) ? -errno : 0;
}

int journal_log_load(struct journal_log *log, int fd, bool repair)
{
	AUTO(auto_free) char *text = NULL;
	struct stat st;
	ssize_t len;
	int rc;

	*log = (struct journal_log){ 0 };
	if (fstat(fd, &st))
		return -errno;
	if (st.st_size > LOG_BYTES_MAX)
		return -EFBIG;
	text = malloc((size_t)st.st_size + 1);
	if (!text)
		return -ENOMEM;
	len = pread(fd, text, (size_t)st.st_size, 0);
	if (len < 0)
		return -errno;
	rc = repair ? cut_torn_line(fd, text, (size_t)len) : 0;
	return rc ? rc : journal_log_parse(log, text, (size_t)len);
}

static void escape(FILE *out, const char *field)
{
	static const char meant[] = "\t\n\\", letters[] = "tn\\";

	for (; *field; field++) {
		const char *at = strchr(meant, *field);

		if (at)
			fprintf(out, "\\%c", letters[at - meant]);
		else
			fputc(*field, out);
	}
}

/* In one write, so that a kill cannot tear it. What did not fit is cut off again. */
static int write_line(int fd, const char *line, size_t len)
{
	off_t before = lseek(fd, 0, SEEK_END);
	ssize_t written = write(fd, line, len);

	if (written >= 0 && (size_t)written < len)
		return ftruncate(fd, before) ? -errno : -ENOSPC;
	return written < 0 || fdatasync(fd) ? -errno : 0;
}

int journal_log_append(int fd, const char *const *fields)
{
	AUTO(auto_free) char *line = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&line, &len);

	if (!out)
		return -ENOMEM;
	for (unsigned i = 0; fields[i]; i++) {
		if (i)
			fputc('\t', out);
		escape(out, fields[i]);
	}
	fputc('\n', out);
	return fclose(out) ? -ENOMEM : write_line(fd, line, len);
}

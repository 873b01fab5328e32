/*
 * progress.c - a bar for people who watch, lines for those who read later.
 *
 * Formatting is pure; only progress_write() and progress_end() touch the stream they were given.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "lab/progress.h"

#include <math.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/units.h"

enum { WIDTH_DEFAULT = 80, BAR_MAX = 20, BAR_MIN = 5, REASON_COLUMNS = 80, REASON_MAX = 511 };

#define REPAINT_NS (100 * MS)

const char *progress_duration(int64_t ns, char *buf, size_t size)
{
	int64_t s = (ns + SEC / 2) / SEC;

	if (s < 60)
		snprintf(buf, size, "%lld s", (long long)s);
	else if (s < 3600)
		snprintf(buf, size, "%lld min %02lld s", (long long)s / 60, (long long)s % 60);
	else
		snprintf(buf, size, "%lld h %02lld min", (long long)s / 3600,
			 (long long)s / 60 % 60);
	return buf;
}

/* "0:52", "1:03:20" */
static const char *countdown(int64_t ns, char *buf, size_t size)
{
	int64_t s = ns > 0 ? (ns + SEC - 1) / SEC : 0;

	if (s < 3600)
		snprintf(buf, size, "%lld:%02lld", (long long)s / 60, (long long)s % 60);
	else
		snprintf(buf, size, "%lld:%02lld:%02lld", (long long)s / 3600,
			 (long long)s / 60 % 60, (long long)s % 60);
	return buf;
}

/* Columns of UTF-8 text: bytes that do not continue a character. */
static unsigned columns(const char *text)
{
	unsigned n = 0;

	for (; *text; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

/* Cuts to at most `width` columns, never inside a character. */
static void cut(char *text, unsigned width)
{
	unsigned n = 0;

	for (; *text; text++) {
		if (((unsigned char)*text & 0xc0) != 0x80 && ++n > width) {
			*text = '\0';
			return;
		}
	}
}

/* "epoll other split  p50 21.3 us  VALID" */
static void last_run(const struct progress *p, char *buf, size_t size)
{
	char p50[32] = "", number[24];

	*buf = '\0';
	if (!p->label)
		return;
	if (!isnan(p->p50_ns))
		snprintf(p50, sizeof(p50), "  p50 %s",
			 units_human_time(p->p50_ns, number, sizeof(number)));
	snprintf(buf, size, "  %s%s%s  %s", p->label, p->is_aa ? " (A/A)" : "", p50, p->verdict);
}

/* "[====>     ]" with this many columns between the brackets. */
static void bar(const struct progress *p, unsigned width, char *buf)
{
	unsigned filled = p->total ? (unsigned)((uint64_t)width * p->done / p->total) : 0;

	*buf++ = '[';
	for (unsigned i = 0; i < width; i++)
		*buf++ = i < filled ? '=' : i == filled ? '>' : ' ';
	*buf++ = ']';
	*buf = '\0';
}

const char *progress_bar(const struct progress *p, unsigned width, char *buf, size_t size)
{
	char counts[160], last[400], time[24], picture[BAR_MAX + 3] = "";
	unsigned used, room;
	size_t len;

	snprintf(counts, sizeof(counts), "block %u/%u  run %u/%u  %s left", p->block, p->blocks,
		 p->done, p->total, countdown(p->left_ns, time, sizeof(time)));
	len = strlen(counts);
	if (p->invalid || p->failed)
		snprintf(counts + len, sizeof(counts) - len, "  %u INVALID, %u failed", p->invalid,
			 p->failed);
	last_run(p, last, sizeof(last));
	used = columns(counts) + columns(last);
	room = width > used + 3 ? width - used - 3 : 0;
	if (room >= BAR_MIN)
		bar(p, room < BAR_MAX ? room : BAR_MAX, picture);
	snprintf(buf, size, "%s%s%s%s", picture, *picture ? " " : "", counts, last);
	cut(buf, width);
	return buf;
}

const char *progress_line(const struct progress *p, char *buf, size_t size)
{
	char last[400], reason[REASON_MAX + 1] = "";
	const char *dots = "";

	last_run(p, last, sizeof(last));
	if (p->reason)
		snprintf(reason, sizeof(reason), "%s", p->reason);
	if (strchr(reason, '\n') || columns(reason) > REASON_COLUMNS)
		dots = " ...";
	reason[strcspn(reason, "\n")] = '\0';
	cut(reason, REASON_COLUMNS);
	snprintf(buf, size, "run %u/%u  block %u/%u%s%s%s%s", p->done, p->total, p->block,
		 p->blocks, last, *reason ? ": " : "", reason, dots);
	return buf;
}

void progress_writer_init(struct progress_writer *w, FILE *out)
{
	*w = (struct progress_writer){ .out = out, .is_terminal = isatty(fileno(out)) };
}

static unsigned terminal_width(FILE *out)
{
	struct winsize size;

	if (ioctl(fileno(out), TIOCGWINSZ, &size) < 0 || !size.ws_col)
		return WIDTH_DEFAULT;
	return size.ws_col;
}

static void paint(struct progress_writer *w, const struct progress *p, int64_t now_ns)
{
	char line[PROGRESS_LINE];

	w->painted_ns = now_ns;
	/* One column less, so that no terminal wraps. */
	fprintf(w->out, "\r\033[K%s",
		progress_bar(p, terminal_width(w->out) - 1, line, sizeof(line)));
	fflush(w->out);
}

void progress_write(struct progress_writer *w, const struct progress *p, int64_t now_ns)
{
	bool is_new = p->done != w->lines;
	char line[PROGRESS_LINE];

	if (w->is_terminal && (is_new || now_ns - w->painted_ns >= REPAINT_NS))
		paint(w, p, now_ns);
	if (!w->is_terminal && is_new && p->label) {
		fprintf(w->out, "%s\n", progress_line(p, line, sizeof(line)));
		fflush(w->out);
	}
	w->lines = p->done;
}

void progress_end(struct progress_writer *w)
{
	if (w->is_terminal)
		fputs("\r\033[K", w->out);
	fflush(w->out);
}

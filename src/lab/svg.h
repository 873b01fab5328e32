/*
 * svg.h - a small writer of figures: scales with nice ticks, marks, lines, text.
 *
 * Colours and line widths are the style sheet's: elements carry classes, so one figure serves
 * light, dark and paper. Lengths are pixels. Texts are escaped here. Nothing is remembered between
 * calls.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_LAB_SVG_H
#define RW_LAB_SVG_H

#include <stdbool.h>
#include <stdio.h>

/* Shapes that can be told apart without colour. */
enum svg_mark {
	MARK_CIRCLE,
	MARK_SQUARE,
	MARK_TRIANGLE,
	MARK_DIAMOND,
	MARK_DOWN,
	MARK_PLUS,
	MARK_CROSS,
	MARK_LEFT, /* arrow heads: there is more beyond the edge */
	MARK_RIGHT,
	MARKS
};

/* Values from..to lie at pixels low..high; low may be the greater one (y grows downwards). */
struct svg_scale {
	double from, to, low, high;
	bool is_log;
};

#define SVG_TICKS 64

/* A scale that shows both values with some room; equal or missing ones are spread apart. */
struct svg_scale svg_scale(double from, double to, double low, double high, bool is_log);
double svg_at(const struct svg_scale *s, double value);
/* Round values in the scale, neighbours at least gap pixels apart, rising; returns how many. */
unsigned svg_ticks(const struct svg_scale *s, double gap, double *ticks);

/* title is read out and shown by the pointer; description says what is to be seen. May be NULL. */
void svg_open(FILE *out, const char *class, double width, double height, const char *title,
	      const char *description);
void svg_close(FILE *out);
void svg_line(FILE *out, const char *class, double x1, double y1, double x2, double y2);
void svg_rect(FILE *out, const char *class, double x, double y, double width, double height);
/* The class says which end of the text stands at x: "start", "middle" or "end". */
void svg_text(FILE *out, const char *class, double x, double y, const char *text);
void svg_mark(FILE *out, const char *class, enum svg_mark mark, double x, double y, double radius,
	      const char *tip);

/* A line through points: open, points in order, close. */
void svg_path_open(FILE *out, const char *class);
void svg_path_point(FILE *out, double x, double y, bool is_first);
void svg_path_close(FILE *out);

#endif

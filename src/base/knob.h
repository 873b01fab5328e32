/*
 * knob.h - one settable value: a table line from which everything else is derived.
 *
 * A knob line gives the command-line option, the experiment-file key, the sweep factor, the
 * help line, the man page entry, the result column and the comparison of requested with
 * effective. Nobody writes an option's name or default anywhere else.
 *
 *	static const struct knob knobs[] = {
 *		{ .name = "trigger", .type = &knob_enum, KNOB_FIELD(struct epoll_opts, trigger,
 *int), .choices = trigger_names, .def = "level", .help = "how descriptors are armed" }, { 0 },
 *	};
 *	static const struct knob_group group = { .name = "epoll", .help = "...", .knobs = knobs,
 *						 .opts_size = sizeof(struct epoll_opts) };
 *
 * gives --epoll.trigger=level|edge|oneshot and the key `epoll.trigger` in a file. A group whose
 * name is "" has bare names (--threads).
 *
 * Text in, canonical text out: what knob_format() writes, knob_parse() reads back to the same
 * value. A number without a unit where a unit belongs, an unknown unit, an overflow and a value
 * out of bounds are refused with the text and a suggestion; the field is then untouched.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_BASE_KNOB_H
#define RW_BASE_KNOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"

struct knob;

struct knob_type {
	const char *metavar; /* what help calls the value: TIME, SIZE, N, CHOICE */
	int (*parse)(const struct knob *k, const char *text, void *field, struct err *err);
	void (*format)(const struct knob *k, const void *field, char *buf, size_t size);
	bool appends; /* each use adds to the field instead of replacing it */
	bool is_flag; /* may stand without a value on the command line: --flag is --flag=yes */
};

struct knob {
	const char *name;	      /* within its group: "trigger", "backlog-length" */
	const char *const *aliases;   /* other long options (whole names), NULL-terminated */
	char letter;		      /* short option, 0: none */
	bool optional_value;	      /* may come without a value; parse() then gets "" */
	const struct knob_type *type; /* how text becomes the field and back */
	size_t offset;		      /* of the field in the group's options */
	size_t size;		      /* of the field */
	/* In base units (ns, bytes, plain); both 0: no bound; max below min: no upper bound. */
	int64_t min, max;
	const char *bare_unit; /* of a number without one, as in DistWalk ("us"); NULL: refused */
	const char *def;       /* default, as a person would type it; NULL: zeroed field */
	const char *const *choices; /* enums: NULL-terminated, index = value */
	const char *metavar;	    /* overrides the type's in help; NULL: the type's */
	const char *help;	    /* one line, no full stop */
	/*
	 * How the kernel is asked what it has: "sched_getattr(2)", "SO_RCVBUF", a file. NULL: the
	 * value never reaches the kernel, or only as part of what another knob's read-back shows.
	 */
	const char *read_back;
};

struct knob_group {
	const char *name; /* "sched"; "" for bare names */
	const char *help;
	const struct knob *knobs; /* ends with a knob without a name; NULL: no knobs */
	size_t opts_size;
	/* The group whose knobs these are, under another name: help says so and lists none. */
	const struct knob_group *like;
};

/* Field types behind each: int64_t, int64_t ns, int64_t bytes, double 1/s, double 0..1, int. */
extern const struct knob_type knob_int;	   /* "12", "4k" (k M G are powers of ten) */
extern const struct knob_type knob_time;   /* int64_t ns: "10us", "1.5ms" */
extern const struct knob_type knob_size;   /* int64_t bytes: "64B", "4KiB", "1kB" */
extern const struct knob_type knob_rate;   /* double per second: "20k", "20k/s", "0.5" */
extern const struct knob_type knob_ratio;  /* double: "5%", "0.05" */
extern const struct knob_type knob_enum;   /* int: index into choices */
extern const struct knob_type knob_bool;   /* bool: yes/no, on/off, true/false, 1/0 */
extern const struct knob_type knob_yes_no; /* the same, and the value must be given */
extern const struct knob_type knob_text;   /* char[size]: any text that fits */
extern const struct knob_type knob_texts;  /* struct knob_list: a use appends; "a;b" is two */
extern const struct knob_type knob_cpus;   /* char[size]: "0,2-5:2" made canonical; "" none */

/*
 * A bounded list of texts, for options that may come several times (-b, -C). Zero is empty. The
 * texts lie one behind the other, so many short ones take no more room than a few long ones.
 */
#define KNOB_LIST_MAX	512
#define KNOB_LIST_BYTES 16376 /* of all texts, with one byte each for their ends */
struct knob_list {
	int count;
	unsigned used; /* of bytes[] */
	char bytes[KNOB_LIST_BYTES];
};

/* Text i < list->count, counted from the first: for reading in order there is knob_list_next(). */
const char *knob_list_text(const struct knob_list *list, int i);
/* The text behind this one, the first for NULL; NULL: there is none. */
const char *knob_list_next(const struct knob_list *list, const char *text);
/* Appends one text of len bytes; -EINVAL when the list is full: it is then unchanged. */
int knob_list_add(struct knob_list *list, const char *text, size_t len, struct err *err);
/* Takes back what was added behind the first `count` texts. */
void knob_list_cut(struct knob_list *list, int count);

/* The field's place and size; does not compile unless the field has that C type. */
#define KNOB_FIELD(opts, field, ctype)                                                             \
	.offset =                                                                                  \
		offsetof(opts, field) + 0 * sizeof((__typeof__(ctype) *)0 == &((opts *)0)->field), \
	.size = sizeof(((opts *)0)->field)

/*
 * One knob. opts is the options struct of the knob's group. A refusal (-EINVAL) does not name the
 * knob: the caller knows whether it was "--rate", "rate" or line 7 of a file, and wraps.
 */
int knob_parse(const struct knob *k, const char *text, void *opts, struct err *err);
void knob_format(const struct knob *k, const void *opts, char *buf, size_t size);
bool knob_equal(const struct knob *k, const void *a, const void *b);
const struct knob *knob_find(const struct knob_group *g, const char *name);
void knob_defaults(const struct knob_group *g, void *opts);

/*
 * A knob set: what one command takes, as groups bound to the structs they fill. It remembers
 * where each value came from. Fixed size, no allocation except `from`, which is one byte a knob.
 */
enum knob_origin { KNOB_DEFAULT, KNOB_FILE, KNOB_ARGUMENT, KNOB_SWEEP };
extern const char *const knob_origin_names[];

#define KNOB_SET_MAX   64
#define KNOB_GROUP_MAX 64 /* knobs in a group */
struct knob_set {
	int count;
	struct knob_bind {
		const struct knob_group *group;
		void *opts;
		uint8_t from[KNOB_GROUP_MAX]; /* enum knob_origin, by index in group->knobs */
	} binds[KNOB_SET_MAX];
};

/* Binds and fills in the defaults. Defaults must parse: it is an assertion that they do. */
void knob_set_add(struct knob_set *set, const struct knob_group *g, void *opts);

/* Full key: "threads", "epoll.trigger", or an alias. NULL: no such knob. */
const struct knob *knob_set_find(const struct knob_set *set, const char *key,
				 const struct knob_bind **ret_bind);

/*
 * The option that `word` means on a command line, without its dashes: a key, an unambiguous
 * abbreviation of one, or a letter. buf gets its key. NULL: none, or several; err says which.
 */
const struct knob *knob_set_option(const struct knob_set *set, const char *word, char *buf,
				   size_t size, struct err *err);

/* The key of a knob: "epoll.trigger". Returns buf. */
const char *knob_key(const struct knob_group *g, const struct knob *k, char *buf, size_t size);

/*
 * -ENOENT: no such knob, with the nearest name as a suggestion. -EINVAL: bad value; for a knob
 * whose metavar begins with FILE or DIR an empty one is, too. A knob that
 * appends starts anew when `from` is another origin than before: arguments replace what a file
 * or the default said.
 */
int knob_set_assign(struct knob_set *set, const char *key, const char *text, enum knob_origin from,
		    struct err *err);

/*
 * Reads options of the form --key=value, --key value, -xVALUE, -x value, up to "--". Unambiguous
 * abbreviations of long options work, as users of getopt_long expect. --help is not special here:
 * the caller handles it first with knob_wants_help(). Positional arguments are moved to the front
 * of argv after index 0 and counted in *ret_positional.
 */
int knob_set_args(struct knob_set *set, int argc, char **argv, int *ret_positional,
		  struct err *err);
bool knob_wants_help(int argc, char **argv);	   /* --help, -h, --help=PART */
const char *knob_help_part(int argc, char **argv); /* PART; NULL: all of it */
bool knob_wants_usage(int argc, char **argv);	   /* --usage */

/* Help as columns; one entry a knob: option, metavar, help, default, choices. */
/* Only how they are written: "[-n, --requests=N] ...", in lines. */
void knob_set_usage(const struct knob_set *set, FILE *out);
void knob_set_help(const struct knob_set *set, FILE *out);
/*
 * Only the group of that name ("sched") with those below it ("storage": "storage.sched"); groups
 * without a name go by the first word of their heading. False: there is none, nothing is written.
 */
bool knob_set_help_part(const struct knob_set *set, const char *part, FILE *out);
/* "serving, TLS, pin, sched": the parts there are, in lines. */
void knob_set_parts(const struct knob_set *set, FILE *out);
/* The options of a man page (roff) and a Markdown table, from the same lines. */
void knob_set_man(const struct knob_set *set, FILE *out);
void knob_set_markdown(const struct knob_set *set, FILE *out);

/* The word in list nearest to `word` (edit distance at most a third of it), or NULL. */
const char *nearest_word(const char *word, const char *const *list);
/* Spread over all 64 bits. */
uint64_t word_hash(const char *word);
/* Insertions, deletions and replacements from a to b, and the most that counts as near. */
unsigned word_distance(const char *a, const char *b);
unsigned word_distance_limit(const char *word);

#endif

/*
 * knob_set.c - what one command takes: keys found, values assigned, arguments read.
 *
 * getopt_long() walks the arguments, because people know its rules: abbreviations, "--key value",
 * "-xVALUE", "--". It is made to keep silent; the sentences are ours.
 * It has global state, so arguments are read by one thread, at the start.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <assert.h>
#include <errno.h>
#include <getopt.h>
#include <string.h>

#include "base/knob.h"

const char *const knob_origin_names[] = { "default", "file", "argument", "sweep", NULL };

enum {
	OPTIONS_MAX = 1024, /* long options of a command, other names included */
	KEY_MAX = 48,
	CODE_FIRST = 256, /* above the letters; then bind * KNOB_GROUP_MAX + knob */
};

/* What getopt_long() wants to see of a set. Its codes lead back to the knobs. */
struct option_table {
	struct option longs[OPTIONS_MAX + 1];
	char keys[OPTIONS_MAX][KEY_MAX];
	int count;
	char shorts[OPTIONS_MAX];
	int codes[CODE_FIRST]; /* by letter; 0: no such option */
};

const char *knob_key(const struct knob_group *g, const struct knob *k, char *buf, size_t size)
{
	snprintf(buf, size, "%s%s%s", g->name, *g->name ? "." : "", k->name);
	return buf;
}

static bool has_alias(const struct knob *k, const char *key)
{
	const char *const *alias;

	for (alias = k->aliases; alias && *alias; alias++)
		if (!strcmp(*alias, key))
			return true;
	return false;
}

const struct knob *knob_set_find(const struct knob_set *set, const char *key,
				 const struct knob_bind **ret_bind)
{
	const struct knob_bind *b;
	const struct knob *k;
	char buf[KEY_MAX];

	for (b = set->binds; b < set->binds + set->count; b++) {
		for (k = b->group->knobs; k && k->name; k++) {
			if (strcmp(knob_key(b->group, k, buf, sizeof(buf)), key) &&
			    !has_alias(k, key))
				continue;
			if (ret_bind)
				*ret_bind = b;
			return k;
		}
	}
	return NULL;
}

void knob_set_add(struct knob_set *set, const struct knob_group *g, void *opts)
{
	struct knob_bind *b = &set->binds[set->count];
	const struct knob *k;
	char buf[KEY_MAX];

	assert(set->count < KNOB_SET_MAX);
	for (k = g->knobs; k && k->name; k++) {
		assert(k - g->knobs < KNOB_GROUP_MAX);
		assert(!knob_set_find(set, knob_key(g, k, buf, sizeof(buf)), NULL));
		assert(strlen(buf) + 1 < sizeof(buf)); /* the key was not cut */
	}
	*b = (struct knob_bind){ .group = g, .opts = opts };
	knob_defaults(g, opts);
	set->count++;
}

/* The highest origin among the knobs that share the field: -C and -R may append to one program. */
static enum knob_origin field_origin(const struct knob_bind *b, const struct knob *k)
{
	enum knob_origin origin = KNOB_DEFAULT;
	const struct knob *other;

	for (other = b->group->knobs; other->name; other++) {
		enum knob_origin from = b->from[other - b->group->knobs];

		if (other->offset == k->offset && from > origin)
			origin = from;
	}
	return origin;
}

/* Empties the field before the first text of another origin; puts it back if that is refused. */
static int parse_anew(const struct knob *k, const char *text, void *opts, struct err *err)
{
	char was[k->size], *field = (char *)opts + k->offset;
	int rc;

	memcpy(was, field, k->size);
	memset(field, 0, k->size);
	rc = knob_parse(k, text, opts, err);
	if (rc)
		memcpy(field, was, k->size);
	return rc;
}

/*
 * Nobody asks for a file without a name: it is a variable that was empty, or a slip. Taken as
 * "none" the results would go nowhere, and a secret would not be asked for.
 */
static int check_name(const struct knob *k, const char *text, struct err *err)
{
	const char *metavar = k->metavar ? k->metavar : k->type->metavar;
	bool is_folder = !strncmp(metavar, "DIR", 3);

	if (*text || k->optional_value || (!is_folder && strncmp(metavar, "FILE", 4)))
		return 0;
	return err_set(err, -EINVAL, "the name of the %s is empty: give one, or leave this out",
		       is_folder ? "folder" : "file");
}

static int bind_assign(struct knob_bind *b, const struct knob *k, const char *text,
		       enum knob_origin from, struct err *err)
{
	int rc = check_name(k, text, err);

	if (rc)
		return rc;
	if (k->type->appends && field_origin(b, k) != from)
		rc = parse_anew(k, text, b->opts, err);
	else
		rc = knob_parse(k, text, b->opts, err);
	if (!rc)
		b->from[k - b->group->knobs] = from;
	return rc;
}

/* How far word is from a knob's key, its name without the group, and its other names. */
static unsigned knob_distance(const struct knob *k, const char *key, const char *word)
{
	unsigned least = word_distance(word, key), distance = word_distance(word, k->name);
	const char *const *alias = k->aliases;

	for (;; alias++) {
		if (distance < least)
			least = distance;
		if (!alias || !*alias)
			return least;
		distance = word_distance(word, *alias);
	}
}

/* -ENOENT with the nearest key. dashes: how keys are written where the word came from. */
static int refuse_key(const struct knob_set *set, const char *word, const char *dashes,
		      const char *what, struct err *err)
{
	unsigned best = word_distance_limit(word) + 1, distance;
	char near[KEY_MAX] = "", key[KEY_MAX];
	const struct knob_bind *b;
	const struct knob *k;

	for (b = set->binds; b < set->binds + set->count; b++) {
		for (k = b->group->knobs; k && k->name; k++) {
			knob_key(b->group, k, key, sizeof(key));
			distance = knob_distance(k, key, word);
			if (distance < best) {
				best = distance;
				strcpy(near, key);
			}
		}
	}
	return err_set(err, -ENOENT, "%s%s: no such %s%s%s%s%s", dashes, word, what,
		       *near ? "; did you mean " : "", *near ? dashes : "", near, *near ? "?" : "");
}

int knob_set_assign(struct knob_set *set, const char *key, const char *text, enum knob_origin from,
		    struct err *err)
{
	const struct knob_bind *b;
	const struct knob *k = knob_set_find(set, key, &b);
	int rc;

	if (!k)
		return refuse_key(set, key, "", "setting", err);
	rc = bind_assign(&set->binds[b - set->binds], k, text, from, err);
	if (rc)
		err_wrap(err, "%s", key);
	return rc;
}

static void table_add_long(struct option_table *t, const char *name, const struct knob *k, int code)
{
	assert(t->count < OPTIONS_MAX);
	t->longs[t->count++] = (struct option){
		.name = name,
		.has_arg = k->type->is_flag || k->optional_value ? optional_argument
								 : required_argument,
		.val = code,
	};
}

static void table_add_letter(struct option_table *t, const struct knob *k, int code)
{
	const char *argument = k->type->is_flag ? "" : k->optional_value ? "::" : ":";

	assert(!t->codes[(unsigned char)k->letter]);
	t->codes[(unsigned char)k->letter] = code;
	sprintf(t->shorts + strlen(t->shorts), "%c%s", k->letter, argument);
}

static void table_fill(struct option_table *t, const struct knob_set *set)
{
	const char *const *alias;

	/* ":": getopt prints nothing and tells a missing value from an unknown option. */
	*t = (struct option_table){ .shorts = ":" };
	for (int i = 0; i < set->count; i++) {
		const struct knob_group *g = set->binds[i].group;

		for (const struct knob *k = g->knobs; k && k->name; k++) {
			int code = CODE_FIRST + i * KNOB_GROUP_MAX + (int)(k - g->knobs);

			table_add_long(t, knob_key(g, k, t->keys[t->count], KEY_MAX), k, code);
			for (alias = k->aliases; alias && *alias; alias++)
				table_add_long(t, *alias, k, code);
			if (k->letter)
				table_add_letter(t, k, code);
		}
	}
}

/* *ret_bind is its place in set->binds. */
static const struct knob *table_knob(const struct option_table *t, const struct knob_set *set,
				     int code, int *ret_bind)
{
	int number = (code < CODE_FIRST ? t->codes[code] : code) - CODE_FIRST;

	*ret_bind = number / KNOB_GROUP_MAX;
	return &set->binds[*ret_bind].group->knobs[number % KNOB_GROUP_MAX];
}

static int assign_option(const struct option_table *t, struct knob_set *set, int code,
			 struct err *err)
{
	const char *text = optarg;
	int bind, rc;
	const struct knob *k = table_knob(t, set, code, &bind);
	struct knob_bind *b = &set->binds[bind];
	char key[KEY_MAX];

	if (!text)
		text = k->type->is_flag ? "yes" : "";
	rc = bind_assign(b, k, text, KNOB_ARGUMENT, err);
	if (rc)
		err_wrap(err, "--%s", knob_key(b->group, k, key, sizeof(key)));
	return rc;
}

static int refuse_missing(const struct option_table *t, struct knob_set *set, struct err *err)
{
	int bind;
	const struct knob *k = table_knob(t, set, optopt, &bind);
	char key[KEY_MAX];

	knob_key(set->binds[bind].group, k, key, sizeof(key));
	return err_set(err, -EINVAL, "--%s: needs a value: --%s=%s", key, key,
		       k->metavar ? k->metavar : k->type->metavar);
}

/* The options that `word` abbreviates, as "--a, --b"; empty if there are none. */
static const char *list_candidates(const struct option_table *t, const char *word, char *buf,
				   size_t size)
{
	size_t len = 0;

	*buf = '\0';
	for (const struct option *o = t->longs; o->name && len < size; o++)
		if (!strncmp(o->name, word, strlen(word)))
			len += snprintf(buf + len, size - len, "%s--%s", len ? ", " : "", o->name);
	return buf;
}

/* The only option that `word` abbreviates: its code. 0: there are several or none. */
static int find_abbreviated(const struct option_table *t, const char *word)
{
	int code = 0;

	for (const struct option *o = t->longs; o->name; o++) {
		if (!strcmp(o->name, word))
			return o->val;
		if (strncmp(o->name, word, strlen(word)) || o->val == code)
			continue;
		if (code)
			return 0;
		code = o->val;
	}
	return code;
}

const struct knob *knob_set_option(const struct knob_set *set, const char *word, char *buf,
				   size_t size, struct err *err)
{
	const struct knob *k;
	struct option_table t;
	char all[200];
	int code, bind;

	table_fill(&t, set);
	code = word[1] ? 0 : t.codes[(unsigned char)*word];
	if (!code)
		code = find_abbreviated(&t, word);
	if (!code && *list_candidates(&t, word, all, sizeof(all))) {
		err_set(err, -EINVAL, "%s: could be any of %s", word, all);
		return NULL;
	}
	if (!code) {
		refuse_key(set, word, "", "option", err);
		return NULL;
	}
	k = table_knob(&t, set, code, &bind);
	knob_key(set->binds[bind].group, k, buf, size);
	return k;
}

/* getopt does not tell an unknown option from an ambiguous one, so look again. */
static int refuse_option(const struct option_table *t, const struct knob_set *set, const char *arg,
			 struct err *err)
{
	char word[KEY_MAX], all[200];

	if (optopt)
		return err_set(err, -ENOENT, "-%c: no such option", optopt);
	snprintf(word, sizeof(word), "%.*s", (int)strcspn(arg + 2, "="), arg + 2);
	if (*list_candidates(t, word, all, sizeof(all)))
		return err_set(err, -EINVAL, "--%s: could be any of %s", word, all);
	return refuse_key(set, word, "--", "option", err);
}

/* Moves argv[from] forward to argv[to]; what was between them moves up by one. */
static void move_argument(char **argv, int from, int to)
{
	char *arg = argv[from];

	memmove(&argv[to + 1], &argv[to], (size_t)(from - to) * sizeof(*argv));
	argv[to] = arg;
}

int knob_set_args(struct knob_set *set, int argc, char **argv, int *ret_positional, struct err *err)
{
	struct option_table table;
	int positional = 0, code, rc = 0;

	table_fill(&table, set);
	optind = 0; /* glibc: forget the last use */
	while (!rc && (code = getopt_long(argc, argv, table.shorts, table.longs, NULL)) != -1) {
		if (code == ':')
			rc = refuse_missing(&table, set, err);
		else if (code == '?')
			rc = refuse_option(&table, set, argv[optind - 1], err);
		else
			rc = assign_option(&table, set, code, err);
	}
	if (rc)
		return rc;
	/* getopt has moved the positional ones to the end. */
	for (; optind < argc; optind++)
		move_argument(argv, optind, 1 + positional++);
	*ret_positional = positional;
	return 0;
}

static bool has_word(int argc, char **argv, const char *word)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--"); i++)
		if (!strcmp(argv[i], word))
			return true;
	return false;
}

const char *knob_help_part(int argc, char **argv)
{
	static const char option[] = "--help=";

	for (int i = 1; i < argc && strcmp(argv[i], "--"); i++)
		if (!strncmp(argv[i], option, strlen(option)))
			return argv[i] + strlen(option);
	return NULL;
}

bool knob_wants_help(int argc, char **argv)
{
	return has_word(argc, argv, "--help") || has_word(argc, argv, "-h") ||
	       knob_help_part(argc, argv);
}

bool knob_wants_usage(int argc, char **argv)
{
	return has_word(argc, argv, "--usage");
}

/*
 * knob_script.c - options from a file: see knob_script.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/knob_script.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/units.h"

enum { KEY_SIZE = 48, SCRIPT_PATH = sizeof(((struct script *)0)->path) };

static const struct knob_type knob_script;

struct reader {
	struct script *script;
	const char *path;
	const char *at; /* NUL-terminated */
	unsigned line;
	char *word;		 /* the last one, without quotes */
	bool is_quoted;		 /* begins with a quote: never an option */
	const struct knob *knob; /* the last option found */
	char key[KEY_SIZE];
};

static int refuse(const struct reader *r, const char *what, struct err *err)
{
	return err_set(err, -EINVAL, "%s:%u: %s", r->path, r->line, what);
}

static void skip_blanks(struct reader *r)
{
	for (;; r->at++) {
		if (*r->at == '#')
			r->at += strcspn(r->at, "\n");
		if (!*r->at || !isspace((unsigned char)*r->at))
			return;
		r->line += *r->at == '\n';
	}
}

/* One character of a word, quotes resolved; r->at moves behind it. */
static char take_char(struct reader *r, char quote)
{
	if (quote == '"' && *r->at == '\\' && (r->at[1] == '"' || r->at[1] == '\\'))
		r->at++;
	return *r->at++;
}

/* 1: r->word is the next word; 0: there is none. */
static int next_word(struct reader *r, struct err *err)
{
	char *to = r->word, quote = 0;

	skip_blanks(r);
	r->is_quoted = *r->at == '"' || *r->at == '\'';
	if (!*r->at)
		return 0;
	while (*r->at && (quote || !isspace((unsigned char)*r->at))) {
		if (quote && *r->at == '\n')
			break;
		if (quote ? *r->at == quote : *r->at == '"' || *r->at == '\'') {
			quote = quote ? 0 : *r->at;
			r->at++;
		} else {
			*to++ = take_char(r, quote);
		}
	}
	*to = '\0';
	return quote ? refuse(r, "a quote that is opened here is not closed on this line", err) : 1;
}

/*
 * The option that a word names, its key in r->key; *value is what stands behind "=" or a letter, or
 * NULL. False: it names none.
 */
static bool find_option(struct reader *r, const char *word, const char **value, struct err *err)
{
	const char *name = word + strspn(word, "-");
	size_t len = strcspn(name, "=");
	char text[KEY_SIZE];

	if (r->is_quoted || !len || len >= sizeof(text))
		return refuse(r, "an option is expected here", err), false;
	memcpy(text, name, len);
	text[len] = '\0';
	*value = name[len] ? name + len + 1 : NULL;
	r->knob = knob_set_option(r->script->set, text, r->key, sizeof(r->key), err);
	if (r->knob || name != word + 1 || !name[1])
		return r->knob;
	*value = name + 1; /* -xVALUE */
	text[1] = '\0';
	r->knob = knob_set_option(r->script->set, text, r->key, sizeof(r->key), NULL);
	return r->knob;
}

/* Is the word the next option, or the value of one that may come without? */
static bool names_option(const struct reader *r)
{
	struct reader look = *r;
	const char *value;

	return !isdigit((unsigned char)*r->word) && find_option(&look, r->word, &value, NULL);
}

/* The value of an option that may come without one. */
static int take_optional_value(struct reader *r, const char **ret, struct err *err)
{
	struct reader before = *r;
	int rc = next_word(r, err);

	*ret = r->word;
	if (rc > 0 && (r->is_quoted || !names_option(r)))
		return 0;
	r->at = before.at;
	r->line = before.line;
	*ret = "";
	return rc < 0 ? rc : 0;
}

static int take_value(struct reader *r, const char **ret, struct err *err)
{
	const struct knob *k = r->knob;
	char what[3 * KEY_SIZE];
	int rc;

	if (k->optional_value)
		return take_optional_value(r, ret, err);
	*ret = k->type->is_flag ? "yes" : r->word;
	if (k->type->is_flag)
		return 0;
	rc = next_word(r, err);
	if (rc)
		return rc < 0 ? rc : 0;
	snprintf(what, sizeof(what), "%s needs a value: %s %s", r->key, r->key,
		 k->metavar ? k->metavar : k->type->metavar);
	return refuse(r, what, err);
}

/* A file named in a file lies beside it, unless its path is absolute. */
static const char *beside(const struct reader *r, const char *path, char *buf, size_t size)
{
	const char *slash = strrchr(r->path, '/');

	if (r->knob->type != &knob_script || *path == '/' || !slash)
		return path;
	snprintf(buf, size, "%.*s%s", (int)(slash + 1 - r->path), r->path, path);
	return buf;
}

static int read_option(struct reader *r, struct err *err)
{
	unsigned line = r->line;
	const char *value;
	char path[SCRIPT_PATH];
	int rc = 0;

	if (!find_option(r, r->word, &value, err))
		return err_wrap(err, "%s:%u", r->path, line), -EINVAL;
	if (!value)
		rc = take_value(r, &value, err);
	if (rc)
		return rc;
	value = beside(r, value, path, sizeof(path));
	rc = knob_set_assign(r->script->set, r->key, value, KNOB_ARGUMENT, err);
	return rc ? err_wrap(err, "%s:%u", r->path, line), -EINVAL : 0;
}

static int read_options(struct script *script, const char *path, const char *text, struct err *err)
{
	AUTO(auto_free) char *word = malloc(strlen(text) + 1);
	struct reader r = { .script = script, .path = path, .at = text, .line = 1, .word = word };
	int rc;

	if (!word)
		return err_sys(err, -ENOMEM, "%s", path);
	while ((rc = next_word(&r, err)) > 0) {
		rc = read_option(&r, err);
		if (rc)
			break;
	}
	return rc;
}

/* The whole file, NUL-terminated; to be freed. */
static int load(const char *path, char **ret, struct err *err)
{
	AUTO(auto_fclose) FILE *file = fopen(path, "re");
	AUTO(auto_free) char *text = malloc(SCRIPT_BYTES + 1);
	size_t len;

	if (!file)
		return err_set(err, -EINVAL, "%s: %s", path, strerror(errno));
	if (!text)
		return err_sys(err, -ENOMEM, "%s", path);
	len = fread(text, 1, SCRIPT_BYTES + 1, file);
	if (ferror(file))
		return err_set(err, -EINVAL, "%s: %s", path, strerror(errno));
	if (len > SCRIPT_BYTES)
		return err_set(err, -EINVAL, "%s: longer than 1 MiB, so no file of options", path);
	if (memchr(text, '\0', len))
		return err_set(err, -EINVAL, "%s: has bytes that are no text", path);
	text[len] = '\0';
	if (!strncmp(text, UTF8_MARK, strlen(UTF8_MARK)))
		memmove(text, text + strlen(UTF8_MARK), len + 1 - strlen(UTF8_MARK));
	*ret = text;
	text = NULL;
	return 0;
}

static int parse(const struct knob *k, const char *path, void *field, struct err *err)
{
	AUTO(auto_free) char *text = NULL;
	struct script *script = field;
	int rc;

	if (strlen(path) >= sizeof(script->path))
		return err_set(err, -EINVAL, "\"%.40s...\" is too long", path);
	if (script->depth == SCRIPT_DEPTH)
		return err_set(err, -EINVAL, "%s: files within files, more than %d deep", path,
			       SCRIPT_DEPTH);
	rc = load(path, &text, err);
	if (rc)
		return rc;
	script->depth++;
	rc = read_options(script, path, text, err);
	script->depth--;
	snprintf(script->path, sizeof(script->path), "%s", path);
	return rc;
}

static void format(const struct knob *k, const void *field, char *buf, size_t size)
{
	snprintf(buf, size, "%s", ((const struct script *)field)->path);
}

static const struct knob_type knob_script = { "FILE", parse, format };

static const struct knob knobs[] = {
	{ .name = "script-filename",
	  .letter = 'f',
	  .type = &knob_script,
	  KNOB_FIELD(struct script_opts, script, struct script),
	  .help = "read options from a file, dashes optional, # for comments" },
	{ 0 },
};

const struct knob_group script_knobs = {
	.name = "",
	.help = "script: options from a file",
	.knobs = knobs,
	.opts_size = sizeof(struct script_opts),
};

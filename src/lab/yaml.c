/*
 * yaml.c - libyaml's document, copied into a tree of our own with the places of everything.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "lab/yaml.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/cleanup.h"

struct source {
	const char *file, *text;
	size_t len;
};

struct reader {
	const char *file;
	yaml_document_t *doc;
	unsigned nodes;
	struct err *err;
};

int yaml_complain(const struct yaml_place *at, struct err *err, const char *fmt, ...)
{
	char text[400];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	return err_set(err, -EINVAL, "%s:%u:%u: %s", at->file, at->line, at->column, text);
}

void yaml_destroy(struct yaml *y)
{
	while (y) {
		struct yaml *next = y->next;

		yaml_destroy(y->child);
		free(y->key);
		free(y->text);
		free(y);
		y = next;
	}
}

const struct yaml *yaml_get(const struct yaml *map, const char *key)
{
	for (const struct yaml *y = map->child; y; y = y->next)
		if (y->key && !strcmp(y->key, key))
			return y;
	return NULL;
}

static struct yaml_place place_of(const char *file, yaml_mark_t mark)
{
	return (struct yaml_place){ file, (unsigned)mark.line + 1, (unsigned)mark.column + 1 };
}

static char *copy_scalar(const yaml_node_t *node)
{
	return strndup((const char *)node->data.scalar.value, node->data.scalar.length);
}

static struct yaml *copy_node(struct reader *r, int index, unsigned depth);

static int check_twice(const struct yaml *map, const struct yaml *y, struct err *err)
{
	const struct yaml *first = yaml_get(map, y->key);

	if (first == y || !first)
		return 0;
	return yaml_complain(&y->key_place, err, "%s: given twice (first in line %u)", y->key,
			     first->key_place.line);
}

static int copy_pair(struct reader *r, const yaml_node_pair_t *pair, unsigned depth,
		     struct yaml **ret)
{
	const yaml_node_t *key = yaml_document_get_node(r->doc, pair->key);
	struct yaml_place at = place_of(r->file, key->start_mark);
	struct yaml *y;

	if (key->type != YAML_SCALAR_NODE)
		return yaml_complain(&at, r->err, "a key must be a word");
	*ret = y = copy_node(r, pair->value, depth);
	if (!y)
		return -1;
	y->key_place = at;
	if (y->missing || (y->kind != YAML_TEXT && !y->count))
		y->place = at;
	y->key = copy_scalar(key);
	return y->key ? 0 : err_sys(r->err, -ENOMEM, "%s", r->file);
}

static int copy_pairs(struct reader *r, const yaml_node_t *node, struct yaml *map, unsigned depth)
{
	const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
	struct yaml **tail = &map->child;

	for (; pair < node->data.mapping.pairs.top; pair++, map->count++) {
		if (copy_pair(r, pair, depth, tail) < 0 || check_twice(map, *tail, r->err) < 0)
			return -1;
		tail = &(*tail)->next;
	}
	return 0;
}

static int copy_items(struct reader *r, const yaml_node_t *node, struct yaml *list, unsigned depth)
{
	const yaml_node_item_t *item = node->data.sequence.items.start;
	struct yaml **tail = &list->child;

	for (; item < node->data.sequence.items.top; item++, list->count++) {
		*tail = copy_node(r, *item, depth);
		if (!*tail)
			return -1;
		tail = &(*tail)->next;
	}
	return 0;
}

static int copy_content(struct reader *r, const yaml_node_t *node, struct yaml *y, unsigned depth)
{
	if (node->type == YAML_MAPPING_NODE) {
		y->kind = YAML_MAP;
		return copy_pairs(r, node, y, depth + 1);
	}
	if (node->type == YAML_SEQUENCE_NODE) {
		y->kind = YAML_LIST;
		return copy_items(r, node, y, depth + 1);
	}
	y->text = copy_scalar(node);
	y->missing =
		!node->data.scalar.length && node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	return y->text ? 0 : err_sys(r->err, -ENOMEM, "%s", r->file);
}

/*
 * NULL on failure, with r->err filled. Aliases are edges to the same node of libyaml's: each way
 * to it makes a copy here, so what is nested in itself ends at the limit.
 */
static struct yaml *copy_node(struct reader *r, int index, unsigned depth)
{
	const yaml_node_t *node = yaml_document_get_node(r->doc, index);
	struct yaml_place at = place_of(r->file, node->start_mark);
	struct yaml *y;

	if (depth > YAML_DEPTH_MAX || ++r->nodes > YAML_NODES_MAX) {
		yaml_complain(&at, r->err, "too deep or too long: at most %d levels, %d values",
			      YAML_DEPTH_MAX, YAML_NODES_MAX);
		return NULL;
	}
	y = calloc(1, sizeof(*y));
	if (!y) {
		err_sys(r->err, -ENOMEM, "%s", r->file);
		return NULL;
	}
	y->place = at;
	if (copy_content(r, node, y, depth) == 0)
		return y;
	yaml_destroy(y);
	return NULL;
}

/* The reader knows the byte, not the line: it is the text's. Columns are counted in characters. */
static struct yaml_place place_at(const struct source *s, size_t offset)
{
	struct yaml_place at = { s->file, 1, 1 };

	for (size_t i = 0; i < offset; i++) {
		at.column += (s->text[i] & 0xc0) != 0x80;
		if (s->text[i] != '\n')
			continue;
		at.line++;
		at.column = 1;
	}
	return at;
}

static int complain_of_bytes(const struct source *s, const yaml_parser_t *p, struct err *err)
{
	size_t offset = p->problem_offset;
	struct yaml_place at;

	/* A character that breaks off is told by the byte after: back to its first. */
	if (strstr(p->problem, "trailing"))
		while (offset && ((unsigned char)s->text[--offset] & 0xc0) != 0xc0)
			;
	at = place_at(s, offset);
	return yaml_complain(&at, err, "byte 0x%02x: this is not UTF-8 text",
			     (unsigned char)s->text[offset]);
}

/* Does the line, counted from 0, begin with spaces, if any, and a tab? */
static bool begins_with_tab(const struct source *s, size_t line)
{
	const char *text = s->text, *end = text + s->len;

	for (; line && text < end; text++)
		line -= *text == '\n';
	while (text < end && *text == ' ')
		text++;
	return text < end && *text == '\t';
}

static int complain_of_syntax(const struct source *s, const yaml_parser_t *p, struct err *err)
{
	struct yaml_place at = place_of(s->file, p->problem_mark);

	if (p->error == YAML_MEMORY_ERROR)
		return err_sys(err, -ENOMEM, "%s", s->file);
	if (p->error == YAML_READER_ERROR)
		return complain_of_bytes(s, p, err);
	if (begins_with_tab(s, p->problem_mark.line))
		return yaml_complain(&at, err, "a tab cannot indent: spaces do");
	return yaml_complain(&at, err, "%s%s%s", p->context ? p->context : "",
			     p->context ? ": " : "", p->problem);
}

static int copy_root(const char *file, yaml_document_t *doc, struct yaml **ret, struct err *err)
{
	struct reader r = { .file = file, .doc = doc, .err = err };
	const yaml_node_t *root = yaml_document_get_root_node(doc);
	struct yaml_place top = { file, 1, 1 };
	struct yaml *y;

	if (!root)
		return err_set(err, -EINVAL, "%s: no settings in it", file);
	if (root->type != YAML_MAPPING_NODE)
		return yaml_complain(&top, err, "not a map of keys, such as \"blocks: 5\"");
	y = copy_node(&r, 1, 0); /* libyaml counts nodes from 1, and the root comes first */
	if (!y)
		return err ? err->code : -EINVAL;
	*ret = y;
	return 0;
}

/* Also to the end of the text: what follows the document is read before the document is used. */
static int check_end(const struct source *s, yaml_parser_t *parser, struct err *err)
{
	yaml_document_t second;
	bool more;

	if (!yaml_parser_load(parser, &second))
		return complain_of_syntax(s, parser, err);
	more = yaml_document_get_root_node(&second);
	yaml_document_delete(&second);
	if (more)
		return err_set(err, -EINVAL, "%s: a second document begins after \"---\"", s->file);
	return 0;
}

static int parse_documents(const struct source *s, yaml_parser_t *parser, struct yaml **ret,
			   struct err *err)
{
	yaml_document_t doc;
	int rc;

	if (!yaml_parser_load(parser, &doc))
		return complain_of_syntax(s, parser, err);
	rc = yaml_document_get_root_node(&doc) ? check_end(s, parser, err) : 0;
	if (rc == 0)
		rc = copy_root(s->file, &doc, ret, err);
	yaml_document_delete(&doc);
	return rc;
}

int yaml_parse(const char *file, const char *text, size_t len, struct yaml **ret, struct err *err)
{
	struct source source = { file, text, len };
	AUTO(yaml_parser_delete) yaml_parser_t parser;

	if (!yaml_parser_initialize(&parser))
		return err_sys(err, -ENOMEM, "%s", file);
	if (len > YAML_BYTES_MAX)
		return err_set(err, -EFBIG, "%s: longer than %d bytes", file, YAML_BYTES_MAX);
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
	yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
	return parse_documents(&source, &parser, ret, err);
}

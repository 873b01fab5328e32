/*
 * yaml.c - libfyaml's document, copied into a tree of our own with the places of everything.
 *
 * libfyaml tells the place of scalars only, so a list or map is said to stand where its first
 * scalar stands, and an empty one where its key does.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "lab/yaml.h"

#include <errno.h>
#include <libfyaml.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

struct reader {
	const char *file;
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

/* Where a scalar stands, counted from 1; false for what has no text in the file. */
static bool place_of(const struct reader *r, struct fy_node *node, struct yaml_place *ret)
{
	struct fy_token *token = fy_node_get_scalar_token(node);
	const struct fy_mark *mark = token ? fy_token_start_mark(token) : NULL;

	if (!mark)
		return false;
	*ret = (struct yaml_place){ r->file, (unsigned)mark->line + 1, (unsigned)mark->column + 1 };
	return true;
}

static char *copy_scalar(struct fy_node *node)
{
	size_t len = 0;
	const char *text = fy_node_get_scalar(node, &len);

	return text ? strndup(text, len) : strdup("");
}

static struct yaml *copy_node(struct reader *r, struct fy_node *node,
			      const struct yaml_place *fallback, unsigned depth);

static int check_twice(const struct yaml *map, const struct yaml *y, struct err *err)
{
	const struct yaml *first = yaml_get(map, y->key);

	if (first == y || !first)
		return 0;
	return yaml_complain(&y->key_place, err, "%s: given twice (first in line %u)", y->key,
			     first->key_place.line);
}

static int copy_pairs(struct reader *r, struct fy_node *node, struct yaml *map, unsigned depth)
{
	struct yaml **tail = &map->child;
	struct fy_node_pair *pair;
	void *it = NULL;

	while ((pair = fy_node_mapping_iterate(node, &it))) {
		struct fy_node *key = fy_node_pair_key(pair);
		struct yaml_place at = map->place;

		if (!key || !fy_node_is_scalar(key) || !place_of(r, key, &at))
			return yaml_complain(&at, r->err, "a key must be a word");
		*tail = copy_node(r, fy_node_pair_value(pair), &at, depth);
		if (!*tail)
			return -1;
		(*tail)->key_place = at;
		(*tail)->key = copy_scalar(key);
		if (!(*tail)->key)
			return err_sys(r->err, -ENOMEM, "%s", r->file);
		if (!map->count++)
			map->place = at;
		if (check_twice(map, *tail, r->err) < 0)
			return -1;
		tail = &(*tail)->next;
	}
	return 0;
}

static int copy_items(struct reader *r, struct fy_node *node, struct yaml *list, unsigned depth)
{
	struct yaml **tail = &list->child;
	struct fy_node *item;
	void *it = NULL;

	while ((item = fy_node_sequence_iterate(node, &it))) {
		*tail = copy_node(r, item, &list->place, depth);
		if (!*tail)
			return -1;
		if (!list->count++)
			list->place = (*tail)->place;
		tail = &(*tail)->next;
	}
	return 0;
}

static int copy_content(struct reader *r, struct fy_node *node, struct yaml *y, unsigned depth)
{
	if (node && fy_node_is_mapping(node)) {
		y->kind = YAML_MAP;
		return copy_pairs(r, node, y, depth + 1);
	}
	if (node && fy_node_is_sequence(node)) {
		y->kind = YAML_LIST;
		return copy_items(r, node, y, depth + 1);
	}
	y->text = node ? copy_scalar(node) : strdup("");
	y->missing = !node || !place_of(r, node, &y->place);
	return y->text ? 0 : err_sys(r->err, -ENOMEM, "%s", r->file);
}

/* NULL on failure, with r->err filled. */
static struct yaml *copy_node(struct reader *r, struct fy_node *node,
			      const struct yaml_place *fallback, unsigned depth)
{
	struct yaml *y;

	if (node && fy_node_is_alias(node)) {
		node = fy_node_resolve_alias(node);
		if (!node) {
			yaml_complain(fallback, r->err, "an alias (*name) without its anchor");
			return NULL;
		}
	}
	if (depth > YAML_DEPTH_MAX || ++r->nodes > YAML_NODES_MAX) {
		yaml_complain(fallback, r->err,
			      "too deep or too long: at most %d levels, %d values", YAML_DEPTH_MAX,
			      YAML_NODES_MAX);
		return NULL;
	}
	y = calloc(1, sizeof(*y));
	if (!y) {
		err_sys(r->err, -ENOMEM, "%s", r->file);
		return NULL;
	}
	y->place = *fallback;
	if (copy_content(r, node, y, depth) == 0)
		return y;
	yaml_destroy(y);
	return NULL;
}

static int complain_of_syntax(const char *file, struct fy_diag *diag, struct err *err)
{
	void *it = NULL;
	struct fy_diag_error *e = fy_diag_errors_iterate(diag, &it);

	if (!e)
		return err_set(err, -EINVAL, "%s: no settings in it", file);
	return yaml_complain(&(struct yaml_place){ file, (unsigned)e->line, (unsigned)e->column },
			     err, "%s", e->msg);
}

/* Length of the UTF-8 character that begins here (RFC 3629); 0: none does. */
static size_t character(const unsigned char *p, size_t left)
{
	size_t len = *p < 0x80	 ? 1
		     : *p < 0xc2 ? 0
		     : *p < 0xe0 ? 2
		     : *p < 0xf0 ? 3
		     : *p < 0xf5 ? 4
				 : 0;

	if (len > left)
		return 0;
	for (size_t i = 1; i < len; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	if ((*p == 0xe0 && p[1] < 0xa0) || (*p == 0xed && p[1] > 0x9f) ||
	    (*p == 0xf0 && p[1] < 0x90) || (*p == 0xf4 && p[1] > 0x8f))
		return 0;
	return len;
}

/* libfyaml 0.7.12 loops for ever on some bytes that are no text, so it does not get them. */
static int check_text(const char *file, const char *text, size_t len, struct err *err)
{
	struct yaml_place at = { file, 1, 1 };

	for (size_t i = 0; i < len; at.column++) {
		const unsigned char *p = (const unsigned char *)text + i;
		size_t step = character(p, len - i);

		if (!step || (*p < ' ' && *p != '\t' && *p != '\n' && *p != '\r') || *p == 0x7f)
			return yaml_complain(&at, err, "byte 0x%02x: this is not UTF-8 text", *p);
		if (*p == '\n') {
			at.line++;
			at.column = 0;
		}
		i += step;
	}
	return 0;
}

static void auto_diag(struct fy_diag **diag)
{
	fy_diag_destroy(*diag);
}

static void auto_parser(struct fy_parser **parser)
{
	fy_parser_destroy(*parser);
}

static int copy_root(const char *file, struct fy_document *doc, struct yaml **ret, struct err *err)
{
	struct reader r = { .file = file, .err = err };
	struct yaml_place top = { file, 1, 1 };
	struct fy_node *root = fy_document_root(doc);
	struct yaml *y;

	if (!root || !fy_node_is_mapping(root))
		return yaml_complain(&top, err, "not a map of keys, such as \"blocks: 5\"");
	y = copy_node(&r, root, &top, 0);
	if (!y)
		return err ? err->code : -EINVAL;
	*ret = y;
	return 0;
}

static int parse_documents(const char *file, struct fy_parser *parser, struct fy_diag *diag,
			   struct yaml **ret, struct err *err)
{
	struct fy_document *doc = fy_parse_load_document(parser), *second = NULL;
	int rc;

	if (!doc)
		return complain_of_syntax(file, diag, err);
	second = fy_parse_load_document(parser);
	if (second)
		rc = err_set(err, -EINVAL, "%s: a second document begins after \"---\"", file);
	else if (fy_diag_got_error(diag))
		rc = complain_of_syntax(file, diag, err);
	else
		rc = copy_root(file, doc, ret, err);
	fy_parse_document_destroy(parser, second);
	fy_parse_document_destroy(parser, doc);
	return rc;
}

int yaml_parse(const char *file, const char *text, size_t len, struct yaml **ret, struct err *err)
{
	struct fy_diag_cfg quiet = { .level = FYET_ERROR, .module_mask = ~0U };
	AUTO(auto_diag) struct fy_diag *diag = fy_diag_create(&quiet);
	struct fy_parse_cfg cfg = {
		.flags = FYPCF_QUIET | FYPCF_COLLECT_DIAG | FYPCF_ALLOW_DUPLICATE_KEYS |
			 FYPCF_JSON_NONE,
		.diag = diag,
	};
	AUTO(auto_parser) struct fy_parser *parser = diag ? fy_parser_create(&cfg) : NULL;

	if (len > YAML_BYTES_MAX)
		return err_set(err, -EFBIG, "%s: longer than %d bytes", file, YAML_BYTES_MAX);
	if (check_text(file, text, len, err) < 0)
		return -EINVAL;
	if (!parser || fy_parser_set_string(parser, text, len) < 0)
		return err_sys(err, -ENOMEM, "%s", file);
	fy_diag_set_collect_errors(diag, true);
	return parse_documents(file, parser, diag, ret, err);
}

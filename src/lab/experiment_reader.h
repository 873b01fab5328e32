/*
 * experiment_reader.h - what the three parts of the experiment file's reader share.
 *
 * `where` is what stands before a key in a complaint: "", "factors.", "exclude.". All functions
 * fill r->err with the file, the line, the column and the sentence, and return -EINVAL.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_LAB_EXPERIMENT_READER_H
#define RW_LAB_EXPERIMENT_READER_H

#include "lab/experiment.h"
#include "lab/yaml.h"

struct reader {
	struct experiment *x;
	const struct yaml *root;
	struct role_knobs *knobs[ROLES_SET]; /* to check values with; filled anew for each */
	struct err *err;
};

/* Visits what is no map below `map`, with the nested keys joined by dots. */
typedef int reader_visit(struct reader *r, const char *where, const char *key,
			 const struct yaml *value, void *context);
int reader_walk(struct reader *r, const char *where, const char *prefix, const struct yaml *map,
		reader_visit *visit, void *context);

/* "node.threads" -> ROLE_NODE and "threads"; NULL when the key is of no role. */
const char *reader_role(const char *key, enum role *ret);

/* The value of a role's key, checked. key_place is where an unknown key is complained of. */
int reader_setting(struct reader *r, const char *where, enum role role, const char *key,
		   const struct yaml_place *key_place, const struct yaml *value,
		   struct setting *ret);
/* Values are equal when their canonical texts are. text NULL: the default. */
void reader_canonical(struct reader *r, enum role role, const char *key, const char *text,
		      char buf[SETTING_TEXT]);

/* A word or text that must be there and fit. */
int reader_text(struct reader *r, const char *where, const struct yaml *value, char *buf,
		size_t size);

/* experiment_factors.c. reader_find_level: -1 when the text is no level of the factor. */
int reader_find_level(struct reader *r, const struct factor *f, const char *text);
int reader_factors(struct reader *r, const struct yaml *section);
/* experiment_rules.c */
int reader_baseline(struct reader *r, const struct yaml *section);
int reader_exclude(struct reader *r, const struct yaml *section);

#endif

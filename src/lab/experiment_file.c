/*
 * experiment_file.c - from the text of an experiment file to a checked experiment.
 *
 * Sections are read in the order of the table at the end, because later ones refer to earlier
 * ones. Factors are in experiment_factors.c, baseline and exclude in experiment_rules.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/units.h"
#include "lab/experiment_reader.h"
#include "lab/files.h"
#include "lab/system.h"

enum { BLOCKS_DEFAULT = 8, REPEAT_DEFAULT = 2, REPEAT_MAX = 10, RUNS_MAX = 100000 };

const char *reader_role(const char *key, enum role *ret)
{
	for (int role = 0; role < ROLES_SET; role++) {
		size_t len = strlen(role_names[role]);

		if (!strncmp(key, role_names[role], len) && key[len] == '.') {
			*ret = (enum role)role;
			return key + len + 1;
		}
	}
	return NULL;
}

int reader_walk(struct reader *r, const char *where, const char *prefix, const struct yaml *map,
		reader_visit *visit, void *context)
{
	int rc = 0;

	for (const struct yaml *y = map->child; y && rc == 0; y = y->next) {
		char key[160];

		snprintf(key, sizeof(key), "%s%s%s", prefix, *prefix ? "." : "", y->key);
		if (y->kind == YAML_MAP)
			rc = reader_walk(r, where, key, y, visit, context);
		else
			rc = visit(r, where, key, y, context);
	}
	return rc;
}

int reader_text(struct reader *r, const char *where, const struct yaml *value, char *buf,
		size_t size)
{
	if (value->missing)
		return yaml_complain(&value->place, r->err, "%s: a value is missing here", where);
	if (value->kind != YAML_TEXT)
		return yaml_complain(&value->place, r->err, "%s: one value belongs here, not a %s",
				     where, value->kind == YAML_LIST ? "list" : "map");
	if (strlen(value->text) >= size)
		return yaml_complain(&value->place, r->err, "%s: longer than %zu bytes", where,
				     size - 1);
	strcpy(buf, value->text);
	return 0;
}

/* Several texts become one with semicolons, as knobs that append write them. */
static int join_items(struct reader *r, const char *where, const struct yaml *list,
		      char buf[SETTING_TEXT])
{
	size_t len = 0;

	*buf = '\0';
	for (const struct yaml *y = list->child; y; y = y->next) {
		char text[SETTING_TEXT];

		if (reader_text(r, where, y, text, sizeof(text)) < 0)
			return -EINVAL;
		len += (size_t)snprintf(buf + len, SETTING_TEXT - len, "%s%s", len ? ";" : "",
					text);
		if (len >= SETTING_TEXT)
			return yaml_complain(&list->place, r->err, "%s: longer than %d bytes",
					     where, SETTING_TEXT - 1);
	}
	return 0;
}

static int check_value(struct reader *r, const char *where, const struct setting *s,
		       const struct yaml_place *at)
{
	char canonical[SETTING_TEXT];
	struct err why;

	if (role_knobs_canonical(r->knobs[s->role], s->key, s->text, canonical, sizeof(canonical),
				 &why) == 0)
		return 0;
	return yaml_complain(at, r->err, "%s%s.%s", where, role_names[s->role], why.text);
}

/* What the sweep sets itself. */
static bool is_reserved(enum role role, const char *key)
{
	return role == ROLE_CLIENT && (!strcmp(key, "to") || !strcmp(key, "seed"));
}

/* "system.net.core.busy_poll": no knob, but a name of the machine's. */
static int find_system_key(struct reader *r, const char *where, const char *key,
			   const struct yaml_place *at, struct setting *setting)
{
	struct err why;

	*setting = (struct setting){ .role = ROLE_SYSTEM };
	if (system_check(key, "-", &why) < 0)
		return yaml_complain(at, r->err, "%ssystem.%s: %s", where, key, why.text);
	strcpy(setting->key, key);
	return 0;
}

static int find_key(struct reader *r, const char *where, enum role role, const char *key,
		    const struct yaml_place *at, const struct knob **ret, struct setting *setting)
{
	const struct knob_bind *bind;
	const struct knob *k = knob_set_find(role_knobs_set(r->knobs[role]), key, &bind);
	struct err why;

	if (!k && role == ROLE_SYSTEM)
		return find_system_key(r, where, key, at, setting);
	if (!k) {
		knob_set_assign(role_knobs_set(r->knobs[role]), key, "", KNOB_FILE, &why);
		return yaml_complain(at, r->err, "%s%s.%s", where, role_names[role], why.text);
	}
	if (is_reserved(role, key))
		return yaml_complain(at, r->err,
				     "%s%s.%s: the sweep sets this itself; leave it out", where,
				     role_names[role], key);
	*setting = (struct setting){ .role = role };
	knob_key(bind->group, k, setting->key, sizeof(setting->key));
	*ret = k;
	return 0;
}

int reader_setting(struct reader *r, const char *where, enum role role, const char *key,
		   const struct yaml_place *key_place, const struct yaml *value,
		   struct setting *ret)
{
	const struct knob *k = NULL;
	struct setting s;
	char path[256];
	int rc = find_key(r, where, role, key, key_place, &k, &s);

	if (rc < 0)
		return rc;
	snprintf(path, sizeof(path), "%s%s.%s", where, role_names[role], key);
	if (value->kind == YAML_LIST && !(k && k->type->appends))
		return yaml_complain(&value->place, r->err,
				     "%s: takes one value; values to compare belong to factors",
				     path);
	if (value->kind == YAML_LIST)
		rc = join_items(r, path, value, s.text);
	else
		rc = reader_text(r, path, value, s.text, sizeof(s.text));
	if (rc == 0)
		rc = check_value(r, where, &s, &value->place);
	if (rc == 0)
		*ret = s;
	return rc;
}

void reader_canonical(struct reader *r, enum role role, const char *key, const char *text,
		      char buf[SETTING_TEXT])
{
	*buf = '\0';
	if (text)
		role_knobs_canonical(r->knobs[role], key, text, buf, SETTING_TEXT, NULL);
	else if (role_knobs_assign(r->knobs[role], &(struct settings){ 0 }, NULL) == 0)
		role_knobs_text(r->knobs[role], key, buf, SETTING_TEXT);
}

static int visit_fixed(struct reader *r, const char *where, const char *key,
		       const struct yaml *value, void *context)
{
	enum role role = *(const enum role *)context;
	struct setting s;
	int rc = reader_setting(r, where, role, key, &value->key_place, value, &s);

	if (rc < 0)
		return rc;
	if (settings_find(&r->x->fixed, role, s.key))
		return yaml_complain(&value->key_place, r->err, "%s.%s: given twice",
				     role_names[role], key);
	return settings_add(&r->x->fixed, &s, r->err);
}

static int read_fixed(struct reader *r, const struct yaml *section)
{
	enum role role = ROLE_NODE;

	while (strcmp(role_names[role], section->key))
		role++;
	if (section->missing)
		return 0;
	if (section->kind != YAML_MAP)
		return yaml_complain(&section->place, r->err, "%s: a map of settings belongs here",
				     section->key);
	return reader_walk(r, "", "", section, visit_fixed, &role);
}

static int read_name(struct reader *r, const struct yaml *section)
{
	return reader_text(r, "sweep", section, r->x->name, sizeof(r->x->name));
}

static int read_number(struct reader *r, const struct yaml *value, const char *what, int64_t min,
		       int64_t max, int64_t *ret)
{
	struct err why;
	int64_t number;
	char text[32];

	if (reader_text(r, what, value, text, sizeof(text)) < 0)
		return -EINVAL;
	if (units_parse(UNIT_COUNT, text, NULL, &number, &why) < 0)
		return yaml_complain(&value->place, r->err, "%s: %s", what, why.text);
	if (number < min || number > max)
		return yaml_complain(&value->place, r->err,
				     "%s: %s is out of range: from %lld to %lld", what, text,
				     (long long)min, (long long)max);
	*ret = number;
	return 0;
}

static int read_blocks(struct reader *r, const struct yaml *section)
{
	int64_t blocks;
	int rc = read_number(r, section, "blocks", 1, BLOCKS_MAX, &blocks);

	if (rc == 0)
		r->x->blocks = (unsigned)blocks;
	return rc;
}

static int read_seed(struct reader *r, const struct yaml *section)
{
	int64_t seed;
	int rc = read_number(r, section, "seed", 1, INT64_MAX, &seed);

	if (rc == 0)
		r->x->seed = (uint64_t)seed;
	return rc;
}

static int read_primary(struct reader *r, const struct yaml *section)
{
	struct err why;
	char text[32];
	int metric;

	if (reader_text(r, "primary", section, text, sizeof(text)) < 0)
		return -EINVAL;
	metric = metric_find(text, &why);
	if (metric < 0)
		return yaml_complain(&section->place, r->err, "primary: %s", why.text);
	r->x->primary = (enum metric)metric;
	return 0;
}

static int visit_margin(struct reader *r, const char *where, const char *key,
			const struct yaml *value, void *context)
{
	struct err why;
	double share;
	char text[32];
	int metric = metric_find(key, &why);

	if (metric < 0)
		return yaml_complain(&value->key_place, r->err, "margins: %s", why.text);
	if (reader_text(r, key, value, text, sizeof(text)) < 0)
		return -EINVAL;
	if (units_parse_share(text, &share, &why) < 0)
		return yaml_complain(&value->place, r->err, "%s%s: %s", where, key, why.text);
	if (share <= 0 || share >= 1)
		return yaml_complain(&value->place, r->err,
				     "%s%s: %s is no margin: above 0 %% and below 100 %%", where,
				     key, text);
	r->x->margin[metric] = share;
	r->x->margin_given[metric] = true;
	return 0;
}

static int read_margins(struct reader *r, const struct yaml *section)
{
	if (section->kind != YAML_MAP)
		return yaml_complain(&section->place, r->err,
				     "margins: a map of metrics belongs here, such as {p50: 3%%}");
	return reader_walk(r, "margins.", "", section, visit_margin, NULL);
}

static int read_invalid(struct reader *r, const struct yaml *section)
{
	const struct yaml *y = section->kind == YAML_MAP ? section->child : NULL;
	int64_t repeat;
	int rc;

	if (!y || y->next || strcmp(y->key, "repeat"))
		return yaml_complain(&section->place, r->err,
				     "invalid: takes {repeat: N} and nothing else");
	rc = read_number(r, y, "invalid.repeat", 0, REPEAT_MAX, &repeat);
	if (rc == 0)
		r->x->repeat = (unsigned)repeat;
	return rc;
}

static int visit_observe(struct reader *r, const char *where, const char *key,
			 const struct yaml *value, void *context)
{
	struct observe_opts *o = context;
	struct err why;
	char text[32];

	if (reader_text(r, key, value, text, sizeof(text)) < 0)
		return -EINVAL;
	if (observe_set(o, key, text, &why) < 0)
		return yaml_complain(&value->key_place, r->err, "%s%s: %s", where, key, why.text);
	return 0;
}

static int read_observe(struct reader *r, const struct yaml *section)
{
	if (section->kind != YAML_MAP)
		return yaml_complain(&section->place, r->err,
				     "observe: a map belongs here, such as {hardware: yes}");
	return reader_walk(r, "observe.", "", section, visit_observe, &r->x->observe);
}

static const char *const section_names[] = { "sweep",	"node",	    "client",  "hog",	  "system",
					     "factors", "baseline", "exclude", "blocks",  "primary",
					     "margins", "seed",	    "invalid", "observe", NULL };

static int (*const section_readers[])(struct reader *r, const struct yaml *section) = {
	read_name,	read_fixed,	 read_fixed,	 read_fixed,   read_fixed,
	reader_factors, reader_baseline, reader_exclude, read_blocks,  read_primary,
	read_margins,	read_seed,	 read_invalid,	 read_observe,
};

static int check_sections(struct reader *r)
{
	for (const struct yaml *y = r->root->child; y; y = y->next) {
		const char *near = nearest_word(y->key, section_names);
		bool known = false;

		for (int i = 0; section_names[i]; i++)
			known |= !strcmp(section_names[i], y->key);
		if (!known)
			return yaml_complain(&y->key_place, r->err, "%s: no such section%s%s%s",
					     y->key, near ? "; did you mean " : "",
					     near ? near : "", near ? "?" : "");
	}
	if (!yaml_get(r->root, "factors"))
		return yaml_complain(&r->root->place, r->err,
				     "factors: missing; they say what is compared");
	return 0;
}

static int check_size(struct reader *r)
{
	unsigned combinations = experiment_combinations(r->x), left = 0;
	unsigned levels[FACTORS_MAX];

	for (unsigned i = 0; i < combinations; i++) {
		experiment_levels(r->x, i, levels);
		left += !experiment_excluded(r->x, levels);
	}
	if (left < 2)
		return yaml_complain(
			&r->root->place, r->err,
			"factors: one configuration is left, and nothing to compare it with");
	if ((uint64_t)(left + 1) * r->x->blocks > RUNS_MAX)
		return yaml_complain(&r->root->place, r->err,
				     "blocks: %u configurations x %u blocks are more than %d runs",
				     left, r->x->blocks, RUNS_MAX);
	return 0;
}

static int read_sections(struct reader *r)
{
	int rc = check_sections(r);

	for (int i = 0; section_names[i] && rc == 0; i++) {
		const struct yaml *section = yaml_get(r->root, section_names[i]);

		if (section)
			rc = section_readers[i](r, section);
	}
	return rc < 0 ? rc : check_size(r);
}

/* The file's name without folders and ending. */
static void default_name(struct experiment *x)
{
	const char *slash = strrchr(x->file, '/');

	snprintf(x->name, sizeof(x->name), "%.127s", slash ? slash + 1 : x->file);
	x->name[strcspn(x->name, ".")] = '\0';
}

static struct experiment *experiment_create(const char *file, const char *text, size_t len)
{
	struct experiment *x = calloc(1, sizeof(*x));

	if (!x)
		return NULL;
	snprintf(x->file, sizeof(x->file), "%s", file);
	default_name(x);
	x->blocks = BLOCKS_DEFAULT;
	x->repeat = REPEAT_DEFAULT;
	x->primary = METRIC_P99;
	for (int i = 0; i < METRICS; i++)
		x->margin[i] = metric_infos[i].margin;
	x->text = strndup(text, len);
	if (x->text)
		return x;
	experiment_destroy(x);
	return NULL;
}

static void auto_yaml(struct yaml **y)
{
	yaml_destroy(*y);
}

int experiment_parse(const char *file, const char *text, size_t len, const struct parts *parts,
		     struct experiment **ret, struct err *err)
{
	AUTO(auto_yaml) struct yaml *root = NULL;
	struct reader r = { .err = err };
	int rc = yaml_parse(file, text, len, &root, err);

	if (rc < 0)
		return rc;
	r.root = root;
	r.x = experiment_create(file, text, len);
	if (!r.x)
		return err_sys(err, -ENOMEM, "%s", file);
	for (int role = 0; role < ROLES_SET && rc == 0; role++)
		rc = role_knobs_create(parts, (enum role)role, &r.knobs[role], err);
	if (rc == 0)
		rc = read_sections(&r);
	for (int role = 0; role < ROLES_SET; role++)
		role_knobs_destroy(r.knobs[role]);
	if (rc == 0)
		*ret = r.x;
	else
		experiment_destroy(r.x);
	return rc;
}

int experiment_load(const char *path, const struct parts *parts, struct experiment **ret,
		    struct err *err)
{
	AUTO(auto_free) char *text = NULL;
	size_t len;
	int rc = file_read(path, YAML_BYTES_MAX, &text, &len, err);

	return rc < 0 ? rc : experiment_parse(path, text, len, parts, ret, err);
}

/*
 * tune.c - `ringwalk tune`: settings of the whole machine, planned, applied and taken back.
 *
 * What is changed goes through a journal (system/journal.h): `run` takes it back at its end,
 * `apply` keeps it until `restore`. Whatever is refused, shrunk or ignored ends the command, and
 * what was changed before is taken back, unless --allow-degraded.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli/tune.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "system/profile.h"

static const struct knob tune_knobs[] = {
	{ .name = "allow-degraded",
	  .type = &knob_bool,
	  KNOB_FIELD(struct tune_opts, degraded, bool),
	  .def = "no",
	  .help = "apply, run: go on when a setting is refused, shrunk or ignored" },
	{ .name = "private-network",
	  .type = &knob_bool,
	  KNOB_FIELD(struct tune_opts, private_network, bool),
	  .def = "no",
	  .help = "run: in a network namespace of its own, with loopback; settings that it has for "
		  "itself change nowhere else" },
	{ .name = "force",
	  .type = &knob_bool,
	  KNOB_FIELD(struct tune_opts, force, bool),
	  .def = "no",
	  .help = "restore: also what somebody else has changed since" },
	{ .name = "forget",
	  .type = &knob_bool,
	  KNOB_FIELD(struct tune_opts, forget, bool),
	  .def = "no",
	  .help = "restore: leave what somebody else has changed, and remember it no more" },
	{ 0 },
};

static const struct knob_group tune_group = {
	.name = "",
	.help = "options",
	.knobs = tune_knobs,
	.opts_size = sizeof(struct tune_opts),
};

static void finish(struct tune *t)
{
	setting_plan_finish(&t->plan);
	free(t->requests);
}

/* A word that is no profile may be the name of a setting whose value was forgotten. */
static int add_profile(struct tune *t, const char *word, struct err *err)
{
	int rc = profile_read(word, t->requests, PROFILE_LINES, &t->request_count, err);
	const struct machine_setting *s;
	char path[256];

	if (rc != -ENOENT)
		return rc;
	if (!setting_find(word, &s, path, sizeof(path), NULL))
		return err_set(err, -EINVAL, "%s: to what? NAME=VALUE", word);
	err->code = -EINVAL; /* a wrong word, and not a missing file */
	return -EINVAL;
}

static int add_word(struct tune *t, const char *word, struct err *err)
{
	if (!strchr(word, '='))
		return add_profile(t, word, err);
	if (t->request_count == PROFILE_LINES)
		return err_set(err, -EINVAL, "more than %d settings", PROFILE_LINES);
	return setting_request_parse(&t->requests[t->request_count++], word, err);
}

static int make_plan(struct tune *t, char **words, int count, struct err *err)
{
	int rc = 0;

	if (!count)
		return err_set(err, -EINVAL, "which settings? NAME=VALUE or a profile");
	for (int i = 0; i < count && !rc; i++)
		rc = add_word(t, words[i], err);
	return rc ? rc : setting_plan(&t->plan, t->requests, t->request_count, err);
}

static bool is_foreseen_to_fail(const struct setting_change *c)
{
	return c->error && !c->is_optional;
}

static int tune_plan(struct tune *t, char **words, int count)
{
	struct err err = { 0 };
	int bad = 0;

	if (make_plan(t, words, count, &err))
		return complain(exit_code_of(&err), "tune", &err);
	tune_print_plan(t, !setting_plan_split(&t->plan, NULL));
	for (unsigned i = 0; i < t->plan.count; i++)
		bad += is_foreseen_to_fail(&t->plan.changes[i]);
	return bad ? EXIT_IMPOSSIBLE : EXIT_VALID;
}

/* What is in force only while a process holds it cannot be kept by one that ends. */
static int leave_out_held(struct tune *t, struct err *err)
{
	for (unsigned i = 0; i < t->plan.count; i++) {
		struct setting_change *c = &t->plan.changes[i];

		if (!c->setting || !c->setting->is_held)
			continue;
		if (!c->is_optional)
			return err_set(err, -EOPNOTSUPP,
				       "%s holds only while a process keeps it open: use `ringwalk "
				       "tune run`",
				       c->name);
		memmove(c, c + 1, (--t->plan.count - i--) * sizeof(*c));
	}
	return 0;
}

static int tune_apply(struct tune *t, char **words, int count)
{
	struct err err = { 0 };
	struct journal *j;
	int bad, kept, rc = make_plan(t, words, count, &err);

	if (!rc)
		rc = leave_out_held(t, &err);
	if (!rc)
		rc = journal_open(&j, "ringwalk tune apply", &err);
	if (rc)
		return complain(exit_code_of(&err), "tune", &err);
	bad = setting_apply(&t->plan, j, false, &err);
	tune_print_failures(&t->plan, false);
	if (bad && !t->opts.degraded) {
		tune_restore(j);
		fputs("ringwalk tune: nothing is changed\n", stderr);
		return EXIT_IMPOSSIBLE;
	}
	kept = journal_keep(j, &err);
	if (kept < 0)
		return complain(EXIT_IMPOSSIBLE, "tune", &err);
	if (kept)
		puts("set; `ringwalk tune status` lists it, `ringwalk tune restore` takes it back");
	else
		puts(bad ? "nothing is changed" : "nothing is changed: all of it is so already");
	return EXIT_VALID;
}

static void say_nothing(const struct journal_found *found)
{
	puts(found->held ? "nothing to restore; what `ringwalk tune status` lists is taken back by "
			   "its own process"
			 : "nothing to restore");
}

static int tune_take_back(struct tune *t, char **words, int count)
{
	struct journal_found found = { 0 };
	const struct journal_order order = {
		.kept = true,
		.force = t->opts.force,
		.forget = t->opts.forget,
		.out = stderr,
		.done = stdout,
		.found = &found,
	};
	struct err err = { 0 };
	int left;

	if (count)
		err_set(&err, -EINVAL, "restore takes no names: it takes back all that is kept");
	else if (t->opts.force && t->opts.forget)
		err_set(&err, -EINVAL,
			"--force writes the old value over what somebody else has changed, "
			"--forget leaves it at that: only one of them");
	if (err.code)
		return complain(EXIT_USAGE, "tune", &err);
	left = journal_take_back(&order, &err);
	if (left < 0)
		return complain(exit_code_of(&err), "tune", &err);
	if (left > (int)found.none)
		fputs("--force writes the old values all the same, --forget leaves it at that\n",
		      stderr);
	else if (!left && !found.changes)
		say_nothing(&found);
	return left ? EXIT_CHECK : EXIT_VALID;
}

static int show_all(struct tune *t, struct err *err)
{
	int rc;

	for (const struct machine_setting *s = machine_settings; s->name; s++)
		snprintf(t->requests[t->request_count++].name, SETTING_NAME, "%s", s->name);
	rc = setting_plan(&t->plan, t->requests, t->request_count, err);
	if (!rc)
		tune_print_all(&t->plan, !setting_plan_split(&t->plan, NULL));
	return rc;
}

static int tune_show(struct tune *t, char **words, int count)
{
	struct err err = { 0 };
	int rc = 0;

	if (!count)
		return show_all(t, &err) ? complain(exit_code_of(&err), "tune", &err) : EXIT_VALID;
	for (int i = 0; i < count && i < PROFILE_LINES; i++)
		snprintf(t->requests[t->request_count++].name, SETTING_NAME, "%s", words[i]);
	rc = setting_plan(&t->plan, t->requests, t->request_count, &err);
	if (rc)
		return complain(exit_code_of(&err), "tune", &err);
	tune_print_settings(&t->plan, !setting_plan_split(&t->plan, NULL));
	return EXIT_VALID;
}

static int tune_status(struct tune *t, char **words, int count)
{
	struct err err = { 0 };
	int status = tune_print_status(&err);

	(void)t, (void)words, (void)count;
	return status < 0 ? complain(exit_code_of(&err), "tune", &err) : status;
}

static int tune_profiles(struct tune *t, char **words, int count)
{
	struct err err = { 0 };
	const struct profile *p;

	(void)t;
	if (!count)
		tune_print_profiles();
	for (int i = 0; i < count; i++) {
		p = profile_find(words[i]);
		if (!p)
			return profile_unknown(words[i], &err), complain(EXIT_USAGE, "tune", &err);
		fputs(p->text, stdout);
	}
	return EXIT_VALID;
}

static int tune_run(struct tune *t, char **words, int count)
{
	struct err err = { 0 };
	int rc = t->command && *t->command ? make_plan(t, words, count, &err)
					   : err_set(&err, -EINVAL,
						     "which command? `tune run NAME=VALUE... -- "
						     "COMMAND`");

	return rc ? complain(exit_code_of(&err), "tune", &err) : tune_run_command(t);
}

static const struct verb {
	const char *name, *arguments, *help;
	int (*run)(struct tune *t, char **words, int count);
} verbs[] = {
	{ "show", "[NAME...]", "settings, as they are; all, or these", tune_show },
	{ "plan", "NAME=VALUE... | PROFILE", "what would change, and what would fail and why",
	  tune_plan },
	{ "apply", "NAME=VALUE... | PROFILE", "change, until `tune restore` or a reboot",
	  tune_apply },
	{ "restore", "[--force | --forget]", "take back what is kept or left over",
	  tune_take_back },
	{ "status", "", "what is changed now, and by whom", tune_status },
	{ "run", "NAME=VALUE... -- COMMAND", "change, run a command, take it back", tune_run },
	{ "profiles", "[NAME]", "the profiles there are, or one", tune_profiles },
};
#define VERBS (sizeof(verbs) / sizeof(*verbs))

static int help(const struct knob_set *set)
{
	print_help(command_find("tune"), NULL);
	for (size_t i = 0; i < VERBS; i++)
		printf("  %-8s %-24s %s\n", verbs[i].name, verbs[i].arguments, verbs[i].help);
	puts("\nNAME is a sysctl (net.core.busy_poll), one of `tune show`, or a path below "
	     "/proc/sys or\n/sys. PROFILE is one of `tune profiles` or a file of NAME = VALUE "
	     "lines.\n");
	knob_set_help(set, stdout);
	return EXIT_VALID;
}

static const struct verb *find_verb(const char *word, struct err *err)
{
	const char *names[VERBS + 1] = { 0 }, *near;

	for (size_t i = 0; i < VERBS; i++) {
		names[i] = verbs[i].name;
		if (!strcmp(word, names[i]))
			return &verbs[i];
	}
	near = nearest_word(word, names);
	err_set(err, -EINVAL,
		"nothing called \"%s\"%s%s; `ringwalk tune --help` lists what there is", word,
		near ? "; did you mean " : "", near ? near : "");
	return NULL;
}

/* What stands behind "--" is not for us. */
static int cut_command(int argc, char **argv, struct tune *t)
{
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--"))
			continue;
		t->command = argv + i + 1;
		argv[i] = NULL;
		return i;
	}
	return argc;
}

int run_tune(int argc, char **argv)
{
	AUTO(finish) struct tune t = { .plan = { .held_fd = -1 } };
	struct knob_set set = { 0 };
	struct err err = { 0 };
	const struct verb *verb;
	int words = 0;

	argc = cut_command(argc, argv, &t);
	knob_set_add(&set, &tune_group, &t.opts);
	if (knob_wants_help(argc, argv))
		return help(&set);
	if (argc < 2) {
		err_set(&err, -EINVAL, "what? show, plan, apply, restore, status, run, profiles");
		return complain(EXIT_USAGE, "tune", &err);
	}
	t.requests = calloc(PROFILE_LINES, sizeof(*t.requests));
	verb = find_verb(argv[1], &err);
	if (!t.requests || !verb || knob_set_args(&set, argc - 1, argv + 1, &words, &err) < 0)
		return complain(EXIT_USAGE, "tune", &err);
	return verb->run(&t, argv + 2, words);
}

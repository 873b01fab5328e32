/*
 * role.c - see role.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli/role.h"

#include <errno.h>
#include <stdio.h>

#include "cli/cli.h"
#include "client/client.h"
#include "hog/hog.h"
#include "node/node.h"
#include "proxy/proxy.h"

static int check_node(const void *opts, const struct backend_ops *backend, struct err *err)
{
	return node_check(opts, backend, err);
}

static int check_client(const void *opts, const struct backend_ops *backend, struct err *err)
{
	(void)backend;
	return client_check(opts, err);
}

const struct parts cli_parts = {
	.roles = { [ROLE_NODE] = &node_knobs,
		   [ROLE_CLIENT] = &client_knobs,
		   [ROLE_HOG] = &hog_knobs,
		   [ROLE_PROXY] = &proxy_knobs },
	.both = { &tls_knobs, &secret_knobs },
	.backends = backends,
	.tunables = tunables,
	.checks = { [ROLE_NODE] = check_node, [ROLE_CLIENT] = check_client },
};

int role_cli_open(struct role_cli *r, enum role role, const struct knob_group *extra,
		  void *extra_opts, struct err *err)
{
	int result = role_knobs_create(&cli_parts, role, &r->knobs, err);

	if (result < 0)
		return result;
	r->set = role_knobs_set(r->knobs);
	if (extra)
		knob_set_add(r->set, extra, extra_opts);
	if (role != ROLE_PROXY) {
		knob_set_add(r->set, &script_knobs, &r->files); /* there -f is something else */
		r->files.script.set = r->set;
	}
	return placement_init(&r->placement, role, r->knobs, err);
}

int role_cli_read(struct role_cli *r, int argc, char **argv, struct err *err)
{
	int positional = 0;
	int result = knob_set_args(r->set, argc, argv, &positional, err);

	if (result < 0)
		return err->code = -EINVAL; /* an unknown option is wrong usage, too */
	if (positional)
		return err_set(err, -EINVAL, "\"%s\" is not an option; options begin with --",
			       argv[1]);
	r->placement.allow_degraded = role_knobs_allow_degraded(r->knobs);
	r->backend = role_knobs_backend(r->knobs);
	if (!r->backend)
		return 0;
	r->backend_opts = role_knobs_opts(r->knobs, &r->backend->group);
	if (r->backend->probe && r->backend->probe(err) < 0)
		return err_wrap(err, "--backend=%s", r->backend->group.name);
	return 0;
}

static void say(void *context, const char *sentence)
{
	fprintf(stderr, "ringwalk %s: %s\n", (const char *)context, sentence);
}

int role_cli_begin(struct role_cli *r, const char *command, struct hooks *ret, struct err *err)
{
	r->placement.say = say;
	r->placement.say_context = (void *)(uintptr_t)command;
	*ret = placement_hooks(&r->placement);
	return placement_begin(&r->placement, err);
}

void role_cli_close(struct role_cli *r)
{
	placement_finish(&r->placement);
	role_knobs_destroy(r->knobs);
}

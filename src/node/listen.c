/*
 * listen.c - from an address to a listening socket, with what the kernel made of our options.
 *
 * Options are set between bind(2) and listen(2), for what is accepted inherits from the moment when
 * the first SYN comes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "node/listen.h"

#include <string.h>
#include <unistd.h>

/* It has its address and does not listen yet. */
static int prepare_listener(void *context, int fd, struct err *err)
{
	const struct hooks *hooks = &((const struct common *)context)->hooks;

	return hooks->socket_opened
		       ? hooks->socket_opened(hooks->context, SOCKET_LISTENING, fd, err)
		       : 0;
}

/* Nobody asked for it: then a smaller one is worth a remark and no reason not to start. */
static bool is_default_backlog(const struct common *common)
{
	const struct knob *k = knob_find(&node_knobs, "backlog-length");
	struct node_opts defaults;

	memset(&defaults, 0, sizeof(defaults));
	return !knob_parse(k, k->def, &defaults, NULL) && defaults.backlog == common->opts.backlog;
}

/* The kernel cuts the backlog down to net.core.somaxconn without a word. */
static void judge_backlog(const struct common *common, int fd, struct verdict_report *ret)
{
	unsigned asked = (unsigned)common->opts.backlog, got = address_backlog(fd);
	bool is_wish = is_default_backlog(common);

	snprintf(ret->name, sizeof(ret->name), "backlog-length");
	snprintf(ret->requested, sizeof(ret->requested), "%u", asked);
	snprintf(ret->effective, sizeof(ret->effective), "%u", got);
	if (got >= asked)
		return;
	ret->verdict = is_wish ? VERDICT_OK : VERDICT_CLAMPED;
	snprintf(ret->why, sizeof(ret->why), "backlog cut from %u to net.core.somaxconn, %u", asked,
		 got);
}

/* What the node's own options have come to. */
static int report_listener(const struct common *common, int fd, struct err *err)
{
	const struct hooks *hooks = &common->hooks;
	const char *subject = socket_kind_names[SOCKET_LISTENING];
	struct verdict_report backlog = { 0 }, no_delay = { 0 };
	int result;

	if (!hooks->told_kernel)
		return 0;
	judge_backlog(common, fd, &backlog);
	address_report_no_delay(fd, common->opts.no_delay, &no_delay);
	result = hooks->told_kernel(hooks->context, subject, &backlog, err);
	return result ? result : hooks->told_kernel(hooks->context, subject, &no_delay, err);
}

static int prepare_datagrams(const struct common *common, const struct address *a, int fd,
			     struct err *err)
{
	const struct hooks *hooks = &common->hooks;
	struct verdict_report report;
	char text[ADDRESS_TEXT];
	int result;

	if (datagram_set_options(fd, &common->opts.udp, err))
		return err_wrap(err, "listen on %s", address_format(a, text, sizeof(text)));
	if (hooks->told_kernel && datagram_report(fd, &common->opts.udp, &report)) {
		result = hooks->told_kernel(hooks->context, socket_kind_names[SOCKET_DATAGRAM],
					    &report, err);
		if (result)
			return result;
	}
	return hooks->socket_opened ? hooks->socket_opened(hooks->context, SOCKET_DATAGRAM, fd, err)
				    : 0;
}

static int conclude(const struct common *common, const struct address *a, int fd, struct err *err)
{
	if (a->transport == TRANSPORT_UDP)
		return prepare_datagrams(common, a, fd, err);
	return a->storage.ss_family == AF_UNIX ? 0 : report_listener(common, fd, err);
}

int listen_open(struct common *common, struct address *a, bool reuseport, struct err *err)
{
	const struct listen_opts opts = {
		.backlog = (int)common->opts.backlog,
		.reuseport = reuseport,
		.no_delay = common->opts.no_delay,
		.blocking = common->opts.accept_wait == ACCEPT_BLOCKING,
		.bound = a->transport == TRANSPORT_UDP ? NULL : prepare_listener,
		.context = common,
	};
	int fd = address_listen(a, &opts, a, err);
	int result = fd < 0 ? fd : conclude(common, a, fd, err);

	if (result >= 0)
		return fd;
	if (fd >= 0) {
		address_remove(a);
		close(fd);
	}
	return result;
}

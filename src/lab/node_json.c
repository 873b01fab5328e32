/*
 * node_json.c - see node_json.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "lab/node_json.h"

#include <inttypes.h>

#include "client/result_json.h"

#define NODE_JSON_VERSION 1

static void add_setting(json_t *settings, const struct knob_bind *bind, const struct knob *k)
{
	char key[128], value[512];

	if (k->type->appends)
		return; /* lists are in the program or address fields */
	knob_key(bind->group, k, key, sizeof(key));
	knob_format(k, bind->opts, value, sizeof(value));
	json_object_set_new(settings, key,
			    json_pack("{s:s, s:s}", "value", value, "from",
				      knob_origin_names[bind->from[k - bind->group->knobs]]));
}

json_t *settings_json(const struct knob_set *set)
{
	json_t *settings = json_object();

	for (int i = 0; i < set->count; i++) {
		const struct knob *k = set->binds[i].group->knobs;

		for (; k && k->name; k++)
			add_setting(settings, &set->binds[i], k);
	}
	return settings;
}

json_t *backend_stats_json(const struct backend_stats *s)
{
	json_t *batch = json_array();

	for (int i = 0; i < BACKEND_BATCHES; i++)
		json_array_append_new(batch, json_integer(s->batch[i]));
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:o}", "syscalls", (json_int_t)s->syscalls,
			 "waits", (json_int_t)s->waits, "wakeups", (json_int_t)s->wakeups,
			 "completions", (json_int_t)s->completions, "retries",
			 (json_int_t)s->retries, "batch", batch);
}

/* What is counted about forwards, by its name everywhere. */
static const struct forward_counter {
	const char *name;
	size_t offset; /* in struct forward_stats */
} forward_counters[] = {
	{ "forwards", offsetof(struct forward_stats, forwards) },
	{ "completed", offsetof(struct forward_stats, completed) },
	{ "timeouts", offsetof(struct forward_stats, timeouts) },
	{ "failures", offsetof(struct forward_stats, failures) },
	{ "refused", offsetof(struct forward_stats, refused) },
	{ "cancelled", offsetof(struct forward_stats, cancelled) },
	{ "attempts", offsetof(struct forward_stats, attempts) },
	{ "retries", offsetof(struct forward_stats, retries) },
	{ "answers", offsetof(struct forward_stats, answers) },
	{ "late", offsetof(struct forward_stats, late) },
	{ "strays", offsetof(struct forward_stats, strays) },
	{ "opened", offsetof(struct forward_stats, opened) },
	{ "connections", offsetof(struct forward_stats, connections) },
};
#define FORWARD_COUNTERS (sizeof(forward_counters) / sizeof(*forward_counters))

static uint64_t forward_count(const struct forward_stats *s, size_t i)
{
	return *(const uint64_t *)((const char *)s + forward_counters[i].offset);
}

static json_t *forward_json(const struct forward_stats *s)
{
	json_t *json = json_object();

	for (size_t i = 0; i < FORWARD_COUNTERS; i++)
		json_object_set_new(json, forward_counters[i].name,
				    json_integer((json_int_t)forward_count(s, i)));
	return json;
}

static void forward_text(const struct forward_stats *s, FILE *out)
{
	fprintf(out, "; forwards %" PRIu64, s->forwards);
	for (size_t i = 1; i < FORWARD_COUNTERS; i++) {
		if (forward_count(s, i))
			fprintf(out, ", %s %" PRIu64, forward_counters[i].name,
				forward_count(s, i));
	}
}

static json_t *stats_json(const struct node *node)
{
	struct node_stats s;
	json_t *stats, *faults = json_object();

	node_stats(node, -1, &s);
	for (int fault = 1; fault < WIRE_FAULTS; fault++) {
		if (s.faults[fault])
			json_object_set_new(faults, wire_fault_text(fault),
					    json_integer(s.faults[fault]));
	}
	stats = backend_stats_json(&s.backend);
	json_object_set_new(stats, "requests", json_integer(s.requests));
	json_object_set_new(stats, "refused", json_integer((json_int_t)s.refused));
	json_object_set_new(stats, "accepted", json_integer(s.accepted));
	json_object_set_new(stats, "accept_errors", json_integer(s.accept_errors));
	json_object_set_new(stats, "bytes_in", json_integer(s.loop.bytes_in));
	json_object_set_new(stats, "bytes_out", json_integer(s.loop.bytes_out));
	json_object_set_new(stats, "resets", json_integer(s.loop.resets));
	json_object_set_new(stats, "pauses", json_integer(s.loop.pauses));
	if (s.loop.handshakes || s.loop.handshakes_failed)
		json_object_set_new(stats, "tls",
				    json_pack("{s:I, s:I, s:I}", "handshakes",
					      (json_int_t)s.loop.handshakes, "resumed",
					      (json_int_t)s.loop.handshakes_resumed, "failed",
					      (json_int_t)s.loop.handshakes_failed));
	json_object_set_new(stats, "compute_ns", json_integer(s.compute_ns));
	json_object_set_new(stats, "faults", faults);
	json_object_set_new(stats, "forward", forward_json(&s.forward));
	json_object_set_new(stats, "udp", datagram_stats_json(&s.loop.udp));
	return stats;
}

static json_t *storage_json(const struct node *node)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < node_device_count(node); i++) {
		struct node_device d;

		node_device(node, i, &d);
		json_array_append_new(
			list,
			json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "path",
				  d.path, "size", (json_int_t)d.size, "loads", (json_int_t)d.loads,
				  "loaded", (json_int_t)d.loaded, "stores", (json_int_t)d.stores,
				  "stored", (json_int_t)d.stored, "sends", (json_int_t)d.sends,
				  "sent", (json_int_t)d.sent, "syncs", (json_int_t)d.syncs,
				  "errors", (json_int_t)d.errors));
	}
	return list;
}

static json_t *addresses_json(const struct node *node)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < node_address_count(node); i++) {
		char text[ADDRESS_TEXT];

		address_format(node_address(node, i), text, sizeof(text));
		json_array_append_new(list, json_string(text));
	}
	return list;
}

json_t *node_json(const struct node *node, const char *backend, const struct knob_set *set,
		  struct placement *placement, const struct observation *observation)
{
	return json_pack("{s:i, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o?}", "version",
			 NODE_JSON_VERSION, "addresses", addresses_json(node), "backend", backend,
			 "settings", settings_json(set), "tunables", placement_json(placement),
			 "autogroup", placement_autogroup(), "storage", storage_json(node), "stats",
			 stats_json(node), "observed", observation_json(observation));
}

static void write_count(FILE *out, uint64_t n, const char *what)
{
	if (n)
		fprintf(out, ", %s %" PRIu64, what, n);
}

static void write_datagrams(const struct datagram_stats *u, FILE *out)
{
	write_count(out, u->in, "datagrams in");
	write_count(out, u->out, "out");
	write_count(out, u->malformed, "malformed");
	write_count(out, u->cut, "longer than the buffer");
	write_count(out, u->over_limit + u->no_room + u->queue_full, "dropped over a limit");
	write_count(out, u->unsent, "not sent");
	write_count(out, u->gso_refused, "sockets on which the kernel refused UDP_SEGMENT");
}

void node_counters_text(const struct node_stats *s, FILE *out)
{
	uint64_t faults = 0;

	for (int fault = 1; fault < WIRE_FAULTS; fault++)
		faults += s->faults[fault];
	faults -= s->refused; /* which ended no connection */
	fprintf(out,
		"requests %" PRIu64 ", connections accepted %" PRIu64 " and open %" PRIu64
		", faults %" PRIu64 ", resets %" PRIu64,
		s->requests, s->accepted, s->connections, faults, s->loop.resets);
	write_count(out, s->refused, "requests refused");
	write_datagrams(&s->loop.udp, out);
	if (s->requests)
		fprintf(out, ", system calls per request %.3g",
			(double)s->backend.syscalls / s->requests);
	if (s->backend.wakeups)
		fprintf(out, ", results per wake-up %.3g",
			(double)s->backend.completions / s->backend.wakeups);
	if (s->loop.handshakes || s->loop.handshakes_failed)
		fprintf(out,
			", TLS handshakes %" PRIu64 " of which %" PRIu64
			" resumed, failed %" PRIu64,
			s->loop.handshakes, s->loop.handshakes_resumed, s->loop.handshakes_failed);
	if (s->forward.forwards)
		forward_text(&s->forward, out);
	fputc('\n', out);
}

void node_devices_text(const struct node *node, FILE *out)
{
	for (unsigned i = 0; i < node_device_count(node); i++) {
		struct node_device d;

		node_device(node, i, &d);
		fprintf(out,
			"storage %u: %s: loads %" PRIu64 " (%" PRIu64 " B), stores %" PRIu64
			" (%" PRIu64 " B), sent files %" PRIu64 " (%" PRIu64 " B), syncs %" PRIu64
			", errors %" PRIu64 "\n",
			i, d.path, d.loads, d.loaded, d.stores, d.stored, d.sends, d.sent, d.syncs,
			d.errors);
	}
}

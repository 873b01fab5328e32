/*
 * proxy_knobs.c - what can be set about a proxy; proxy.h says what it means.
 *
 * --bind, --to, --delay and --frag with their letters are dw_proxy's, bare numbers included. Times
 * that are drawn and faults are kept as the canonical text, so that options can be copied; route.c
 * makes values of them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/units.h"
#include "base/value.h"
#include "proxy/bucket.h"
#include "proxy/proxy.h"

#define FIELD(field, ctype) KNOB_FIELD(struct proxy_opts, field, ctype)
#define TIME_MAX_NS	    (3600 * SEC)

static int parse_value(const struct knob *k, const char *text, void *field, struct err *err)
{
	AUTO(value_finish) struct value v = { 0 };
	char canonical[VALUE_TEXT_MAX];

	if (value_parse(text, VALUE_TIME, k->bare_unit, &v, err) < 0)
		return -EINVAL;
	if (value_is_constant(&v) && value_max(&v) > (double)TIME_MAX_NS)
		return err_set(err, -EINVAL, "\"%s\" is too large: at most 1h, which is 3600s",
			       text);
	value_format(&v, canonical, sizeof(canonical));
	if (strlen(canonical) >= k->size)
		return err_set(err, -EINVAL, "\"%.40s...\" is too long: at most %zu bytes", text,
			       k->size - 1);
	strcpy(field, canonical);
	return 0;
}

static void format_value(const struct knob *k, const void *field, char *buf, size_t size)
{
	snprintf(buf, size, "%s", (const char *)field);
}

/* "1MB/s", "1MB", or as networks are sold: "100Mbit/s". Returns the factor of bits, 0: of bytes. */
static int64_t bits_unit(char *text)
{
	static const struct {
		const char *name;
		int64_t bits;
	} units[] = { { "kbit", 1000 }, { "Mbit", 1000000 }, { "Gbit", 1000000000 }, { "bit", 1 } };
	size_t len = strlen(text);

	if (len > 2 && !strcmp(text + len - 2, "/s"))
		text[len -= 2] = '\0';
	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
		size_t name_len = strlen(units[i].name);

		if (len > name_len && !strcmp(text + len - name_len, units[i].name)) {
			text[len - name_len] = '\0';
			return units[i].bits;
		}
	}
	return 0;
}

static int parse_bits(const char *number, int64_t unit, int64_t *ret)
{
	char *end;
	double bits = strtod(number, &end) * (double)unit;

	if (end == number || *end || !(bits >= 8) || bits / 8 > (double)BUCKET_RATE_MAX)
		return -EINVAL;
	*ret = (int64_t)(bits / 8);
	return 0;
}

static int parse_speed(const struct knob *k, const char *text, void *field, struct err *err)
{
	char copy[64];
	int64_t unit, rate;
	int result;

	if (strlen(text) >= sizeof(copy))
		return err_set(err, -EINVAL, "\"%.40s...\" is too long", text);
	strcpy(copy, text);
	unit = bits_unit(copy);
	result = unit ? parse_bits(copy, unit, &rate)
		      : units_parse(UNIT_SIZE, copy, NULL, &rate, NULL);
	if (result < 0)
		return err_set(err, -EINVAL,
			       "\"%s\" is no rate: write 10MB/s, 1MiB/s or 100Mbit/s, 0B/s for no "
			       "limit",
			       text);
	if (rate > BUCKET_RATE_MAX)
		return err_set(err, -EINVAL, "\"%s\" is too large: at most 9GB/s", text);
	memcpy(field, &rate, sizeof(rate));
	return 0;
}

static void format_speed(const struct knob *k, const void *field, char *buf, size_t size)
{
	char text[32];
	int64_t rate;

	memcpy(&rate, field, sizeof(rate));
	snprintf(buf, size, "%s/s", units_format(UNIT_SIZE, rate, text, sizeof(text)));
}

/* One fault a use; several are separated by semicolons, as lists are. */
static int parse_faults(const struct knob *k, const char *text, void *field, struct err *err)
{
	struct knob_list given = { 0 }, list = *(const struct knob_list *)field;
	int result = knob_texts.parse(k, text, &given, err);
	char canonical[FAULT_TEXT];
	struct fault f;

	for (const char *one = NULL; !result && (one = knob_list_next(&given, one));) {
		result = fault_parse(one, &f, err);
		if (!result && list.count == FAULTS_MAX)
			result = err_set(err, -EINVAL, "\"%s\" is one too many: at most %d", one,
					 FAULTS_MAX);
		if (result)
			break;
		fault_format(&f, canonical, sizeof(canonical));
		result = knob_list_add(&list, canonical, strlen(canonical), err);
	}
	if (!result)
		memcpy(field, &list, sizeof(list));
	return result;
}

static void format_faults(const struct knob *k, const void *field, char *buf, size_t size)
{
	knob_texts.format(k, field, buf, size);
}

static const struct knob_type value_type = { "VALUE", parse_value, format_value };
static const struct knob_type speed_type = { "RATE", parse_speed, format_speed };
static const struct knob_type fault_type = { "FAULT", parse_faults, format_faults,
					     .appends = true };

static const char *const bind_aliases[] = { "bind-addr", NULL };
static const char *const backlog_aliases[] = { "bl", NULL };

#define VALUE_KNOB(knob_name, field, text)                                            \
	.name = knob_name, .type = &value_type, FIELD(field, char[PROXY_VALUE_TEXT]), \
	.bare_unit = "ms", .def = "0ns", .help = text
#define SPEED_KNOB(knob_name, field, text) \
	.name = knob_name, .type = &speed_type, FIELD(field, int64_t), .def = "0B/s", .help = text

static const struct knob knobs[] = {
	{ .name = "bind",
	  .aliases = bind_aliases,
	  .letter = 'b',
	  .type = &knob_texts,
	  FIELD(bind, struct knob_list),
	  .metavar = "ADDRESS",
	  .help = "listen there: host:port, :port, [::1]:port, unix:/path, udp://host:port" },
	{ .name = "to",
	  .type = &knob_text,
	  FIELD(to, char[128]),
	  .metavar = "ADDRESS",
	  .def = "127.0.0.1:7891",
	  .help = "the server that everything is passed on to" },
	{ .name = "insecure",
	  .type = &knob_bool,
	  FIELD(insecure, bool),
	  .def = "no",
	  .help = "allow addresses that other machines can reach" },
	{ VALUE_KNOB("delay", delay.forth, "each piece reaches the server so much later"),
	  .letter = 'd' },
	{ VALUE_KNOB("delay-back", delay.back, "each piece reaches the client so much later") },
	{ VALUE_KNOB("delay-both", delay.both, "the same as --delay and --delay-back") },
	{ VALUE_KNOB("jitter", jitter.forth,
		     "drawn on top of --delay; a plain time: up to that; order is kept") },
	{ VALUE_KNOB("jitter-back", jitter.back, "drawn on top of --delay-back") },
	{ VALUE_KNOB("jitter-both", jitter.both, "the same as --jitter and --jitter-back") },
	{ SPEED_KNOB("rate", rate.forth,
		     "bytes a second of a connection to the server; 0B/s: no limit") },
	{ SPEED_KNOB("rate-back", rate.back, "bytes a second of a connection to the client") },
	{ SPEED_KNOB("rate-both", rate.both, "the same as --rate and --rate-back") },
	{ .name = "burst",
	  .type = &knob_size,
	  FIELD(burst, int64_t),
	  .min = 0,
	  .max = 1 << 30,
	  .def = "0B",
	  .help = "what may pass at once after a pause; 0B: a millisecond's worth, 1500B or more" },
	{ .name = "frag",
	  .letter = 'f',
	  .type = &knob_size,
	  FIELD(frag, int64_t),
	  .min = 0,
	  .max = 1 << 30,
	  .bare_unit = "B",
	  .def = "0B",
	  .help = "longest piece that is written at once; 0B: no limit" },
	{ .name = "frag-gap",
	  .type = &knob_time,
	  FIELD(frag_gap_ns, int64_t),
	  .min = 0,
	  .max = 60 * SEC,
	  .def = "0ns",
	  .help = "pause between two pieces, so that they arrive one by one" },
	{ .name = "buffer",
	  .type = &knob_size,
	  FIELD(buffer, int64_t),
	  .min = 1,
	  .max = 1 << 30,
	  .def = "1MiB",
	  .help = "bytes under way, per connection and direction; above, reading stops" },
	{ .name = "fault",
	  .type = &fault_type,
	  FIELD(faults, struct knob_list),
	  .help = "KIND[,prob=][,after=][,from=][,to=][,every=][,dir=][,by=]: refuse, silence, "
		  "reset, half-close, black-hole, loss, duplicate, reorder, corrupt" },
	{ .name = "max-connections",
	  .type = &knob_int,
	  FIELD(connections, int64_t),
	  .min = 1,
	  .max = 1 << 20,
	  .def = "65536",
	  .help = "open at a time; more are closed at once (UDP peers: the idlest is forgotten)" },
	{ .name = "backlog-length",
	  .aliases = backlog_aliases,
	  .type = &knob_int,
	  FIELD(backlog, int64_t),
	  .min = 1,
	  .max = INT32_MAX,
	  .def = "4096",
	  .help = "connections that may wait to be accepted, per listening socket" },
	{ .name = "idle",
	  .type = &knob_time,
	  FIELD(idle_ns, int64_t),
	  .min = 1 * MS,
	  .max = TIME_MAX_NS,
	  .def = "60s",
	  .help = "a UDP peer of which nothing is heard for so long is forgotten" },
	{ .name = "seed",
	  .type = &knob_int,
	  FIELD(seed, int64_t),
	  .min = 0,
	  .max = INT64_MAX,
	  .def = "0",
	  .help = "of all random choices; 0: a fresh one, printed" },
	{ 0 },
};

const struct knob_group proxy_knobs = {
	.name = "",
	.help = "passing on",
	.knobs = knobs,
	.opts_size = sizeof(struct proxy_opts),
};

/*
 * route.c - what a proxy's options come to: addresses, two ways, faults.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "proxy/route.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"

#define DELAY_MAX_NS (3600 * SEC)
#define BURST_MIN    1500

int route_parse_address(const char *text, struct address *ret, struct err *err)
{
	bool is_udp = !strncmp(text, "udp:", 4);
	const char *rest = is_udp ? text + (strncmp(text + 4, "//", 2) ? 4 : 6) : text;
	int result = address_parse(*rest ? rest : "tcp://", ret, err);

	if (result)
		return result;
	if (is_udp && ret->storage.ss_family == AF_UNIX)
		return err_set(err, -EINVAL, "address \"%s\": datagrams go over IP only", text);
	ret->transport = is_udp ? TRANSPORT_UDP : TRANSPORT_STREAM;
	return 0;
}

const char *route_format_address(const struct address *a, char *buf, size_t size)
{
	return address_format(a, buf, size);
}

static int add_bind(struct route *route, const char *text, bool insecure, struct err *err)
{
	struct address *a = &route->bind[route->bind_count];
	char buf[ADDRESS_TEXT + 8];

	if (route->bind_count == PROXY_BINDS)
		return err_set(err, -EINVAL, "listen on %s: one too many: at most %d", text,
			       PROXY_BINDS);
	if (route_parse_address(text, a, err) < 0)
		return -EINVAL;
	route->bind_count++;
	if (a->transport != route->to.transport)
		return err_set(err, -EINVAL,
			       "listen on %s: the server is reached by %s: a proxy does not "
			       "translate one into the other",
			       route_format_address(a, buf, sizeof(buf)),
			       route->is_udp ? "udp" : "tcp");
	if (!address_is_loopback(a) && !insecure)
		return err_set(err, -EINVAL,
			       "listen on %s: other machines could reach it and nothing asks them "
			       "who they are; --insecure allows that",
			       route_format_address(a, buf, sizeof(buf)));
	if (a->len == route->to.len && !memcmp(&a->storage, &route->to.storage, a->len))
		return err_set(err, -EINVAL,
			       "listen on %s: --to is the same address: the proxy would talk to "
			       "itself",
			       route_format_address(a, buf, sizeof(buf)));
	return 0;
}

static int take_addresses(struct route *route, const struct proxy_opts *opts, struct err *err)
{
	int result = route_parse_address(opts->to, &route->to, err);

	if (result)
		return err_wrap(err, "--to");
	route->is_udp = route->to.transport == TRANSPORT_UDP;
	if (!opts->bind.count)
		return add_bind(route, route->is_udp ? "udp://" : "tcp://", opts->insecure, err);
	for (const char *text = NULL; !result && (text = knob_list_next(&opts->bind, text));)
		result = add_bind(route, text, opts->insecure, err);
	return result;
}

/* An empty text is what a zeroed struct has: none. */
static int take_value(const char *text, struct value *ret, struct err *err)
{
	return value_parse(*text ? text : "0ns", VALUE_TIME, NULL, ret, err);
}

static bool is_given(const char *text)
{
	return *text && strcmp(text, "0ns");
}

static int take_times(const char *name, const struct proxy_times *times,
		      struct value *const ret[PROXY_DIRECTIONS], struct err *err)
{
	bool both = is_given(times->both);
	int result;

	if (both && (is_given(times->forth) || is_given(times->back)))
		return err_set(err, -EINVAL,
			       "--%s-both says it for both directions: give it, or --%s and "
			       "--%s-back",
			       name, name, name);
	result = take_value(both ? times->both : times->forth, ret[PROXY_FORTH], err);
	if (!result)
		result = take_value(both ? times->both : times->back, ret[PROXY_BACK], err);
	return result ? err_wrap(err, "--%s", name) : 0;
}

static struct bucket_limit make_limit(int64_t rate, int64_t burst)
{
	struct bucket_limit limit = { .rate = rate, .burst = burst ? burst : rate / 1000 };

	if (!burst && limit.burst < BURST_MIN)
		limit.burst = BURST_MIN;
	return limit;
}

static int take_rates(struct route *route, const struct proxy_opts *opts, struct err *err)
{
	const struct proxy_rates *rate = &opts->rate;
	int64_t forth = rate->both ? rate->both : rate->forth;
	int64_t back = rate->both ? rate->both : rate->back;

	if (rate->both && (rate->forth || rate->back))
		return err_set(err, -EINVAL,
			       "--rate-both says it for both directions: give it, or --rate and "
			       "--rate-back");
	route->ways[PROXY_FORTH].limit = make_limit(forth, opts->burst);
	route->ways[PROXY_BACK].limit = make_limit(back, opts->burst);
	return 0;
}

static int take_ways(struct route *route, const struct proxy_opts *opts, struct err *err)
{
	struct way *forth = &route->ways[PROXY_FORTH], *back = &route->ways[PROXY_BACK];
	int result = take_times("delay", &opts->delay,
				(struct value *const[]){ &forth->delay, &back->delay }, err);

	if (!result)
		result = take_times("jitter", &opts->jitter,
				    (struct value *const[]){ &forth->jitter, &back->jitter }, err);
	if (!result)
		result = take_rates(route, opts, err);
	if (!result && route->is_udp && opts->frag)
		result = err_set(err, -EINVAL, "--frag: datagrams are not cut; it is for streams");
	for (struct way *w = route->ways; w < route->ways + PROXY_DIRECTIONS && !result; w++) {
		w->jitter_is_up_to = value_is_constant(&w->jitter);
		w->has_jitter = value_max(&w->jitter) > 0;
		w->frag = opts->frag;
		w->frag_gap_ns = opts->frag_gap_ns;
		w->buffer = (uint64_t)opts->buffer;
	}
	return result;
}

static int take_faults(struct route *route, const struct proxy_opts *opts, struct err *err)
{
	for (const char *text = NULL; (text = knob_list_next(&opts->faults, text));) {
		struct fault *f = &route->faults[route->fault_count++];

		if (fault_parse(text, f, err) < 0)
			return err_wrap(err, "--fault");
		if (route->is_udp ? !fault_is_of_datagrams(f) : !fault_is_of_streams(f))
			return err_set(err, -EINVAL, "--fault: %s is of %s, and this proxy has %s",
				       fault_kind_names[f->kind],
				       route->is_udp ? "connections" : "datagrams",
				       route->is_udp ? "datagrams (udp)" : "connections (tcp)");
	}
	return 0;
}

int route_init(struct route *route, const struct proxy_opts *opts, struct err *err)
{
	int result;

	*route = (struct route){ 0 };
	route->seed = opts->seed ? (uint64_t)opts->seed : random_fresh_seed();
	result = take_addresses(route, opts, err);
	if (!result)
		result = take_ways(route, opts, err);
	if (!result)
		result = take_faults(route, opts, err);
	if (result)
		route_finish(route);
	return result;
}

void route_finish(struct route *route)
{
	for (int d = 0; d < PROXY_DIRECTIONS; d++) {
		value_finish(&route->ways[d].delay);
		value_finish(&route->ways[d].jitter);
	}
}

static int64_t clamp_ns(double ns)
{
	return ns > (double)DELAY_MAX_NS ? DELAY_MAX_NS : ns > 0 ? (int64_t)ns : 0;
}

static int64_t draw(const struct route *route, const struct value *v, enum draw what,
		    enum proxy_direction d, uint64_t connection, uint64_t number)
{
	struct random_key key = { 0 };

	if (!value_is_constant(v))
		key = random_key(route->seed, (uint32_t)connection, what + d, 0);
	return clamp_ns(value_draw(v, &key, number));
}

int64_t route_draw_ns(const struct route *route, enum proxy_direction d, uint64_t connection,
		      uint64_t number)
{
	const struct way *w = &route->ways[d];
	int64_t ns = draw(route, &w->delay, DRAW_DELAY, d, connection, number);

	if (w->has_jitter && w->jitter_is_up_to) {
		struct random_key key =
			random_key(route->seed, (uint32_t)connection, DRAW_JITTER + d, 0);

		ns += (int64_t)(random_unit(&key, number) * value_max(&w->jitter));
	} else if (w->has_jitter) {
		ns += draw(route, &w->jitter, DRAW_JITTER, d, connection, number);
	}
	return ns;
}

uint32_t route_draw_faults(const struct route *route, uint64_t connection)
{
	uint32_t set = 0;

	for (unsigned i = 0; i < route->fault_count; i++) {
		const struct fault *f = &route->faults[i];
		struct random_key key =
			random_key(route->seed, (uint32_t)connection, DRAW_FAULT, i);

		if (route->is_udp || f->prob >= 1 || random_unit(&key, 0) < f->prob)
			set |= 1U << i;
	}
	return set;
}

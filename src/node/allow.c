/*
 * allow.c - where a node may forward to: texts to rules, and an address held against them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "node/allow.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

/* The bytes of an address that a rule looks at; an IPv4 address in IPv6 clothes is IPv4. */
struct place {
	uint8_t family;
	uint16_t port;
	const uint8_t *address;
	size_t len;
};

static struct place place_of(const struct address *a)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)&a->storage;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&a->storage;
	const struct sockaddr_un *un = (const struct sockaddr_un *)&a->storage;

	switch (a->storage.ss_family) {
	case AF_INET:
		return (struct place){ AF_INET, ntohs(v4->sin_port), (const uint8_t *)&v4->sin_addr,
				       4 };
	case AF_INET6:
		if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr))
			return (struct place){ AF_INET, ntohs(v6->sin6_port),
					       v6->sin6_addr.s6_addr + 12, 4 };
		return (struct place){ AF_INET6, ntohs(v6->sin6_port), v6->sin6_addr.s6_addr, 16 };
	case AF_UNIX:
		return (struct place){ AF_UNIX, 0, (const uint8_t *)un->sun_path,
				       a->len - offsetof(struct sockaddr_un, sun_path) };
	default:
		return (struct place){ .family = AF_UNSPEC };
	}
}

static const struct allow loopback_v4 = { AF_INET, 8, 0, { 127 } };
static const struct allow loopback_v6 = { AF_INET6, 128, 0, { [15] = 1 } };
static const struct allow any_unix = { AF_UNIX, 0, 0, { 0 } };
static const struct allow anything = { AF_UNSPEC, 0, 0, { 0 } };

/* Words, and the rules that they stand for; "none" for none. */
static const struct word {
	const char *name;
	const struct allow *rules[2];
} words[] = {
	{ "loopback", { &loopback_v4, &loopback_v6 } },
	{ "unix", { &any_unix } },
	{ "any", { &anything } },
	{ "none", { NULL } },
};

static void add(struct allow_list *list, const struct allow *rule)
{
	if (rule && list->count < ALLOW_MAX)
		list->entries[list->count++] = *rule;
}

static bool add_word(struct allow_list *list, const char *text)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (strcmp(words[i].name, text))
			continue;
		add(list, words[i].rules[0]);
		add(list, words[i].rules[1]);
		return true;
	}
	return false;
}

static int refuse(const char *text, const char *why, struct err *err)
{
	return err_set(err, -EINVAL,
		       "--allow-forward: \"%s\": %s; write loopback, unix, any, none, 10.1.0.0/16, "
		       "host, host:port or unix:/path",
		       text, why);
}

/* "10.1.0.0/16": text has a slash and is no path. */
static int parse_network(const char *text, const char *slash, struct allow *ret, struct err *err)
{
	struct allow rule = { .family = AF_INET };
	char host[ADDRESS_TEXT];
	unsigned long bits;
	char *end;

	if ((size_t)(slash - text) >= sizeof(host))
		return refuse(text, "in front of the slash is no address", err);
	memcpy(host, text, (size_t)(slash - text));
	host[slash - text] = '\0';
	if (inet_pton(AF_INET, host, rule.address) != 1) {
		rule.family = AF_INET6;
		if (inet_pton(AF_INET6, host, rule.address) != 1)
			return refuse(text, "in front of the slash is no address", err);
	}
	bits = strtoul(slash + 1, &end, 10);
	if (slash[1] < '0' || slash[1] > '9' || *end || bits > (rule.family == AF_INET ? 32 : 128))
		return refuse(text, "behind the slash is no number of bits", err);
	rule.bits = (uint8_t)bits;
	*ret = rule;
	return 0;
}

static int parse_path(const char *text, struct allow *ret, struct err *err)
{
	const char *path = text + 5;
	size_t len = strlen(path);

	if (!len || len >= sizeof(((struct sockaddr_un *)0)->sun_path))
		return refuse(text, "a path has 1 to 107 bytes", err);
	*ret = (struct allow){ .family = AF_UNIX, .bits = (uint8_t)len };
	memcpy(ret->address, path, len);
	if (*path == '@')
		ret->address[0] = '\0';
	return 0;
}

/* "host" is any port of it, for address_parse() would take the default one. */
static bool has_port(const char *text)
{
	const char *bracket = strrchr(text, ']');
	const char *colon = strchr(bracket ? bracket : text, ':');

	return colon && !strchr(colon + 1, ':');
}

static int parse_host(const char *text, struct allow *ret, struct err *err)
{
	struct address a;
	struct place place;
	struct err why = { 0 };
	int result = address_parse(text, &a, &why);

	if (result)
		return refuse(text, why.text, err);
	place = place_of(&a);
	*ret = (struct allow){ .family = place.family,
			       .bits = (uint8_t)(8 * place.len),
			       .port = has_port(text) ? place.port : 0 };
	memcpy(ret->address, place.address, place.len);
	return 0;
}

static int parse_rule(const char *text, struct allow *ret, struct err *err)
{
	const char *slash = strchr(text, '/');

	if (!*text)
		return refuse(text, "is empty", err);
	if (!strncmp(text, "unix:", 5))
		return parse_path(text, ret, err);
	if (slash && !strstr(text, "://"))
		return parse_network(text, slash, ret, err);
	return parse_host(text, ret, err);
}

int allow_parse(const struct knob_list *texts, struct allow_list *ret, struct err *err)
{
	struct allow_list list = { 0 };
	struct allow rule;

	if (!texts->count) {
		add_word(&list, "loopback");
		add_word(&list, "unix");
	}
	for (const char *text = NULL; (text = knob_list_next(texts, text));) {
		if (list.count > ALLOW_MAX - 2)
			return err_set(err, -EINVAL, "--allow-forward: \"%s\" is one too many",
				       text);
		if (add_word(&list, text))
			continue;
		if (parse_rule(text, &rule, err))
			return -EINVAL;
		add(&list, &rule);
	}
	*ret = list;
	return 0;
}

static bool begins_alike(const uint8_t *a, const uint8_t *b, unsigned bits)
{
	unsigned bytes = bits / 8, rest = bits % 8;

	return !memcmp(a, b, bytes) && (!rest || !((a[bytes] ^ b[bytes]) >> (8 - rest)));
}

/* A path that climbs out of where it begins is below nothing. */
static bool is_below(const struct allow *rule, const struct place *p)
{
	if (!rule->bits)
		return true;
	return p->len >= rule->bits && !memcmp(rule->address, p->address, rule->bits) &&
	       (!p->address[0] || !memmem(p->address, p->len, "/..", 3));
}

static bool fits(const struct allow *rule, const struct place *p)
{
	if (rule->family == AF_UNSPEC)
		return true;
	if (rule->family != p->family || (rule->port && rule->port != p->port))
		return false;
	if (p->family == AF_UNIX)
		return is_below(rule, p);
	return begins_alike(rule->address, p->address, rule->bits);
}

bool allow_permits(const struct allow_list *list, const struct address *a)
{
	struct place place = place_of(a);

	for (unsigned i = 0; i < list->count; i++) {
		if (fits(&list->entries[i], &place))
			return true;
	}
	return false;
}

/*
 * test_address.c - texts to socket addresses and back, and what listening on them does.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/un.h>

#include "base/cleanup.h"
#include "engine/address.h"
#include "tests/possible.h"

static const struct listen_opts plain = { .backlog = 4 };

static void test_good_texts_come_back_in_one_form(void)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{ "127.0.0.1:80", "127.0.0.1:80" },
		{ "tcp://127.0.0.1:80", "127.0.0.1:80" },
		{ "tcp:127.0.0.1:80", "127.0.0.1:80" },
		{ "127.0.0.2", "127.0.0.2:7891" },
		{ ":0", "127.0.0.1:0" },
		{ ":65535", "127.0.0.1:65535" },
		{ "tcp://", "127.0.0.1:7891" },
		{ "tcp:", "127.0.0.1:7891" },
		{ "tcp://:80", "127.0.0.1:80" },
		{ "localhost:80", "127.0.0.1:80" },
		{ "tcp://LocalHost", "127.0.0.1:7891" },
		{ "0.0.0.0:00080", "0.0.0.0:80" },
		{ "[::1]:80", "[::1]:80" },
		{ "[::1]", "[::1]:7891" },
		{ "tcp://[::]:80", "[::]:80" },
		{ "::1", "[::1]:7891" },
		{ "tls://127.0.0.1:80", "tls://127.0.0.1:80" },
		{ "ssl://127.0.0.1:80", "tls://127.0.0.1:80" },
		{ "ssl::80", "tls://127.0.0.1:80" },
		{ "tls:", "tls://127.0.0.1:7891" },
		{ "tls://[::1]", "tls://[::1]:7891" },
		{ "unix:/tmp/x", "unix:/tmp/x" },
		{ "unix:x", "unix:x" },
		{ "unix:@ringwalk", "unix:@ringwalk" },
	};
	struct address a;
	struct err err;
	char buf[ADDRESS_TEXT];
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		CHECK_INT(address_parse(rows[i].text, &a, &err), 0);
		CHECK_TEXT(address_format(&a, buf, sizeof(buf)), rows[i].want);
		CHECK_INT(address_parse(buf, &a, &err), 0);
		CHECK_TEXT(address_format(&a, buf, sizeof(buf)), rows[i].want);
	}
}

static void test_udp_is_told_and_kept(void)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{ "udp://127.0.0.1:80", "udp://127.0.0.1:80" },
		{ "udp:127.0.0.1:80", "udp://127.0.0.1:80" },
		{ "udp://:80", "udp://127.0.0.1:80" },
		{ "udp://[::1]:80", "udp://[::1]:80" },
		{ "udp://", "udp://127.0.0.1:7891" },
	};
	struct address a;
	char buf[ADDRESS_TEXT];

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		CHECK_INT(address_parse(rows[i].text, &a, NULL), 0);
		CHECK_INT(a.transport, TRANSPORT_UDP);
		CHECK_TEXT(address_format(&a, buf, sizeof(buf)), rows[i].want);
		CHECK_INT(address_parse(buf, &a, NULL), 0);
		CHECK_INT(a.transport, TRANSPORT_UDP);
	}
}

static void test_bad_texts_are_refused_with_a_reason(void)
{
	static const struct {
		const char *text, *part;
	} rows[] = {
		{ "", "host:port" },
		{ "127.0.0.1:65536", "0 to 65535" },
		{ "127.0.0.1:", "0 to 65535" },
		{ "127.0.0.1:8x", "0 to 65535" },
		{ ":-1", "0 to 65535" },
		{ ":99999999999999999999", "0 to 65535" },
		{ "7891", "written :7891" },
		{ "[::1", "[::1]:7891" },
		{ "[", "[::1]:7891" },
		{ "[::1]80", "[::1]:7891" },
		{ "[]:80", "[::1]:7891" },
		{ "1.2.3.4.5:80", "host" },
		{ "no.such.host.invalid:80", "no.such.host.invalid" },
		{ "tls://127.0.0.1:x", "0 to 65535" },
		{ "http://127.0.0.1:80", "unknown" },
		{ "unix:", "unix:/path" },
		{ "unix:@", "unix:/path" },
		{ "unix:/012345678901234567890123456789012345678901234567890123456789"
		  "012345678901234567890123456789012345678901234567890123456789",
		  "107" },
	};
	const struct address untouched = { .len = 77 };
	struct address a = untouched;
	struct err err;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		err = (struct err){ 0 };
		CHECK_INT(address_parse(rows[i].text, &a, &err), -EINVAL);
		CU_ASSERT(strstr(err.text, rows[i].text) != NULL);
		if (!strstr(err.text, rows[i].part))
			printf("\n    \"%s\" lacks \"%s\"", err.text,
			       rows[i].part ? rows[i].part : "");
		CU_ASSERT(strstr(err.text, rows[i].part) != NULL);
		CU_ASSERT(!memcmp(&a, &untouched, sizeof(a)));
	}
}

static void test_the_host_is_what_was_written(void)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{ "tls://node.example:80", "node.example" },
		{ "tls://127.0.0.1:80", "127.0.0.1" },
		{ "ssl:localhost", "localhost" },
		{ "tls://[::1]:80", "::1" },
		{ "tls://", "127.0.0.1" },
		{ ":80", "127.0.0.1" },
	};
	char buf[64], small[4];

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		CHECK_INT(address_host(rows[i].text, buf, sizeof(buf), NULL), 0);
		CHECK_TEXT(buf, rows[i].want);
	}
	CHECK_INT(address_host("tls://127.0.0.1:80", small, sizeof(small), NULL), -EINVAL);
	CHECK_INT(address_host("tls://x:y", buf, sizeof(buf), NULL), -EINVAL);
}

static void test_loopback_is_told_from_the_world(void)
{
	static const struct {
		const char *text;
		bool want;
	} rows[] = {
		{ "127.0.0.1:1", true },
		{ "127.255.0.9:1", true },
		{ "[::1]:1", true },
		{ "unix:/tmp/x", true },
		{ "unix:@x", true },
		{ "[::ffff:127.0.0.1]:1", true },
		{ "0.0.0.0:1", false },
		{ "[::]:1", false },
		{ "10.0.0.1:1", false },
		{ "128.0.0.1:1", false },
		{ "[::ffff:10.0.0.1]:1", false },
		{ "[fe80::1]:1", false },
	};
	struct address a;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		CHECK_INT(address_parse(rows[i].text, &a, NULL), 0);
		CHECK_INT(address_is_loopback(&a), rows[i].want);
	}
}

static int listen_on(const char *text, const struct listen_opts *opts, struct address *bound,
		     struct err *err)
{
	struct address a;
	int code = address_parse(text, &a, err);

	return code ? code : address_listen(&a, opts, bound, err);
}

static void test_listening_keeps_the_transport(void)
{
	struct address bound;
	int fd AUTO(auto_close) = listen_on("tls://127.0.0.1:0", &plain, &bound, NULL);

	CU_ASSERT(fd >= 0);
	CHECK_INT(bound.transport, TRANSPORT_TLS);
}

static int option(int fd, int level, int name)
{
	int value = -1;
	socklen_t len = sizeof(value);

	getsockopt(fd, level, name, &value, &len);
	return value;
}

/* 254: experiments (RFC 3692), which no kernel makes streams of. */
static void test_a_protocol_that_cannot_be_had_gives_way_to_the_usual_one(void)
{
	struct address any, bound;
	int asked AUTO(auto_close) = -1, plain_one AUTO(auto_close) = -1, unix_one AUTO(auto_close);
	int has_mptcp AUTO(auto_close) = socket(AF_INET, SOCK_STREAM, IPPROTO_MPTCP);
	int wanted = has_mptcp < 0 ? IPPROTO_TCP : IPPROTO_MPTCP;

	CHECK_INT(address_parse(":0", &any, NULL), 0);
	any.protocol = 254;
	plain_one = address_socket(&any, NULL);
	CHECK_INT(option(plain_one, SOL_SOCKET, SO_PROTOCOL), IPPROTO_TCP);
	any.protocol = IPPROTO_MPTCP;
	asked = address_listen(&any, &plain, &bound, NULL);
	CHECK_INT(option(asked, SOL_SOCKET, SO_PROTOCOL), wanted);
	/* For the next socket on the same port. */
	CHECK_INT(bound.protocol, IPPROTO_MPTCP);
	unix_one = address_stream(AF_UNIX, SOCK_NONBLOCK, IPPROTO_MPTCP);
	CHECK_INT(option(unix_one, SOL_SOCKET, SO_DOMAIN), AF_UNIX);
	CU_ASSERT(fcntl(unix_one, F_GETFL) & O_NONBLOCK);
}

static int connect_to(const struct address *a)
{
	int fd AUTO(auto_close) = socket(a->storage.ss_family, SOCK_STREAM, 0);

	return connect(fd, (const struct sockaddr *)&a->storage, a->len) ? -errno : 0;
}

static void test_port_zero_gives_the_kernels_choice(void)
{
	const struct listen_opts opts = { .backlog = 4, .reuseport = true, .no_delay = true };
	struct address bound;
	struct err err = { 0 };
	int fd AUTO(auto_close) = listen_on(":0", &opts, &bound, &err);

	CHECK_TEXT(err.text, "");
	CU_ASSERT(((struct sockaddr_in *)&bound.storage)->sin_port != 0);
	CHECK_INT(connect_to(&bound), 0);
	CHECK_INT(option(fd, IPPROTO_TCP, TCP_NODELAY), 1);
	CHECK_INT(option(fd, SOL_SOCKET, SO_REUSEPORT), 1);
}

static void test_a_taken_port_is_said_by_its_address(void)
{
	struct address bound, again = { .len = 77 };
	struct err err = { 0 };
	int fd AUTO(auto_close) = listen_on(":0", &plain, &bound, &err);
	char text[ADDRESS_TEXT];

	CU_ASSERT(fd >= 0);
	CHECK_INT(address_listen(&bound, &plain, &again, &err), -EADDRINUSE);
	CU_ASSERT(strstr(err.text, address_format(&bound, text, sizeof(text))) != NULL);
	CHECK_INT(again.len, 77);
}

static void test_a_udp_port_belongs_to_one_unless_it_is_shared(void)
{
	const struct listen_opts shared = { .reuseport = true, .no_delay = true, .blocking = true };
	struct address bound, again;
	struct err err = { 0 };
	int fd AUTO(auto_close) = listen_on("udp://:0", &plain, &bound, &err);
	int first AUTO(auto_close) = -1, second AUTO(auto_close) = -1, type;
	socklen_t len = sizeof(type);

	CU_ASSERT(fd >= 0);
	CHECK_INT(bound.transport, TRANSPORT_UDP);
	CHECK_INT(getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len), 0);
	CHECK_INT(type, SOCK_DGRAM);
	CHECK_INT(address_listen(&bound, &plain, &again, &err), -EADDRINUSE);
	CU_ASSERT(strstr(err.text, "udp://127.0.0.1:") != NULL);
	first = listen_on("udp://:0", &shared, &bound, &err);
	second = address_listen(&bound, &shared, &again, &err);
	CU_ASSERT(first >= 0 && second >= 0);
	CU_ASSERT(fcntl(first, F_GETFL) & O_NONBLOCK);
}

static void test_ipv6_listens_on_ipv6_alone(void)
{
	struct address bound;
	struct err err = { 0 };
	int fd AUTO(auto_close) = listen_on("[::1]:0", &plain, &bound, &err);

	if ((fd == -EAFNOSUPPORT || fd == -EADDRNOTAVAIL) && !possible_ipv6())
		return;
	CHECK_TEXT(err.text, "");
	CHECK_INT(connect_to(&bound), 0);
	CHECK_INT(option(fd, IPPROTO_IPV6, IPV6_V6ONLY), 1);
}

static void unix_name(char *buf, size_t size, const char *kind)
{
	snprintf(buf, size, "unix:/tmp/ringwalk_test_%s_%d", kind, (int)getpid());
}

static void test_a_stale_unix_socket_is_replaced_and_a_live_one_is_not(void)
{
	struct address bound;
	struct err err = { 0 };
	char name[64];
	int fd;

	unix_name(name, sizeof(name), "stale");
	fd = listen_on(name, &plain, &bound, &err);
	CU_ASSERT(fd >= 0);
	CHECK_INT(listen_on(name, &plain, &bound, &err), -EADDRINUSE);
	CHECK_INT(connect_to(&bound), 0);
	close(fd);
	CHECK_INT(connect_to(&bound), -ECONNREFUSED);
	fd = listen_on(name, &plain, &bound, &err);
	CU_ASSERT(fd >= 0);
	CHECK_INT(connect_to(&bound), 0);
	close(fd);
	unlink(name + strlen("unix:"));
}

static void test_a_file_that_is_no_socket_stays(void)
{
	struct address bound;
	struct err err = { 0 };
	char name[64];
	FILE *file;

	unix_name(name, sizeof(name), "file");
	file = fopen(name + strlen("unix:"), "w");
	CHECK_INT(listen_on(name, &plain, &bound, &err), -EADDRINUSE);
	CHECK_INT(access(name + strlen("unix:"), F_OK), 0);
	fclose(file);
	unlink(name + strlen("unix:"));
}

static void test_unix_sockets_refuse_to_share_an_address(void)
{
	const struct listen_opts opts = { .backlog = 4, .reuseport = true };
	struct address bound;
	struct err err = { 0 };

	CHECK_INT(listen_on("unix:@ringwalk_test_share", &opts, &bound, &err), -EOPNOTSUPP);
	CU_ASSERT(strstr(err.text, "unix:@ringwalk_test_share") != NULL);
}

static CU_TestInfo tests[] = {
	{ "good texts come back in one form", test_good_texts_come_back_in_one_form },
	{ "udp is told from tcp, and comes back", test_udp_is_told_and_kept },
	{ "bad texts are refused with a reason", test_bad_texts_are_refused_with_a_reason },
	{ "the host is what was written", test_the_host_is_what_was_written },
	{ "listening keeps the transport", test_listening_keeps_the_transport },
	{ "a protocol that cannot be had gives way to the usual one",
	  test_a_protocol_that_cannot_be_had_gives_way_to_the_usual_one },
	{ "loopback is told from the world", test_loopback_is_told_from_the_world },
	{ "port zero gives the kernel's choice", test_port_zero_gives_the_kernels_choice },
	{ "a taken port is said by its address", test_a_taken_port_is_said_by_its_address },
	{ "a UDP port belongs to one socket unless it is shared",
	  test_a_udp_port_belongs_to_one_unless_it_is_shared },
	{ "IPv6 listens on IPv6 alone", test_ipv6_listens_on_ipv6_alone },
	{ "a stale unix socket is replaced and a live one is not",
	  test_a_stale_unix_socket_is_replaced_and_a_live_one_is_not },
	{ "a file that is no socket stays", test_a_file_that_is_no_socket_stays },
	{ "unix sockets refuse to share an address", test_unix_sockets_refuse_to_share_an_address },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return test_main("address", tests);
}

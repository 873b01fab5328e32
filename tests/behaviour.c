/*
 * behaviour.c - the stage and the trials: see behaviour.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/behaviour.h"

struct stage stage;

const struct transport_case transport_cases[PLACES] = {
	[OVER_IPV4] = { "tcp over IPv4", "127.0.0.1:0", -1 },
	[OVER_IPV6] = { "tcp over IPv6", "[::1]:0", -1 },
	[OVER_UNIX] = { "a unix socket", "unix:%s/%u", -1 },
	[OVER_ABSTRACT] = { "an abstract unix socket", "unix:@%s/%u", -1 },
	[OVER_TLS_1_3] = { "TLS 1.3", "tls://127.0.0.1:0", TLS_1_3 },
	[OVER_TLS_1_2] = { "TLS 1.2", "tls://[::1]:0", TLS_1_2 },
	[OVER_UDP] = { "UDP", "udp://127.0.0.1:0", -1 },
};

static void bind_text(enum place place, char *buf, size_t size)
{
	static unsigned number;
	const char *form = transport_cases[place].bind;
	const char *rest = strstr(form, "%s");

	if (rest)
		snprintf(buf, size, "%.*s%s/%u", (int)(rest - form), form, stage.folder, number++);
	else
		snprintf(buf, size, "%s", form);
}

/*
 * A place that is taken, so that no other program of this machine gets it, and where nobody is: a
 * stream that does not listen, or datagrams that are taken from itself alone.
 */
static int reserve(enum place place, char ret[ADDRESS_TEXT])
{
	struct address a;
	int fd;

	bind_text(place, ret, ADDRESS_TEXT);
	if (address_parse(ret, &a, NULL))
		return -1;
	fd = address_socket(&a, NULL);
	if (bind(fd, (struct sockaddr *)&a.storage, a.len) ||
	    getsockname(fd, (struct sockaddr *)&a.storage, &a.len))
		return -1;
	if (a.transport == TRANSPORT_UDP && connect(fd, (struct sockaddr *)&a.storage, a.len))
		return -1;
	address_format(&a, ret, ADDRESS_TEXT);
	return fd;
}

/* 0: it is there. */
static int probe(enum place place, struct err *err)
{
	const struct listen_opts opts = { .backlog = 64 };
	struct address address, bound;
	char text[ADDRESS_TEXT];
	int fd;

	bind_text(place, text, sizeof(text));
	if (address_parse(text, &address, err))
		return -1;
	/* Who is silent does not even begin with TLS. */
	if (address.transport == TRANSPORT_TLS)
		address.transport = TRANSPORT_STREAM;
	address.protocol = stage.protocol;
	fd = address_listen(&address, &opts, &bound, err);
	if (fd < 0)
		return -1;
	stage.silent[place] = fd;
	address_format(&bound, stage.silent_text[place], sizeof(stage.silent_text[place]));
	stage.nobody[place] = reserve(place, stage.nobody_text[place]);
	return stage.nobody[place] < 0 ? err_set(err, -errno, "no place for nobody") : 0;
}

/* 0: all are there that this machine has; IPv6 alone may be lacking. */
static int probe_all(void)
{
	bool has_ipv6 = !possible_ipv6_errno();
	int count = 0;

	for (int i = 0; i < PLACES; i++) {
		struct err err = { 0 };

		stage.addresses[i] = probe(i, &err) ? -1 : count++;
		if (stage.addresses[i] >= 0)
			continue;
		printf("not over %s: %s\n", transport_cases[i].name, err.text);
		if (has_ipv6 || !strstr(transport_cases[i].bind, "[::1]"))
			return -1;
	}
	return 0;
}

void stage_init_node(struct setup *s)
{
	char text[ADDRESS_TEXT];

	setup_init(s, stage.backend);
	stage_ask_for_protocol(&s->hooks);
	s->opts.threads = 2;
	s->opts.tls = &stage.node_tls;
	s->opts.forward_tls_verify = FORWARD_VERIFY_YES;
	s->opts.udp.idle_ns = 100 * MS; /* peers never close */
	for (int i = 0; i < PLACES; i++) {
		if (stage.addresses[i] < 0)
			continue;
		bind_text(i, text, sizeof(text));
		setup_bind(s, text);
	}
}

static int start_node(unsigned number)
{
	struct setup *s = &stage.nodes[number];
	char text[128];

	stage_init_node(s);
	s->opts.accept_mode = (int)number;
	s->opts.storage.mode = number == 1		  ? STORAGE_INLINE
			       : stage.backend->has_files ? number ? STORAGE_THREAD : STORAGE_NATIVE
							  : STORAGE_THREAD;
	s->opts.storage.prealloc = 1 << 20;
	s->opts.storage.keep = false;
	snprintf(text, sizeof(text), "file=%s/device%u,size=16MiB", stage.folder, number);
	knob_list_add(&s->opts.storage.devices, text, strlen(text), NULL);
	return setup_start(s);
}

int stage_open(const struct backend_ops *backend, int protocol)
{
	stage.backend = backend;
	stage.protocol = protocol;
	strcpy(stage.folder, "/tmp/ringwalk_test_XXXXXX");
	if (!mkdtemp(stage.folder))
		return -errno;
	certificates_make(&stage.certs);
	knob_defaults(&tls_knobs, &stage.node_tls);
	tls_opts_show(&stage.node_tls, &stage.certs, CERT_SERVER);
	strcpy(stage.node_tls.ca, stage.certs.cert[CERT_CA]);
	if (probe_all())
		return -1;
	for (unsigned i = 0; i < ROLES; i++)
		if (start_node(i))
			return -1;
	return 0;
}

/* That unix sockets are shared, that nobody is where nobody is, and what was refused. */
static bool is_expected(const char *sentence)
{
	bool is_shared = strstr(sentence, "accepted as in mode shared");
	bool is_refusal = strstr(sentence, ": request refused") ||
			  strstr(sentence, "more sentences were left out");
	bool is_nobody = false;

	for (int i = 0; i < PLACES; i++)
		is_nobody |= *stage.nobody_text[i] && strstr(sentence, stage.nobody_text[i]);
	return is_shared || is_refusal || is_nobody;
}

static int stop_node(struct setup *s)
{
	struct err err = { 0 };
	int failed = s->node && node_stop(s->node, &err);

	if (failed)
		printf("%s\n", err.text);
	for (unsigned i = 0; i < s->said.count && i < SENTENCES; i++) {
		if (is_expected(s->said.text[i]))
			continue;
		printf("a node said: %s\n", s->said.text[i]);
		failed = 1;
	}
	node_destroy(s->node);
	free(s->backend_opts);
	return failed;
}

static void leave(int fd, const char *text)
{
	struct address address;

	if (!address_parse(text, &address, NULL))
		address_remove(&address);
	close(fd);
}

int stage_close(void)
{
	int failed = stage.protocol && (!stage.as_asked || stage.otherwise);

	if (stage.protocol)
		printf("connections over IP: %u with protocol %d, %u without\n", stage.as_asked,
		       stage.protocol, stage.otherwise);
	for (unsigned i = 0; i < ROLES; i++)
		failed |= stop_node(&stage.nodes[i]);
	for (int i = 0; i < PLACES; i++) {
		if (stage.addresses[i] < 0)
			continue;
		leave(stage.silent[i], stage.silent_text[i]);
		leave(stage.nobody[i], stage.nobody_text[i]);
	}
	certificates_remove(&stage.certs);
	rmdir(stage.folder);
	return failed;
}

/* Trials. */

static struct setup *node_of(const struct trial *t, unsigned role)
{
	return &stage.nodes[(t->first + role) % ROLES];
}

/* What stands for a place in a program. */
static const char *place_text(const struct trial *t, char letter, char *buf, size_t size)
{
	const struct setup *s;

	if (letter == 'S')
		return stage.silent_text[t->place];
	if (letter == 'N')
		return stage.nobody_text[t->place];
	s = node_of(t, (unsigned)(letter - 'A'));
	return address_format(node_address(s->node, (unsigned)stage.addresses[t->place]), buf,
			      size);
}

void trial_set(struct trial *t, const char *name, const char *text)
{
	struct err err = { 0 };

	if (knob_parse(knob_find(&client_knobs, name), text, &t->client, &err))
		printf("\n    --%s: %s", name, err.text);
	CU_ASSERT(err.code == 0);
}

static void set_program(struct trial *t)
{
	char text[2048], address[ADDRESS_TEXT];
	size_t len = 0;

	for (const char *p = t->deed->program; *p && len < sizeof(text); p++) {
		if (*p == '%')
			len += (size_t)snprintf(text + len, sizeof(text) - len, "%s",
						place_text(t, *++p, address, sizeof(address)));
		else
			text[len++] = *p;
	}
	CU_ASSERT_FATAL(len < sizeof(text));
	text[len] = '\0';
	trial_set(t, "program", text);
}

void trial_prepare_client(struct trial *t, const struct setup *node)
{
	int version = transport_cases[t->place].tls_version;

	knob_defaults(&client_knobs, &t->client);
	trial_set(t, "wait", "sleep");
	trial_set(t, "request-size", "auto");
	trial_set(t, "reply-size", "512B");
	trial_set(t, "rate", "10k");
	trial_set(t, "threads", "2");
	trial_set(t, "connections", "2");
	trial_set(t, "requests", "25");
	trial_set(t, "seed", "20261122");
	trial_set(t, "drain", "20s");
	/* A sync of a busy disk takes longer than the second that UDP has if nothing is said. */
	if (t->place == OVER_UDP)
		trial_set(t, "timeout", "20s");
	set_program(t);
	knob_defaults(&tls_knobs, &t->tls);
	strcpy(t->tls.ca, stage.certs.cert[CERT_CA]);
	t->tls.verify = version >= 0;
	if (version >= 0)
		t->tls.min_version = t->tls.max_version = version;
	t->client.tls = version < 0 ? NULL : &t->tls;
	address_format(node_address(node->node, (unsigned)stage.addresses[t->place]), t->client.to,
		       sizeof(t->client.to));
}

int trial_run_client(struct trial *t)
{
	struct hooks hooks = { 0 };
	struct err err = { 0 };
	int result;

	stage_ask_for_protocol(&hooks);
	result = client_run(&t->client, stage.backend, stage.nodes[0].backend_opts, &hooks, NULL,
			    &t->result, &err);

	if (result)
		printf("\n    %s", err.text);
	CHECK_INT(result, 0);
	return result;
}

static struct node_stats gained_by(const struct trial *t, unsigned role)
{
	struct node_stats now = stats_of(node_of(t, role));
	const struct node_stats *before = &t->before[role];
	uint64_t *forward = (uint64_t *)&now.forward;

	stage.known[(t->first + role) % ROLES] = now;
	now.requests -= before->requests;
	now.refused -= before->refused;
	now.loop.bytes_out -= before->loop.bytes_out;
	for (unsigned i = 0; i < WIRE_CODES; i++)
		now.operations[i] -= before->operations[i];
	for (unsigned i = 0; i < WIRE_FAULTS; i++)
		now.faults[i] -= before->faults[i];
	for (size_t i = 0; i < sizeof(now.forward) / sizeof(*forward); i++)
		forward[i] -= ((const uint64_t *)&before->forward)[i];
	return now;
}

/* No forward is under way, and whoever will still answer has. */
static bool is_settled(const struct trial *t, unsigned role)
{
	const struct forward_stats *f = &t->gained[role].forward;
	uint64_t unanswered = role == A ? t->deed->unanswered * REQUESTS : 0;
	uint64_t answered = f->answers + f->late;

	return f->forwards == f->completed + f->timeouts + f->failures + f->refused &&
	       (t->deed->is_drawn ? f->attempts >= answered : f->attempts == answered + unanswered);
}

/* Every node has run what it was asked for, and nothing else. */
static bool has_run_all(const struct trial *t)
{
	for (unsigned code = 0; code < WIRE_CODES; code++) {
		uint64_t sum = t->deed->asked_either[code] * REQUESTS;

		for (unsigned role = 0; role < ROLES; role++) {
			uint64_t run = t->gained[role].operations[code];
			uint64_t asked = t->deed->asked[role][code] * REQUESTS;

			if (run != asked && (role == A || !t->deed->asked_either[code]))
				return false;
			sum += asked;
		}
		if (count_run(t, code) != sum)
			return false;
	}
	return true;
}

static void print_run(const struct trial *t)
{
	for (unsigned role = 0; role < ROLES; role++) {
		const struct forward_stats *f = &t->gained[role].forward;

		printf("\n    %c ran", 'A' + role);
		for (unsigned code = 1; code < WIRE_CODES; code++)
			printf(" %" PRIu64, t->gained[role].operations[code]);
		printf("; forwards %" PRIu64 " = %" PRIu64 " + %" PRIu64 " + %" PRIu64 " + %" PRIu64
		       ", attempts %" PRIu64 ", answers %" PRIu64 ", late %" PRIu64,
		       f->forwards, f->completed, f->timeouts, f->failures, f->refused, f->attempts,
		       f->answers, f->late);
	}
}

/* Only refusals, one for each request that was refused, and no connection ended for it. */
static void check_faults(const struct trial *t)
{
	uint64_t refused = 0;

	for (unsigned role = 0; role < ROLES; role++) {
		uint64_t faults = 0;

		for (unsigned i = 0; i < WIRE_FAULTS; i++)
			faults += t->gained[role].faults[i];
		CHECK_INT(faults, t->gained[role].refused);
		refused += t->gained[role].refused;
	}
	CHECK_INT(refused, t->deed->refused);
}

/* What others count comes after a turn of theirs. False: of a hasty deed it did not. */
static bool await_counts(struct trial *t)
{
	int64_t end_ns = clock_now_ns() + (t->deed->is_hasty ? 2 : 30) * SEC;
	bool is_right = false;

	while (!is_right && clock_now_ns() < end_ns) {
		is_right = true;
		for (unsigned role = 0; role < ROLES; role++) {
			t->gained[role] = gained_by(t, role);
			is_right &= is_settled(t, role);
		}
		is_right = is_right && (t->deed->is_drawn || has_run_all(t));
		if (!is_right)
			usleep(500);
	}
	if (!is_right)
		print_run(t);
	CU_ASSERT(is_right || t->deed->is_hasty);
	check_faults(t);
	return is_right;
}

static unsigned refused_of(const struct deed *d)
{
	return d->recovers ? 0 : d->refused;
}

static unsigned failed_of(const struct deed *d)
{
	return d->fails ? REQUESTS : refused_of(d);
}

static void check_counts(const struct trial *t)
{
	const struct client_counts *c = &t->result->counts;

	CHECK_INT(c->planned, REQUESTS);
	CHECK_INT(c->sent, REQUESTS);
	CHECK_INT(c->done, REQUESTS - failed_of(t->deed));
	CHECK_INT(c->failed, failed_of(t->deed));
	CHECK_INT(c->status[WIRE_REFUSED], refused_of(t->deed));
	CHECK_INT(c->timed_out + c->unanswered + c->censored + c->late, 0);
	CHECK_INT(t->result->strays, 0);
	CHECK_INT(t->result->connections_lost, 0);
	CHECK_INT(t->result->loop.faults, 0);
	CHECK_INT(t->result->connections, 4);
}

static void check_transport(const struct trial *t)
{
	static const char *const versions[] = { [TLS_1_2] = "TLSv1.2", [TLS_1_3] = "TLSv1.3" };
	int version = transport_cases[t->place].tls_version;

	CHECK_TEXT(t->result->tls.version, version < 0 ? "" : versions[version]);
	CHECK_INT(t->result->tls.is_verified, version >= 0);
}

/* Where the time went is told of every answer, adds up, and is never less than nothing. */
static void check_split(struct trial *t)
{
	const struct split *s = &t->result->split;
	double measured_ns = hist_mean(t->result->response);

	CHECK_INT(s->answers, REQUESTS - failed_of(t->deed));
	CHECK_INT(s->ignored, 0);
	CHECK_INT(s->cut, 0);
	if (!s->answers)
		return;
	split_view(s, 1, &t->split);
	CHECK_NEAR(t->split.answers, REQUESTS - failed_of(t->deed), 0);
	CHECK_NEAR(t->split.response_ns / measured_ns, 1, 0.02);
	for (unsigned hop = 0; hop < s->hop_count; hop++)
		for (unsigned i = 0; i < SPLIT_PARTS; i++)
			CU_ASSERT(t->split.part_ns[hop][i] >= -1.0);
}

bool behave_try(const struct deed *d, enum place place, unsigned first, trial_check *more)
{
	struct trial t = { .deed = d, .place = place, .first = first };
	unsigned failures = CU_get_number_of_failures();
	bool in_time = true;

	if (stage.addresses[place] < 0)
		test_not_tried("over %s", transport_cases[place].name);
	if (stage.addresses[place] < 0 || (d->is_long && place == OVER_UDP))
		return true;
	for (unsigned role = 0; role < ROLES; role++)
		t.before[role] = stage.known[(first + role) % ROLES];
	trial_prepare_client(&t, node_of(&t, A));
	if (!trial_run_client(&t)) {
		in_time = await_counts(&t);
		check_counts(&t);
		check_transport(&t);
		check_split(&t);
		if (more && in_time)
			more(&t);
	}
	client_result_destroy(t.result);
	if (!in_time || CU_get_number_of_failures() != failures)
		printf("\n    over %s, node %u first: %s", transport_cases[place].name, first,
		       d->program);
	return in_time || !d->is_hasty;
}

void behave_once(const struct deed *d, enum place place, unsigned first, trial_check *more)
{
	behave_try(d, place, first, more);
}

void behave(const struct deed *d, trial_check *more)
{
	for (unsigned place = 0; place < PLACES; place++)
		behave_once(d, place, place % ROLES, more);
}

/*
 * connect.c - the connections of one client thread, all of them open before the clock starts.
 *
 * A few at a time, so that the node's backlog does not overflow: a dropped SYN is repeated only
 * after a second.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "client/thread.h"
#include "engine/guard.h"

#define AT_A_TIME     64
#define CONNECT_LIMIT (5 * SEC)
#define CONNECT_POLL  (50 * MS)

bool client_is_stopped(const struct client_job *job)
{
	return job->stop && atomic_load_explicit(job->stop, memory_order_relaxed);
}

static int set_options(const struct client_job *job, int fd, struct err *err)
{
	int on = job->no_delay;

	if (job->to.transport == TRANSPORT_UDP)
		return datagram_set_options(fd, &job->udp, err);
	if (job->to.storage.ss_family == AF_UNIX)
		return 0;
	if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)))
		return err_sys(err, -errno, "TCP_NODELAY");
	return 0;
}

/* What our own options have come to; told once a thread, for the first of its sockets. */
static int report_options(const struct client_job *job, int fd, struct err *err)
{
	const struct hooks *hooks = job->hooks;
	bool is_udp = job->to.transport == TRANSPORT_UDP;
	struct verdict_report report;

	if (!hooks || !hooks->told_kernel || job->to.storage.ss_family == AF_UNIX)
		return 0;
	if (is_udp && !datagram_report(fd, &job->udp, &report))
		return 0;
	if (!is_udp)
		address_report_no_delay(fd, job->no_delay, &report);
	return hooks->told_kernel(hooks->context,
				  socket_kind_names[is_udp ? SOCKET_DATAGRAM : SOCKET_CONNECTING],
				  &report, err);
}

/* fd is nobody's until this succeeds. */
static int prepare_socket(const struct client_job *job, int fd, bool is_first, struct err *err)
{
	int rc = set_options(job, fd, err);

	if (!rc && is_first)
		rc = report_options(job, fd, err);
	if (!rc && job->hooks && job->hooks->socket_opened)
		rc = job->hooks->socket_opened(
			job->hooks->context,
			job->to.transport == TRANSPORT_UDP ? SOCKET_DATAGRAM : SOCKET_CONNECTING,
			fd, err);
	return rc;
}

static int bind_socket(const struct client_job *job, int fd, struct err *err)
{
	char text[ADDRESS_TEXT];
	int on = 1;

	if (!job->from.len)
		return 0;
	/* Sessions follow each other: the port of the one before may be in TIME_WAIT. */
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)))
		return err_sys(err, -errno, "SO_REUSEADDR");
	if (bind(fd, (const struct sockaddr *)&job->from.storage, job->from.len))
		return err_sys(err, -errno, "--bind-addr %s",
			       address_format(&job->from, text, sizeof(text)));
	return 0;
}

static int open_socket(const struct client_job *job, bool is_first, struct err *err)
{
	int fd = address_socket(&job->to, err);
	struct rlimit limit;
	int rc;

	if (fd == -EMFILE && !getrlimit(RLIMIT_NOFILE, &limit))
		return err_set(
			err, fd,
			"connect %s: more connections than the %llu descriptors this process "
			"may open: raise them with ulimit -n, or use fewer connections",
			job->to_text, (unsigned long long)limit.rlim_cur);
	if (fd < 0)
		return fd;
	rc = prepare_socket(job, fd, is_first, err);
	if (!rc)
		rc = bind_socket(job, fd, err);
	if (!rc)
		return fd;
	close(fd);
	return rc;
}

static const struct client_job *job_of(const struct session *s)
{
	return ((const struct client_thread *)((const char *)s->load -
					       offsetof(struct client_thread, load)))
		->job;
}

int client_check_session(const struct session *s, struct err *err)
{
	const struct hooks *hooks = job_of(s)->hooks;

	return hooks->socket_opened(hooks->context, SOCKET_CONNECTED, s->conn->recv.fd, err);
}

int client_connect_session(struct session *s, struct err *err)
{
	struct client_thread *t =
		(struct client_thread *)((char *)s->load - offsetof(struct client_thread, load));
	const struct client_job *job = t->job;
	const struct sockaddr *to = (const struct sockaddr *)&job->to.storage;
	bool is_first = s == s->load->sessions && !s->load->session_count;
	int fd = open_socket(job, is_first, err);

	if (fd < 0)
		return fd;
	if (job->tls.context)
		s->conn = conn_connect_tls(&t->loop, fd, &job->to, &job->tls, &load_role, s);
	else if (job->to.transport == TRANSPORT_UDP)
		s->conn = datagram_connect(&t->loop, fd, to, job->to.len, &job->udp, &load_role, s);
	else
		s->conn = conn_connect(&t->loop, fd, to, job->to.len, &load_role, s);
	if (job->secret)
		s->conn = guard_client(s->conn, job->secret);
	return s->conn ? 0 : err_set(err, -ENOMEM, "connect %s: no memory", job->to_text);
}

/* An error, or 0 when everything is as it should be so far. */
static int check(struct client_thread *t, int64_t deadline_ns)
{
	struct load *l = &t->load;

	if (l->refused == -ERANGE)
		return err_set(&t->err, -ERANGE,
			       "connect %s: the %s backend cannot watch so many descriptors",
			       t->job->to_text, t->job->backend->group.name);
	if (*l->refused_text)
		return err_set(&t->err, l->refused, "connect %s: %s", t->job->to_text,
			       l->refused_text);
	if (l->refused == -ENOENT)
		return err_set(&t->err, -ECONNREFUSED,
			       "connect %s: %s: no node has made this socket", t->job->to_text,
			       strerror(ENOENT));
	if (l->refused == -ECONNREFUSED)
		return err_set(&t->err, l->refused, "connect %s: %s: no node listens there",
			       t->job->to_text, strerror(ECONNREFUSED));
	if (l->refused)
		return err_sys(&t->err, l->refused, "connect %s", t->job->to_text);
	if (l->lost)
		return err_set(&t->err, -ECONNRESET,
			       "connect %s: lost while the others were connecting: %s",
			       t->job->to_text, l->lost_text);
	if (client_is_stopped(t->job))
		return err_set(&t->err, -EINTR, "connect %s: interrupted", t->job->to_text);
	if (clock_now_ns() > deadline_ns)
		return err_set(&t->err, -ETIMEDOUT,
			       "connect %s: %u of %u connections open after %lld s",
			       t->job->to_text, l->open_count, l->plan.connections,
			       (long long)(CONNECT_LIMIT / SEC));
	return 0;
}

/* What the backend would cut off the answers. */
static int check_datagrams(struct client_thread *t)
{
	uint32_t max = t->loop.backend->datagram_max, reply = t->plan.program->reply_size;

	if (t->job->to.transport != TRANSPORT_UDP)
		return 0;
	if (reply > max && max < DATAGRAM_MAX)
		return err_set(
			&t->err, -EINVAL,
			"%s: replies of %u bytes: %s receives datagrams of at most %u; raise "
			"io_uring.buffer-size (66KiB is enough for any) or recv-buffer",
			t->job->to_text, reply, t->job->backend->group.name, max);
	return datagram_check_backend(&t->loop, &t->job->udp, &t->err);
}

int client_connect(struct client_thread *t)
{
	struct load *l = &t->load;
	uint32_t started = 0, open = 0;
	int64_t deadline_ns = clock_now_ns() + CONNECT_LIMIT;
	int rc = check_datagrams(t);

	while (!rc && l->open_count < l->plan.connections) {
		while (!rc && started < l->plan.connections && started - l->open_count < AT_A_TIME)
			rc = load_session_connect(&l->sessions[started++], &t->err);
		if (!rc)
			rc = loop_turn(&t->loop, CONNECT_POLL);
		load_session_retry(l, clock_now_ns());
		if (l->open_count > open || l->resting)
			deadline_ns = clock_now_ns() + CONNECT_LIMIT;
		open = l->open_count;
		if (!rc)
			rc = check(t, deadline_ns);
	}
	if (rc && !t->err.code)
		err_sys(&t->err, rc, "connect %s: the %s backend", t->job->to_text,
			t->job->backend->group.name);
	return rc;
}

/*
 * select.c - the backend on pselect(2): two sets of bits, handed over and searched at each wait.
 *
 * Descriptors from FD_SETSIZE (1024) on do not fit into the C library's sets; operations on them
 * come back with -ERANGE. The kernel itself has no such limit, and larger sets could be made by
 * hand, but what programs have is select as it is declared, with its limit, and that is compared.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/select.h>

#include "backends/readiness.h"

static const struct knob knobs[] = { { KNOB_BUSY_WAIT }, { KNOB_RECV_BUFFER }, { 0 } };

struct selecter {
	struct readiness core;
	fd_set in, out;
	int count;     /* one more than the highest descriptor in them */
	int out_count; /* descriptors in `out`: mostly none, and the kernel need not look */
};

static void set_or_clear(fd_set *set, int fd, bool on)
{
	if (on)
		FD_SET(fd, set);
	else
		FD_CLR(fd, set);
}

static int select_watch(struct readiness *r, int fd, struct slot *slot, unsigned wanted)
{
	struct selecter *s = (struct selecter *)r;

	s->out_count += !!(wanted & WATCH_OUT) - FD_ISSET(fd, &s->out);
	set_or_clear(&s->in, fd, wanted & WATCH_IN);
	set_or_clear(&s->out, fd, wanted & WATCH_OUT);
	if (wanted && fd >= s->count)
		s->count = fd + 1;
	while (s->count && !FD_ISSET(s->count - 1, &s->in) && !FD_ISSET(s->count - 1, &s->out))
		s->count--;
	return 0;
}

/*
 * One bad descriptor and select looks at none. It is somebody's mistake, and its operations
 * shall come back with -EBADF, not the backend.
 */
static int report_bad(struct selecter *s)
{
	int found = 0;

	for (int fd = 0; fd < s->count; fd++) {
		if (!FD_ISSET(fd, &s->in) && !FD_ISSET(fd, &s->out))
			continue;
		s->core.backend.stats.syscalls++;
		if (fcntl(fd, F_GETFD) >= 0)
			continue;
		readiness_report(&s->core, fd, WATCH_IN | WATCH_OUT);
		found++;
	}
	return found;
}

static void report(struct selecter *s, const fd_set *in, const fd_set *out)
{
	const int bits = 8 * sizeof(in->fds_bits[0]);

	for (int first = 0; first < s->count; first += bits) {
		unsigned long ins = in->fds_bits[first / bits];
		unsigned long outs = out->fds_bits[first / bits];

		for (unsigned long all = ins | outs; all; all &= all - 1) {
			int bit = __builtin_ctzl(all);

			readiness_report(&s->core, first + bit,
					 (ins >> bit & 1 ? WATCH_IN : 0) |
						 (outs >> bit & 1 ? WATCH_OUT : 0));
		}
	}
}

/* The words of a set that hold descriptors below count. */
static size_t used_bytes(const struct selecter *s)
{
	const size_t bits = 8 * sizeof(s->in.fds_bits[0]);

	return (s->count + bits - 1) / bits * sizeof(s->in.fds_bits[0]);
}

static int select_sleep(struct readiness *r, int64_t timeout_ns)
{
	struct selecter *s = (struct selecter *)r;
	struct timespec timeout;
	fd_set in, out;
	int n;

	memcpy(&in, &s->in, used_bytes(s));
	memcpy(&out, &s->out, used_bytes(s));
	n = pselect(s->count, &in, s->out_count ? &out : NULL, NULL,
		    readiness_timeout(timeout_ns, &timeout), NULL);
	r->backend.stats.syscalls++;
	if (n < 0 && errno == EBADF)
		return report_bad(s);
	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	if (n)
		report(s, &in, &out);
	return n;
}

static int select_setup(struct readiness *r, const void *opts, struct err *err)
{
	r->fd_limit = FD_SETSIZE;
	return 0;
}

static void select_teardown(struct readiness *r)
{
}

static const struct readiness_ops io = {
	.size = sizeof(struct selecter),
	.open = select_setup,
	.close = select_teardown,
	.watch = select_watch,
	.wait = select_sleep,
};

extern const struct backend_ops backend_select;

static int select_open(struct backend **ret, const void *opts, struct err *err)
{
	return readiness_open(ret, &backend_select, &io, opts, err);
}

const struct backend_ops backend_select = {
	.group = { .name = "select",
		   .help = "pselect(2), up to descriptor 1023",
		   .knobs = knobs,
		   .opts_size = sizeof(struct readiness_opts) },
	.probe = readiness_probe,
	.open = select_open,
	.close = readiness_close,
	.submit = readiness_submit,
	.cancel = readiness_cancel,
	.wait = readiness_wait,
	.next = readiness_next,
	.wake = readiness_wake,
	.memory = readiness_memory,
};

/*
 * contract.h - what the parts of tests/test_backend_contract.c share: a fixture and probes.
 *
 * A fixture is an open backend and the other side of its sockets: real system calls for the
 * kernel's backends (contract_kernel.c), scripted sockets for sim (contract_sim.c). A probe is an
 * operation that writes down how it came back. A test submits probes, acts as the peer, and lets
 * turns of the loop go by until a probe has what it waits for:
 *
 *	FIXTURE(f);
 *	struct probe recv = { 0 };
 *	int fd[2];
 *
 *	CHECK_INT(f->peer->pair(f, fd), 0);
 *	probe_recv(f, &recv, fd[0]);
 *	f->peer->write(f, fd[1], "hello", 5);
 *	probe_wait(&recv, 1);
 *
 * fd[0] is the backend's, fd[1] the peer's, and both are left to end with the fixture.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_TESTS_CONTRACT_H
#define RW_TESTS_CONTRACT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#include "backends/backend.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "tests/test.h"

struct fixture;

/* The other side. What returns int: a descriptor or a count, or -errno. Nothing blocks. */
struct peer {
	bool kernel; /* real descriptors; else simulated ones */
	void (*start)(struct fixture *f, void *opts);
	void (*stop)(struct fixture *f);
	int (*listen)(struct fixture *f);
	int (*socket)(struct fixture *f);		    /* for IO_CONNECT */
	int (*connect)(struct fixture *f, int listen_fd);   /* a connected descriptor of the peer */
	int (*pair)(struct fixture *f, int fd[2]);	    /* TCP */
	int (*local_pair)(struct fixture *f, int fd[2]);    /* cheaper, with a small buffer */
	int (*datagram_pair)(struct fixture *f, int fd[2]); /* with addresses, not connected */
	int (*write)(struct fixture *f, int fd, const void *buf, size_t len);
	int (*read)(struct fixture *f, int fd, void *buf, size_t len);
	int (*send_to)(struct fixture *f, int fd, const void *buf, size_t len, int to_fd);
	int (*shutdown)(struct fixture *f, int fd);
	int (*close)(struct fixture *f, int fd);
	int (*reset)(struct fixture *f, int fd);
	void (*address)(int fd, struct sockaddr_storage *ret, socklen_t *ret_len);
	/* An address where nobody listens. */
	void (*deaf_address)(struct fixture *f, struct sockaddr_storage *ret, socklen_t *ret_len);
	int (*file)(struct fixture *f, uint64_t size);	      /* of zeros, open for both */
	int (*full_file)(struct fixture *f);		      /* that takes nothing: -ENOSPC */
	int (*direct_file)(struct fixture *f, uint64_t size); /* O_DIRECT; NULL: there is none */
	int (*read_at)(struct fixture *f, int fd, void *buf, size_t len, uint64_t offset);
	int (*write_at)(struct fixture *f, int fd, const void *buf, size_t len, uint64_t offset);
	/* Files may not grow beyond; 0: no limit. */
	void (*limit_files)(struct fixture *f, uint64_t bytes);
	/* No more descriptors than are open now (true), or as before (false). */
	void (*limit_descriptors)(struct fixture *f, bool limit);
};

extern const struct peer peer_kernel;
extern const struct peer peer_sim;

/* What main() chose; constant afterwards. */
struct subject {
	const struct backend_ops *ops;
	const struct peer *peer;
	const void *opts;
	enum backend_files files;
};
#define SUBJECT_DEVICES 2
extern struct subject subject;

/* A sync of a busy disk takes seconds, and a polling thread may have to wait for a CPU. */
#define PATIENCE_NS (30 * SEC)

/* So often is sent to a peer that has reset: the news may come after the first bytes have gone. */
#define RESET_TRIES 1000

#define FIXTURE_FDS 16384
struct fixture {
	const struct backend_ops *ops;
	const struct peer *peer;
	struct backend *backend;
	struct sim_net *net; /* peer_sim's */
	struct file_pool *pool;
	uint64_t order;	      /* counts results, so that probes know who came first */
	int fds[FIXTURE_FDS]; /* what is open and to be closed at the end */
	int fd_count;
	int fd_limit; /* peer_kernel's: the soft limit before limit_descriptors() */
};

struct fixture *fixture_open(void);
void fixture_close(struct fixture **f);
#define FIXTURE(name) struct fixture *name AUTO(fixture_close) = fixture_open()

/* fd ends with the fixture, or no longer. keep returns fd, and does nothing when it is negative. */
int fixture_keep(struct fixture *f, int fd);
void fixture_forget(struct fixture *f, int fd);

/* One turn of the loop, as in backend.h. Returns what wait() said. */
int turn(struct fixture *f, int64_t timeout_ns);
/* Turns until nothing has come for a while. */
void settle(struct fixture *f);

struct probe {
	struct io_op op;
	struct fixture *f;
	uint32_t results; /* how often it came back */
	uint32_t finals;  /* of those, with more == false */
	int32_t res;	  /* the last result */
	uint64_t bytes;	  /* sum of the positive ones */
	uint64_t when;	  /* f->order at the last result */
	int64_t now_ns;	  /* the backend's clock then */
	uint8_t *into;	  /* if not NULL: lent bytes are added here, up to size */
	size_t size, len;
	struct sockaddr_storage from;
	socklen_t from_len;
	struct msghdr msg;
	void (*then)(struct probe *p, const struct io_result *r); /* called last; may be NULL */
	void *context;						  /* then()'s */
};

void probe_accept(struct fixture *f, struct probe *p, int fd);
void probe_recv(struct fixture *f, struct probe *p, int fd);
void probe_recv_from(struct fixture *f, struct probe *p, int fd);
void probe_send(struct fixture *f, struct probe *p, int fd, const void *buf, size_t len);
void probe_send_zero_copy(struct fixture *f, struct probe *p, int fd, const void *buf, size_t len);
void probe_send_message(struct fixture *f, struct probe *p, int fd, struct iovec *parts,
			size_t count, const struct sockaddr_storage *to, socklen_t to_len);
/* The same in two steps, for who adds to p->msg in between. */
void probe_message(struct probe *p, struct iovec *parts, size_t count,
		   const struct sockaddr_storage *to, socklen_t to_len);
void probe_submit_message(struct fixture *f, struct probe *p, int fd);
void probe_send_many(struct fixture *f, struct probe *p, int fd); /* op.datagrams, op.count */
void probe_connect(struct fixture *f, struct probe *p, int fd, const struct sockaddr_storage *to,
		   socklen_t to_len);
void probe_read(struct fixture *f, struct probe *p, int fd, void *buf, size_t len, uint64_t offset);
void probe_write(struct fixture *f, struct probe *p, int fd, const void *buf, size_t len,
		 uint64_t offset);
void probe_sync(struct fixture *f, struct probe *p, int fd);
void probe_send_file(struct fixture *f, struct probe *p, int fd, int file_fd, size_t len,
		     uint64_t offset);
void probe_timer(struct fixture *f, struct probe *p, int64_t deadline_ns);
void probe_close(struct fixture *f, struct probe *p, int fd);
void probe_cancel(struct probe *p);

/* Turns until it came back that often or for good; asserts that it did within PATIENCE_NS. */
void probe_wait(struct probe *p, uint32_t results);
void probe_wait_bytes(struct probe *p, uint64_t bytes);
void probe_wait_end(struct probe *p);
/* Until the last result is that. */
void probe_wait_result(struct probe *p, int32_t res);

/* The bytes of a stream at an offset: what tests send, and what they compare with. */
void fill(uint8_t *buf, size_t len, uint64_t stream, uint64_t offset);
bool filled(const uint8_t *buf, size_t len, uint64_t stream, uint64_t offset);

/* Reads what is there and turns, until `len` bytes came. Returns how many did. */
size_t peer_read_all(struct fixture *f, int fd, uint8_t *buf, size_t len);
/* Turns until there is something to read: how much, or -errno. */
int peer_read(struct fixture *f, int fd, uint8_t *buf, size_t len);
/* Turns until the stream is at its end: 0. The kernel's thread (sqpoll) lets go a little later. */
int peer_read_end(struct fixture *f, int fd);

/* Another backend like the subject, at work in a thread of its own. stop: true if it could. */
void beside_start(void);
bool beside_stop(void);

/* The parts of the suite; each ends with CU_TEST_INFO_NULL. */
extern CU_TestInfo stream_tests[], end_tests[], half_tests[], socket_tests[], datagram_tests[],
	turn_tests[], cancel_tests[], crowd_tests[], file_tests[], send_file_tests[];

#endif

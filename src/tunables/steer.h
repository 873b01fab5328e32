/*
 * steer.h - the tunable "steer": which of the sockets that share a port gets a connection.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_TUNABLES_STEER_H
#define RW_TUNABLES_STEER_H

#include "base/err.h"
#include "tunables/tunable.h"

enum steer_choice { STEER_HASH, STEER_CPU, STEER_INCOMING_CPU, STEER_RANDOM };
enum steer_program { STEER_CLASSIC, STEER_EXTENDED };

struct steer_opts {
	int by;	     /* enum steer_choice */
	int program; /* enum steer_program */
};

/*
 * steer.c: tells the sockets of a port; STEER_HASH takes everything back. Without CPUs of the
 * workers, CPU n is worker n's.
 */
int steer_tell(const struct socket_port *port, const struct steer_opts *opts, struct err *err);

/* steer_program.c: attaches a program to a port's sockets, or none. 0 or -errno. */
int steer_attach(const struct socket_port *port, const struct steer_opts *opts);
int steer_detach(int fd);

/*
 * steer_trial.c: sockets like these on a port of their own, and connections from each CPU that a
 * worker has and we may run on. *ret_sent counts them, *ret_right those that came where they
 * should. 0, or -errno when it could not be tried.
 */
int steer_try(const struct socket_port *port, const struct steer_opts *opts, unsigned *ret_sent,
	      unsigned *ret_right, struct err *err);

/* The CPU whose connections are for socket i. */
int steer_cpu(const struct socket_port *port, unsigned i);

#endif

/*
 * knob_types.h - the kinds of values that only a client has; the table is in client_knobs.c.
 *
 * Several options write one field of struct client_opts. -C, --sleep, -S, -L, -F, -R and -s append
 * to the program in the order in which they are given: their type looks the operation up by the
 * knob's name and puts it in front. --store-offset and --load-offset count for what is given behind
 * them. --program takes whole operations. -p and -r mean the same thing, so
 * each undoes the other and the last one counts.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_CLIENT_KNOB_TYPES_H
#define RW_CLIENT_KNOB_TYPES_H

#include "base/knob.h"

extern const struct knob_type client_rate;	/* client_opts.rate */
extern const struct knob_type client_requests;	/* client_opts.requests: a number or "auto" */
extern const struct knob_type client_period;	/* client_opts.period */
extern const struct knob_type client_spin;	/* client_opts.wait: --wait-spin is --wait=spin */
extern const struct knob_type client_always;	/* a bool that is yes and cannot be no */
extern const struct knob_type client_shorthand; /* client_opts.program: one kind of operation */
extern const struct knob_type client_program;	/* client_opts.program: "compute 10us;reply 64B" */
extern const struct knob_type client_request_size; /* client_opts.request_size: a value, as text */
extern const struct knob_type client_offset; /* client_opts.store_offset, load_offset: the same */

#endif

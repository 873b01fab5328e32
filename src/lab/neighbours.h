/*
 * neighbours.h - who else was on the CPUs of a sweep's runs, in one sentence for a report.
 *
 * Each such run says it by itself (foreign.h) among the reasons why it is SUSPECT, which are many
 * on a shared machine. What is to be done about this one is done once, and to the machine.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_LAB_NEIGHBOURS_H
#define RW_LAB_NEIGHBOURS_H

#include <stddef.h>

#include "lab/dataset.h"

#define NEIGHBOURS_TEXT 320

/* Of the usable runs; "" when none of them is above its limit. Returns buf. */
const char *neighbours_text(const struct dataset *d, char *buf, size_t size);

#endif

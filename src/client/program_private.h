/*
 * program_private.h - what program_build.c and program_write.c know of each other.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_CLIENT_PROGRAM_PRIVATE_H
#define RW_CLIENT_PROGRAM_PRIVATE_H

#include "client/program_step.h"
#include "client/program_text.h"

/* program_draw.parameter of a field that is not drawn: the session's number. */
#define DRAW_SESSION 0

#define PROGRAM_LENGTH_AT   0
#define PROGRAM_ID_AT	    8
#define PROGRAM_BODY_LEN_AT 16

static inline void program_put(uint8_t *at, unsigned width, uint64_t value)
{
	switch (width) {
	case 1:
		*at = (uint8_t)value;
		break;
	case 2:
		wire_put16(at, (uint32_t)value);
		break;
	case 4:
		wire_put32(at, (uint32_t)value);
		break;
	default:
		wire_put64(at, value);
	}
}

#endif

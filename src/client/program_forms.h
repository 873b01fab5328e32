/*
 * program_forms.h - what there is to know of an operation before its text is read.
 *
 * For program_step.c alone.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_CLIENT_PROGRAM_FORMS_H
#define RW_CLIENT_PROGRAM_FORMS_H

#include "client/program_step.h"

/* A word that means something by itself. */
struct program_flag_word {
	const char *name;
	uint8_t flags; /* what the step's flags become */
};

/* A word with a value that is never drawn. */
struct program_fixed_word {
	const char *name;
	int (*take)(const char *text, struct program_step *step, struct err *err);
};

struct program_operation {
	const char *name;
	uint8_t code, flags;
	const struct program_parameter_form *forms; /* end with one without a parameter */
	const struct program_flag_word *words;
	const struct program_fixed_word *fixed;
	bool has_position; /* the first parameter's name may be left out */
	bool is_needed;	   /* and it must be there */
	const char *usage;
};

/* NULL: there is none; err says which is near. */
const struct program_operation *program_find_operation(const char *name, struct err *err);

#endif

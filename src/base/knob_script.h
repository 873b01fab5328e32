/*
 * knob_script.h - options from a file, as `-f FILE` in the middle of a command line.
 *
 *	# ramp up; then read a block and answer
 *	--rate=gseq:min=10:max=1000
 *	rss 5			dashes may be left out, names abbreviated
 *	C 10ms  R 64		several on a line
 *	to "unix:@my node"	quotes keep blanks and #; \" and \\ within double quotes
 *	-f more.dw		another file, beside this one if the path is relative
 *
 * A file is a sequence of words, separated by blanks and line ends; `#` at the beginning of a word
 * starts a comment. A word is the name of an option (long, abbreviated, or one letter; with or
 * without dashes; `name=value` in one word) and is followed by its value if it takes one. A value
 * that may be left out (-R) is taken for one unless it is the name of an option. DistWalk's script
 * files read the same, except that it ignored what it did not know; here that is refused with file
 * and line.
 *
 * The options count where the file is named: what comes later on the command line wins.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_BASE_KNOB_SCRIPT_H
#define RW_BASE_KNOB_SCRIPT_H

#include "base/knob.h"

#define SCRIPT_BYTES (1 << 20) /* of one file */
#define SCRIPT_DEPTH 8	       /* files within files */

struct script_opts {
	struct script {
		char path[256];	      /* the last one read, for people */
		struct knob_set *set; /* whose options are read; to be set by who owns the set */
		unsigned depth;
	} script;
};

/* --script-filename, -f */
extern const struct knob_group script_knobs;

#endif

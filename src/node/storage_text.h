/*
 * storage_text.h - one --storage in words: which file, how large, how it is written.
 *
 *	[file=]PATH[,size=SIZE][,sync=TIME][,odirect][,wait-spin][,count=N]
 *
 * Bare sizes are bytes, bare times milliseconds, as in DistWalk. What is left out comes from the
 * knobs for all devices. count=N is N devices, each with a file of its own: the %d in the path is
 * its number, or _0, _1 ... stands behind it. What is not known is refused: a misspelt key never
 * becomes a path.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_NODE_STORAGE_TEXT_H
#define RW_NODE_STORAGE_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

#define DEVICE_PATH  256
#define STORAGE_TEXT 512

struct device_opts {
	char path[DEVICE_PATH]; /* of all clones: storage_text_path() */
	unsigned clones;	/* 0: no count was given, it is one device with this path */
	int64_t size;		/* bytes; nothing is stored beyond */
	int64_t sync_period_ns; /* 0: each store that asks for it syncs */
	bool direct;		/* O_DIRECT */
	bool spin;		/* its thread polls */
};

/* ret comes with what holds where the text says nothing. 0 or -EINVAL. */
int storage_text_parse(const char *text, struct device_opts *ret, struct err *err);

/* The path of one of the devices that a text stands for. */
int storage_text_path(const struct device_opts *opts, unsigned clone, char ret[DEVICE_PATH],
		      struct err *err);

#endif

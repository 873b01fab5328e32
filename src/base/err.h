/*
 * err.h - a failure in words, with its way up.
 *
 * Who fails writes the sentence, who calls puts in front what it knows more, and src/cli
 * prints it once:
 *
 *	client: thread 2: connect 127.0.0.1:7891: Connection refused
 *
 * 0 or a count is success, a negative errno is failure. `struct err *` is the last argument of
 * functions whose failure a person must act on; the data path has none. Nothing is allocated,
 * so an err can be filled when memory is out. A NULL err is allowed and means "nobody reads it".
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RW_BASE_ERR_H
#define RW_BASE_ERR_H

#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))

struct err {
	int code; /* negative errno, 0 while all is well */
	char text[512];
};

/*
 * Both return the code, so that `return err_set(...)` reads as one thought. err_set does not
 * append strerror(code): most sentences know better; err_sys does (": Connection refused").
 */
int err_set(struct err *err, int code, const char *fmt, ...) PRINTF_LIKE(3, 4);
int err_sys(struct err *err, int code, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* Puts "fmt: " before what is there. Returns err->code. */
int err_wrap(struct err *err, const char *fmt, ...) PRINTF_LIKE(2, 3);

#endif

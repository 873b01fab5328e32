/*
 * test_backend_registry.c - backends by name, and what they refuse when they are opened.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/select.h>
#include <unistd.h>

#include "backends/backend.h"
#include "base/cleanup.h"
#include "tests/descriptors.h"
#include "tests/test.h"

static void test_names(void)
{
	for (int i = 0; backends[i]; i++) {
		const struct backend_ops *ops = backends[i];

		CU_ASSERT_PTR_EQUAL(backend_find(ops->group.name, NULL), ops);
		CU_ASSERT_PTR_NOT_NULL(ops->group.help);
		CU_ASSERT(ops->probe && ops->open && ops->close && ops->submit && ops->cancel);
		CU_ASSERT(ops->wait && ops->next && ops->wake);
	}
}

static void test_unknown(void)
{
	struct err err = { 0 };

	CU_ASSERT_PTR_NULL(backend_find("epol", &err));
	CHECK_INT(err.code, -ENOENT);
	CHECK_TEXT(err.text, "there is no backend 'epol'; did you mean 'epoll'?");
	CU_ASSERT_PTR_NULL(backend_find("kqueue", &err));
	CU_ASSERT(strstr(err.text, "there is no backend 'kqueue'; there are select, poll") != NULL);
	CU_ASSERT_PTR_NULL(backend_find("", NULL));
}

static int open_with(const char *name, const char *const settings[][2], struct err *err)
{
	const struct backend_ops *ops = backend_find(name, err);
	void *opts AUTO(auto_free) = calloc(1, ops->group.opts_size);
	struct backend *b = NULL;
	int rc;

	knob_defaults(&ops->group, opts);
	for (int i = 0; settings && settings[i][0]; i++)
		CHECK_INT(knob_parse(knob_find(&ops->group, settings[i][0]), settings[i][1], opts,
				     NULL),
			  0);
	rc = ops->open(&b, opts, err);
	CU_ASSERT(rc == 0 || !b);
	ops->close(b);
	return rc;
}

static void test_exclusive_oneshot(void)
{
	static const char *const settings[][2] = { { "exclusive", "yes" },
						   { "trigger", "oneshot" },
						   { NULL } };
	struct err err = { 0 };

	CHECK_INT(open_with("epoll", settings, &err), -EINVAL);
	CU_ASSERT(strstr(err.text, "exclusive=yes does not go with trigger=oneshot") != NULL);
	CHECK_INT(open_with("epoll", NULL, &err), 0);
}

/* No descriptors are left for a backend's own; what it had got is given back. */
static void test_no_descriptors(void)
{
	struct rlimit was, none;
	int lowest;

	for (int i = 0; backends[i]; i++) {
		struct err err = { 0 };
		int rc;

		lowest = dup(STDERR_FILENO);
		close(lowest);
		getrlimit(RLIMIT_NOFILE, &was);
		none = was;
		none.rlim_cur = lowest;
		setrlimit(RLIMIT_NOFILE, &none);
		rc = open_with(backends[i]->group.name, NULL, &err);
		setrlimit(RLIMIT_NOFILE, &was);
		CHECK_INT(rc, -EMFILE);
		CU_ASSERT(strstr(err.text, backends[i]->group.name) == err.text);
		CHECK_INT(dup(STDERR_FILENO), lowest);
		close(lowest);
	}
}

static void test_select_too_late(void)
{
	struct err err = { 0 };
	int fds[2000], count = 0;

	if (!descriptors_reach(FD_SETSIZE + 16))
		return;
	do
		fds[count] = dup(STDERR_FILENO);
	while (fds[count++] < 1023);
	CHECK_INT(open_with("select", NULL, &err), -ERANGE);
	CU_ASSERT(strstr(err.text, "1023") != NULL);
	while (count)
		close(fds[--count]);
}

static CU_TestInfo tests[] = {
	{ "every backend is found by its name and is complete", test_names },
	{ "an unknown name is refused with a suggestion", test_unknown },
	{ "epoll refuses exclusive=yes with trigger=oneshot and says why", test_exclusive_oneshot },
	{ "without descriptors nothing opens, and nothing leaks", test_no_descriptors },
	{ "select says when it comes too late", test_select_too_late },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return test_main("backend registry", tests);
}

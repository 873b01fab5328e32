/*
 * memory_huge.c - memory in huge pages, in three ways, with the reason when it does not become so.
 *
 *	advise	 madvise(MADV_HUGEPAGE), then the pages are touched: only then the kernel decides
 *	collapse small pages that are there are made into huge ones: MADV_COLLAPSE, Linux 6.1; works
 *		 where transparent_hugepage/enabled says never
 *	hugetlb	 reserved huge pages take the place of the mapping, with what was in it
 *
 * The range belongs to the calling thread, and nobody else writes there at the moment.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#include "system/kernel_file.h"
#include "system/smaps.h"
#include "tunables/memory_opts.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

#define TRANSPARENT   "/sys/kernel/mm/transparent_hugepage"
#define RESERVED      "/sys/kernel/mm/hugepages/hugepages-2048kB"
#define RESERVED_SIZE (2UL << 20)

unsigned long memory_huge_page_bytes(enum memory_huge how)
{
	if (how == HUGE_HUGETLB)
		return RESERVED_SIZE;
	return (unsigned long)kernel_file_number(TRANSPARENT "/hpage_pmd_size", RESERVED_SIZE);
}

long memory_huge_kib(const struct memory_range *range, enum memory_huge how)
{
	long kib = smaps_kib(range, how == HUGE_HUGETLB ? "Private_Hugetlb" : "AnonHugePages");

	return kib < 0 ? 0 : kib;
}

/* Why the kernel says yes and does nothing. */
static int explain_off(struct err *err)
{
	char enabled[64];

	if (!kernel_file_read(TRANSPARENT "/enabled", enabled, sizeof(enabled)))
		return err_set(err, -EOPNOTSUPP,
			       "this kernel is built without transparent huge pages");
	if (prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0) > 0)
		err_set(err, 0, "they are off for this process (PR_SET_THP_DISABLE)");
	else if (strstr(enabled, "[never]"))
		err_set(err, 0, "transparent_hugepage/enabled is never");
	else
		err_set(err, 0,
			"pages were there before (collapse takes those), or none were "
			"free");
	return 0;
}

static int advise(const struct memory_range *r, struct err *err)
{
	if (madvise(r->base, r->len, MADV_HUGEPAGE))
		return err_set(err, -errno, "this kernel is built without transparent huge pages");
	for (size_t at = 0; at < r->len; at += memory_huge_page_bytes(HUGE_ADVISE))
		__atomic_fetch_add((char *)r->base + at, 0, __ATOMIC_RELAXED);
	if (memory_huge_kib(r, HUGE_ADVISE) < (long)(r->len / 1024))
		return explain_off(err);
	return 0;
}

static int collapse(const struct memory_range *r, struct err *err)
{
	madvise(r->base, r->len, MADV_POPULATE_WRITE);
	if (!madvise(r->base, r->len, MADV_COLLAPSE))
		return 0;
	if (errno != EINVAL)
		return err_sys(err, -errno, "MADV_COLLAPSE");
	if (prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0) > 0)
		return explain_off(err);
	return err_set(err, -EINVAL, "MADV_COLLAPSE needs Linux 6.1 with transparent huge pages");
}

static int refuse_reserved(const struct memory_range *r, int code, struct err *err)
{
	return err_set(err, code, "%lld free 2 MB pages, need %lu: vm.nr_hugepages reserves them",
		       (long long)kernel_file_number(RESERVED "/free_hugepages", 0),
		       r->len / RESERVED_SIZE);
}

/* In place of what is mapped there. */
static bool map_over(const struct memory_range *r, int flags)
{
	return mmap(r->base, r->len, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | flags, -1, 0) != MAP_FAILED;
}

/*
 * Tried elsewhere first: a mapping that fails may have taken away what was there. A fork's child
 * that finds none left dies, so all are touched at once.
 */
static int exchange(const struct memory_range *r, void *copy, struct err *err)
{
	void *trial = mmap(NULL, r->len, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
	int rc = 0;

	if (trial == MAP_FAILED)
		return refuse_reserved(r, -errno, err);
	munmap(trial, r->len);
	memcpy(copy, r->base, r->len);
	if (!map_over(r, MAP_HUGETLB)) {
		rc = refuse_reserved(r, -errno, err);
		if (!map_over(r, 0))
			abort(); /* the loop's messages are gone: there is nothing to go on with */
	}
	memcpy(r->base, copy, r->len);
	return rc;
}

static int use_reserved(const struct memory_range *r, struct err *err)
{
	void *copy = malloc(r->len);
	int rc = copy ? exchange(r, copy, err) : err_sys(err, -ENOMEM, "a copy of the messages");

	free(copy);
	return rc;
}

int memory_make_huge(const struct memory_range *range, enum memory_huge how, struct err *err)
{
	switch (how) {
	case HUGE_ADVISE:
		return advise(range, err);
	case HUGE_COLLAPSE:
		return collapse(range, err);
	case HUGE_HUGETLB:
		return use_reserved(range, err);
	default:
		return 0;
	}
}

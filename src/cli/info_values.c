/*
 * info_values.c - `ringwalk info values`: every law with its parameters, which is docs/values.md.
 *
 * The laws come from the table that the parser reads (base/value_law.h); only what holds for all
 * of them is written here.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <ctype.h>
#include <stdio.h>

#include "base/value_law.h"
#include "cli/info_values.h"

static const char introduction[] =
	"# Values\n"
	"\n"
	"Made by `ringwalk info values` from the table that the parser reads.\n"
	"\n"
	"Wherever a VALUE is asked for, a number will do, or a law from which a number is\n"
	"drawn anew for each request. A draw depends on the seed, the workload, the\n"
	"operation, the parameter and the number of the request, on nothing else: one\n"
	"recorded seed gives the same requests however many threads send them.\n"
	"\n"
	"## Text\n"
	"\n"
	"- A law is its name and its parameters, separated by colons or by commas, as\n"
	"  DistWalk's code and its manual have it: `exp:10us:min=1us` and\n"
	"  `exp:10us,min=1us` are the same. What is in brackets below may be left out.\n"
	"- Times have the units ns, us, ms, s; sizes B, kB, MB, GB, KiB, MiB, GiB; rates\n"
	"  and plain numbers k, M, G, or none. Fractions are fine, and so are `1.5e3us`.\n"
	"- An option that takes DistWalk's numbers has a unit for bare ones: us for\n"
	"  times, B for sizes. There k, m and g directly behind a number multiply that\n"
	"  unit by powers of ten, as in DistWalk: for a time, `10m` is 10 000 000 us,\n"
	"  which is 10 s, and `10ms` is 10 ms. Sizes may end in b there: `10kb`.\n"
	"- An unknown law, parameter or unit, one that is given twice, and numbers that\n"
	"  make no sense are refused, with what would be right.\n"
	"\n"
	"## Bounds\n"
	"\n"
	"`min` and `max` truncate a law: what lies outside is never drawn, and what lies\n"
	"inside keeps its proportions. Draws are made by inverting the distribution\n"
	"function between the bounds, so each takes one step however improbable they are.\n"
	"Bounds within which nothing lies are refused (for norm, lognorm, gamma and\n"
	"erlang: less than once in 10^280 draws). The mean of a truncated law, which\n"
	"Ringwalk computes exactly, is not the one that was given. Times, sizes and rates\n"
	"are never negative: a normal law of these is cut off at 0.\n"
	"\n"
	"## Sequences and files\n"
	"\n"
	"`aseq`, `gseq` and `file` are not drawn: request number i gets number i. As a\n"
	"rate they make a ramp, with one number for each step. A sequence stays at its\n"
	"end, a file begins again.\n"
	"\n"
	"## Laws\n";

static void print_forms(const struct value_law *law)
{
	char text[256];

	for (unsigned form = VALUE_FIRST; form <= VALUE_SECOND; form++)
		if (value_law_write(law, form, text, sizeof(text)))
			printf("    %s\n", text);
}

static void print_law(const struct value_law *law)
{
	printf("\n### %s\n\n", law->name);
	print_forms(law);
	printf("\n%c%s.\n\nExamples:", toupper((unsigned char)*law->help), law->help + 1);
	for (int i = 0; law->examples[i]; i++)
		printf("%s `%s`", i ? "," : "", law->examples[i]);
	putchar('\n');
}

void print_value_page(void)
{
	fputs(introduction, stdout);
	for (const struct value_law *law = value_laws; law->name; law++)
		print_law(law);
}

/*
 * test_value_text.c - the text of values, by rows: what is read, how it is written again, and what
 * is refused with which sentence.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/value.h"
#include "base/value_law.h"
#include "tests/test.h"

/* How it is written again; for refusals (NULL) the sentence instead, or its beginning. */
struct row {
	enum value_kind kind;
	const char *bare, *text, *canonical, *says;
};

#define N VALUE_NUMBER
#define T VALUE_TIME
#define S VALUE_SIZE
#define R VALUE_RATE

static const struct row rows[] = {
	/* constants */
	{ T, "us", "10", "10us", NULL },
	{ T, "us", "10m", "10s", NULL },
	{ T, "us", "10ms", "10ms", NULL },
	{ T, "us", "0.5ns", "0.5ns", NULL },
	{ T, NULL, "const:1.5ms", "1.5ms", NULL },
	{ T, "us", "1e3", "1ms", NULL },
	{ S, "B", "1.5k", "1.5kB", NULL },
	{ S, "B", "10kb", "10kB", NULL },
	{ S, "B", "512b", "512B", NULL },
	{ S, NULL, "4KiB", "4KiB", NULL },
	{ N, NULL, "-1", "-1", NULL },
	{ N, NULL, "0.25", "0.25", NULL },
	{ R, NULL, "20k/s", "20k", NULL },
	{ R, NULL, "0.5", "0.5", NULL },
	/* laws, colons and commas */
	{ T, "us", "unif:min=10ms,max=20ms", "unif:min=10ms:max=20ms", NULL },
	{ T, "us", "exp:1000:min=500", "exp:1ms:min=500us", NULL },
	{ T, "us", "exp:1000,min=500", "exp:1ms:min=500us", NULL },
	{ T, "us", "exp,avg=1000,max=2000", "exp:1ms:max=2ms", NULL },
	{ T, "us", "exp:10:min=100000", "exp:10us:min=100ms", NULL },
	{ T, "us", "norm:100,std=10", "norm:100us:std=10us", NULL },
	{ N, NULL, "norm:-5:std=2:max=-1", "norm:-5:std=2:max=-1", NULL },
	{ T, "us", "lognorm:100:std=50", "lognorm:100us:std=50us", NULL },
	{ T, "us", "lognorm:xval=2,xstd=0.5", "lognorm:xavg=2:xstd=0.5:one=1us", NULL },
	{ T, NULL, "lognorm:xavg=-1.5:xstd=0.5:one=1ms", "lognorm:xavg=-1.5:xstd=0.5:one=1ms",
	  NULL },
	{ T, "us", "gamma:100:std=50:max=1ms", "gamma:100us:std=50us:max=1ms", NULL },
	{ T, "us", "gamma:k=2.5:scale=40", "gamma:k=2.5:scale=40us", NULL },
	{ T, "us", "erlang:k=4:avg=100", "erlang:k=4:avg=100us", NULL },
	{ T, "us", "erlang:scale=25,k=4", "erlang:k=4:scale=25us", NULL },
	{ S, "B", "pareto:alpha=1.5:xmin=1KiB:max=1MiB", "pareto:alpha=1.5:xmin=1KiB:max=1MiB",
	  NULL },
	{ T, "us", "weibull:k=0.5:scale=100", "weibull:k=0.5:scale=100us", NULL },
	{ N, NULL, "zipf:n=1M:s=1.1", "zipf:n=1M:s=1.1:one=1", NULL },
	{ S, "B", "zipf:n=10:s=1:one=4KiB:min=8KiB", "zipf:n=10:s=1:one=4KiB:min=8KiB", NULL },
	/* mixes */
	{ T, "us", "mix:0.9*exp:10us|0.1*exp:1ms", "mix:0.9*exp:10us|0.1*exp:1ms", NULL },
	{ T, "us", "mix:9*exp:10,max=50|1*1ms", "mix:9*exp:10us:max=50us|1*1ms", NULL },
	{ T, "us", "mix:max=5ms,min=1:3*10us|1*norm:1ms:std=1ms",
	  "mix:min=1us:max=5ms:3*10us|1*norm:1ms:std=1ms", NULL },
	{ T, "us", "mix:1*exp:10us", "exp:10us", NULL },
	/* sequences */
	{ R, NULL, "aseq:min=10:max=100", "aseq:min=10:max=100:step=1", NULL },
	{ R, NULL, "seq:min=100,max=1000,step=10", "aseq:min=100:max=1k:step=10", NULL },
	{ R, NULL, "aseq:min=10:max=100:step=-10", "aseq:min=10:max=100:step=-10", NULL },
	{ T, "us", "aseq:min=10:max=100:step=-10", "aseq:min=10us:max=100us:step=-10us", NULL },
	{ R, NULL, "gseq:min=100:max=1k", "gseq:min=100:max=1k:step=2", NULL },
	{ R, NULL, "gseq:min=100:max=1k:step=0.5", "gseq:min=100:max=1k:step=0.5", NULL },

	/* no number, no unit, no law */
	{ T, "us", "", NULL, "\"\" is neither a number nor a law" },
	{ T, "us", "10x", NULL, "\"10x\" has an unknown unit: try 10ms (units are ns, us, ms, s)" },
	{ T, NULL, "10", NULL, "\"10\" has no unit: try 10ms or 10s" },
	{ T, NULL, "exp:10", NULL, "\"exp:10\": \"10\" has no unit: try 10ms or 10s" },
	{ T, "us", "-1us", NULL, "\"-1us\" is negative: a time starts at 0" },
	{ T, "us", "none", NULL, "\"none\" is neither a number nor a law; `ringwalk info values`" },
	{ T, "us", "expo:10", NULL,
	  "\"expo:10\": \"expo\" is neither a number nor a law; did you mean exp?" },
	{ T, "us", "gausian:10", NULL,
	  "\"gausian:10\": \"gausian\" is neither a number nor a law; `" },
	{ T, "us", "10us:20us", NULL, "\"10us:20us\": \"20us\" has no name; it is const:VALUE" },
	{ N, NULL, "inf", NULL, "\"inf\" is neither" },
	{ N, NULL, "nan", NULL, "\"nan\" is neither" },
	{ N, NULL, "0x10", NULL, "\"0x10\" is not a number: try 0" },
	{ R, NULL, "-5", NULL, "\"-5\" is negative: a rate starts at 0" },
	/* parameters that are not, twice, too few, of two forms */
	{ T, "us", "exp:1000:mni=500", NULL,
	  "\"exp:1000:mni=500\": exp has no \"mni\", perhaps min; it is "
	  "exp:AVG[:min=MIN][:max=MAX]" },
	{ T, "us", "exp:1000:step=500", NULL,
	  "\"exp:1000:step=500\": exp has no \"step\"; it is exp" },
	{ T, "us", "10us:min=5us", NULL,
	  "\"10us:min=5us\": const has no \"min\"; it is const:VALUE" },
	{ T, "us", "exp:1:min=2:min=3", NULL, "\"exp:1:min=2:min=3\": min is given twice" },
	{ T, "us", "exp:1:avg=2", NULL, "\"exp:1:avg=2\": avg is given twice" },
	{ T, "us", "exp", NULL, "too much or too little; it is exp:AVG[:min=MIN][:max=MAX]" },
	{ T, "us", "exp:", NULL, "\"exp:\": \"\" is not a time: try 10ms" },
	{ T, "us", "exp:1:2", NULL, "\"exp:1:2\": \"2\" has no name; it is exp" },
	{ T, "us", "unif:1:2", NULL,
	  "\"unif:1:2\": \"1\" has no name; it is unif:min=MIN:max=MAX" },
	{ T, "us", "unif:min=1", NULL, "\"unif:min=1\": too much or too little" },
	{ T, "us", "gamma:10", NULL,
	  "\"gamma:10\": too much or too little; it is gamma:AVG:std=STD[" },
	{ T, "us", "gamma:10:k=2", NULL, "\"gamma:10:k=2\": too much or too little" },
	{ T, "us", "exp:1:min=5:", NULL, "\"exp:1:min=5:\": \"\" has no name" },
	{ T, "us", "exp:10us:min=", NULL, "\"exp:10us:min=\": min: \"\" is not a time: try 10ms" },
	/* nonsense */
	{ T, "us", "exp:0", NULL, "\"exp:0\": avg must be above 0" },
	{ T, "us", "norm:1:std=0", NULL,
	  "\"norm:1:std=0\": std must be above 0: without spread it is a constant" },
	{ T, "us", "gamma:1:std=1000", NULL, "\"gamma:1:std=1000\": the shape k is 1e-06, and" },
	{ T, "us", "gamma:k=1e7:scale=1", NULL,
	  "\"gamma:k=1e7:scale=1\": the shape k is 1e+07, and" },
	{ T, "us", "erlang:k=1.5:avg=1", NULL,
	  "\"erlang:k=1.5:avg=1\": k: \"1.5\" is not a whole number: try 2" },
	{ T, "us", "pareto:alpha=0:xmin=1", NULL,
	  "\"pareto:alpha=0:xmin=1\": alpha must be above 0" },
	{ T, "us", "pareto:alpha=-1:xmin=1", NULL,
	  "\"pareto:alpha=-1:xmin=1\": alpha: \"-1\" is negative: it starts at 0" },
	{ N, NULL, "zipf:n=0:s=1", NULL, "\"zipf:n=0:s=1\": n must be from 1 to 1e+15" },
	{ N, NULL, "zipf:n=5:s=101", NULL, "\"zipf:n=5:s=101\": s must be at most 100" },
	{ T, "us", "lognorm:xavg=1000:xstd=1", NULL,
	  "\"lognorm:xavg=1000:xstd=1\": lognorm would draw numbers that are too large" },
	/* bounds */
	{ T, "us", "exp:10:min=5:max=3", NULL,
	  "\"exp:10:min=5:max=3\": min is above max: no number is within these bounds" },
	{ T, "us", "exp:10:min=5:max=5", NULL,
	  "\"exp:10:min=5:max=5\": exp draws nothing within these bounds" },
	{ T, "us", "exp:10:max=0", NULL,
	  "\"exp:10:max=0\": exp draws nothing within these bounds" },
	{ T, "us", "pareto:alpha=1:xmin=10:max=5", NULL,
	  "\"pareto:alpha=1:xmin=10:max=5\": pareto draws nothing within these bounds" },
	{ N, NULL, "zipf:n=10:s=1:min=11", NULL,
	  "\"zipf:n=10:s=1:min=11\": zipf draws nothing within these bounds" },
	{ T, "us", "norm:10:std=1:min=100", NULL,
	  "\"norm:10:std=1:min=100\": norm is within these bounds with a chance below 1e-280: "
	  "widen them" },
	{ T, "us", "unif:min=2:max=1", NULL, "\"unif:min=2:max=1\": min is above max" },
	/* mixes */
	{ T, "us", "mix:", NULL, "\"mix:\": \"\" has no weight; it is mix:[min=MIN:]" },
	{ T, "us", "mix", NULL, "\"\" has no weight" },
	{ T, "us", "mix:exp:10|exp:5", NULL, "\"mix:exp:10|exp:5\": \"exp:10\" has no weight" },
	{ T, "us", "mix:0*exp:10", NULL, "\"mix:0*exp:10\": a weight must be above 0" },
	{ T, "us", "mix:-1*exp:10", NULL, "\"mix:-1*exp:10\": \"-1\" is negative" },
	{ T, "us", "mix:1*exp:10|", NULL, "\"mix:1*exp:10|\": \"\" has no weight" },
	{ T, "us", "mix:1*mix:1*1|1*2", NULL,
	  "\"mix:1*mix:1*1|1*2\": a mix is of laws and constants, not of mix" },
	{ T, "us", "mix:1*file:x|1*2", NULL,
	  "\"mix:1*file:x|1*2\": a mix is of laws and constants, not of file" },
	{ T, "us", "mix:1*aseq:min=1:max=2|1*2", NULL,
	  "\"mix:1*aseq:min=1:max=2|1*2\": a mix is of laws and constants, not of aseq" },
	{ T, "us", "mix:1*1|1*1|1*1|1*1|1*1|1*1|1*1|1*1|1*1", NULL,
	  "\"mix:1*1|1*1|1*1|1*1|1*1|1*1|1*1|1*1|1*1\": more than 8 laws in a mix" },
	{ T, "us", "mix:min=5:1*1|1*2", NULL,
	  "\"mix:min=5:1*1|1*2\": mix draws nothing within these bounds" },
	{ T, "us", "mix:min=5:max=4:1*exp:1", NULL,
	  "\"mix:min=5:max=4:1*exp:1\": min is above max" },
	{ T, "us", "mix:min=5:min=6:1*exp:1", NULL,
	  "\"mix:min=5:min=6:1*exp:1\": min is given twice" },
	{ T, "us", "mix:max=q:1*exp:1", NULL, "\"mix:max=q:1*exp:1\": max: \"q\" is not a time" },
	/* sequences */
	{ R, NULL, "aseq:min=5:max=1", NULL, "\"aseq:min=5:max=1\": min is above max" },
	{ R, NULL, "aseq:min=1:max=5:step=0", NULL,
	  "\"aseq:min=1:max=5:step=0\": step must not be 0" },
	{ R, NULL, "gseq:min=0:max=5", NULL, "\"gseq:min=0:max=5\": min must be above 0" },
	{ R, NULL, "gseq:min=1:max=5:step=1", NULL,
	  "\"gseq:min=1:max=5:step=1\": step must be above 0 and not 1: it multiplies" },
	{ R, NULL, "aseq:min=0:max=1G:step=0.0001", NULL,
	  "\"aseq:min=0:max=1G:step=0.0001\": step is so small that there would be 1e+13 of them" },
	/* files */
	{ T, "us", "file:", NULL, "\"file:\": no path is given" },
	{ T, "us", "file:/nowhere/at/all.csv", NULL,
	  "\"file:/nowhere/at/all.csv\": cannot read \"/nowhere/at/all.csv\": No such file or "
	  "directory" },
	{ T, "us", "file:x.csv:cols=2", NULL,
	  "\"file:x.csv:cols=2\": file has no \"cols\", perhaps col; it is file:PATH[:sep=SEP]" },
	{ T, "us", "file:x.csv:col=1.5", NULL,
	  "\"file:x.csv:col=1.5\": col: \"1.5\" is not a whole number: try 2" },
	{ T, "us", "file:x.csv:unit=m", NULL,
	  "\"file:x.csv:unit=m\": \"1m\" has an unknown unit: try 1ms (units are ns, us, ms, s)" },
	{ T, "us", "file:x.csv:sep=semicolons", NULL,
	  "\"file:x.csv:sep=semicolons\": sep: \"semicolons\" is not one character, or one of "
	  "comma, colon, semicolon, tab, space, pipe; did you mean semicolon" },
	{ T, "us", "file:x.csv:col=1:col=2", NULL,
	  "\"file:x.csv:col=1:col=2\": col is given twice" },
};

static void check_row(const struct row *row)
{
	char text[VALUE_TEXT_MAX], again[VALUE_TEXT_MAX];
	struct value v = { 0 }, w = { 0 };
	struct err err = { 0 };
	int rc = value_parse(row->text, row->kind, row->bare, &v, &err);

	if (!row->canonical) {
		if (!rc)
			printf("\n    \"%s\" is not refused", row->text);
		CU_ASSERT(rc < 0 && v.count == 0);
		if (rc && strncmp(err.text, row->says, strlen(row->says)))
			CHECK_TEXT(err.text, row->says);
		return;
	}
	if (rc)
		printf("\n    %s", err.text);
	CU_ASSERT_EQUAL_FATAL(rc, 0);
	CHECK_TEXT(value_format(&v, text, sizeof(text)), row->canonical);
	/* The canonical text means the same whatever a bare number would. */
	CHECK_INT(value_parse(text, row->kind, NULL, &w, NULL), 0);
	CHECK_TEXT(value_format(&w, again, sizeof(again)), row->canonical);
	CU_ASSERT(value_mean(&v) == value_mean(&w));
	CU_ASSERT(value_min(&v) == value_min(&w) && value_max(&v) == value_max(&w));
	value_finish(&v);
	value_finish(&w);
}

static void test_texts_are_read_written_and_refused_by_rows(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		check_row(&rows[i]);
}

/* Of one kind or another, as an option of DistWalk's would read it. A file need not be there. */
static void check_example(const char *text)
{
	static const char *const bare[] = { NULL, "us", "B", NULL };
	struct err err = { 0 };
	bool parses = false;

	for (int kind = VALUE_NUMBER; kind <= VALUE_RATE; kind++) {
		struct value v = { 0 };
		int rc = value_parse(text, kind, bare[kind], &v, &err);

		parses |= !rc || (rc == -ENOENT && !strncmp(text, "file:", 5));
		value_finish(&v);
	}
	if (!parses)
		printf("\n    %s: %s", text, err.text);
	CU_ASSERT(parses);
}

static void test_every_example_of_the_page_parses(void)
{
	FILE *page = fopen("docs/values.md", "r");
	char line[1024], *text, *rest;
	unsigned count = 0;

	CU_ASSERT_FATAL(page != NULL);
	while (fgets(line, sizeof(line), page)) {
		for (rest = line; (text = strchr(rest, '`')) && (rest = strchr(text + 1, '`'));) {
			*rest++ = '\0';
			/* Names of parameters and commands are no examples. */
			if (!strpbrk(text, ":0123456789"))
				continue;
			check_example(text + 1);
			count++;
		}
	}
	fclose(page);
	CU_ASSERT(count >= 30);
}

static void test_every_law_has_an_example(void)
{
	for (const struct value_law *law = value_laws; law->name; law++) {
		CU_ASSERT(law->examples[0] != NULL);
		for (int i = 0; law->examples[i]; i++)
			check_example(law->examples[i]);
	}
}

static void test_a_text_that_is_too_long_is_refused(void)
{
	char *text = calloc(1, 2 * VALUE_TEXT_MAX);
	struct err err = { 0 };
	struct value v;

	memset(text, '1', VALUE_TEXT_MAX);
	CHECK_INT(value_parse(text, VALUE_NUMBER, NULL, &v, &err), -EINVAL);
	CU_ASSERT(strstr(err.text, "too long") != NULL);
	text[VALUE_TEXT_MAX - 1] = '\0';
	CHECK_INT(value_parse(text, VALUE_NUMBER, NULL, &v, &err), -EINVAL);
	free(text);
}

static CU_TestInfo tests[] = {
	{ "texts are read, written and refused by rows",
	  test_texts_are_read_written_and_refused_by_rows },
	{ "every example of the page parses", test_every_example_of_the_page_parses },
	{ "every law has an example", test_every_law_has_an_example },
	{ "a text that is too long is refused", test_a_text_that_is_too_long_is_refused },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return test_main("text of values", tests);
}

/*
 * value_laws.c - the table of laws, and those that need only a line or two.
 *
 * prepare() turns the parameters as written into the form the law draws from, sets the mean when
 * it has a closed form without bounds, and leaves bounds to value_bound.c. Sequences and Zipf's
 * law have files of their own.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "base/probability.h"
#include "base/value_law.h"

#define SHAPE_MIN	 0.001 /* gamma: below, draws are 0 in all but name */
#define SHAPE_MAX	 1e6   /* above, a normal law, which is drawn much faster */
#define PARETO_ALPHA_MIN 0.1   /* below, draws overflow */
#define WEIBULL_K_MIN	 0.01
#define NARROW		 1e-4 /* in means: below, a series keeps more digits */

static int positive(const struct value_part *p, unsigned arg, struct err *err)
{
	const char *name = p->law->params[arg].name;

	if (p->arg[arg] > 0)
		return 0;
	return err_set(err, -EINVAL, "%s must be above 0%s", name,
		       strcmp(name, "std") ? "" : ": without spread it is a constant");
}

static bool has(const struct value_part *p, unsigned arg)
{
	return p->given & 1U << arg;
}

static int constant_prepare(struct value_part *p, struct err *err)
{
	(void)err;
	p->low = p->high = p->mean = p->arg[0];
	return 0;
}

static double constant_draw(const struct value_part *p, double u)
{
	(void)u;
	return p->low;
}

static int uniform_prepare(struct value_part *p, struct err *err)
{
	(void)err;
	p->mean = p->low + (p->high - p->low) / 2;
	p->log_chance = log(p->high - p->low);
	return 0;
}

static double uniform_draw(const struct value_part *p, double u)
{
	return p->low + u * (p->high - p->low);
}

/* exp: a the mean. */
static int exponential_prepare(struct value_part *p, struct err *err)
{
	int rc = positive(p, 0, err);

	p->a = p->arg[0];
	return rc ? rc : value_bound_prepare(p, err);
}

static double exponential_hazard(const struct value_part *p, double x)
{
	return x / p->a;
}

static double exponential_at(const struct value_part *p, double hazard)
{
	return p->a * hazard;
}

/* Above its lower bound the law starts anew. */
static double exponential_mean(const struct value_part *p)
{
	double width = (p->high - p->low) / p->a;

	if (isinf(width))
		return p->low + p->a;
	if (width < NARROW)
		return p->low + p->a * width * (0.5 - width / 12);
	return p->low + p->a * (1 - width / expm1(width));
}

/* norm: a the mean, b the standard deviation. */
static int normal_prepare(struct value_part *p, struct err *err)
{
	int rc = positive(p, 1, err);

	p->a = p->mean = p->arg[0];
	p->b = p->arg[1];
	return rc ? rc : value_bound_prepare(p, err);
}

static double normal_chance(const struct value_part *p, double x, bool is_upper)
{
	double z = (x - p->a) / p->b;

	return probability_normal_above(is_upper ? z : -z);
}

static double normal_at(const struct value_part *p, double chance, bool is_upper)
{
	double z = probability_normal_at(chance);

	return p->a + p->b * (is_upper ? z : -z);
}

/* lognorm: a and b as of the normal law of the logarithm; args avg std xavg xstd one. */
static int lognormal_prepare(struct value_part *p, struct err *err)
{
	double spread;
	int rc = 0;

	if (has(p, 0)) {
		rc = positive(p, 0, err);
		rc = rc ? rc : positive(p, 1, err);
		spread = p->arg[1] / p->arg[0];
		p->b = sqrt(log1p(spread * spread));
		p->a = log(p->arg[0]) - p->b * p->b / 2;
	} else {
		rc = positive(p, 3, err);
		rc = rc ? rc : positive(p, 4, err);
		p->a = p->arg[2] + log(p->arg[4]);
		p->b = p->arg[3];
	}
	p->mean = exp(p->a + p->b * p->b / 2);
	return rc ? rc : value_bound_prepare(p, err);
}

static double lognormal_chance(const struct value_part *p, double x, bool is_upper)
{
	double z = (log(x) - p->a) / p->b;

	return probability_normal_above(is_upper ? z : -z);
}

static double lognormal_at(const struct value_part *p, double chance, bool is_upper)
{
	return exp(normal_at(p, chance, is_upper));
}

/* gamma, erlang: a the shape, b the scale, c the constant in front of the density. */
static int gamma_finish(struct value_part *p, struct err *err)
{
	struct probability_gamma g;

	if (!(p->a >= SHAPE_MIN && p->a <= SHAPE_MAX))
		return err_set(err, -EINVAL,
			       "the shape k is %g, and must be from %g to %g: beyond, take %s",
			       p->a, SHAPE_MIN, SHAPE_MAX,
			       p->a < 1 ? "lognorm or pareto" : "norm, which is the same then");
	probability_gamma_init(&g, p->a);
	p->c = g.log_front;
	p->mean = p->a * p->b;
	return value_bound_prepare(p, err);
}

static int gamma_prepare(struct value_part *p, struct err *err)
{
	unsigned first = has(p, 0) ? 0 : 2;
	int rc = positive(p, first, err);
	double ratio;

	rc = rc ? rc : positive(p, first + 1, err);
	if (rc)
		return rc;
	if (first) {
		p->a = p->arg[2];
		p->b = p->arg[3];
	} else {
		ratio = p->arg[0] / p->arg[1];
		p->a = ratio * ratio;
		p->b = p->arg[1] / ratio;
	}
	return gamma_finish(p, err);
}

static int erlang_prepare(struct value_part *p, struct err *err)
{
	unsigned second = has(p, 1) ? 1 : 2;
	int rc = positive(p, 0, err);

	rc = rc ? rc : positive(p, second, err);
	if (rc)
		return rc;
	p->a = p->arg[0];
	p->b = second == 1 ? p->arg[1] / p->a : p->arg[2];
	return gamma_finish(p, err);
}

static struct probability_gamma gamma_of(const struct value_part *p)
{
	return (struct probability_gamma){ .shape = p->a, .log_front = p->c };
}

static double gamma_chance(const struct value_part *p, double x, bool is_upper)
{
	struct probability_gamma g = gamma_of(p);

	return is_upper ? probability_gamma_above(&g, x / p->b)
			: probability_gamma_below(&g, x / p->b);
}

static double gamma_at(const struct value_part *p, double chance, bool is_upper)
{
	struct probability_gamma g = gamma_of(p);

	return p->b * probability_gamma_at(&g, chance, is_upper);
}

/* pareto: a the exponent, b the least value. */
static int pareto_prepare(struct value_part *p, struct err *err)
{
	int rc = positive(p, 0, err);

	rc = rc ? rc : positive(p, 1, err);
	if (!rc && p->arg[0] < PARETO_ALPHA_MIN)
		return err_set(err, -EINVAL, "alpha must be at least %g", PARETO_ALPHA_MIN);
	p->a = p->arg[0];
	p->b = p->arg[1];
	p->low = fmax(p->low, p->b);
	return rc ? rc : value_bound_prepare(p, err);
}

static double pareto_hazard(const struct value_part *p, double x)
{
	return p->a * log(x / p->b);
}

static double pareto_at(const struct value_part *p, double hazard)
{
	return p->b * exp(hazard / p->a);
}

static double pareto_mean(const struct value_part *p)
{
	double alpha = p->a, log_ratio = log(p->low / p->high), more;

	if (isinf(p->high))
		return alpha > 1 ? p->low * alpha / (alpha - 1) : INFINITY;
	more = alpha == 1 ? -log_ratio : -expm1((alpha - 1) * log_ratio) / (alpha - 1);
	return fmin(fmax(p->low, p->low * alpha * more / -expm1(alpha * log_ratio)), p->high);
}

/* weibull: a 1/k, b the scale, c k. */
static int weibull_prepare(struct value_part *p, struct err *err)
{
	int rc = positive(p, 0, err);

	rc = rc ? rc : positive(p, 1, err);
	if (!rc && p->arg[0] < WEIBULL_K_MIN)
		return err_set(err, -EINVAL, "k must be at least %g", WEIBULL_K_MIN);
	p->c = p->arg[0];
	p->a = 1 / p->c;
	p->b = p->arg[1];
	p->mean = p->b * tgamma(1 + p->a);
	return rc ? rc : value_bound_prepare(p, err);
}

static double weibull_hazard(const struct value_part *p, double x)
{
	return pow(x / p->b, p->c);
}

static double weibull_at(const struct value_part *p, double hazard)
{
	return p->b * pow(hazard, p->a);
}

#define QUANTITY(name_, forms_)                                             \
	{                                                                   \
		.name = name_, .dimension = VALUE_QUANTITY, .forms = forms_ \
	}
#define SHAPE(name_, forms_)                                             \
	{                                                                \
		.name = name_, .dimension = VALUE_SHAPE, .forms = forms_ \
	}
#define BOUND(name_)                                                             \
	{                                                                        \
		.name = name_, .dimension = VALUE_QUANTITY, .forms = VALUE_BOTH, \
		.is_optional = true                                              \
	}
#define BOUNDS BOUND("min"), BOUND("max")
/* What one is worth, where a law gives plain numbers: one bare unit unless said otherwise. */
#define UNIT_OF_ONE(forms_)                                                                       \
	{                                                                                         \
		.name = "one", .dimension = VALUE_QUANTITY, .forms = forms_, .is_optional = true, \
		.def = 1                                                                          \
	}

const struct value_law value_laws[] = {
	{ .name = "const",
	  .help = "always the same; the name may be left out",
	  .examples = { "10us", "const:10us", "1.5k" },
	  .is_positional = true,
	  .params = { QUANTITY("value", VALUE_FIRST) },
	  .prepare = constant_prepare,
	  .draw = constant_draw },
	{ .name = "unif",
	  .help = "uniform: every number between min and max alike",
	  .examples = { "unif:min=10ms:max=20ms", "unif:min=10ms,max=20ms" },
	  .params = { QUANTITY("min", VALUE_FIRST), QUANTITY("max", VALUE_FIRST) },
	  .prepare = uniform_prepare,
	  .draw = uniform_draw },
	{ .name = "exp",
	  .help = "exponential with this mean",
	  .examples = { "exp:10us", "exp:1000,min=500,max=2000" },
	  .is_positional = true,
	  .params = { QUANTITY("avg", VALUE_FIRST), BOUNDS },
	  .prepare = exponential_prepare,
	  .draw = value_hazard_draw,
	  .mean = exponential_mean,
	  .hazard = exponential_hazard,
	  .at_hazard = exponential_at },
	{ .name = "norm",
	  .help = "normal with this mean and standard deviation; times, sizes and rates only from "
		  "0 on",
	  .examples = { "norm:100us:std=10us", "norm:10ms,std=5ms,min=1ms" },
	  .is_positional = true,
	  .params = { QUANTITY("avg", VALUE_FIRST), QUANTITY("std", VALUE_FIRST), BOUNDS },
	  .prepare = normal_prepare,
	  .draw = value_bound_draw,
	  .support_low = -INFINITY,
	  .chance = normal_chance,
	  .at = normal_at },
	{ .name = "lognorm",
	  .help = "log-normal, by its own mean and standard deviation, or by those of the normal "
		  "law of its logarithm (xavg, also called xval, and xstd, of the value counted in "
		  "`one`)",
	  .examples = { "lognorm:100us:std=50us", "lognorm:xavg=4.5:xstd=0.4:one=1us" },
	  .is_positional = true,
	  .params = { QUANTITY("avg", VALUE_FIRST),
		      QUANTITY("std", VALUE_FIRST),
		      { .name = "xavg",
			.other_name = "xval",
			.dimension = VALUE_REAL,
			.forms = VALUE_SECOND },
		      SHAPE("xstd", VALUE_SECOND),
		      UNIT_OF_ONE(VALUE_SECOND),
		      BOUNDS },
	  .prepare = lognormal_prepare,
	  .draw = value_bound_draw,
	  .chance = lognormal_chance,
	  .at = lognormal_at },
	{ .name = "gamma",
	  .help = "gamma, by its mean and standard deviation, or by shape k (any number above 0) "
		  "and scale: the mean is k times scale",
	  .examples = { "gamma:100us:std=50us", "gamma:k=2.5:scale=40us" },
	  .is_positional = true,
	  .params = { QUANTITY("avg", VALUE_FIRST), QUANTITY("std", VALUE_FIRST),
		      SHAPE("k", VALUE_SECOND), QUANTITY("scale", VALUE_SECOND), BOUNDS },
	  .prepare = gamma_prepare,
	  .draw = value_bound_draw,
	  .chance = gamma_chance,
	  .at = gamma_at },
	{ .name = "erlang",
	  .help = "the sum of k exponentials, by the mean of the sum or the scale of each",
	  .examples = { "erlang:k=4:avg=100us", "erlang:k=4:scale=25us" },
	  .params = { { .name = "k", .dimension = VALUE_WHOLE, .forms = VALUE_BOTH },
		      QUANTITY("avg", VALUE_FIRST),
		      QUANTITY("scale", VALUE_SECOND),
		      BOUNDS },
	  .prepare = erlang_prepare,
	  .draw = value_bound_draw,
	  .chance = gamma_chance,
	  .at = gamma_at },
	{ .name = "pareto",
	  .help = "Pareto: above xmin, larger than x with chance (xmin/x)^alpha; up to alpha = 1 "
		  "there is no mean",
	  .examples = { "pareto:alpha=1.5:xmin=10us", "pareto:alpha=1.1:xmin=1ms:max=10s" },
	  .params = { SHAPE("alpha", VALUE_FIRST), QUANTITY("xmin", VALUE_FIRST), BOUNDS },
	  .prepare = pareto_prepare,
	  .draw = value_hazard_draw,
	  .mean = pareto_mean,
	  .hazard = pareto_hazard,
	  .at_hazard = pareto_at },
	{ .name = "weibull",
	  .help = "Weibull: larger than x with chance exp(-(x/scale)^k)",
	  .examples = { "weibull:k=0.5:scale=100us" },
	  .params = { SHAPE("k", VALUE_FIRST), QUANTITY("scale", VALUE_FIRST), BOUNDS },
	  .prepare = weibull_prepare,
	  .draw = value_hazard_draw,
	  .hazard = weibull_hazard,
	  .at_hazard = weibull_at },
	{ .name = "zipf",
	  .help = "Zipf: rank i of 1 to n with chance proportional to 1/i^s, times `one`",
	  .examples = { "zipf:n=1000:s=1.1:one=4KiB" },
	  .params = { { .name = "n", .dimension = VALUE_WHOLE, .forms = VALUE_FIRST },
		      SHAPE("s", VALUE_FIRST),
		      UNIT_OF_ONE(VALUE_FIRST),
		      BOUNDS },
	  .prepare = value_zipf_prepare,
	  .draw = value_zipf_draw },
	{ .name = "mix",
	  .help = "one of up to 8 laws or constants for each draw, by weight; bounds of the whole "
		  "stand before the first",
	  .examples = { "mix:0.9*exp:10us|0.1*exp:1ms", "mix:max=5ms:3*10us|1*norm:1ms:std=1ms" },
	  .params = { BOUNDS } },
	{ .name = "aseq",
	  .other_name = "seq",
	  .help = "arithmetic sequence from min to max, where it stays; a negative step starts at "
		  "max; step is one bare unit unless given",
	  .examples = { "aseq:min=100:max=1k:step=100", "aseq:min=100:max=1k:step=-100" },
	  .params = { QUANTITY("min", VALUE_FIRST),
		      QUANTITY("max", VALUE_FIRST),
		      { .name = "step",
			.dimension = VALUE_STEP,
			.forms = VALUE_FIRST,
			.is_optional = true,
			.def = 1 } },
	  .prepare = value_arithmetic_prepare,
	  .step = value_arithmetic_step },
	{ .name = "gseq",
	  .help = "geometric sequence from min to max, where it stays; each is `step` times the "
		  "one before, 2 unless given; a step below 1 starts at max",
	  .examples = { "gseq:min=100:max=10k:step=10", "gseq:min=1:max=1k:step=0.5" },
	  .params = { QUANTITY("min", VALUE_FIRST),
		      QUANTITY("max", VALUE_FIRST),
		      { .name = "step",
			.dimension = VALUE_SHAPE,
			.forms = VALUE_FIRST,
			.is_optional = true,
			.def = 2 } },
	  .prepare = value_geometric_prepare,
	  .step = value_geometric_step },
	{ .name = "file",
	  .help = "a column of a CSV file, line by line and again from the first; col counts from "
		  "0, sep is a character or one of comma, colon, semicolon, tab, space, pipe; unit "
		  "is of numbers without one; skip lines at the beginning are passed over, as are "
		  "all without a number",
	  .examples = { "file:trace.csv:col=2:unit=us", "file:trace.tsv,sep=tab,skip=1" },
	  .is_positional = true,
	  .params = { { .name = "path", .dimension = VALUE_WORD, .forms = VALUE_FIRST },
		      { .name = "sep",
			.dimension = VALUE_WORD,
			.forms = VALUE_FIRST,
			.is_optional = true },
		      { .name = "col",
			.dimension = VALUE_WHOLE,
			.forms = VALUE_FIRST,
			.is_optional = true },
		      { .name = "unit",
			.dimension = VALUE_WORD,
			.forms = VALUE_FIRST,
			.is_optional = true },
		      { .name = "skip",
			.dimension = VALUE_WHOLE,
			.forms = VALUE_FIRST,
			.is_optional = true } } },
	{ 0 },
};

/*
 * fuzz_yaml.c - arbitrary text as an experiment file: a tree within its limits, or a sentence.
 *
 * libFuzzer's entry point (`./dev test --fuzz`), and a main of its own with damaged files for
 * builds without it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "lab/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Every node has a place in the file and what its kind asks for. Returns how many there are. */
static unsigned check_tree(const struct yaml *y, unsigned depth)
{
	unsigned nodes = 1, children = 0;

	if (depth > YAML_DEPTH_MAX || !y->place.line || !y->place.column)
		abort();
	if ((y->kind == YAML_TEXT) != (y->text != NULL))
		abort();
	for (const struct yaml *c = y->child; c; c = c->next, children++) {
		if ((y->kind == YAML_MAP) != (c->key != NULL))
			abort();
		nodes += check_tree(c, depth + 1);
	}
	if (children != y->count)
		abort();
	return nodes;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct yaml *root = NULL;
	struct err err = { 0 };

	if (yaml_parse("fuzz.yaml", (const char *)data, size, &root, &err) < 0) {
		if (root || !*err.text)
			abort();
		return 0;
	}
	if (check_tree(root, 0) > YAML_NODES_MAX)
		abort();
	yaml_destroy(root);
	return 0;
}

#ifdef FUZZ_MAIN
static const char whole[] =
	"sweep: io\n"
	"node: &n {threads: 1, sched: {policy: other}, pin.cpus: \"0\"}\n"
	"client:\n  rate: 20k  # per second\n  program: [\"compute 10us\", reply]\n"
	"factors:\n  - a: *n\n    b: |\n      text\n  - 'it''s'\n"
	"exclude:\n- {if: {x: [1, 2]}, why: }\n";

/* The file with a few bytes changed, cut somewhere now and then. */
static size_t damage(uint8_t *p, const struct random_key *key, uint64_t round)
{
	static const char marks[] = "{}[]:,-&*|>'\"#\n\t ?!%@~\\0a";
	uint64_t at = round * 32, changes;
	size_t len = sizeof(whole) - 1;

	memcpy(p, whole, len);
	changes = 1 + random_below(key, at++, 5);
	for (uint64_t i = 0; i < changes; i++) {
		uint64_t where = random_below(key, at++, len);

		p[where] = (uint8_t)marks[random_below(key, at++, sizeof(marks) - 1)];
	}
	return random_below(key, at++, 4) ? len : random_below(key, at++, len);
}

int main(int argc, char **argv)
{
	uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
	struct random_key key = random_key(seed, 0, 0, 0);
	uint8_t input[sizeof(whole)];

	printf("seed %llu, 10000 inputs\n", (unsigned long long)seed);
	for (uint64_t round = 0; round < 10000; round++)
		LLVMFuzzerTestOneInput(input, damage(input, &key, round));
	puts("1 passed, 0 failed, 0 skipped");
	return 0;
}
#endif

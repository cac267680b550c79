// SPDX-License-Identifier: GPL-2.0-only
/* Runs files of a corpus through a fuzz target, one test each: replay FILE... */
#include "tests/fuzz/fuzz.h"

#include <stdio.h>

static int run(const char *path)
{
	FILE *f = fopen(path, "re");
	uint8_t *data;
	long size;

	if (!f || fseek(f, 0, SEEK_END) || (size = ftell(f)) < 0)
		return -1;
	rewind(f);
	/* Just as long as the input: a sanitizer sees a read behind its end. */
	data = malloc(size ? (size_t)size : 1);
	if (!data || fread(data, 1, (size_t)size, f) != (size_t)size)
		return -1;
	fclose(f);
	LLVMFuzzerTestOneInput(data, (size_t)size);
	free(data);
	return 0;
}

int main(int argc, char **argv)
{
	int i, bad = 0;

	printf("1..%d\n", argc - 1);
	for (i = 1; i < argc; i++) {
		int r = run(argv[i]);

		bad += r != 0;
		printf("%sok %d - %s\n", r ? "not " : "", i, argv[i]);
		fflush(stdout);
	}
	/* An empty corpus is no test. */
	return bad || argc < 2;
}

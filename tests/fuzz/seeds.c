/* Runs a fuzz target's seeds, each whole and shortened, as a unit test of the
 * ordinary build. This file is compiled once for each target, with FUZZ_NAME
 * (the target's name), FUZZ_SEEDS (its directory in the source tree), and
 * another name for LLVMFuzzerTestOneInput. */
#include "fuzz.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <string.h>

#include "support/server.h"

#define SEED_MAX        (1u << 20)
#define CUTS            256 /* at most so many shorter forms of one seed */
#define SEED_TEST(name) Test(seeds, name)

/* Copies the LEN bytes into a block of their own, so that the address sanitizer
 * notices a read after them. */
static void run_cut(const uint8_t *data, size_t len)
{
    uint8_t *block = malloc(len > 0 ? len : 1);

    cr_assert_not_null(block);
    memcpy(block, data, len);
    LLVMFuzzerTestOneInput(block, len);
    free(block);
}

static void run_seed(const char *path)
{
    uint8_t *data = malloc(SEED_MAX);
    FILE *file = fopen(path, "rb");
    size_t len, step;

    cr_assert_not_null(file, "%s", path);
    len = fread(data, 1, SEED_MAX, file);
    cr_assert_eq(ferror(file), 0, "%s", path);
    cr_assert_lt(len, SEED_MAX, "%s is too long for a seed", path);
    fclose(file);
    step = len / CUTS + 1;
    for (size_t cut = 0; cut < len; cut += step)
        run_cut(data, cut);
    run_cut(data, len);
    free(data);
}

SEED_TEST(FUZZ_NAME)
{
    DIR *folder = opendir(in_source(FUZZ_SEEDS));
    const struct dirent *entry;
    unsigned count = 0;

    cr_assert_not_null(folder, "no folder %s", FUZZ_SEEDS);
    while ((entry = readdir(folder)) != NULL) {
        char path[4096];

        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof(path), "%s/%s", in_source(FUZZ_SEEDS),
                 entry->d_name);
        run_seed(path);
        count++;
    }
    closedir(folder);
    cr_assert_gt(count, 0, "no seeds in %s", FUZZ_SEEDS);
}

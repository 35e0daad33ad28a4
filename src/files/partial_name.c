/* Names of partials on disk, in the process files. The name doesn't show to
 * which file it belongs, except to a process with the key. It opens nothing. */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "partial.h"
#include "sallyport/base/random.h"
#include "state.h"

#define SUFFIX     ".part"
#define RANDOM     ".temp" /* of the same length */
#define PREFIX_LEN (sizeof(PATH_RESERVED) - 1)

static void partial_name_format(char out[PARTIAL_NAME_MAX], uint64_t a,
                                uint64_t b, const char *suffix)
{
    snprintf(out, PARTIAL_NAME_MAX, "%s%016llx%016llx%s", PATH_RESERVED,
             (unsigned long long)a, (unsigned long long)b, suffix);
}

/* A hash of user and name only. The directory is where the partial stands, so a
 * directory that is renamed or restored from a backup keeps its partials. Two
 * hashes, which differ in their first byte, make 128 bits. A longer name than
 * NAME_MAX, which vfat, ntfs3 and cifs may have, never has a partial. */
void partial_name(const struct files *f, const char *name,
                  char out[PARTIAL_NAME_MAX])
{
    char text[1 + 255 + 1 + NAME_MAX + 1];
    uint64_t half[2];
    int len = snprintf(text + 1, sizeof(text) - 1, "%.255s%c%.*s", f->user, 0,
                       NAME_MAX, name);

    for (int i = 0; i < 2; i++) {
        text[0] = (char)i;
        half[i] = siphash(f->name_key, text, (size_t)len + 1);
    }
    partial_name_format(out, half[0], half[1], SUFFIX);
}

void partial_name_random(char out[PARTIAL_NAME_MAX])
{
    uint64_t half[2];

    random_bytes(half, sizeof(half));
    partial_name_format(out, half[0], half[1], RANDOM);
}

static bool partial_name_has_shape(const char *name, const char *suffix)
{
    static const char digits[] = "0123456789abcdef";

    return strncmp(name, PATH_RESERVED, PREFIX_LEN) == 0 &&
           strspn(name + PREFIX_LEN, digits) == PARTIAL_DIGITS &&
           strcmp(name + PREFIX_LEN + PARTIAL_DIGITS, suffix) == 0;
}

bool partial_is_name(const char *name)
{
    return partial_name_has_shape(name, SUFFIX) || partial_is_random(name);
}

bool partial_is_random(const char *name)
{
    return partial_name_has_shape(name, RANDOM);
}

/* Suggests a key for a misspelt one: the one with the fewest letters to add,
 * drop, change or swap. Pure. */
#include <string.h>

#include "kinds.h"

#define KEY_MAX      32
#define DISTANCE_MAX 2

static size_t smaller_of(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Optimal string alignment. Both have at most KEY_MAX bytes. */
static size_t edit_distance(struct slice a, struct slice b)
{
    size_t d[KEY_MAX + 1][KEY_MAX + 1];

    for (size_t i = 0; i <= a.len; i++) {
        for (size_t j = 0; j <= b.len; j++) {
            if (i == 0 || j == 0) {
                d[i][j] = i + j;
                continue;
            }
            d[i][j] =
                smaller_of(smaller_of(d[i - 1][j], d[i][j - 1]) + 1,
                           d[i - 1][j - 1] + (a.ptr[i - 1] != b.ptr[j - 1]));
            if (i > 1 && j > 1 && a.ptr[i - 1] == b.ptr[j - 2] &&
                a.ptr[i - 2] == b.ptr[j - 1])
                d[i][j] = smaller_of(d[i][j], d[i - 2][j - 2] + 1);
        }
    }
    return d[a.len][b.len];
}

const char *nearest_key(struct slice key)
{
    size_t best = DISTANCE_MAX + 1;
    const char *found = NULL;

    if (key.len < 2 || key.len > KEY_MAX)
        return NULL;
    for (size_t i = 0; i < setting_count; i++) {
        struct slice candidate = slice_from(setting_table[i].key);
        size_t far = edit_distance(key, candidate);

        if (far < best && 3 * far <= candidate.len) {
            best = far;
            found = setting_table[i].key;
        }
    }
    return found;
}

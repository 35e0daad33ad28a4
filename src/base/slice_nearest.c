/* Suggests a word for a misspelt one: the one with the fewest letters to add,
 * drop, change or swap. */
#include "sallyport/base/slice.h"

#define WORD_LONG    32
#define DISTANCE_MAX 2

static size_t smaller_of(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Optimal string alignment. Both have at most WORD_LONG bytes. */
static size_t edit_distance(struct slice a, struct slice b)
{
    size_t d[WORD_LONG + 1][WORD_LONG + 1];

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

const char *slice_nearest(struct slice s, const char *const *words, size_t n)
{
    size_t best = DISTANCE_MAX + 1;
    const char *found = NULL;

    if (s.len < 2 || s.len > WORD_LONG)
        return NULL;
    for (size_t i = 0; i < n; i++) {
        struct slice word = slice_from(words[i]);
        size_t far = word.len > WORD_LONG ? best : edit_distance(s, word);

        if (far < best && 3 * far <= word.len) {
            best = far;
            found = words[i];
        }
    }
    return found;
}

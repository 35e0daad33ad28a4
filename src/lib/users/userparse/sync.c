/* The key sync= of a user's row: which source of "user import --sync" made the
 * row, and what that source has said. Pure. */
#include "sallyport/userparse/userparse.h"

#include <errno.h>
#include <stdio.h>

/* The words of the SYNC_ bits, in the order of the bits. */
static const char *const sync_words[] = { "hash", "expires", "locked", "gone" };
#define WORDS (sizeof(sync_words) / sizeof(sync_words[0]))

int user_sync_parse(struct slice value, struct user_sync *ret)
{
    struct slice rest = value, word;
    int mark;

    *ret = (struct user_sync){ .marks = 0 };
    slice_cut(&rest, ':', &ret->name);
    if (!group_name_ok(ret->name))
        return -EINVAL;
    while (slice_cut(&rest, ',', &word)) {
        mark = slice_among(word, sync_words, WORDS);
        if (mark < 0)
            return -EINVAL;
        ret->marks |= 1u << mark;
    }
    return 0;
}

bool user_sync_closed(const struct user *user)
{
    struct user_sync sync;

    return user_sync_parse(user->sync, &sync) == 0 && sync.marks & SYNC_CLOSED;
}

const char *user_sync_text(const struct user_sync *s, char out[SYNC_TEXT_MAX])
{
    int n = snprintf(out, SYNC_TEXT_MAX, "%.*s", (int)s->name.len, s->name.ptr);
    char before = ':';

    for (size_t i = 0; i < WORDS; i++)
        if (s->marks & 1u << i) {
            n += snprintf(out + n, SYNC_TEXT_MAX - (size_t)n, "%c%s", before,
                          sync_words[i]);
            before = ',';
        }
    return out;
}

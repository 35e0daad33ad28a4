/* The key sync= of a user's row: which source of "user import --sync" made the
 * row, and what that source has said. Pure. */
#include "sallyport/userparse/userparse.h"

#include <errno.h>
#include <stdio.h>

static const struct {
    const char *word;
    unsigned mark;
} sync_words[] = {
    { "hash", SYNC_HASH },
    { "expires", SYNC_EXPIRES },
    { "locked", SYNC_LOCKED },
    { "gone", SYNC_GONE },
};
#define WORDS (sizeof(sync_words) / sizeof(sync_words[0]))

static int take_mark(struct slice word, unsigned *marks)
{
    for (size_t i = 0; i < WORDS; i++)
        if (slice_equal(word, slice_from(sync_words[i].word))) {
            *marks |= sync_words[i].mark;
            return 0;
        }
    return -EINVAL;
}

int user_sync_parse(struct slice value, struct user_sync *ret)
{
    struct slice rest = value, word;

    *ret = (struct user_sync){ .marks = 0 };
    slice_cut(&rest, ':', &ret->name);
    if (!group_name_ok(ret->name))
        return -EINVAL;
    while (slice_cut(&rest, ',', &word))
        if (take_mark(word, &ret->marks))
            return -EINVAL;
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
        if (s->marks & sync_words[i].mark) {
            n += snprintf(out + n, SYNC_TEXT_MAX - (size_t)n, "%c%s", before,
                          sync_words[i].word);
            before = ',';
        }
    return out;
}

/* A reload changes only the rows of the table that permit it. Runs in master.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kinds.h"

static int show(const struct settings *s, const struct setting *row,
                struct buf *into)
{
    return setting_kinds[row->type].show((const char *)s + row->offset, into);
}

/* Compares their texts. 1, 0 or -errno */
static int differs(const struct setting *row, const struct settings *a,
                   const struct settings *b)
{
    struct buf one, other;
    int r;

    buf_init(&one, SETTINGS_TEXT_MAX);
    buf_init(&other, SETTINGS_TEXT_MAX);
    r = show(a, row, &one);
    if (r == 0)
        r = show(b, row, &other);
    if (r == 0)
        r = !slice_equal(buf_slice(&one), buf_slice(&other));
    buf_release(&one);
    buf_release(&other);
    return r;
}

static int note(struct buf *kept, const struct setting *row)
{
    return buf_add_format(kept, "%s%s%s", kept->len > 0 ? ", " : "", row->key,
                          row->keyed ? row->keyed : "");
}

/* Copies the row from NOW to MERGED, the old settings, if it may change. */
static int merge(struct settings *merged, const struct settings *now,
                 struct buf *kept)
{
    memcpy(merged->file, now->file, sizeof(merged->file));
    memcpy(merged->line, now->line, sizeof(merged->line));
    for (size_t i = 0; i < setting_count; i++) {
        const struct setting *row = &setting_table[i];
        int r = 0;

        if (row->reload)
            memcpy((char *)merged + row->offset,
                   (const char *)now + row->offset,
                   setting_kinds[row->type].size);
        else
            r = differs(row, merged, now);
        if (r > 0)
            r = note(kept, row);
        if (r < 0)
            return r;
    }
    return 0;
}

int settings_reload(struct settings *now, const struct settings *old,
                    struct buf *kept, struct complaint *c)
{
    struct settings *merged = malloc(sizeof(*merged));
    int r;

    if (!merged)
        return -ENOMEM;
    *merged = *old;
    r = merge(merged, now, kept);
    if (r == 0)
        r = settings_check(merged, c);
    if (r == 0)
        *now = *merged;
    free(merged);
    return r;
}

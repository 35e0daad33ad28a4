/* The columns of a line of the users file, as text. It decides nothing about
 * their contents: the room userparse has accepted them. Pure. */
#include <errno.h>
#include <string.h>

#include "sallyport/users/users.h"
#include "sallyport/users/users_file.h"

struct slice columns_text(struct slice line)
{
    if (line.len > 0 && line.ptr[line.len - 1] == '\r')
        line.len--;
    return line;
}

struct slice columns_at(struct slice line, unsigned column)
{
    struct slice rest = columns_text(line), one = rest;

    for (unsigned i = 0; i <= column; i++)
        slice_cut(&rest, ':', &one);
    return one;
}

/* Some editors begin a file with this. */
#define BYTE_ORDER_MARK SLICE("\xef\xbb\xbf")

static struct slice without_mark(struct slice line)
{
    if (slice_starts(line, BYTE_ORDER_MARK)) {
        line.ptr += BYTE_ORDER_MARK.len;
        line.len -= BYTE_ORDER_MARK.len;
    }
    return line;
}

/* How many columns are before the last one? */
static unsigned columns_before(struct slice line)
{
    static const struct {
        const char *begin;
        unsigned columns;
    } kinds[] = { { "@share:", 4 }, { "@team:", 2 }, { "", 7 } };
    size_t i = 0;

    while (!slice_starts(without_mark(line), slice_from(kinds[i].begin)))
        i++;
    return kinds[i].columns;
}

struct slice columns_options(struct slice line)
{
    struct slice rest = columns_text(line), column;

    for (unsigned i = columns_before(line); i > 0; i--)
        slice_cut(&rest, ':', &column);
    return rest;
}

static bool has_key(struct slice word, const char *key, struct slice *value)
{
    struct slice name;

    slice_cut(&word, '=', &name);
    *value = word;
    return slice_equal(name, slice_from(key));
}

struct slice columns_value(struct slice line, const char *key)
{
    struct slice rest = columns_options(line), word, value;

    while (slice_cut(&rest, ' ', &word))
        if (has_key(word, key, &value))
            return value;
    return (struct slice){ NULL, 0 };
}

int columns_set_key(struct slice line, const char *key, const char *value,
                    struct buf *options)
{
    struct slice rest = columns_options(line), word, old;
    const size_t begin = options->len;
    int r = 0;

    while (r == 0 && slice_cut(&rest, ' ', &word))
        if (word.len > 0 && !has_key(word, key, &old))
            r = buf_add_format(options, "%s%.*s",
                               options->len > begin ? " " : "", (int)word.len,
                               word.ptr);
    if (r == 0 && value)
        r = buf_add_format(options, "%s%s=%s", options->len > begin ? " " : "",
                           key, value);
    return r;
}

static bool is_line_of(struct slice line, const struct hash_change *c)
{
    return slice_equal(without_mark(columns_at(line, 0)),
                       slice_from(c->user)) &&
           slice_equal(columns_at(line, 1), slice_from(c->old));
}

/* The bytes between two pointers into one text. */
static int add_between(struct buf *into, const char *from, const char *to)
{
    return buf_add(into, from, (size_t)(to - from));
}

int columns_set_hash(struct slice text, const struct hash_change *change,
                     struct buf *into)
{
    struct slice rest = text, line = { text.ptr, 0 }, hash, options;
    int r = -ESTALE;

    while (r != 0 && slice_cut(&rest, '\n', &line))
        r = is_line_of(line, change) ? 0 : -ESTALE;
    if (r < 0)
        return r;
    hash = columns_at(line, 1);
    options = columns_options(line);
    if (!options.ptr) /* somebody has cut it off */
        return -ESTALE;
    if (line.len - hash.len + strlen(change->hash) > USER_LINE_MAX)
        return -EMSGSIZE;
    r = add_between(into, text.ptr, hash.ptr);
    if (r == 0)
        r = buf_add_text(into, change->hash);
    if (r == 0)
        r = add_between(into, hash.ptr + hash.len, options.ptr);
    if (r == 0)
        r = columns_value(line, "must_change").ptr
                ? columns_set_key(line, "must_change", NULL, into)
                : buf_add_slice(into, options);
    return r ? r
             : add_between(into, options.ptr + options.len,
                           text.ptr + text.len);
}

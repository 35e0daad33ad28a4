/* A row of the users file, as text (sallyport/users/row.h). The code of
 * src/lib/users/userparse decides what a column means; this code only makes
 * sure that a value doesn't break the line. Runs in sallyportctl, and as root
 * in master, which changes hashes. */
#include "sallyport/users/row.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sallyport/users/users.h"

/* Returns the number of columns before the keys. */
static size_t columns_of(struct slice line)
{
    static const struct {
        const char *begin;
        size_t columns;
    } kinds[] = { { "@share:", 4 }, { "@team:", 2 }, { "", ROW_COLUMNS } };
    size_t i = 0;

    while (!slice_starts(line, slice_from(kinds[i].begin)))
        i++;
    return kinds[i].columns;
}

static int copy_text(struct slice text, char **ret)
{
    *ret = NULL;
    if (memchr(text.ptr, '\0', text.len))
        return -EINVAL;
    *ret = malloc(text.len + 1);
    return *ret ? slice_copy(text, *ret, text.len + 1) : -ENOMEM;
}

/* Wipes the text: it can be a hash, or the secret of one-time codes. */
static void wipe_text(char *text)
{
    if (text)
        explicit_bzero(text, strlen(text));
    free(text);
}

int row_parse(struct row *r, struct slice line)
{
    struct slice word, count;
    size_t keys = 0;
    int code = 0;

    *r = (struct row){ .columns = 0 };
    r->end = line.len > 0 && line.ptr[line.len - 1] == '\r' ? "\r" : "";
    line.len -= strlen(r->end);
    for (size_t n = columns_of(line); n > 0 && code == 0; n--) {
        slice_cut(&line, ':', &word);
        code = line.ptr ? copy_text(word, &r->column[r->columns]) : -EINVAL;
        r->columns += line.ptr != NULL;
    }
    count = line;
    while (slice_cut(&count, ' ', &word))
        keys++;
    if (code == 0) {
        r->key = calloc(keys, sizeof(*r->key));
        code = r->key ? 0 : -ENOMEM;
    }
    while (code == 0 && slice_cut(&line, ' ', &word))
        code = copy_text(word, &r->key[r->keys++]);
    if (code)
        row_release(r);
    return code;
}

void row_release(struct row *r)
{
    for (size_t i = 0; i < r->columns; i++)
        wipe_text(r->column[i]);
    for (size_t i = 0; i < r->keys; i++)
        wipe_text(r->key[i]);
    free(r->key);
    *r = (struct row){ .columns = 0 };
}

int row_print(const struct row *r, struct buf *into)
{
    int code = r->error;

    for (size_t i = 0; i < r->columns && code == 0; i++)
        code = buf_add_format(into, "%s:", r->column[i]);
    for (size_t i = 0; i < r->keys && code == 0; i++)
        code = buf_add_format(into, "%s%s", i > 0 ? " " : "", r->key[i]);
    return code ? code : buf_add_text(into, r->end);
}

/* Checks a value. BAD is the byte that separates values. */
static int check_value(const char *text, char bad)
{
    const char *at = text;

    while (*at && (unsigned char)*at >= ' ' && *at != 0x7f && *at != bad)
        at++;
    if (*at)
        return -EINVAL;
    return at - text > USER_LINE_MAX ? -EMSGSIZE : 0;
}

/* Keeps the first error. Returns CODE. */
static int note(struct row *r, int code)
{
    r->error = r->error ? r->error : code;
    return code;
}

int row_set_column(struct row *r, enum row_column column, const char *text)
{
    char *copy = NULL;
    int code = check_value(text, ':');

    if (code == 0)
        code = copy_text(slice_from(text), &copy);
    if (code)
        return note(r, code);
    wipe_text(r->column[column]);
    r->column[column] = copy;
    return 0;
}

int row_set_hash(struct row *r, bool locked, const char *hash)
{
    char text[USER_HASH_MAX + 2];
    int code = snprintf(text, sizeof(text), "%s%s", locked ? "!" : "", hash) <
                       (int)sizeof(text)
                   ? row_set_column(r, ROW_HASH, text)
                   : note(r, -EMSGSIZE);

    explicit_bzero(text, sizeof(text));
    return code;
}

int row_set_number(struct row *r, enum row_column column, uint64_t number)
{
    char text[24];

    snprintf(text, sizeof(text), "%llu", (unsigned long long)number);
    return row_set_column(r, column, text);
}

/* Returns the value, or NULL if TEXT has another key. */
static const char *value_of(const char *text, const char *key)
{
    const size_t len = strlen(key);

    return strncmp(text, key, len) == 0 && text[len] == '=' ? text + len + 1
                                                            : NULL;
}

const char *row_get(const struct row *r, const char *key)
{
    const char *value = NULL;

    for (size_t i = 0; i < r->keys && !value; i++)
        value = value_of(r->key[i], key);
    return value;
}

/* Removes the key, and superfluous blanks between keys. */
static void remove_key(struct row *r, const char *key)
{
    size_t n = 0;

    for (size_t i = 0; i < r->keys; i++)
        if (r->key[i][0] && !value_of(r->key[i], key))
            r->key[n++] = r->key[i];
        else
            wipe_text(r->key[i]);
    r->keys = n;
}

int row_set(struct row *r, const char *key, const char *value)
{
    char **more, *added;
    int code = value ? check_value(value, ' ') : 0;

    if (code)
        return note(r, code);
    if (!value) {
        remove_key(r, key);
        return 0;
    }
    more = reallocarray(r->key, r->keys + 1, sizeof(*more));
    if (!more)
        return note(r, -ENOMEM);
    r->key = more;
    if (asprintf(&added, "%s=%s", key, value) < 0)
        return note(r, -ENOMEM);
    remove_key(r, key);
    r->key[r->keys++] = added;
    return 0;
}

int row_change_hash(struct slice text, const struct hash_change *change,
                    struct buf *into)
{
    struct slice rest = text, line;
    bool found = false;
    struct buf changed;
    struct row r;
    int code;

    while (!found && slice_cut(&rest, '\n', &line)) {
        struct slice columns = line, name, hash = SLICE("");

        slice_cut(&columns, ':', &name);
        slice_cut(&columns, ':', &hash);
        found = slice_equal(name, slice_from(change->user)) &&
                slice_equal(hash, slice_from(change->old));
    }
    if (!found)
        return -ESTALE;
    buf_init(&changed, USER_LINE_MAX + 1);
    code = row_parse(&r, line);
    if (code == -EINVAL) /* somebody has cut off the end of the line */
        code = -ESTALE;
    if (code == 0) {
        row_set_column(&r, ROW_HASH, change->hash);
        if (row_get(&r, "must_change"))
            row_set(&r, "must_change", NULL);
        code = row_print(&r, &changed);
    }
    if (code == -ENOBUFS || changed.len > USER_LINE_MAX)
        code = -EMSGSIZE;
    if (code == 0)
        code = buf_add(into, text.ptr, (size_t)(line.ptr - text.ptr));
    if (code == 0)
        code = buf_add_slice(into, buf_slice(&changed));
    if (code == 0)
        code = buf_add(into, line.ptr + line.len,
                       (size_t)(text.ptr + text.len - line.ptr) - line.len);
    buf_release(&changed);
    row_release(&r);
    return code;
}

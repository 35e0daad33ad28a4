/* Reads rows of the users file, as a database or a converter of etc/import
 * prints them. The server's parser judges each row. A row that it refuses gives
 * no user, and with --sync locks the user that it names: a restriction that
 * isn't understood opens no account. */
#include "import.h"

#include <errno.h>
#include <stdlib.h>

#include "sallyport/base/harmless.h"

#define SAID_MAX (256u << 20)

void import_skip(struct import *m, struct imported *e, const char *why,
                 bool expected)
{
    const size_t at = m->sync.said.len;

    buf_add_format(&m->sync.said, "%s: skipped: %s", e->name, why);
    harmless_make(m->sync.said.data + at, m->sync.said.len - at);
    buf_add_text(&m->sync.said, "\n");
    e->skipped = true;
    m->unexpected += !expected;
}

struct imported *import_find(const struct import *m, const char *name)
{
    const json_t *at = json_object_get(m->by_name, name);

    return at ? &m->entry[json_integer_value(at)] : NULL;
}

/* Completes the row for the parser. A hash that can't be used becomes "*": the
 * user is locked until "user passwd". Drops a bad comment, which is only shown.
 */
static void complete(struct imported *e, struct row *row)
{
    const char *hash = row->column[ROW_HASH];

    hash += strspn(hash, "!");
    if (!hash[0] || strcmp(hash, "*") == 0)
        e->no_hash = "there is none";
    else if (!user_hash_ok(hash))
        e->no_hash = user_hash_found(hash);
    row_set_column(row, ROW_HASH, e->no_hash ? "*" : hash);
    if (!user_comment_ok(slice_from(row->column[ROW_COMMENT])))
        row_set_column(row, ROW_COMMENT, "");
    for (enum row_column i = ROW_UID; i <= ROW_GID; i++)
        if (!row->column[i][0])
            row_set_number(row, i, 1);
    e->has_home = row->column[ROW_HOME][0];
    if (!e->has_home)
        row_set_column(row, ROW_HOME, "/home");
}

static bool is_understood(struct imported *e, struct slice line,
                          struct complaint *why)
{
    struct row *row = &e->draft.row;
    struct users u;
    struct buf text;

    buf_init(&text, USERS_FILE_MAX);
    int r = row_parse(row, line);
    if (r == 0) {
        complete(e, row);
        r = row_print(row, &text);
    } else if (r == -EINVAL) { /* the parser has the words */
        r = buf_add_slice(&text, line);
    }
    row_need(r);
    r = users_parse(&u, buf_slice(&text), e->name, false, why);
    buf_release(&text);
    row_need(r == -EINVAL ? 0 : r);
    /* A row that isn't of --sync keeps the word "locked" of its source. */
    e->locked |= r == 0 && ctl.args.sync && user_sync_closed(u.row);
    users_release(&u);
    return r == 0;
}

static void refuse(struct import *m, struct imported *e, const char *why)
{
    if (!e->broken)
        import_skip(m, e, why, false);
    e->broken = true;
}

/* Takes the lock of a row first, whatever else the row has. A '!' or '*' is in
 * no hash, so it locks the user wherever it is; a '*' alone is no password. */
static void take_row(struct import *m, struct slice line)
{
    struct imported *e = &m->entry[m->count++], *first;
    struct complaint why = { "" };
    struct slice rest = line, name, hash = SLICE("");
    const char *words;
    char *run;

    slice_cut(&rest, ':', &name);
    slice_cut(&rest, ':', &hash);
    *e = (struct imported){ .name = strndup(name.ptr, name.len),
                            .locked = slice_has(hash, '!') ||
                                      (slice_has(hash, '*') && hash.len > 1),
                            .draft.home = { .mode = 0700, .adopt = true } };
    if (!e->name)
        fail_no_memory();
    if (!user_name_ok(name)) {
        refuse(m, e,
               "not a valid name here; use 1 to 32 characters of a-z A-Z 0-9 . "
               "_ - @, not beginning with . - or @");
        return;
    }
    first = import_find(m, e->name);
    if (first) {
        refuse(m, first, "several rows have this name");
        refuse(m, e, "several rows have this name");
        return;
    }
    if (json_object_set_new(m->by_name, e->name,
                            json_integer((json_int_t)m->count - 1)))
        fail_no_memory();
    if (is_understood(e, line, &why))
        return;
    run = strstr(why.text, "; run: "); /* it would change a row of this file */
    if (run)
        *run = '\0';
    words = why.text + strlen(e->name) + strlen(":1: ");
    if (slice_starts(slice_from(words), slice_from(e->name)) &&
        words[strlen(e->name)] == ':') /* a retired key names the user again */
        words += strlen(e->name) + strlen(": ");
    refuse(m, e, words);
}

static void take_line(struct import *m, struct slice line, bool first)
{
    if (first && slice_starts(line, SLICE("\xef\xbb\xbf")))
        line = (struct slice){ line.ptr + 3, line.len - 3 };
    if (first && slice_starts(line, SLICE("[")))
        fail(EX_DATAERR,
             "%s: JSON isn't read any more; write rows of the users file, "
             "NAME:HASH:::COMMENT:::KEYS",
             m->path);
    line.len -= line.len > 0 && line.ptr[line.len - 1] == '\r';
    if (slice_trim(line).len == 0 || line.ptr[0] == '#')
        return;
    if (m->count == USERS_MAX)
        fail(EX_DATAERR, "%s: more than %u users", m->path, USERS_MAX);
    if ((m->count & (m->count - 1)) == 0) /* a power of 2: double the array */
        m->entry = reallocarray(m->entry, 2 * m->count + 1, sizeof(*m->entry));
    if (!m->entry)
        fail_no_memory();
    take_row(m, line);
}

void import_read(struct import *m)
{
    const bool piped = strcmp(m->path, "-") == 0;
    FILE *in = piped ? stdin : fopen(m->path, "re");
    char *line = NULL;
    size_t size = 0;
    ssize_t len;

    if (!in)
        fail(errno == ENOENT ? EX_NOINPUT : ctl_exit_of(errno), "%s: %s",
             m->path, strerror(errno));
    if (piped)
        m->path = "standard input";
    m->by_name = json_object();
    if (!m->by_name)
        fail_no_memory();
    buf_init(&m->sync.said, SAID_MAX);
    for (bool first = true; (len = getline(&line, &size, in)) > 0;
         first = false) {
        if (line[len - 1] != '\n')
            fail(EX_DATAERR,
                 "%s: the last line has no line end, so it may be cut off",
                 m->path);
        take_line(m, (struct slice){ line, (size_t)len - 1 }, first);
    }
    if (!feof(in))
        fail(EX_IOERR, "%s: %s", m->path, strerror(errno));
}

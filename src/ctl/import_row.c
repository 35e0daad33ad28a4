/* The row of an imported user: the columns, from what was read. */
#include "import.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

/* Writes the hash if the users file may have it, and else nothing. */
static bool copy_hash(const struct imported *e, char out[USER_HASH_MAX + 1])
{
    if (slice_copy(e->hash, out, USER_HASH_MAX + 1) == 0 && user_hash_ok(out) &&
        strchr(out, '$'))
        return true;
    out[0] = '\0';
    return false;
}

bool import_hash_usable(const struct imported *e)
{
    char hash[USER_HASH_MAX + 1];
    bool usable = copy_hash(e, hash);

    explicit_bzero(hash, sizeof(hash));
    return usable;
}

/* The hash column: the hash, or "!". Of a row that follows its source a "!" is
 * the administrator's, so without a hash it is "*". */
static void import_take_hash(const struct import *m, const struct imported *e,
                             char out[USER_HASH_MAX + 1])
{
    size_t len;

    if (!copy_hash(e, out))
        snprintf(out, USER_HASH_MAX + 1, m->x->args.sync ? "*" : "!");
    if (e->lock.len == 0 || out[0] == '!' || m->x->args.sync)
        return;
    len = strlen(out);
    memmove(out + 1, out, len < USER_HASH_MAX ? len + 1 : 0);
    out[0] = '!';
    if (len >= USER_HASH_MAX)
        out[1] = '\0';
}

/* Commas at the end of passwd(5)'s comments separate empty fields. */
void import_take_comment(const struct imported *e,
                         char out[USER_COMMENT_MAX + 1])
{
    struct slice comment = e->comment;
    struct buf text;

    while (comment.len > 0 && comment.ptr[comment.len - 1] == ',')
        comment.len--;
    buf_init(&text, USER_COMMENT_MAX + 1);
    out[0] = '\0';
    if (buf_add_slice(&text, comment) == 0 &&
        (e->mail.len == 0 ||
         buf_add_format(&text, comment.len > 0 ? " <%.*s>" : "%.*s",
                        (int)e->mail.len, e->mail.ptr) == 0) &&
        user_comment_ok(buf_slice(&text)))
        slice_copy(buf_slice(&text), out, USER_COMMENT_MAX + 1);
    buf_release(&text);
}

static int import_take_home(struct import *m, const struct imported *e,
                            struct addition *a, struct import_row *t)
{
    const struct settings *s = &m->x->settings;

    if (m->format->own && !m->x->args.prefix &&
        slice_copy(e->home, t->home, sizeof(t->home)) == 0)
        return fields_take_home(m->x, &a->f, t->home);
    return addition_take_home(m->x, a,
                              m->x->args.prefix ? m->x->args.prefix : s->homes);
}

int import_take_options(struct slice options, bool lists, char *out,
                        size_t size)
{
    struct slice word;
    struct buf text;
    int r = 0;

    buf_init(&text, size - 1);
    while (r == 0 && slice_cut(&options, ' ', &word))
        if (word.len > 0 && lists == (slice_starts(word, SLICE("shares=")) ||
                                      slice_starts(word, SLICE("teams="))))
            r = buf_add_format(&text, "%s%.*s", text.len > 0 ? " " : "",
                               (int)word.len, word.ptr);
    snprintf(out, size, "%.*s", (int)text.len, text.len > 0 ? text.data : "");
    buf_release(&text);
    return r;
}

int import_row(struct import *m, const struct imported *e, struct addition *a,
               struct import_row *t)
{
    char sync[SYNC_TEXT_MAX + 8];
    int r;

    *a = (struct addition){ .name = t->name };
    a->f.comment = t->comment;
    a->f.uid = e->uid;
    a->f.gid = e->gid;
    import_take_hash(m, e, a->f.hash);
    import_take_comment(e, t->comment);
    if (m->format->own)
        r = import_take_options(e->options, false, t->options,
                                sizeof(t->options));
    else
        r = snprintf(t->options, sizeof(t->options), "rights=full%.*s%s",
                     (int)e->keys.len, e->keys.len > 0 ? e->keys.data : "",
                     sync_word(m, e, sync)) > USER_LINE_MAX;
    if (r || slice_copy(e->name, t->name, sizeof(t->name)))
        return ctl_fail(m->x, EX_DATAERR, "the line is too long");
    a->options = slice_from(t->options);
    return import_take_home(m, e, a, t);
}

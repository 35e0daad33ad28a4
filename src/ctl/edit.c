/* An edit of the users file, under its lock (sallyport/users/users_file.h). */
#include "ctl.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "sallyport/base/fd.h"

#define REMOVE_MS 1000

static const char *const last_ids[] = {
    [EDIT_LAST_UID] = ".last-uid", [EDIT_LAST_GID] = ".last-gid"
};

static int edit_fail(struct edit *e, int error, const char *what)
{
    complain(e->complaint, "%s: %s: %s%s", e->file.path, what, strerror(error),
             ctl_exit_of(error) == EX_NOPERM ? "; run it as root" : "");
    return ctl_exit_of(error);
}

static int open_locked(struct edit *e, const char *path, unsigned lock_ms)
{
    int r = users_file_open(&e->file, path);

    if (r < 0) {
        complain(e->complaint, "%s: %s; make its directory first", path,
                 strerror(-r));
        return ctl_exit_of(-r);
    }
    r = users_file_lock(&e->file, lock_ms);
    if (r != -ETIMEDOUT)
        return r < 0 ? edit_fail(e, -r, "its lock") : 0;
    complain(e->complaint,
             "%s is being edited by somebody else; try again later",
             e->file.path);
    return EX_TEMPFAIL;
}

static int too_large(struct edit *e)
{
    complain(e->complaint, "%s: would be larger than %u bytes", e->file.path,
             USERS_FILE_MAX);
    return EX_DATAERR;
}

/* The lines. An edit changes single lines, and edit_commit() joins them: so an
 * edit of thousands of lines is one pass, and no edit moves the number of
 * another line. */

/* check_written() refuses a line that is too long, and names it. */

/* A line may contain a hash. */
static void line_release(struct edit_line *line)
{
    if (line->own)
        explicit_bzero(line->own, line->text.len);
    free(line->own);
}

static int add_line(struct edit *e, struct edit_line added)
{
    if (e->lines == e->room) {
        size_t room = e->room ? e->room * 2 : 64;
        struct edit_line *line = reallocarray(e->line, room, sizeof(*line));

        if (!line) {
            complain(e->complaint, "%s: out of memory", e->file.path);
            return EX_OSERR;
        }
        e->line = line;
        e->room = room;
    }
    e->line[e->lines++] = added;
    return 0;
}

static int cut_lines(struct edit *e)
{
    struct slice rest = buf_slice(&e->text), line;
    int code = 0;

    while (code == 0 && rest.len > 0) {
        slice_cut(&rest, '\n', &line);
        code = add_line(e, (struct edit_line){ line, NULL });
    }
    return code;
}

/* The text may be a part of the one that somebody meant. An edit would make it
 * permanent: what a program writes later goes to the old file, which has no
 * name any more. A full disk leaves an empty file, and sallyportctl none. */
static int refuse_part(struct edit *e, bool written)
{
    FD_CLEANUP int mark =
        e->text.len == 0
            ? users_file_open_current(&e->file, last_ids[EDIT_LAST_UID])
            : -ENOENT;

    if (written) {
        complain(e->complaint,
                 "%s: another program has it open for writing; try again later",
                 e->file.path);
        return EX_TEMPFAIL;
    }
    if (mark >= 0) {
        complain(e->complaint,
                 "%s is empty, but had users: there is %s%s; restore it from a "
                 "backup, or begin again with a line \"#\" in it",
                 e->file.path, e->file.path, last_ids[EDIT_LAST_UID]);
        return EX_DATAERR;
    }
    if (e->text.len == 0 || e->text.data[e->text.len - 1] == '\n')
        return 0;
    complain(e->complaint,
             "%s: its last line isn't ended, so it may be cut off; complete "
             "it, and end it with a line end",
             e->file.path);
    return EX_DATAERR;
}

/* Reads the file's text, and its rows from the same text: an editor that takes
 * no lock may change the file in between. A missing file is empty. */
static int read_current(struct edit *e)
{
    int r = users_file_read(&e->file, &e->text);

    if (r == -ENOENT)
        return 0;
    if (r < 0)
        return edit_fail(e, -r, "can't be read");
    e->exists = true;
    FD_CLEANUP int copy = fd_sealed("users", buf_slice(&e->text));
    if (copy < 0)
        return edit_fail(e, -copy, "can't be read");
    r = refuse_part(e, r > 0);
    if (r)
        return r;
    if (users_read(&e->users, copy, e->file.path, e->complaint))
        return EX_DATAERR;
    return cut_lines(e);
}

void edit_refused(struct complaint *c)
{
    size_t n = strlen(c->text);

    snprintf(c->text + n, sizeof(c->text) - n,
             "; nothing was changed: correct the file first");
}

int edit_open(struct edit *e, const char *path, unsigned lock_ms,
              struct complaint *c)
{
    int code;

    *e = (struct edit){ .complaint = c };
    buf_init(&e->text, USERS_FILE_MAX);
    buf_init(&e->made, USERS_FILE_MAX);
    code = open_locked(e, path, lock_ms);
    if (code)
        return code;
    code = read_current(e);
    if (code == EX_DATAERR)
        edit_refused(c);
    return code;
}

void edit_made(struct edit *e, const char *path)
{
    buf_add(&e->made, path, strlen(path) + 1);
}

/* The last one first: it may lie in another one. In a fork, since the disk may
 * be dead. */
static int remove_made(void *given)
{
    struct edit *e = given;

    fd_close(&e->file.lock_fd);
    while (e->made.len > 0) {
        e->made.len--;
        while (e->made.len > 0 && e->made.data[e->made.len - 1])
            e->made.len--;
        rmdir(e->made.data + e->made.len);
    }
    return 0;
}

void edit_release(struct edit *e)
{
    if (!e->stands && e->made.len > 0)
        disk_run(remove_made, e, REMOVE_MS);
    buf_release(&e->made);
    for (size_t i = 0; i < e->lines; i++)
        line_release(&e->line[i]);
    free(e->line);
    buf_release(&e->text);
    users_release(&e->users);
    users_file_close(&e->file);
}

static int not_opened(const char *path, int error, struct complaint *c)
{
    if (error == ENOENT)
        return 0;
    complain(c, "%s: %s%s", path, strerror(error),
             ctl_exit_of(error) == EX_NOPERM ? "; run it as root" : "");
    return ctl_exit_of(error);
}

int edit_load_users(struct users *u, const char *path, users_report *report,
                    struct complaint *c)
{
    FD_CLEANUP int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    int mistakes;

    *u = (struct users){ 0 };
    if (fd < 0)
        return not_opened(path, errno, c);
    mistakes = report ? users_survey(u, fd, path, report, c)
                      : users_read(u, fd, path, c);
    if (mistakes > 0)
        complain(c, "%s: %d mistake%s; the server takes all of it or nothing",
                 path, mistakes, mistakes == 1 ? "" : "s");
    return mistakes ? EX_DATAERR : 0;
}

int edit_append(struct edit *e, struct slice line)
{
    struct buf own;
    int code;

    buf_init(&own, USERS_FILE_MAX);
    if (buf_add_slice(&own, line))
        return too_large(e);
    code = add_line(e, (struct edit_line){ buf_slice(&own), own.data });
    if (code)
        buf_release(&own);
    return code;
}

void edit_remove(struct edit *e, size_t line)
{
    line_release(&e->line[line - 1]);
    e->line[line - 1] = (struct edit_line){ { NULL, 0 }, NULL };
}

/* Replaces OLD, a part of the line. */
static int replace_part(struct edit *e, size_t line, struct slice old,
                        struct slice by)
{
    struct edit_line *l = &e->line[line - 1];
    size_t before = (size_t)(old.ptr - l->text.ptr), after = before + old.len;
    struct buf own;

    buf_init(&own, USERS_FILE_MAX);
    if (buf_add(&own, l->text.ptr, before) || buf_add_slice(&own, by) ||
        buf_add(&own, l->text.ptr + after, l->text.len - after)) {
        buf_release(&own);
        return too_large(e);
    }
    line_release(l);
    *l = (struct edit_line){ buf_slice(&own), own.data };
    return 0;
}

int edit_set_column(struct edit *e, size_t line, enum edit_column column,
                    const char *text)
{
    return replace_part(e, line, columns_at(e->line[line - 1].text, column),
                        slice_from(text));
}

int edit_set_key(struct edit *e, size_t line, const char *key,
                 const char *value)
{
    const struct slice text = e->line[line - 1].text;
    struct buf options;
    int r;

    buf_init(&options, USERS_FILE_MAX);
    r = columns_set_key(text, key, value, &options);
    r = r ? too_large(e)
          : replace_part(e, line, columns_options(text), buf_slice(&options));
    buf_release(&options);
    return r;
}

/* By bytes, as strcmp(3). */
static int order_of(struct slice a, struct slice b)
{
    int order = memcmp(a.ptr, b.ptr, a.len < b.len ? a.len : b.len);

    return order ? order : (a.len > b.len) - (a.len < b.len);
}

static int add_entry(struct buf *list, struct slice entry)
{
    return buf_add_format(list, "%s%.*s", list->len > 0 ? "," : "",
                          (int)entry.len, entry.ptr);
}

/* A list that was sorted stays sorted. */
int edit_set_entry(struct edit *e, size_t line, const char *key,
                   struct slice name, const char *entry)
{
    struct slice rest = columns_value(e->line[line - 1].text, key);
    struct list_entry old;
    struct buf list;
    int r = 0;

    buf_init(&list, USERS_FILE_MAX);
    while (r == 0 && entry_next(&rest, &old)) {
        int order = order_of(old.name, name);

        if (order > 0 && entry) {
            r = add_entry(&list, slice_from(entry));
            entry = NULL;
        }
        if (r == 0 && order != 0)
            r = add_entry(&list, old.text);
    }
    if (r == 0 && entry)
        r = add_entry(&list, slice_from(entry));
    if (r == 0)
        r = buf_add(&list, "", 1);
    r = r ? too_large(e)
          : edit_set_key(e, line, key, list.len > 1 ? list.data : NULL);
    buf_release(&list);
    return r;
}

/* All lines but the removed ones. The file is never empty, so that one which a
 * full disk has emptied looks different. */
static int join_lines(struct edit *e, struct buf *text)
{
    for (size_t i = 0; i < e->lines; i++)
        if (e->line[i].text.ptr &&
            (buf_add_slice(text, e->line[i].text) || buf_add_text(text, "\n")))
            return too_large(e);
    if (text->len == 0 && buf_add_text(text, "# no users\n"))
        return too_large(e);
    return 0;
}

/* Auth and master must accept what was written. */
static int check_written(int fd, void *owner)
{
    struct edit *e = owner;
    struct users u;

    if (users_read(&u, fd, "the changed users file", e->complaint))
        return -EINVAL;
    users_release(&u);
    return 0;
}

int edit_commit(struct edit *e)
{
    struct buf text;
    int r;

    buf_init(&text, USERS_FILE_MAX);
    r = join_lines(e, &text);
    if (r == 0)
        r = users_file_commit(&e->file, buf_slice(&text),
                              e->exists ? &e->file.read : NULL, check_written,
                              e, &e->stands);
    buf_release(&text);
    if (r > 0)
        return r;
    if (r == -EINVAL && e->complaint->text[0])
        return EX_DATAERR;
    if (r == -ESTALE && !e->stands) {
        complain(e->complaint,
                 "%s: somebody else has changed it just now; nothing was "
                 "changed here, run the command again",
                 e->file.path);
        return EX_TEMPFAIL;
    }
    if (r && e->stands)
        return edit_fail(e, -r, "was changed, but a power cut may undo it");
    return r ? edit_fail(e, -r, "can't be written") : 0;
}

/* What is printed under the lock waits in memory: a terminal that takes
 * nothing, after Ctrl-S, must not keep the lock. */
struct held {
    FILE *real, *held;
    char *text;
    size_t size;
};

static FILE *hold(struct held *h, FILE *real)
{
    *h = (struct held){ .real = real };
    fflush(real);
    h->held = open_memstream(&h->text, &h->size);
    return h->held ? h->held : real;
}

static FILE *let_go(struct held *h)
{
    if (h->held && fclose(h->held) == 0)
        fwrite(h->text, 1, h->size, h->real);
    if (h->text)
        explicit_bzero(h->text, h->size);
    free(h->text);
    return h->real;
}

int edit_run(struct context *x,
             int (*make)(struct context *x, struct edit *e, void *given),
             void *given)
{
    struct held out, err;
    struct complaint why;
    struct edit e;
    int code;

    stdout = hold(&out, stdout);
    stderr = hold(&err, stderr);
    stderr_wait(false);
    code = edit_open(&e, x->settings.users, CTL_LOCK_MS, &x->complaint);
    x->lock_fd = code == 0 ? e.file.lock_fd : 0;
    if (code == 0)
        code = make(x, &e, given);
    edit_release(&e);
    x->lock_fd = 0;
    x->stands = e.stands;
    x->places_of = NULL; /* e.users is gone */
    stderr_wait(true);
    stderr = let_go(&err);
    stdout = let_go(&out);
    why = x->complaint;
    x->complaint.text[0] = '\0';
    if (e.stands)
        sessions_edited(x);
    x->complaint = why;
    return code;
}

/* The ids that were ever assigned, in USERS.last-uid and .last-gid: a line with
 * the highest one, and one with each id above it that somebody has chosen. */

static int bad_last_id(struct edit *e, enum edit_last which, size_t line)
{
    complain(e->complaint,
             "%s%s:%zu: not a number; write the highest %s ever used",
             e->file.path, last_ids[which], line,
             which == EDIT_LAST_UID ? "uid" : "gid");
    return EX_DATAERR;
}

static int take_spent(struct edit *e, enum edit_last which, struct slice text,
                      struct spent *s)
{
    struct slice line = { NULL, 0 };

    for (size_t n = 1; n == 1 || text.len > 0; n++) {
        uint64_t id;

        slice_cut(&text, '\n', &line);
        if (n > SPENT_MAX + 1 || slice_number(line, UINT32_MAX, &id))
            return bad_last_id(e, which, n);
        if (n == 1)
            s->last = id;
        else
            s->chosen[s->count++] = (uint32_t)id;
    }
    return 0;
}

int edit_spent(struct edit *e, enum edit_last which, struct spent *s)
{
    FD_CLEANUP int fd = users_file_open_current(&e->file, last_ids[which]);
    struct buf text;
    int code;

    *s = (struct spent){ .last = 0 };
    if (fd == -ENOENT)
        return 0;
    if (fd < 0)
        return edit_fail(e, -fd, last_ids[which]);
    buf_init(&text, SPENT_TEXT);
    code = fd_read_file(fd, &text);
    code = code ? edit_fail(e, -code, last_ids[which])
                : take_spent(e, which, buf_slice(&text), s);
    buf_release(&text);
    return code;
}

bool spent_has(const struct spent *s, uint64_t id)
{
    for (size_t i = 0; i < s->count && id > s->last; i++)
        if (s->chosen[i] == id)
            return true;
    return id <= s->last;
}

static void spent_text(const struct spent *s, struct buf *text)
{
    buf_add_format(text, "%llu\n", (unsigned long long)s->last);
    for (size_t i = 0; i < s->count; i++)
        if (s->chosen[i] > s->last)
            buf_add_format(text, "%lu\n", (unsigned long)s->chosen[i]);
}

bool spent_choose(struct spent *s, uint64_t id)
{
    if (spent_has(s, id))
        return true;
    if (s->count == SPENT_MAX)
        return false;
    s->chosen[s->count++] = (uint32_t)id;
    return true;
}

int edit_record_spent(struct edit *e, enum edit_last which,
                      const struct spent *s)
{
    char name[NAME_MAX + 1], what[40];
    int n = snprintf(name, sizeof(name), "%s%s", e->file.name, last_ids[which]);
    struct buf text;
    bool stands;
    int r = -ENAMETOOLONG;

    buf_init(&text, SPENT_TEXT);
    spent_text(s, &text);
    if (n <= NAME_MAX)
        r = users_file_replace(e->file.directory_fd, name, buf_slice(&text),
                               NULL, NULL, NULL, &stands);
    buf_release(&text);
    snprintf(what, sizeof(what), "%s can't be written", last_ids[which]);
    return r ? edit_fail(e, -r, what) : 0;
}

int edit_spend_id(struct edit *e, enum edit_last which, uint64_t id,
                  bool chosen)
{
    struct spent s;
    int code = edit_spent(e, which, &s);

    if (code || spent_has(&s, id))
        return code;
    if (!chosen)
        s.last = id;
    else if (!spent_choose(&s, id))
        return edit_fail(e, E2BIG, last_ids[which]);
    return edit_record_spent(e, which, &s);
}

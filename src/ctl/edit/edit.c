/* An edit of the users file, under its lock (sallyport/users/users_file.h). */
#include "edit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "sallyport/base/fd.h"

#define REMOVE_MS 1000

const char *const edit_last_ids[] = {
    [EDIT_LAST_UID] = ".last-uid", [EDIT_LAST_GID] = ".last-gid"
};

static const char *remedy_for(int error)
{
    return ctl_exit_of(error) == EX_NOPERM ? "; run it as root" : "";
}

static int file_fail(const struct users_file *file, int error, const char *what,
                     struct complaint *c)
{
    complain(c, "%s: %s: %s%s", file->path, what, strerror(error),
             remedy_for(error));
    return ctl_exit_of(error);
}

int edit_fail(struct edit *e, int error, const char *what)
{
    return file_fail(&e->file, error, what, e->complaint);
}

static int open_locked(struct users_file *file, const char *path,
                       unsigned lock_ms, struct complaint *c)
{
    int r = users_file_open(file, path);

    if (r < 0) {
        complain(c, "%s: %s%s", path, strerror(-r),
                 r == -ENOENT ? "; make its directory first" : remedy_for(-r));
        return ctl_exit_of(-r);
    }
    r = users_file_lock(file, lock_ms);
    if (r != -ETIMEDOUT)
        return r < 0 ? file_fail(file, -r, "its lock", c) : 0;
    complain(c, "%s is being edited by somebody else; try again later",
             file->path);
    return EX_TEMPFAIL;
}

int edit_read_locked(struct users_file *file, const char *path,
                     unsigned lock_ms, struct buf *text, struct complaint *c)
{
    int code = open_locked(file, path, lock_ms, c);
    int r = code == 0 ? users_file_read(file, text) : -ENOENT;

    if (r == 0 || r == -ENOENT)
        return code;
    if (r < 0)
        return file_fail(file, -r, "can't be read", c);
    complain(c, "%s: another program has it open for writing; try again later",
             file->path);
    return EX_TEMPFAIL;
}

int edit_check(int fd, void *complaint)
{
    struct users u;

    if (users_read(&u, fd, "the changed users file", complaint))
        return -EINVAL;
    users_release(&u);
    return 0;
}

int edit_replace(const struct users_file *file, struct slice text,
                 users_file_check *check, void *owner, bool *stands,
                 struct complaint *c)
{
    int r = users_file_commit(file, text, check, owner, stands);

    if (r == -EINVAL && c->text[0])
        return EX_DATAERR;
    if (r == -ESTALE && !*stands) {
        complain(c,
                 "%s: somebody else has changed it just now; nothing was "
                 "changed here, run the command again",
                 file->path);
        return EX_TEMPFAIL;
    }
    if (r && *stands)
        return file_fail(file, -r, "was changed, but a power cut may undo it",
                         c);
    return r ? file_fail(file, -r, "can't be written", c) : 0;
}

int row_exit(int r, struct complaint *c)
{
    switch (r) {
    case 0:
        return 0;
    case -ENOMEM:
        complain(c, "out of memory");
        return EX_OSERR;
    case -ENOBUFS:
        complain(c, "the users file would be larger than %u bytes",
                 USERS_FILE_MAX);
        return EX_DATAERR;
    case -EMSGSIZE:
        complain(c, "the line is too long");
        return EX_DATAERR;
    default:
        complain(c, "a blank, a colon or a control character isn't permitted "
                    "there");
        return EX_DATAERR;
    }
}

static int edit_refuse(struct edit *e, int r)
{
    return row_exit(r, e->complaint);
}

/* The lines. An edit changes single lines, and edit_commit() joins them: so an
 * edit of thousands of lines is one pass, and no edit moves the number of
 * another line. */

static int add_line(struct edit *e, struct edit_line added)
{
    if (e->lines == e->room) {
        size_t room = e->room ? e->room * 2 : 64;
        struct edit_line *line = reallocarray(e->line, room, sizeof(*line));

        if (!line)
            return edit_refuse(e, -ENOMEM);
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
        code = add_line(e, (struct edit_line){ .text = line });
    }
    return code;
}

/* The text may be a part of the one that somebody meant. An edit would make it
 * permanent: what a program writes later goes to the old file, which has no
 * name any more. A full disk leaves an empty file, and sallyportctl none. */
static int refuse_part(struct edit *e)
{
    FD_CLEANUP int mark =
        e->text.len == 0
            ? users_file_open_current(&e->file, edit_last_ids[EDIT_LAST_UID])
            : -ENOENT;

    if (mark >= 0) {
        complain(e->complaint,
                 "%s is empty, but had users: there is %s%s; restore it from a "
                 "backup, or begin again with a line \"#\" in it",
                 e->file.path, e->file.path, edit_last_ids[EDIT_LAST_UID]);
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

/* The rows come from the same text: an editor that takes no lock may change the
 * file in between. */
static int take_text(struct edit *e, const struct context *before)
{
    int code = refuse_part(e);

    if (code)
        return code;
    if (before && before->users_text.len > 0 &&
        slice_equal(buf_slice(&e->text), buf_slice(&before->users_text)))
        e->users = &before->users;
    else if (users_parse(&e->own, buf_slice(&e->text), e->file.path,
                         e->complaint))
        return EX_DATAERR;
    return cut_lines(e);
}

/* Adds to the reason why the file can't be used that no edit is possible. */
static void edit_refused(struct complaint *c)
{
    size_t n = strlen(c->text);

    snprintf(c->text + n, sizeof(c->text) - n,
             "; nothing was changed: correct the file first");
}

int edit_open(struct edit *e, const char *path, unsigned lock_ms,
              const struct context *before, struct complaint *c)
{
    int code;

    *e = (struct edit){ .users = &e->own, .complaint = c };
    buf_init(&e->text, USERS_FILE_MAX);
    buf_init(&e->made, USERS_FILE_MAX);
    code = edit_read_locked(&e->file, path, lock_ms, &e->text, c);
    if (code || e->file.read.st_ino == 0)
        return code;
    code = take_text(e, before);
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
        row_release(&e->line[i].row);
    free(e->line);
    buf_release(&e->text);
    users_release(&e->own);
    users_file_close(&e->file);
}

static int not_opened(const char *path, int error, struct complaint *c)
{
    if (error == ENOENT)
        return 0;
    complain(c, "%s: %s%s", path, strerror(error), remedy_for(error));
    return ctl_exit_of(error);
}

void edit_print_mistake(const char *mistake)
{
    stderr_print("%s", mistake);
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

int edit_read_before(struct context *x)
{
    const char *path = x->settings.users;
    FD_CLEANUP int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    int r;

    buf_init(&x->users_text, USERS_FILE_MAX);
    if (fd < 0)
        return not_opened(path, errno, &x->complaint);
    r = fd_read_file(fd, &x->users_text);
    if (r == 0)
        r = users_parse(&x->users, buf_slice(&x->users_text), path,
                        &x->complaint);
    else
        complain(&x->complaint, "%s: %s", path, strerror(-r));
    if (r == 0)
        return 0;
    edit_refused(&x->complaint);
    return EX_DATAERR;
}

int edit_read_again(struct context *x)
{
    buf_release(&x->users_text);
    users_release(&x->users);
    return edit_load_users(&x->users, x->settings.users, NULL, &x->complaint);
}

const struct share *share_find(const struct users *u, struct slice name)
{
    for (size_t i = 0; i < u->shares; i++)
        if (slice_equal(name, slice_from(u->share[i].name)))
            return &u->share[i];
    return NULL;
}

const struct team *team_find(const struct users *u, struct slice name)
{
    for (size_t i = 0; i < u->teams; i++)
        if (slice_equal(name, slice_from(u->team[i].name)))
            return &u->team[i];
    return NULL;
}

size_t line_find(const struct users *u, bool share, struct slice name)
{
    const struct share *s = share ? share_find(u, name) : NULL;
    const struct team *t = share ? NULL : team_find(u, name);

    return s ? s->line : t ? t->line : 0;
}

/* check_written() refuses other lines that are too long, and names them; a new
 * one can be left out. */
int edit_append(struct edit *e, const struct row *row)
{
    struct edit_line added = { .text = { NULL, 0 } };
    struct buf line;
    int r, code;

    buf_init(&line, USER_LINE_MAX + 1);
    r = row_print(row, &line);
    if (r == -ENOBUFS || line.len > USER_LINE_MAX)
        r = -EMSGSIZE;
    if (r == 0)
        r = row_parse(&added.row, buf_slice(&line));
    buf_release(&line);
    code = r ? edit_refuse(e, r) : add_line(e, added);
    if (code)
        row_release(&added.row);
    return code;
}

void edit_remove(struct edit *e, size_t line)
{
    row_release(&e->line[line - 1].row);
    e->line[line - 1].text = (struct slice){ NULL, 0 };
}

int edit_row(struct edit *e, size_t line, struct row **ret)
{
    struct edit_line *l = &e->line[line - 1];
    int r = l->row.columns > 0 ? 0 : row_parse(&l->row, l->text);

    *ret = &l->row;
    return edit_refuse(e, r);
}

int edit_set_column(struct edit *e, size_t line, enum row_column column,
                    const char *text)
{
    struct row *row;
    int code = edit_row(e, line, &row);

    return code ? code : edit_refuse(e, row_set_column(row, column, text));
}

int edit_set_hash(struct edit *e, size_t line, bool locked, const char *hash)
{
    struct row *row;
    int code = edit_row(e, line, &row);

    return code ? code : edit_refuse(e, row_set_hash(row, locked, hash));
}

int edit_set_key(struct edit *e, size_t line, const char *key,
                 const char *value)
{
    struct row *row;
    int code = edit_row(e, line, &row);

    return code ? code : edit_refuse(e, row_set(row, key, value));
}

static int join_line(const struct edit_line *l, struct buf *text)
{
    int r;

    if (l->row.columns == 0 && !l->text.ptr)
        return 0;
    r = l->row.columns > 0 ? row_print(&l->row, text)
                           : buf_add_slice(text, l->text);
    return r ? r : buf_add_text(text, "\n");
}

/* All lines but the removed ones, with room for a few new ones. The file is
 * never empty, so that one which a full disk has emptied looks different. */
static int join_lines(struct edit *e, struct buf *text)
{
    const size_t most = text->max - e->text.len;
    int r = buf_reserve(text, e->text.len + (most < 65536 ? most : 65536));

    for (size_t i = 0; i < e->lines && r == 0; i++)
        r = join_line(&e->line[i], text);
    if (r == 0 && text->len == 0)
        r = buf_add_text(text, "# no users\n");
    return edit_refuse(e, r);
}

struct written {
    struct edit *edit;
    struct slice text;
};

/* 0; -EIO: the file has other bytes; or another -errno */
static int compare_file(int fd, struct slice text)
{
    char part[65536];
    size_t at = 0;
    ssize_t n;

    while ((n = pread(fd, part, sizeof(part), (off_t)at)) > 0) {
        if ((size_t)n > text.len - at ||
            memcmp(part, text.ptr + at, (size_t)n) != 0)
            return -EIO;
        at += (size_t)n;
    }
    if (n < 0)
        return -errno;
    return at == text.len ? 0 : -EIO;
}

/* Auth and master must accept the bytes that were written. */
static int check_written(int fd, void *owner)
{
    const struct written *w = owner;
    const struct edit *e = w->edit;
    int r = compare_file(fd, w->text);

    return r < 0 ? r : edit_check(fd, e->complaint);
}

int edit_commit(struct edit *e)
{
    struct written w = { .edit = e };
    struct buf text;
    int code;

    buf_init(&text, USERS_FILE_MAX);
    code = join_lines(e, &text);
    w.text = buf_slice(&text);
    if (code == 0)
        code = edit_replace(&e->file, w.text, check_written, &w, &e->stands,
                            e->complaint);
    buf_release(&text);
    return code;
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
    struct edit e;
    int code;

    stdout = hold(&out, stdout);
    stderr = hold(&err, stderr);
    stderr_wait(false);
    code = edit_open(&e, x->settings.users, CTL_LOCK_MS, x, &x->complaint);
    x->lock_fd = code == 0 ? e.file.lock_fd : 0;
    if (code == 0)
        code = make(x, &e, given);
    edit_release(&e);
    x->lock_fd = 0;
    x->stands = e.stands;
    x->places_of = NULL; /* e.own is gone */
    stderr_wait(true);
    stderr = let_go(&err);
    stdout = let_go(&out);
    if (e.stands)
        sessions_edited(x);
    return code;
}

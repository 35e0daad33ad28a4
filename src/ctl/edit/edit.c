/* An edit of the users file, under its lock (sallyport/users/users_file.h). */
#include "edit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "sallyport/base/fd.h"

#define REMOVE_MS 1000

struct edit_line {
    struct slice text; /* the old line, without its end; ptr NULL: none */
    struct row row;    /* a changed or new line; otherwise without columns */
};

static struct edit {
    struct users_file file;
    struct buf text; /* the old file */
    struct users own;
    struct edit_line *line; /* lines of the new file; line N is line[N - 1] */
    size_t lines, room;
    struct buf made; /* directories that MAKE has made, each with a NUL */
} e;

const struct users *edit_users;
void (*edit_after)(void);

static noreturn void file_fail(const char *path, int error, const char *what)
{
    const int code = ctl_exit_of(error);

    fail(code, "%s: %s%s%s%s", path, what, what[0] ? ": " : "", strerror(error),
         code == EX_NOPERM && geteuid() != 0 ? "; run it as root"
         : error == EXDEV
             ? "; the file itself is a mount point: mount its directory instead"
             : "");
}

static void refuse_lost(const char *path, bool there)
{
    struct complaint why = { "" };

    if (users_file_is_lost(path, there, &why))
        fail(EX_DATAERR, "%s", why.text);
}

/* Opens, locks and reads the users file. Refuses a file that another program
 * perhaps still writes: an edit would make its incomplete text permanent, and
 * the other program would go on writing to the old file, which no longer has a
 * name. Refuses a lost file. */
void edit_lock(struct users_file *file, struct buf *text)
{
    int r = users_file_open(file, ctl.settings.users);

    if (r == -ENOENT)
        fail(EX_CANTCREAT, "%s: %s; make its directory first",
             ctl.settings.users, strerror(ENOENT));
    if (r < 0)
        file_fail(ctl.settings.users, -r, "");
    r = users_file_lock(file, CTL_LOCK_MS);
    if (r == -ETIMEDOUT)
        fail(EX_TEMPFAIL,
             "%s is being edited by somebody else; try again later",
             file->path);
    if (r < 0)
        file_fail(file->path, -r, "its lock");
    buf_init(text, USERS_FILE_MAX);
    r = users_file_read(file, text);
    if (r > 0)
        fail(EX_TEMPFAIL,
             "%s: another program has it open for writing; try again later",
             file->path);
    if (r < 0 && r != -ENOENT)
        file_fail(file->path, -r, "can't be read");
    if (text->len == 0)
        refuse_lost(file->path, file->read.st_ino != 0);
    if (text->len > 0 && text->data[text->len - 1] != '\n')
        fail(EX_DATAERR,
             "%s: its last line isn't ended, so it may be cut off; complete "
             "it, and end it with a line end",
             file->path);
}

/* Checks that auth and master will accept the new text. */
static int check_written(int fd, void *complaint)
{
    struct users u;

    if (users_read(&u, fd, "the changed users file", complaint))
        return -EINVAL;
    users_release(&u);
    return 0;
}

void edit_replace(const struct users_file *file, struct slice text,
                  bool *stands)
{
    struct complaint why = { "" };
    int r;

    ids_record_lost(file);
    r = users_file_commit(file, text, check_written, &why, stands);

    if (r == -EINVAL && why.text[0])
        fail(EX_DATAERR, "%s", why.text);
    if (r == -ESTALE && !*stands)
        fail(EX_TEMPFAIL,
             "%s: somebody else has just changed the file, so this command has "
             "changed nothing; run it again",
             file->path);
    if (r)
        file_fail(file->path, -r,
                  *stands ? "was changed, but a power cut can undo the change"
                          : "can't be written");
}

void row_need(int r)
{
    if (r == -ENOMEM)
        fail_no_memory();
    if (r == -ENOBUFS)
        fail(EX_DATAERR, "the users file would be larger than %u bytes",
             USERS_FILE_MAX);
    if (r == -EMSGSIZE)
        fail(EX_DATAERR, "the row would be longer than %u bytes",
             USER_LINE_MAX);
    if (r)
        fail(EX_DATAERR, "a value has a blank, a colon or a control character, "
                         "which the users file doesn't permit");
}

/* The lines. edit_run() joins them at the end, so thousands of changes cost one
 * pass, and each line keeps its number of the old file. */

static void add_line(struct edit_line added)
{
    if (e.lines == e.room) {
        e.room = e.room ? e.room * 2 : 64;
        e.line = reallocarray(e.line, e.room, sizeof(*e.line));
        if (!e.line)
            fail_no_memory();
    }
    e.line[e.lines++] = added;
}

void edit_append(const struct row *row)
{
    struct edit_line added = { .text = { NULL, 0 } };
    struct buf line;
    int r;

    buf_init(&line, USER_LINE_MAX + 1);
    r = row_print(row, &line);
    if (r == -ENOBUFS || line.len > USER_LINE_MAX)
        r = -EMSGSIZE;
    row_need(r ? r : row_parse(&added.row, buf_slice(&line)));
    buf_release(&line);
    add_line(added);
}

void edit_remove(size_t line)
{
    row_release(&e.line[line - 1].row);
    e.line[line - 1].text = (struct slice){ NULL, 0 };
}

/* Parses the line when it is first needed. */
struct row *edit_row(size_t line)
{
    struct edit_line *l = &e.line[line - 1];

    if (l->row.columns == 0)
        row_need(row_parse(&l->row, l->text));
    return &l->row;
}

void edit_made(const char *path)
{
    buf_add(&e.made, path, strlen(path) + 1);
}

/* Removes the directories, the last one first, since it can lie in an earlier
 * directory. */
static void remove_made(void *data)
{
    (void)data;
    while (e.made.len > 0) {
        e.made.len--;
        while (e.made.len > 0 && e.made.data[e.made.len - 1])
            e.made.len--;
        rmdir(e.made.data + e.made.len);
    }
}

static void edit_end(void)
{
    if (edit_stands && edit_after)
        edit_after();
    ctl.lock_fd = 0;
    for (size_t i = 0; i < e.lines; i++)
        row_release(&e.line[i].row);
    free(e.line);
    buf_release(&e.made);
    buf_release(&e.text);
    users_release(&e.own);
    users_file_close(&e.file);
    stderr_wait(true);
    if (edit_stands)
        sessions_edited(NULL);
}

static void (*outer)(int code); /* the earlier at_fail */

static void edit_undo(int code)
{
    struct complaint why;

    if (!edit_stands && e.made.len > 0)
        disk_fork(remove_made, &why, sizeof(why), REMOVE_MS, true, &why);
    edit_end();
    if (outer)
        outer(code);
}

void edit_stood(int code)
{
    if (outer)
        outer(code);
    stderr_print("the users file was changed; after that this failed:");
}

/* Parses the rows from the text that edit_lock() has read, not from the file:
 * an editor that takes no lock can change the file in between. */
static void edit_begin(void)
{
    struct slice rest, line;
    struct complaint why = { "" };

    e = (struct edit){ .own = { 0 } };
    buf_init(&e.made, USERS_FILE_MAX);
    buf_init(&e.text, USERS_FILE_MAX);
    edit_stands = false;
    if (at_fail != edit_stood)
        outer = at_fail;
    at_fail = edit_undo;
    stderr_wait(false);
    edit_lock(&e.file, &e.text);
    ctl.lock_fd = e.file.lock_fd;
    rest = buf_slice(&e.text);
    edit_users = &e.own;
    home_forget_rows();
    if (users_parse(&e.own, rest, e.file.path, true, &why))
        fail(EX_DATAERR, "%s; nothing was changed: correct the file first",
             why.text);
    while (rest.len > 0) {
        slice_cut(&rest, '\n', &line);
        add_line((struct edit_line){ .text = line });
    }
}

/* Writes all lines except the removed ones. Reserves memory for a few new ones.
 * Never makes the file empty, so that a file which a full disk has emptied
 * looks different. */
static void edit_commit(void)
{
    const size_t most = USERS_FILE_MAX - e.text.len;
    struct buf text;
    int r;

    buf_init(&text, USERS_FILE_MAX);
    r = buf_reserve(&text, e.text.len + (most < 65536 ? most : 65536));
    for (size_t i = 0; i < e.lines && r == 0; i++) {
        const struct edit_line *l = &e.line[i];

        if (l->row.columns == 0 && !l->text.ptr)
            continue;
        r = l->row.columns > 0 ? row_print(&l->row, &text)
                               : buf_add_slice(&text, l->text);
        r = r ? r : buf_add_text(&text, "\n");
    }
    if (r == 0 && text.len == 0 && e.text.len > 0)
        r = buf_add_text(&text, "# no users\n");
    row_need(r);
    if (!ctl.args.dry_run && !slice_equal(buf_slice(&text), buf_slice(&e.text)))
        edit_replace(&e.file, buf_slice(&text), &edit_stands);
    buf_release(&text);
}

void edit_run(void (*make)(void *given), void *given)
{
    void (*const before)(int code) = at_fail;

    edit_begin();
    make(given);
    edit_commit();
    ids_record(&e.file);
    at_fail = edit_stands ? edit_stood : before;
    edit_end();
}

/* Reading, without a lock. */

void edit_print_mistake(const char *mistake)
{
    stderr_print("%s", mistake);
}

int edit_load_users(struct users *u, const char *path, users_report *report)
{
    FD_CLEANUP int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct complaint why = { "" };
    struct stat st;
    int mistakes;

    *u = (struct users){ 0 };
    if (fd < 0 && (errno != ENOENT || lstat(path, &st) == 0)) /* a link */
        file_fail(path, errno, "");
    if (fd < 0 || (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && !st.st_size))
        refuse_lost(path, fd >= 0);
    if (fd < 0)
        return 0;
    mistakes = report ? users_survey(u, fd, path, report, &why)
                      : users_read(u, fd, path, &why);
    if (mistakes < 0 || (mistakes && !report))
        fail(EX_DATAERR, "%s", why.text);
    return mistakes;
}

void edit_read_users(void)
{
    users_release(&ctl.users);
    edit_load_users(&ctl.users, ctl.settings.users, NULL);
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

size_t line_find(const struct users *u, const char *group, struct slice name)
{
    const bool users = strcmp(group, "user") == 0,
               shares = strcmp(group, "share") == 0;
    const struct user *user = users ? users_find(u, name) : NULL;
    const struct share *share = shares ? share_find(u, name) : NULL;
    const struct team *team = users || shares ? NULL : team_find(u, name);

    return user ? user->line : share ? share->line : team ? team->line : 0;
}

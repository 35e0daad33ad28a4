/* An edit of the users file. The lock is a file of its own beside it
 * (USERS.lock), since the edit replaces the users file itself. Two edits never
 * overlap; a reader needs no lock. */
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

/* Replaces a file in one step: a new file is written, synced and renamed. It
 * runs under the lock, so an old NAME.new is a leftover of a killed process. */

static int temp_name(const char *name, char out[NAME_MAX + 1])
{
    int n = snprintf(out, NAME_MAX + 1, "%s.new", name);

    return n > NAME_MAX ? -ENAMETOOLONG : 0;
}

/* Removes the leftover of a killed process. */
static void replace_clean(int directory_fd, const char *name)
{
    char temp[NAME_MAX + 1];

    if (temp_name(name, temp) == 0)
        unlinkat(directory_fd, temp, 0);
}

/* Sets the mode last: until then only the caller can read the bytes. */
static int replace_set_owner(int fd, const struct stat *like)
{
    struct stat st;

    if (!like)
        return 0;
    if (fstat(fd, &st))
        return -errno;
    if ((st.st_uid != like->st_uid || st.st_gid != like->st_gid) &&
        fchown(fd, like->st_uid, like->st_gid))
        return -errno;
    return fchmod(fd, like->st_mode & (S_IRWXU | S_IRWXG)) ? -errno : 0;
}

static int write_content(int fd, struct slice bytes, const struct stat *like,
                         replace_check *check, void *owner)
{
    int r = fd_write_all(fd, bytes.ptr, bytes.len);

    if (r == 0)
        r = replace_set_owner(fd, like);
    if (r == 0 && check)
        r = check(fd, owner);
    if (r == 0 && fsync(fd))
        r = -errno;
    return r;
}

int replace_file(int directory_fd, const char *name, struct slice bytes,
                 const struct stat *like, replace_check *check, void *owner,
                 bool *stands)
{
    char temp[NAME_MAX + 1];
    int r = temp_name(name, temp);
    FD_CLEANUP int fd = -1;

    *stands = false;
    if (r)
        return r;
    replace_clean(directory_fd, name);
    fd = openat(directory_fd, temp,
                O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    r = write_content(fd, bytes, like, check, owner);
    if (r == 0 && renameat(directory_fd, temp, directory_fd, name))
        r = -errno;
    if (r) {
        replace_clean(directory_fd, name);
        return r;
    }
    *stands = true;
    return fsync(directory_fd) ? -errno : 0;
}

static int edit_fail(struct edit *e, int error, const char *what)
{
    complain(e->complaint, "%s: %s: %s%s", e->path, what, strerror(error),
             ctl_exit_of(error) == EX_NOPERM ? "; run it as root" : "");
    return ctl_exit_of(error);
}

/* A link to the users file is resolved first, or the rename would replace the
 * link. */
static int resolve_path(struct edit *e, const char *path)
{
    char directory[PATH_MAX], *slash;
    size_t len;

    if (realpath(path, e->path)) {
        e->name = strrchr(e->path, '/') + 1;
        return 0;
    }
    if (errno != ENOENT)
        return -errno;
    if (slice_copy(slice_from(path), directory, sizeof(directory)))
        return -ENAMETOOLONG;
    slash = strrchr(directory, '/');
    *slash = '\0';
    if (!realpath(slash == directory ? "/" : directory, e->path))
        return -errno;
    len = strlen(e->path);
    if (len + 1 + strlen(slash + 1) >= sizeof(e->path))
        return -ENAMETOOLONG;
    e->path[len] = '/';
    e->name = e->path + len + 1;
    memcpy(e->name, slash + 1, strlen(slash + 1) + 1);
    return 0;
}

static int open_directory(struct edit *e, const char *path)
{
    int r = resolve_path(e, path);

    if (r) {
        complain(e->complaint, "%s: %s; make its directory first", path,
                 strerror(-r));
        return ctl_exit_of(-r);
    }
    e->name[-1] = '\0';
    e->directory_fd =
        open(e->path[0] ? e->path : "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    e->name[-1] = '/';
    return e->directory_fd < 0 ? edit_fail(e, errno, "its directory") : 0;
}

static int open_beside(struct edit *e, const char *ending, int flags)
{
    char name[NAME_MAX + 1];
    int n = snprintf(name, sizeof(name), "%s%s", e->name, ending);
    int fd;

    if (n > NAME_MAX)
        return -ENAMETOOLONG;
    fd = openat(e->directory_fd, name,
                flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
    return fd < 0 ? -errno : fd;
}

static int take_lock(struct edit *e, unsigned lock_ms)
{
    int r;

    e->lock_fd = open_beside(e, ".lock", O_RDWR | O_CREAT);
    if (e->lock_fd < 0)
        return edit_fail(e, -e->lock_fd, "its lock");
    r = fd_lock(e->lock_fd, lock_ms);
    if (r != -ETIMEDOUT)
        return r < 0 ? edit_fail(e, -r, "its lock") : 0;
    complain(e->complaint,
             "%s is being edited by somebody else; try again later", e->path);
    return EX_TEMPFAIL;
}

static int too_large(struct edit *e)
{
    complain(e->complaint, "%s: would be larger than %u bytes", e->path,
             USERS_FILE_MAX);
    return EX_DATAERR;
}

/* The lines. An edit changes single lines, and edit_commit() joins them: so an
 * edit of thousands of lines is one pass, and no edit moves the number of
 * another line. */

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
            complain(e->complaint, "%s: out of memory", e->path);
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

    e->ended = rest.len > 0 && rest.ptr[rest.len - 1] == '\n';
    while (code == 0 && rest.len > 0) {
        slice_cut(&rest, '\n', &line);
        code = add_line(e, (struct edit_line){ line, NULL });
    }
    return code;
}

/* Reads the file's text and its rows. A missing file is empty. */
static int read_current(struct edit *e)
{
    FD_CLEANUP int fd = open_beside(e, "", O_RDONLY);
    int r;

    if (fd == -ENOENT)
        return 0;
    if (fd < 0)
        return edit_fail(e, -fd, "can't be read");
    if (fstat(fd, &e->old))
        return edit_fail(e, errno, "can't be read");
    e->exists = true;
    r = fd_read_file(fd, &e->text);
    if (r && r != -EFBIG) /* too large: users_read() complains */
        return edit_fail(e, -r, "can't be read");
    if (users_read(&e->users, fd, e->path, e->complaint))
        return EX_DATAERR;
    return cut_lines(e);
}

int edit_open(struct edit *e, const char *path, unsigned lock_ms,
              struct complaint *c)
{
    int code;

    *e = (struct edit){ .directory_fd = -1, .lock_fd = -1, .complaint = c };
    buf_init(&e->text, USERS_FILE_MAX);
    buf_init(&e->made, USERS_FILE_MAX);
    code = open_directory(e, path);
    if (code == 0)
        code = take_lock(e, lock_ms);
    if (code)
        return code;
    replace_clean(e->directory_fd, e->name);
    return read_current(e);
}

void edit_made(struct edit *e, const char *path)
{
    buf_add(&e->made, path, strlen(path) + 1);
}

/* The last one first: it may lie in another one. */
static void remove_made(struct edit *e)
{
    while (e->made.len > 0) {
        e->made.len--;
        while (e->made.len > 0 && e->made.data[e->made.len - 1])
            e->made.len--;
        rmdir(e->made.data + e->made.len);
    }
}

void edit_release(struct edit *e)
{
    if (!e->stands)
        remove_made(e);
    buf_release(&e->made);
    for (size_t i = 0; i < e->lines; i++)
        line_release(&e->line[i]);
    free(e->line);
    buf_release(&e->text);
    users_release(&e->users);
    fd_close(&e->directory_fd);
    fd_close(&e->lock_fd); /* releases the lock too */
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

    buf_init(&own, USER_LINE_MAX);
    if (buf_add_slice(&own, line))
        return too_large(e);
    code = add_line(e, (struct edit_line){ buf_slice(&own), own.data });
    if (code)
        buf_release(&own);
    e->ended = true;
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

static struct slice line_text(const struct edit *e, size_t line)
{
    struct slice text = e->line[line - 1].text;

    if (text.len > 0 && text.ptr[text.len - 1] == '\r')
        text.len--; /* a line end of Windows */
    return text;
}

static struct slice column_of(struct slice text, unsigned column)
{
    struct slice one = text;

    for (unsigned i = 0; i <= column; i++)
        slice_cut(&text, ':', &one);
    return one;
}

int edit_set_column(struct edit *e, size_t line, enum edit_column column,
                    const char *text)
{
    return replace_part(e, line, column_of(line_text(e, line), column),
                        slice_from(text));
}

/* Some editors begin a file with this. */
#define BYTE_ORDER_MARK SLICE("\xef\xbb\xbf")

/* How many columns are before the last one, which has the options? */
static unsigned columns_before(struct slice text)
{
    static const struct {
        const char *begin;
        unsigned columns;
    } kinds[] = { { "@share:", 4 }, { "@team:", 2 }, { "", 7 } };
    size_t i = 0;

    if (slice_starts(text, BYTE_ORDER_MARK)) {
        text.ptr += BYTE_ORDER_MARK.len;
        text.len -= BYTE_ORDER_MARK.len;
    }
    while (!slice_starts(text, slice_from(kinds[i].begin)))
        i++;
    return kinds[i].columns;
}

/* The last column of the line. The line was parsed, so it has all columns; this
 * one may contain a ':'. */
static struct slice options_of(const struct edit *e, size_t line)
{
    struct slice text = line_text(e, line), column;

    for (unsigned i = columns_before(text); i > 0; i--)
        slice_cut(&text, ':', &column);
    return text;
}

static bool has_key(struct slice word, const char *key, struct slice *value)
{
    struct slice name;

    slice_cut(&word, '=', &name);
    *value = word;
    return slice_equal(name, slice_from(key));
}

/* The value of KEY in the last column; ptr NULL: it isn't there. */
static struct slice value_of(const struct edit *e, size_t line, const char *key)
{
    struct slice rest = options_of(e, line), word, value;

    while (slice_cut(&rest, ' ', &word))
        if (has_key(word, key, &value))
            return value;
    return (struct slice){ NULL, 0 };
}

int edit_set_key(struct edit *e, size_t line, const char *key,
                 const char *value)
{
    struct slice options = options_of(e, line), rest = options, word, old;
    struct buf text;
    int r = 0;

    buf_init(&text, USER_LINE_MAX);
    while (r == 0 && slice_cut(&rest, ' ', &word))
        if (word.len > 0 && !has_key(word, key, &old))
            r = buf_add_format(&text, "%s%.*s", text.len > 0 ? " " : "",
                               (int)word.len, word.ptr);
    if (r == 0 && value)
        r = buf_add_format(&text, "%s%s=%s", text.len > 0 ? " " : "", key,
                           value);
    r = r ? too_large(e) : replace_part(e, line, options, buf_slice(&text));
    buf_release(&text);
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
    struct slice rest = value_of(e, line, key);
    struct list_entry old;
    struct buf list;
    int r = 0;

    buf_init(&list, USER_LINE_MAX);
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

/* All lines but the removed ones. */
static int join_lines(struct edit *e, struct buf *text)
{
    for (size_t i = 0; i < e->lines; i++)
        if (e->line[i].text.ptr &&
            (buf_add_slice(text, e->line[i].text) ||
             buf_add_text(text, i + 1 < e->lines || e->ended ? "\n" : "")))
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
        r = replace_file(e->directory_fd, e->name, buf_slice(&text),
                         e->exists ? &e->old : NULL, check_written, e,
                         &e->stands);
    buf_release(&text);
    if (r > 0)
        return r;
    if (r == -EINVAL && e->complaint->text[0])
        return EX_DATAERR;
    if (r && e->stands)
        return edit_fail(e, -r, "was changed, but a power cut may undo it");
    return r ? edit_fail(e, -r, "can't be written") : 0;
}

int edit_run(struct context *x,
             int (*make)(struct context *x, struct edit *e, void *given),
             void *given)
{
    struct complaint why;
    struct edit e;
    int code = edit_open(&e, x->settings.users, CTL_LOCK_MS, &x->complaint);

    if (code == 0)
        code = make(x, &e, given);
    edit_release(&e);
    why = x->complaint;
    x->complaint.text[0] = '\0';
    if (e.stands)
        sessions_edited(x);
    x->complaint = why;
    return code;
}

/* The ids that were ever assigned, in USERS.last-uid and .last-gid: a line with
 * the highest one, and one with each id above it that somebody has chosen. */

static const char *const last_ids[] = {
    [EDIT_LAST_UID] = ".last-uid", [EDIT_LAST_GID] = ".last-gid"
};

static int bad_last_id(struct edit *e, enum edit_last which, size_t line)
{
    complain(e->complaint,
             "%s%s:%zu: not a number; write the highest %s ever used", e->path,
             last_ids[which], line, which == EDIT_LAST_UID ? "uid" : "gid");
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
            s->chosen[s->count++] = id;
    }
    return 0;
}

int edit_spent(struct edit *e, enum edit_last which, struct spent *s)
{
    FD_CLEANUP int fd = open_beside(e, last_ids[which], O_RDONLY);
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
    for (size_t i = 0; i < s->count; i++)
        if (s->chosen[i] == id)
            return true;
    return id <= s->last;
}

static void spent_text(const struct spent *s, struct buf *text)
{
    buf_add_format(text, "%llu\n", (unsigned long long)s->last);
    for (size_t i = 0; i < s->count; i++)
        if (s->chosen[i] > s->last)
            buf_add_format(text, "%llu\n", (unsigned long long)s->chosen[i]);
}

int edit_spend_id(struct edit *e, enum edit_last which, uint64_t id,
                  bool chosen)
{
    char name[NAME_MAX + 1], what[40];
    int n = snprintf(name, sizeof(name), "%s%s", e->name, last_ids[which]);
    struct spent s;
    struct buf text;
    bool stands;
    int code = edit_spent(e, which, &s), r = -ENAMETOOLONG;

    if (code || spent_has(&s, id))
        return code;
    if (chosen && s.count < SPENT_MAX)
        s.chosen[s.count++] = id;
    else
        s.last = id;
    buf_init(&text, SPENT_TEXT);
    spent_text(&s, &text);
    if (n <= NAME_MAX)
        r = replace_file(e->directory_fd, name, buf_slice(&text), NULL, NULL,
                         NULL, &stands);
    buf_release(&text);
    snprintf(what, sizeof(what), "%s can't be written", last_ids[which]);
    return r ? edit_fail(e, -r, what) : 0;
}

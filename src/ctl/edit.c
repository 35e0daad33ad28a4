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
    return users_read(&e->users, fd, e->path, e->complaint) ? EX_DATAERR : 0;
}

int edit_open(struct edit *e, const char *path, unsigned lock_ms,
              struct complaint *c)
{
    int code;

    *e = (struct edit){ .directory_fd = -1, .lock_fd = -1, .complaint = c };
    buf_init(&e->text, USERS_FILE_MAX);
    code = open_directory(e, path);
    if (code == 0)
        code = take_lock(e, lock_ms);
    if (code)
        return code;
    replace_clean(e->directory_fd, e->name);
    return read_current(e);
}

void edit_release(struct edit *e)
{
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

static int too_large(struct edit *e)
{
    complain(e->complaint, "%s: would be larger than %u bytes", e->path,
             USERS_FILE_MAX);
    return EX_DATAERR;
}

int edit_append(struct edit *e, struct slice line)
{
    struct buf *text = &e->text;

    if (text->len > 0 && text->data[text->len - 1] != '\n' &&
        buf_add_text(text, "\n"))
        return too_large(e);
    if (buf_add_slice(text, line) || buf_add_text(text, "\n"))
        return too_large(e);
    return 0;
}

/* Replaces the LEN bytes at AT. */
static int splice_text(struct edit *e, size_t at, size_t len, struct slice by)
{
    struct buf changed;
    struct slice text = buf_slice(&e->text);
    int r;

    buf_init(&changed, USERS_FILE_MAX);
    r = buf_add(&changed, text.ptr, at);
    if (r == 0)
        r = buf_add_slice(&changed, by);
    if (r == 0)
        r = buf_add(&changed, text.ptr + at + len, text.len - at - len);
    if (r) {
        buf_release(&changed);
        return too_large(e);
    }
    buf_release(&e->text);
    e->text = changed;
    return 0;
}

/* The user's line in the text, with its line end. */
static struct slice line_of(const struct edit *e, const struct user *user)
{
    struct slice rest = buf_slice(&e->text), line = { NULL, 0 };

    for (size_t i = 0; i < user->line; i++)
        slice_cut(&rest, '\n', &line);
    if (rest.ptr)
        line.len++;
    return line;
}

int edit_remove(struct edit *e, const struct user *user)
{
    struct slice line = line_of(e, user);

    return splice_text(e, (size_t)(line.ptr - e->text.data), line.len,
                       SLICE(""));
}

int edit_set_column(struct edit *e, const struct user *user,
                    enum edit_column column, const char *text)
{
    struct slice rest = line_of(e, user), old = rest;

    for (unsigned i = 0; i <= column; i++)
        slice_cut(&rest, ':', &old);
    return splice_text(e, (size_t)(old.ptr - e->text.data), old.len,
                       slice_from(text));
}

/* The last column of the line: all after the seventh colon. The line was parsed
 * as a user's, so it has all columns. */
static struct slice options_of(struct slice line)
{
    struct slice column;

    for (int i = 0; i < 7; i++)
        slice_cut(&line, ':', &column);
    if (line.len > 0 && line.ptr[line.len - 1] == '\n')
        line.len--;
    if (line.len > 0 && line.ptr[line.len - 1] == '\r')
        line.len--;
    return line;
}

static bool has_key(struct slice word, const char *key)
{
    struct slice name;

    slice_cut(&word, '=', &name);
    return slice_equal(name, slice_from(key));
}

int edit_set_key(struct edit *e, const struct user *user, const char *key,
                 const char *value)
{
    struct slice options = options_of(line_of(e, user)), rest = options, word;
    struct buf text;
    int r = 0;

    buf_init(&text, USER_LINE_MAX);
    while (r == 0 && slice_cut(&rest, ' ', &word))
        if (word.len > 0 && !has_key(word, key))
            r = buf_add_format(&text, "%s%.*s", text.len > 0 ? " " : "",
                               (int)word.len, word.ptr);
    if (r == 0 && value)
        r = buf_add_format(&text, "%s%s=%s", text.len > 0 ? " " : "", key,
                           value);
    if (r == 0)
        r = splice_text(e, (size_t)(options.ptr - e->text.data), options.len,
                        buf_slice(&text));
    else
        r = too_large(e);
    buf_release(&text);
    return r;
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
    int r =
        replace_file(e->directory_fd, e->name, buf_slice(&e->text),
                     e->exists ? &e->old : NULL, check_written, e, &e->stands);

    if (r == -EINVAL && e->complaint->text[0])
        return EX_DATAERR;
    if (r && e->stands)
        return edit_fail(e, -r, "was changed, but a power cut may undo it");
    return r ? edit_fail(e, -r, "can't be written") : 0;
}

static int bad_last_uid(struct edit *e)
{
    complain(e->complaint,
             "%s.last-uid:1: not a number; write the highest uid ever used",
             e->path);
    return EX_DATAERR;
}

int edit_last_uid(struct edit *e, uint64_t *ret)
{
    FD_CLEANUP int fd = open_beside(e, ".last-uid", O_RDONLY);
    char text[32];
    struct slice digits = { text, 0 };
    ssize_t n;

    *ret = 0;
    if (fd == -ENOENT)
        return 0;
    if (fd < 0)
        return edit_fail(e, -fd, ".last-uid");
    n = read(fd, text, sizeof(text));
    if (n < 0)
        return edit_fail(e, errno, ".last-uid");
    digits.len = (size_t)n;
    if (n > 0 && text[n - 1] == '\n')
        digits.len--;
    if (slice_number(digits, UINT32_MAX, ret))
        return bad_last_uid(e);
    return 0;
}

int edit_set_last_uid(struct edit *e, uint64_t uid)
{
    char name[NAME_MAX + 1], text[32];
    bool stands;
    int n = snprintf(name, sizeof(name), "%s.last-uid", e->name);
    int r = -ENAMETOOLONG;

    snprintf(text, sizeof(text), "%llu\n", (unsigned long long)uid);
    if (n <= NAME_MAX)
        r = replace_file(e->directory_fd, name, slice_from(text), NULL, NULL,
                         NULL, &stands);
    return r ? edit_fail(e, -r, ".last-uid can't be written") : 0;
}

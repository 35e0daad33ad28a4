/* Reads the users file, and cuts the copy into rows in place. Runs in reader
 * and auth, from a descriptor that each was given, and in check and
 * sallyportctl; not in master. Opens nothing, hashes nothing. One wrong line
 * refuses the whole file. */
#include "user_fields.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sallyport/base/fd.h"
#include "sallyport/users/image.h"

#define COLUMNS 8
#define ID_MAX  (UINT32_MAX - 1) /* (uid_t)-1 changes nothing in setresuid */

struct reader {
    struct users *users;
    size_t room;
    size_t line;
    const char *file;
    struct complaint *complaint;
    users_report *report; /* NULL: the first mistake ends the reading */
    size_t *mistakes;     /* the number of reported mistakes */
};

/* Reports one mistake, by the complaint or by report. */
static int at_line(const struct reader *r, size_t line, const char *what)
{
    struct complaint c = { .text = "" };

    complain(&c, "%s:%zu: %s", r->file, line, what);
    if (!r->report)
        return complain(r->complaint, "%s", c.text);
    r->report(c.text);
    ++*r->mistakes;
    return -EINVAL;
}

static int complain_of_row(const struct reader *r, const char *what)
{
    return at_line(r, r->line, what);
}

/* After this error nothing is known about the file. */
static int out_of_memory(const struct reader *r)
{
    complain(r->complaint, "%s:%zu: out of memory", r->file, r->line);
    return -ENOMEM;
}

/* Ends each column with a NUL. The last column is the rest of the line, so that
 * its values may contain a ':'. */
static int cut_columns(const struct reader *r, char *line, char **column)
{
    for (size_t i = 0; i < COLUMNS; i++) {
        column[i] = line;
        if (i + 1 == COLUMNS)
            break;
        line = strchr(line, ':');
        if (!line)
            return complain_of_row(
                r, "too few columns; expected name:hash:uid:gid:"
                   "comment:home::options");
        *line++ = '\0';
    }
    return 0;
}

static int read_id(const char *text, uint32_t *ret)
{
    uint64_t number;

    if (slice_number(slice_from(text), ID_MAX, &number))
        return -EINVAL;
    *ret = (uint32_t)number;
    return 0;
}

static int read_ids(const struct reader *r, struct user *user, const char *uid,
                    const char *gid)
{
    if (read_id(uid, &user->uid))
        return complain_of_row(r, "the uid is not a number up to 4294967294");
    if (read_id(gid, &user->gid))
        return complain_of_row(r, "the gid is not a number up to 4294967294");
    return 0;
}

static int read_hash(const struct reader *r, struct user *user, char *hash)
{
    char text[COMPLAINT_MAX];

    if (!user_hash_ok(hash)) {
        snprintf(text, sizeof(text),
                 "the hash isn't supported (%s; supported: yescrypt, bcrypt, "
                 "scrypt, SHA-512, SHA-256), so this user needs a new "
                 "password: put a ! in its place with an editor, then: "
                 "sallyportctl user passwd",
                 user_hash_found(hash));
        return complain_of_row(r, text);
    }
    user->locked = hash[0] == '!' || hash[0] == '*';
    user->hash = hash[0] == '!' ? hash + 1 : hash;
    return 0;
}

static int read_options(const struct reader *r, struct user *user, char *text)
{
    struct complaint why = { .text = "" };

    if (options_read(user, slice_from(text), &why))
        return complain_of_row(r, why.text);
    return 0;
}

static int read_user(const struct reader *r, struct user *user, char *line)
{
    char *column[COLUMNS];

    if (cut_columns(r, line, column))
        return -EINVAL;
    *user = (struct user){ .name = column[0],
                           .comment = column[4],
                           .home = column[5],
                           .line = r->line };
    if (!user_name_ok(slice_from(user->name)))
        return complain_of_row(
            r, "bad name; expected 1 to 32 of a-z 0-9 . _ -, not "
               "beginning with . or -");
    if (read_hash(r, user, column[1]) ||
        read_ids(r, user, column[2], column[3]))
        return -EINVAL;
    if (!user_comment_ok(slice_from(user->comment)))
        return complain_of_row(
            r, "bad comment; at most 255 bytes, no control bytes");
    if (!user_home_ok(slice_from(user->home)))
        return complain_of_row(
            r, "bad home; expected an absolute path without . and "
               "..");
    if (column[6][0] != '\0')
        return complain_of_row(r, "the seventh column (shell) must be empty");
    return read_options(r, user, column[7]);
}

static int add_row(struct reader *r, char *line)
{
    struct users *u = r->users;

    if (u->count == USERS_MAX)
        return complain_of_row(r, "more than 65536 users");
    if (u->count == r->room) {
        size_t room = r->room ? r->room * 2 : 16;
        struct user *row = reallocarray(u->row, room, sizeof(*row));

        if (!row)
            return out_of_memory(r);
        u->row = row;
        r->room = room;
    }
    if (read_user(r, &u->row[u->count], line))
        return -EINVAL;
    u->count++;
    return 0;
}

static int read_line(struct reader *r, char *line, size_t len)
{
    r->line++;
    if (len > 0 &&
        line[len - 1] == '\r') /* editors of Windows end lines in this way */
        line[--len] = '\0';
    if (memchr(line, '\0', len))
        return complain_of_row(r, "a NUL byte");
    if (len > USER_LINE_MAX)
        return complain_of_row(r, "longer than 4096 bytes");
    if (line[0] == '#' || line[strspn(line, " \t")] == '\0')
        return 0;
    return add_row(r, line);
}

/* Some editors begin a file with this. */
#define BYTE_ORDER_MARK "\xef\xbb\xbf"

static int read_lines(struct reader *r)
{
    char *at = r->users->text, *end = at + r->users->text_size;
    int result = 0;

    if (strncmp(at, BYTE_ORDER_MARK, 3) == 0)
        at += 3;

    while (at < end && result == 0) {
        char *stop = memchr(at, '\n', (size_t)(end - at));

        if (!stop)
            stop = end; /* the NUL after the text */
        *stop = '\0';
        result = read_line(r, at, (size_t)(stop - at));
        if (result == -EINVAL && r->report) { /* the line is left out */
            if (r->users->count == USERS_MAX)
                return 0; /* otherwise each further line would be reported */
            result = 0;
        }
        at = stop + 1;
    }
    return result;
}

/* A value that no two rows may have in common. */
typedef int compare_users(const struct user *a, const struct user *b);

static int compare_names(const struct user *a, const struct user *b)
{
    return strcmp(a->name, b->name);
}

static int compare_uids(const struct user *a, const struct user *b)
{
    return (a->uid > b->uid) - (a->uid < b->uid);
}

/* Equal ones in the order of their lines. */
static int by_value(const void *a, const void *b, void *compare)
{
    const struct user *x = *(const struct user *const *)a;
    const struct user *y = *(const struct user *const *)b;
    int order = (*(compare_users *const *)compare)(x, y);

    return order ? order : (x->line > y->line) - (x->line < y->line);
}

static int find_twice(struct reader *r, const struct user **sorted,
                      compare_users *compare, const char *what)
{
    size_t n = r->users->count;

    qsort_r(sorted, n, sizeof(*sorted), by_value, &compare);
    for (size_t i = 1; i < n; i++) {
        char text[64];

        if (compare(sorted[i - 1], sorted[i]) != 0)
            continue;
        snprintf(text, sizeof(text), "the %s is that of line %zu", what,
                 sorted[i - 1]->line);
        at_line(r, sorted[i]->line, text);
        if (!r->report)
            return -EINVAL;
    }
    return 0;
}

/* Sorts the rows, since a file of USERS_MAX rows may be read before a login. */
static int check_twice(struct reader *r)
{
    const struct user **sorted;
    int result;

    if (r->users->count < 2)
        return 0;
    sorted = calloc(r->users->count, sizeof(*sorted));
    if (!sorted)
        return out_of_memory(r);
    for (size_t i = 0; i < r->users->count; i++)
        sorted[i] = &r->users->row[i];
    result = find_twice(r, sorted, compare_names, "name");
    if (result == 0)
        result = find_twice(r, sorted, compare_uids, "uid");
    free(sorted);
    return result;
}

/* Reads the file's text, and adds a NUL after it. */
static int load_text(struct reader *r, int fd)
{
    struct buf text;
    int result;

    buf_init(&text, USERS_FILE_MAX + 1);
    result = fd_read_file(fd, &text);
    if (result == 0 && text.len > USERS_FILE_MAX)
        result = -EFBIG;
    if (result == 0)
        result = buf_add(&text, "", 1);
    if (result) {
        buf_release(&text);
        complain(r->complaint, "%s: %s", r->file, strerror(-result));
        return result == -EFBIG ? -EINVAL : result;
    }
    r->users->text = text.data; /* users_release() wipes and frees it */
    r->users->text_size = text.len - 1;
    return 0;
}

static int read_file(struct reader *r, int fd)
{
    int result;

    *r->users = (struct users){ 0 };
    result = load_text(r, fd);
    if (result == 0)
        result = read_lines(r);
    if (result == 0)
        result = check_twice(r);
    if (result < 0)
        users_release(r->users);
    return result;
}

int users_read(struct users *u, int fd, const char *file, struct complaint *c)
{
    struct reader r = { .users = u, .file = file, .complaint = c };

    return read_file(&r, fd);
}

int users_survey(struct users *u, int fd, const char *file,
                 users_report *report, struct complaint *c)
{
    size_t mistakes = 0;
    struct reader r = { .users = u,
                        .file = file,
                        .complaint = c,
                        .report = report,
                        .mistakes = &mistakes };
    int result = read_file(&r, fd);

    return result < 0 ? result : (int)mistakes;
}

/* Writes the table for master, in reader. The text is that of the file, as
 * users_read() has cut it. */

static struct users_span span_of(const struct users *u, struct slice part)
{
    if (part.len == 0 && !part.ptr)
        return (struct users_span){ 0, 0 };
    return (struct users_span){ (uint32_t)(part.ptr - u->text),
                                (uint32_t)part.len };
}

static struct users_row row_of(const struct users *u, const struct user *user)
{
    struct users_row row = {
        .name = span_of(u, slice_from(user->name)),
        .comment = span_of(u, slice_from(user->comment)),
        .home = span_of(u, slice_from(user->home)),
        .hash = span_of(u, slice_from(user->hash)),
        .certificate = span_of(u, user->certificate),
        .totp = span_of(u, user->totp),
        .uid = user->uid,
        .gid = user->gid,
        .rights = user->rights,
        .certificate_only = user->certificate_only,
        .locked = user->locked,
        .line = (uint32_t)user->line,
    };

    for (int i = 0; i < CHOICES; i++)
        row.choice[i] = user->choice[i];
    return row;
}

static int write_rows(const struct users *u, int fd)
{
    struct users_row *rows = calloc(u->count + 1, sizeof(*rows));
    int r;

    if (!rows)
        return -ENOMEM;
    for (size_t i = 0; i < u->count; i++)
        rows[i] = row_of(u, &u->row[i]);
    r = fd_write_all(fd, rows, u->count * sizeof(*rows));
    free(rows);
    return r;
}

int users_write(const struct users *u, int fd)
{
    struct users_head head = { .count = (uint32_t)u->count };
    int r;

    build_name_fill(head.build);
    r = fd_write_all(fd, &head, sizeof(head));
    if (r == 0)
        r = write_rows(u, fd);
    return r < 0 ? r : fd_write_all(fd, u->text, u->text_size + 1);
}

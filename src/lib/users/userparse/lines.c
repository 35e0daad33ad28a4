/* Reads the users file into memory, and cuts this copy into rows in place. Runs
 * in reader, which has inherited the descriptor, and in sallyportctl; not in
 * master. Opens no file, and computes no hash. If one line is wrong, refuses
 * the whole file. */
#include "reader.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sallyport/base/fd.h"
#include "user_fields.h"

#define COLUMNS 8

int reader_mistake(struct reader *r, size_t line, const char *format, ...)
{
    struct complaint c = { .text = "" };
    char what[COMPLAINT_MAX];
    va_list args;

    va_start(args, format);
    complaint_list(what, sizeof(what), format, args);
    va_end(args);
    complain(&c, "%s:%zu: %s", r->file, line, what);
    if (r->report)
        r->report(c.text);
    else
        complain(r->complaint, "%s", c.text);
    r->mistakes++;
    return -EINVAL;
}

static int complain_of_row(struct reader *r, const char *what)
{
    return reader_mistake(r, r->line, "%s", what);
}

int reader_no_memory(const struct reader *r)
{
    complain(r->complaint, "%s:%zu: out of memory", r->file, r->line);
    return -ENOMEM;
}

int reader_room(struct reader *r, enum reader_array which, void *array,
                size_t n, size_t line)
{
    static const struct {
        size_t most, size;
        const char *what;
    } arrays[ARRAYS] = {
        [ARRAY_USERS] = { USERS_MAX, sizeof(struct user), "users" },
        [ARRAY_SHARES] = { SHARES_MAX, sizeof(struct share), "shares" },
        [ARRAY_TEAMS] = { TEAMS_MAX, sizeof(struct team), "teams" },
        [ARRAY_GRANTS] = { GRANTS_MAX, sizeof(struct grant),
                           "rights in shares" },
    };
    size_t more = r->room[which] ? r->room[which] * 2 : 16;
    void *items;

    if (n == arrays[which].most) {
        r->full = true;
        return reader_mistake(r, line, "more than %zu %s", n,
                              arrays[which].what);
    }
    if (n < r->room[which])
        return 0;
    memcpy(&items, array, sizeof(items));
    items = reallocarray(items, more, arrays[which].size);
    if (!items)
        return reader_no_memory(r);
    memcpy(array, &items, sizeof(items));
    r->room[which] = more;
    return 0;
}

/* Ends each of N columns with a NUL. The last column is the rest of the line,
 * so that its values can contain a ':'. */
static int cut_columns(struct reader *r, char *line, char **column, size_t n,
                       const char *expected)
{
    for (size_t i = 0; i < n; i++) {
        column[i] = line;
        if (i + 1 == n)
            break;
        line = strchr(line, ':');
        if (!line)
            return reader_mistake(r, r->line, "too few columns; expected %s",
                                  expected);
        *line++ = '\0';
    }
    return 0;
}

static int read_id(struct reader *r, const char *what, const char *text,
                   uint32_t *ret)
{
    uint64_t number;

    if (slice_number(slice_from(text), USER_ID_MAX, &number))
        return reader_mistake(r, r->line, "the %s is not a number up to %u",
                              what, USER_ID_MAX);
    *ret = (uint32_t)number;
    return 0;
}

static int read_hash(struct reader *r, struct user *user, char *hash)
{
    if (!user_hash_ok(hash))
        return reader_mistake(
            r, r->line,
            "the hash isn't supported (%s; supported: " USER_HASHES
            "), so this user needs a new password: put a * in its place "
            "with an editor, then run: sallyportctl user passwd %s",
            user_hash_found(hash), user->name);
    user->locked_by_hand = hash[0] == '!';
    user->locked = user->locked_by_hand || hash[0] == '*';
    user->hash = hash[0] == '!' ? hash + 1 : hash;
    return 0;
}

/* NAME is the name of the line. */
static int read_options(struct reader *r, struct user *user,
                        enum line_kind kind, const char *name, char *text)
{
    struct complaint why = { .text = "" };

    user->had_rights = strstr(text, "rights./");
    for (; options_retired(kind, name, text, &why); why.text[0] = '\0')
        if (!r->lenient)
            complain_of_row(r, why.text);
    return options_read(user, kind, text, &why) ? complain_of_row(r, why.text)
                                                : 0;
}

static int read_group_name(struct reader *r, const char *name)
{
    return group_name_ok(slice_from(name))
               ? 0
               : complain_of_row(
                     r, "bad name; expected 1 to 32 of a-z 0-9 . _ -, not "
                        "beginning with . or -");
}

static int read_user(struct reader *r, struct user *user, char *line)
{
    char *column[COLUMNS] = { NULL };

    if (cut_columns(r, line, column, COLUMNS,
                    "name:hash:uid:gid:comment:home::options"))
        return -EINVAL;
    *user = (struct user){ .name = column[0],
                           .comment = column[4],
                           .home = column[5],
                           .line = r->line };
    if (!user_name_ok(slice_from(user->name)))
        return complain_of_row(
            r, "bad name; expected 1 to 32 of a-z A-Z 0-9 . _ - @, not "
               "beginning with . - or @");
    if (read_hash(r, user, column[1]) ||
        read_id(r, "uid", column[2], &user->uid) ||
        read_id(r, "gid", column[3], &user->gid))
        return -EINVAL;
    const char *wanted = user_home_wanted(slice_from(user->home));

    if (!user_comment_ok(slice_from(user->comment)))
        return complain_of_row(
            r, "bad comment; at most 255 bytes, no control bytes");
    if (wanted)
        return reader_mistake(r, r->line, "bad home; expected %s", wanted);
    if (column[6][0] != '\0')
        return complain_of_row(r, "the seventh column (shell) must be empty");
    if (read_options(r, user, LINE_USER, column[0], column[7]))
        return -EINVAL;
    /* A user who logs in by a certificate needs no password. */
    if (user->certificate_only)
        user->locked = user->locked_by_hand || user_sync_closed(user);
    return 0;
}

/* Reads a line "@share:NAME:GID:PATH:OPTIONS". */
static int read_share(struct reader *r, char *line)
{
    struct user values = { .line = r->line };
    struct users *u = r->users;
    char *column[5] = { NULL };
    uint32_t gid = 0;
    int result = reader_room(r, ARRAY_SHARES, &u->share, u->shares, r->line);

    if (result)
        return result;
    if (cut_columns(r, line, column, 5, "@share:name:gid:path:options") ||
        read_group_name(r, column[1]) || read_id(r, "gid", column[2], &gid))
        return -EINVAL;
    if (gid < SHARE_GID_MIN)
        return reader_mistake(r, r->line,
                              "gid %u is one of Debian's own groups; a share's "
                              "is at least %d",
                              gid, SHARE_GID_MIN);
    if (!user_path_ok(slice_from(column[3])))
        return complain_of_row(r, "bad path; expected an absolute path without "
                                  ". and .., not /, without a / at its end");
    if (read_options(r, &values, LINE_SHARE, column[1], column[4]))
        return -EINVAL;
    u->share[u->shares++] = (struct share){ .name = column[1],
                                            .path = column[3],
                                            .gid = gid,
                                            .file_mode = values.file_mode,
                                            .retain = values.retain,
                                            .line = r->line };
    return 0;
}

/* Reads a line "@team:NAME:OPTIONS". */
static int read_team(struct reader *r, char *line)
{
    struct user values = { .line = r->line };
    struct users *u = r->users;
    char *column[3] = { NULL };
    int result = reader_room(r, ARRAY_TEAMS, &u->team, u->teams, r->line);

    if (result)
        return result;
    if (cut_columns(r, line, column, 3, "@team:name:options") ||
        read_group_name(r, column[1]) ||
        read_options(r, &values, LINE_TEAM, column[1], column[2]))
        return -EINVAL;
    u->team[u->teams++] = (struct team){ .name = column[1],
                                         .shares = values.shares,
                                         .limits = values.limits,
                                         .line = r->line };
    return 0;
}

static int read_line(struct reader *r, char *line, size_t len)
{
    r->line++;
    if (len > 0 &&
        line[len - 1] == '\r') /* Windows editors end lines in this way */
        line[--len] = '\0';
    if (memchr(line, '\0', len))
        return complain_of_row(r, "a NUL byte");
    if (len > USER_LINE_MAX)
        return complain_of_row(r, "longer than 4096 bytes");
    if (line[0] == '#' || line[strspn(line, " \t")] == '\0')
        return 0;
    if (line[0] != '@') {
        struct users *u = r->users;
        struct user user;
        int result = reader_room(r, ARRAY_USERS, &u->row, u->count, r->line);

        if (result == 0)
            result = read_user(r, &user, line);
        if (result == 0)
            u->row[u->count++] = user;
        return result;
    }
    if (strncmp(line, "@share:", 7) == 0)
        return read_share(r, line);
    if (strncmp(line, "@team:", 6) == 0)
        return read_team(r, line);
    return complain_of_row(r, "expected @share: or @team: after the @");
}

static int read_lines(struct reader *r)
{
    char *at = r->users->text, *end = at + r->users->text_size;
    int result = 0;

    if (strncmp(at, "\xef\xbb\xbf", 3) == 0)
        return reader_mistake(r, 1,
                              "the file begins with a byte order mark; remove "
                              "it: LC_ALL=C sed -i '1s/^...//' %s",
                              r->file);
    while (at < end && result == 0) {
        char *stop = memchr(at, '\n', (size_t)(end - at));

        if (!stop)
            stop = end; /* here is the NUL after the text */
        *stop = '\0';
        result = read_line(r, at, (size_t)(stop - at));
        if (result == -EINVAL) { /* leave the line out */
            if (r->full)
                return 0; /* stop: otherwise each further line would be a
                             mistake */
            result = 0;
        }
        at = stop + 1;
    }
    return result;
}

/* Parses TEXT, and takes its memory. RESULT is the result of reading TEXT: if
 * it is an error, only complains. */
static int read_text(struct reader *r, struct buf *text, int result)
{
    r->mistakes = 0;
    *r->users = (struct users){ 0 };
    if (result == 0 && text->len > USERS_FILE_MAX)
        result = -EFBIG;
    if (result == 0)
        result = buf_add(text, "", 1);
    if (result) {
        buf_release(text);
        complain(r->complaint, "%s: %s", r->file, strerror(-result));
        return result == -EFBIG ? -EINVAL : result;
    }
    r->users->text = text->data; /* users_release() wipes and frees it */
    r->users->text_size = text->len - 1;
    result = read_lines(r);
    if (result == 0)
        result = reader_resolve(r);
    if (result == 0 && r->mistakes > 0 && !r->report)
        result = -EINVAL;
    if (result < 0)
        users_release(r->users);
    return result < 0 ? result : (int)r->mistakes;
}

static int read_file(struct reader *r, int fd)
{
    struct buf text;

    buf_init(&text, USERS_FILE_MAX + 1);
    return read_text(r, &text, fd_read_file(fd, &text));
}

int users_read(struct users *u, int fd, const char *file, struct complaint *c)
{
    struct reader r = {
        .users = u, .file = file, .complaint = c, .lenient = true
    };

    return read_file(&r, fd);
}

int users_parse(struct users *u, struct slice text, const char *file,
                bool lenient, struct complaint *c)
{
    struct reader r = {
        .users = u, .file = file, .complaint = c, .lenient = lenient
    };
    struct buf own;
    int result;

    buf_init(&own, USERS_FILE_MAX + 1);
    result = buf_reserve(&own, text.len + 1);
    if (result == 0)
        result = buf_add_slice(&own, text);
    return read_text(&r, &own, result);
}

int users_survey(struct users *u, int fd, const char *file,
                 users_report *report, struct complaint *c)
{
    struct reader r = {
        .users = u, .file = file, .complaint = c, .report = report
    };

    return read_file(&r, fd);
}

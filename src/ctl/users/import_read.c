/* Reads files of users: of Sallyport, Pure-FTPd, ProFTPD, names with hashes,
 * and passwd(5) with shadow(5); other forms have a file of their own. Pure but
 * for the reading: decides which columns of a line are what, and which lines
 * are no users. */
#include "import.h"

#include <errno.h>
#include <fcntl.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "sallyport/base/fd.h"

#define READ_STEP 65536u
/* Uids of people's accounts, in Debian's policy. */
#define UID_PEOPLE_FIRST 1000
#define UID_PEOPLE_LAST  59999

enum {
    COLUMN_NAME,
    COLUMN_HASH,
    COLUMN_UID,
    COLUMN_GID,
    COLUMN_COMMENT,
    COLUMN_HOME,
    COLUMN_SHELL,
    COLUMN_REST,
    COLUMNS
};

/* Our seventh column is empty, and then come words as "rights=full". Of
 * Pure-FTPd numbers follow, or more colons. */
static bool is_own_line(const struct slice column[COLUMNS])
{
    const struct slice rest = column[COLUMN_REST];

    return column[COLUMN_SHELL].len == 0 &&
           (rest.len == 0 || rest.ptr[0] == ' ' ||
            (rest.ptr[0] >= 'a' && rest.ptr[0] <= 'z'));
}

static bool is_other_line(const struct slice column[COLUMNS])
{
    return !is_own_line(column);
}

/* Fewer columns than Pure-FTPd writes now are of an older one. pam_pwdfile
 * permits more columns than a name and a hash; a line with a home is of another
 * format. */
static const struct import_format formats[] = {
    { .word = "passwd",
      .least = 7,
      .most = 7,
      .system = true,
      .limits = import_limits_shell,
      .from = COLUMN_SHELL },
    { .word = "proftpd",
      .least = 7,
      .most = 7,
      .limits = import_limits_proftpd,
      .from = COLUMN_SHELL },
    { .word = "pure-pw",
      .least = 8,
      .most = 18,
      .fits = is_other_line,
      .limits = import_limits_pure,
      .from = COLUMN_SHELL },
    { .word = "name:hash",
      .least = 2,
      .most = COLUMN_SHELL,
      .limits = import_limits_more,
      .from = COLUMN_HASH + 1 },
    { .word = "ldif", .read = import_ldif },
    { .word = "json", .read = import_json },
    { .word = "sallyport",
      .least = 8,
      .most = SIZE_MAX,
      .fits = is_own_line,
      .own = true },
};
#define FORMATS (sizeof(formats) / sizeof(formats[0]))
#define FORMAT_WORDS                                                           \
    "passwd, proftpd, pure-pw, name:hash, ldif, json or sallyport"

/* Of 0.3.0. */
static const struct {
    const char *old, *word;
} renamed[] = {
    { "pure-ftpd", "pure-pw" },
    { "htpasswd", "name:hash" },
    { "pwdfile", "name:hash" },
};

/* Lines without comments and empty ones. */
struct lines {
    struct slice rest;
    size_t number;
};

/* Some editors begin a file with this. */
#define BYTE_ORDER_MARK SLICE("\xef\xbb\xbf")

static struct lines lines_of(const struct buf *text)
{
    struct lines l = { .rest = buf_slice(text) };

    if (slice_starts(l.rest, BYTE_ORDER_MARK)) {
        l.rest.ptr += BYTE_ORDER_MARK.len;
        l.rest.len -= BYTE_ORDER_MARK.len;
    }
    return l;
}

static bool next_line(struct lines *l, struct slice *line)
{
    while (slice_cut(&l->rest, '\n', line)) {
        l->number++;
        if (line->len > 0 && line->ptr[line->len - 1] == '\r')
            line->len--;
        if (slice_trim(*line).len > 0 && line->ptr[0] != '#')
            return true;
    }
    return false;
}

/* Returns the number of columns. The last of COLUMN is the rest of the line. */
static size_t cut_columns(struct slice line, struct slice column[COLUMNS])
{
    struct slice rest = line, part;
    size_t n = 0;

    memset(column, 0, COLUMNS * sizeof(*column));
    for (; slice_cut(&rest, ':', &part); n++) {
        if (n < COLUMN_REST)
            column[n] = part;
        if (n == COLUMN_REST)
            column[n] = (struct slice){ part.ptr, (size_t)(line.ptr + line.len -
                                                           part.ptr) };
    }
    return n;
}

/* "@share:NAME:…" or "@team:NAME:…" */
static bool is_list(const struct slice column[COLUMNS])
{
    return slice_equal(column[COLUMN_NAME], SLICE("@share")) ||
           slice_equal(column[COLUMN_NAME], SLICE("@team"));
}

static bool format_fits(const struct import_format *f,
                        const struct slice column[COLUMNS], size_t n)
{
    if (is_list(column) && f->own)
        return n > 1;
    return n >= f->least && n <= f->most && (!f->fits || f->fits(column));
}

static bool is_shadowed(const struct slice column[COLUMNS])
{
    return slice_equal(column[COLUMN_HASH], SLICE("x"));
}

static const char *word_of_format(const char *given)
{
    for (size_t i = 0; i < sizeof(renamed) / sizeof(renamed[0]); i++)
        if (strcmp(given, renamed[i].old) == 0) {
            stderr_print("--format %s is now called %s", given,
                         renamed[i].word);
            return renamed[i].word;
        }
    return given;
}

static int choose_format(struct import *m)
{
    const char *word;

    if (!m->x->args.format)
        return ctl_fail(m->x, EX_USAGE,
                        "give the format of the file: --format " FORMAT_WORDS);
    word = word_of_format(m->x->args.format);
    for (size_t i = 0; i < FORMATS && !m->format; i++)
        if (strcmp(word, formats[i].word) == 0)
            m->format = &formats[i];
    return m->format ? 0
                     : ctl_fail(m->x, EX_USAGE,
                                "--format %s: use " FORMAT_WORDS, word);
}

/* Accounts of the system that are no users of its FTP server. */
static const char *why_of_system(uint64_t uid, struct slice shell)
{
    static const char *const none[] = { "/usr/sbin/nologin", "/sbin/nologin",
                                        "/bin/false", "/usr/bin/false",
                                        "/bin/sync" };

    if (uid < UID_PEOPLE_FIRST || uid > UID_PEOPLE_LAST)
        return "an account of the system: its uid is not in 1000-59999";
    if (slice_among(shell, none, sizeof(none) / sizeof(none[0])) >= 0)
        return "an account of the system: it has no login shell (--format "
               "proftpd takes such accounts too)";
    return NULL;
}

static const char *why_not_name(struct slice name)
{
    if (name.len > 0 && name.ptr[0] == '@')
        return "shares and teams are not imported; make them with: "
               "sallyportctl share add, team add";
    return user_name_ok(name)
               ? NULL
               : "not a valid name here; use 1 to 32 of a-z A-Z 0-9 . _ - @, "
                 "not beginning with . - or @";
}

static const char *why_not(const struct import *m, const struct imported *e,
                           const struct slice column[COLUMNS])
{
    const char *why = why_not_name(e->name);

    if (why)
        return why;
    return m->format->system ? why_of_system(e->uid, column[COLUMN_SHELL])
                             : NULL;
}

static int compare_entries(const void *a, const void *b)
{
    const struct imported *one = a, *other = b;

    return name_order(one->name, other->name);
}

/* Of each name the first entry counts, also if it gives no user: the system
 * knows no other account of this name. */
static int keep_first(struct import *m, struct imported *e)
{
    struct imported *const *first = tsearch(e, &m->by_name, compare_entries);

    if (!first)
        return ctl_no_memory(m->x);
    if (*first != e)
        e->why_not = "an earlier line has this name";
    return 0;
}

int import_named(struct import *m, struct imported *e)
{
    e->why_not = why_not_name(e->name);
    return e->why_not ? 0 : keep_first(m, e);
}

struct imported *import_find(const struct import *m, struct slice name)
{
    const struct imported key = { .name = name };
    struct imported *const *found = tfind(&key, &m->by_name, compare_entries);

    return found ? *found : NULL;
}

int import_begin(struct import *m, size_t most)
{
    if (most > USERS_MAX)
        return ctl_fail(m->x, EX_DATAERR, "%s: more than %u users", m->path,
                        USERS_MAX);
    m->entry = calloc(most + 1, sizeof(*m->entry));
    return m->entry ? 0 : ctl_no_memory(m->x);
}

struct imported *import_add(struct import *m, size_t line)
{
    struct imported *e = &m->entry[m->count++];

    *e = (struct imported){ .line = line };
    buf_init(&e->lock, USER_LINE_MAX);
    buf_init(&e->without, USER_LINE_MAX);
    e->no_memory = draft_begin(m->x, &e->draft, "") ||
                   row_set(&e->draft.row, "rights", "full");
    return e;
}

/* The line from the column N on. */
static struct slice columns_from(struct slice line, size_t n)
{
    struct slice column;

    while (n-- > 0)
        slice_cut(&line, ':', &column);
    return line;
}

static void take_restrictions(struct import *m, struct imported *e,
                              struct slice line)
{
    const struct user *user =
        m->format->own ? users_find(&m->own, e->name) : NULL;

    if (user)
        import_limits_teams(e, user);
    if (m->format->limits)
        m->format->limits(e, columns_from(line, m->format->from));
}

/* Shares and teams may have the same names here and be others. Numbers are
 * assigned. */
static int leave_out(struct imported *e)
{
    static const char *const keys[] = { "shares", "teams" };
    struct row *row = &e->draft.row;
    int r = row_set_column(row, ROW_UID, "");

    if (r == 0)
        r = row_set_column(row, ROW_GID, "");
    for (size_t i = 0; i < 2 && r == 0; i++) {
        const char *value = row_get(row, keys[i]);
        char *longer;

        if (!value)
            continue;
        if (asprintf(&longer, "%s%s%s=%s", e->lists ? e->lists : "",
                     e->lists ? " " : "", keys[i], value) < 0)
            return -ENOMEM;
        free(e->lists);
        e->lists = longer;
        r = row_set(row, keys[i], NULL);
    }
    return r;
}

static void take_own_row(struct imported *e, struct slice line)
{
    row_release(&e->draft.row);
    e->no_memory = row_parse(&e->draft.row, line) || leave_out(e);
}

static int import_take_line(struct import *m, struct slice line, size_t number)
{
    struct imported *e;
    struct slice column[COLUMNS];
    size_t n = cut_columns(line, column);
    bool long_line = m->format->least > COLUMN_REST - 1;

    if (!format_fits(m->format, column, n))
        return ctl_fail(m->x, EX_DATAERR, "%s:%zu: no line of the format %s",
                        m->path, number, m->format->word);
    e = import_add(m, number);
    e->name = column[COLUMN_NAME];
    e->hash = column[COLUMN_HASH];
    if (m->format->own && is_list(column)) {
        e->name.len = (size_t)(e->hash.ptr + e->hash.len - line.ptr);
    } else if (long_line) {
        e->comment = column[COLUMN_COMMENT];
        e->home = column[COLUMN_HOME];
        slice_number(column[COLUMN_UID], UINT32_MAX, &e->uid);
        slice_number(column[COLUMN_GID], UINT32_MAX, &e->gid);
    }
    e->why_not = why_not(m, e, column);
    e->no_user =
        (m->format->own && is_list(column)) ||
        (m->format->system && why_of_system(e->uid, column[COLUMN_SHELL]));
    if (!e->why_not && m->format->system && !m->x->args.shadow &&
        is_shadowed(column))
        return ctl_fail(m->x, EX_USAGE,
                        "%s:%zu: the hashes are in another file; give --shadow "
                        "/etc/shadow",
                        m->path, number);
    if (!e->why_not && m->format->own)
        take_own_row(e, line);
    if (!e->why_not)
        take_restrictions(m, e, line);
    if (!m->format->own)
        e->uid = e->gid = 0;
    return user_name_ok(e->name) ? keep_first(m, e) : 0;
}

static int import_take_lines(struct import *m)
{
    struct lines l = lines_of(&m->text);
    struct slice line;
    size_t most = 0;
    int code;

    while (next_line(&l, &line))
        most++;
    code = import_begin(m, most);
    l = lines_of(&m->text);
    while (code == 0 && next_line(&l, &line))
        code = import_take_line(m, line, l.number);
    return code;
}

/* Of several lines with a name the first counts, as for getspnam(3). */
static void take_shadow_line(struct import *m,
                             const struct slice column[COLUMNS])
{
    struct imported *found = import_find(m, column[COLUMN_NAME]);
    struct slice rest = column[COLUMN_REST], end = SLICE("");

    if (!found || found->in_shadow)
        return;
    found->in_shadow = true;
    found->hash = column[COLUMN_HASH];
    slice_cut(&rest, ':', &end);
    import_limits_day(found, end);
    import_limits_password_age(found, column);
}

/* Those that shadow(5) doesn't name have the "x" as their hash: none. */
static void take_shadow(struct import *m)
{
    struct lines l = lines_of(&m->shadow);
    struct slice column[COLUMNS], line;

    while (next_line(&l, &line)) {
        cut_columns(line, column);
        take_shadow_line(m, column);
    }
}

/* Reads a pipe, too. */
static int import_read_fd(int fd, struct buf *into)
{
    for (;;) {
        int r = buf_reserve(into, READ_STEP);
        ssize_t n;

        if (r)
            return r;
        n = read(fd, into->data + into->len, READ_STEP);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : 0;
        into->len += (size_t)n;
    }
}

/* PATH NULL: standard input */
static int import_load(struct import *m, const char *path, struct buf *into)
{
    FD_CLEANUP int fd = path ? open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY)
                             : fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);
    int r;

    buf_init(into, USERS_FILE_MAX + READ_STEP);
    r = fd < 0 ? -errno : import_read_fd(fd, into);
    if (r == -ENOBUFS)
        r = -EFBIG;
    if (r == 0)
        return 0;
    return ctl_fail(m->x, r == -ENOENT ? EX_NOINPUT : ctl_exit_of(-r), "%s: %s",
                    path ? path : m->path, strerror(-r));
}

int import_read(struct import *m)
{
    const bool piped = strcmp(m->path, "-") == 0;
    const char *path = piped ? NULL : m->path;
    int code = choose_format(m);

    if (piped)
        m->path = "standard input";
    if (code == 0)
        code = import_load(m, path, &m->text);
    if (code == 0 && m->x->args.shadow)
        code = import_load(m, m->x->args.shadow, &m->shadow);
    if (code == 0 && m->format->own &&
        users_parse(&m->own, buf_slice(&m->text), m->path, &m->x->complaint))
        code = EX_DATAERR;
    if (code == 0)
        code = m->format->read ? m->format->read(m) : import_take_lines(m);
    if (code == 0)
        take_shadow(m);
    for (size_t i = 0; i < m->count && code == 0; i++)
        if (m->entry[i].no_memory)
            code = ctl_no_memory(m->x);
    return code;
}

static void release_nothing(void *entry)
{
    (void)entry;
}

void import_release(struct import *m)
{
    tdestroy(m->by_name, release_nothing);
    for (size_t i = 0; i < m->count; i++) {
        draft_end(&m->entry[i].draft);
        buf_release(&m->entry[i].lock);
        buf_release(&m->entry[i].without);
        free(m->entry[i].lists);
    }
    users_release(&m->own);
    sync_release(m);
    json_decref(m->json);
    buf_release(&m->text);
    buf_release(&m->shadow);
    free(m->entry);
}

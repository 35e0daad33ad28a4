/* The row of an imported user. First what restricts the user in the file of
 * another server: the end of the account, networks, hours, limits. Each becomes
 * a key of the row. What a row can't say locks the user, if it bounds who may
 * log in, from where or when; otherwise it is printed. Nothing of it is lost in
 * silence. Pure, but for the time. */
#include "import.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define EXPIRE_DAYS_MAX 2932896 /* 9999-12-31, in days since 1970 */
#define DAY_SECONDS     86400
#define AGE_DAYS_NEVER  99999 /* a password's greatest age, of login.defs(5) */
#define VALUE_SHOWN     128

/* Adds "WHAT VALUE" to a list of words for the terminal: e->lock or
 * e->without. */
static void note(struct imported *e, struct buf *list, const char *what,
                 struct slice value)
{
    char shown[VALUE_SHOWN];

    if (server_escape(value, shown, sizeof(shown)))
        snprintf(shown, sizeof(shown), "(a long text)");
    if (buf_add_format(list, "%s%s%s%s", list->len > 0 ? ", " : "", what,
                       value.len > 0 ? " " : "", shown) == -ENOMEM)
        e->no_memory = true;
}

/* Takes VALUE for the row if the server accepts it there. */
static bool take_key(struct imported *e, const char *key, struct slice value)
{
    char text[USER_LINE_MAX + 1];
    struct complaint why = { "" };
    int r;

    if (slice_copy(value, text, sizeof(text)) ||
        user_key_check(key, text, &why))
        return false;
    r = row_set(&e->draft.row, key, text);
    e->no_memory = e->no_memory || r == -ENOMEM;
    return r == 0;
}

void import_limits_shell(struct imported *e, struct slice shell)
{
    static const char *const usual[] = {
        "bash", "csh",   "dash", "fish", "ksh",
        "mksh", "rbash", "sh",   "tcsh", "zsh"
    };
    const char *slash =
        shell.len > 0 ? memrchr(shell.ptr, '/', shell.len) : NULL;
    struct slice name = shell;

    if (slash)
        name = (struct slice){ slash + 1,
                               (size_t)(shell.ptr + shell.len - slash - 1) };
    if (shell.len > 0 &&
        slice_among(name, usual, sizeof(usual) / sizeof(usual[0])) < 0)
        note(e, &e->without, "its shell", shell);
}

/* Pure-FTPd: the columns after the home. */

enum pure_column {
    PURE_UP,
    PURE_DOWN,
    PURE_RATIO_UP,
    PURE_RATIO_DOWN,
    PURE_SESSIONS,
    PURE_FILES,
    PURE_SIZE,
    PURE_LOCAL,
    PURE_NOT_LOCAL,
    PURE_CLIENTS,
    PURE_NOT_CLIENTS,
    PURE_HOURS,
    PURE_COLUMNS
};

/* A row without a key: the row can't have it. */
static const struct {
    const char *key, *what;
    bool number; /* of which 0 is no limit, and that bounds only an amount */
} pure_columns[PURE_COLUMNS] = {
    [PURE_UP] = { "bandwidth_up", "upload bandwidth", true },
    [PURE_DOWN] = { "bandwidth_down", "download bandwidth", true },
    [PURE_RATIO_UP] = { NULL, "upload ratio", true },
    [PURE_RATIO_DOWN] = { NULL, "download ratio", true },
    [PURE_SESSIONS] = { "max_sessions", "sessions", true },
    [PURE_FILES] = { NULL, "the quota of files (see: sallyportctl quota set)",
                     true },
    [PURE_SIZE] = { NULL, "the quota of bytes (see: sallyportctl quota set)",
                    true },
    [PURE_LOCAL] = { NULL, "it may use only the server's addresses", false },
    [PURE_NOT_LOCAL] = { NULL, "it may not use the server's addresses", false },
    [PURE_CLIENTS] = { "networks", "it may come only from", false },
    [PURE_NOT_CLIENTS] = { NULL, "it may not come from", false },
    [PURE_HOURS] = { "hours", "it may come only at", false },
};

/* "0800-1700", each day. Its end is in it, so 2359 is the end of the day. */
static bool take_pure_hours(struct imported *e, struct slice value)
{
    char hours[64];
    struct slice from, to = value;
    uint64_t begin, end;

    slice_cut(&to, '-', &from);
    if (!to.ptr || slice_number(from, 2359, &begin) ||
        slice_number(to, 2400, &end))
        return false;
    if (end == 2359)
        end = 2400;
    snprintf(hours, sizeof(hours), "sun-sat/%02u:%02u-%02u:%02u",
             (unsigned)begin / 100, (unsigned)begin % 100, (unsigned)end / 100,
             (unsigned)end % 100);
    return take_key(e, "hours", slice_from(hours));
}

static void take_pure_column(struct imported *e, enum pure_column which,
                             struct slice value)
{
    const bool number = pure_columns[which].number;
    const char *key = pure_columns[which].key;
    uint64_t n = 0;

    if (value.len == 0 ||
        (number && slice_number(value, UINT64_MAX, &n) == 0 && n == 0))
        return;
    if (which == PURE_HOURS ? take_pure_hours(e, value)
                            : key && take_key(e, key, value))
        return;
    note(e, number ? &e->without : &e->lock, pure_columns[which].what, value);
}

void import_limits_pure(struct imported *e, struct slice columns)
{
    struct slice value;

    for (size_t i = 0; i < PURE_COLUMNS && slice_cut(&columns, ':', &value);
         i++)
        take_pure_column(e, (enum pure_column)i, value);
    if (e->uid == 0 || e->gid == 0)
        import_limits_closed(e, "Pure-FTPd refuses users with the uid or gid "
                                "0");
    if (e->home.len == 0)
        import_limits_closed(e, "Pure-FTPd refuses users without a home");
}

void import_limits_proftpd(struct imported *e, struct slice shell)
{
    import_limits_shell(e, shell);
    if (e->uid == 0)
        import_limits_closed(e, "ProFTPD refuses the uid 0");
}

void import_limits_more(struct imported *e, struct slice columns)
{
    struct slice value;

    while (slice_cut(&columns, ':', &value))
        if (value.len > 0)
            note(e, &e->without, "the column", value);
}

/* Day 0 is a day, too: "chage -E 0" closes an account at once. Only "" and -1
 * are no end. */
void import_limits_day(struct imported *e, struct slice value)
{
    char when[WHEN_MAX];
    uint64_t day;

    if (value.len == 0 || slice_equal(value, SLICE("-1")))
        return;
    if (slice_number(value, UINT64_MAX, &day)) {
        note(e, &e->lock, "the day on which it expires is no number:", value);
        return;
    }
    if (day > EXPIRE_DAYS_MAX)
        note(e, &e->without, "its end on the day", value);
    else
        take_key(e, "expires",
                 slice_from(when_text(day > 0 ? (int64_t)day * DAY_SECONDS : 1,
                                      when)));
}

void import_limits_end(struct imported *e, struct slice when)
{
    if (!take_key(e, "expires", when))
        note(e, &e->lock, "its end is no time:", when);
}

void import_limits_closed(struct imported *e, const char *why)
{
    note(e, &e->lock, why, SLICE(""));
}

void import_limits_password(struct imported *e, struct slice value)
{
    static const struct slice scheme = { "{CRYPT}", 7 };
    const struct slice head = { value.ptr, scheme.len };
    bool locked;

    if (value.len >= scheme.len && slice_equal_nocase(head, scheme))
        value =
            (struct slice){ value.ptr + scheme.len, value.len - scheme.len };
    locked = value.len > 0 && value.ptr[0] == '!';
    if (locked)
        value = (struct slice){ value.ptr + 1, value.len - 1 };
    if (import_hash_usable(e))
        return;
    e->hash = value;
    if (locked && import_hash_usable(e))
        import_limits_closed(e, "its password is locked there");
}

void import_limits_password_age(struct imported *e, const struct slice *column)
{
    const uint64_t today = (uint64_t)time(NULL) / DAY_SECONDS;
    uint64_t changed, most, inactive;

    if (slice_number(column[SHADOW_CHANGED], UINT32_MAX, &changed))
        return; /* no age is known */
    if (slice_number(column[SHADOW_MOST], UINT32_MAX, &most))
        most = AGE_DAYS_NEVER;
    if (most < AGE_DAYS_NEVER)
        note(e, &e->without,
             "the end of its password after days:", column[SHADOW_MOST]);
    if (changed > 0 && most < AGE_DAYS_NEVER && today > changed + most &&
        slice_number(column[SHADOW_INACTIVE], UINT32_MAX, &inactive) == 0 &&
        today > changed + most + inactive)
        import_limits_closed(e, "its password has expired");
    else if (changed == 0 || (most < AGE_DAYS_NEVER && today > changed + most))
        take_key(e, "must_change", SLICE("yes"));
}

/* Teams aren't imported, so the user would be without their limits. */
void import_limits_teams(struct imported *e, const struct user *user)
{
    for (int i = 0; i < USER_TEAMS_MAX && user->team[i]; i++) {
        const struct team *team = user->team[i];
        json_t *limits = limits_json(&team->limits);
        struct buf text;

        buf_init(&text, USER_LINE_MAX);
        buf_add_format(&text, "%s: ", team->name);
        output_members(limits, &text);
        note(e,
             team->limits.networks.len > 0 || team->limits.hours.len > 0
                 ? &e->lock
                 : &e->without,
             "limits of the team", buf_slice(&text));
        buf_release(&text);
        json_decref(limits);
    }
}

/* The rest of the row. */

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
static int set_row_hash(const struct import *m, struct imported *e)
{
    char hash[USER_HASH_MAX + 1];
    int r;

    if (!copy_hash(e, hash))
        snprintf(hash, sizeof(hash), m->x->args.sync ? "*" : "!");
    r = row_set_hash(&e->draft.row,
                     e->lock.len > 0 && hash[0] != '!' && !m->x->args.sync,
                     hash);
    explicit_bzero(hash, sizeof(hash));
    return r;
}

/* Commas at the end of passwd(5)'s comments separate empty fields. */
void import_take_comment(const struct imported *e,
                         char out[USER_COMMENT_MAX + 1])
{
    struct slice comment = e->comment;

    while (comment.len > 0 && comment.ptr[comment.len - 1] == ',')
        comment.len--;
    if (!user_comment_ok(comment) || !user_comment_ok(e->mail) ||
        snprintf(out, USER_COMMENT_MAX + 1,
                 comment.len > 0 && e->mail.len > 0 ? "%.*s <%.*s>"
                                                    : "%.*s%.*s",
                 (int)comment.len, comment.ptr, (int)e->mail.len,
                 e->mail.ptr) > USER_COMMENT_MAX)
        out[0] = '\0';
}

static int set_row_home(struct import *m, struct imported *e)
{
    const char *prefix = m->x->args.prefix;
    char home[USER_HOME_MAX + 1];

    if (m->format->own && !prefix &&
        slice_copy(e->home, home, sizeof(home)) == 0)
        return given_home(m->x, &e->draft.row, home);
    return draft_home_in(m->x, &e->draft,
                         prefix ? prefix : m->x->settings.homes);
}

int import_row(struct import *m, struct imported *e)
{
    char name[USER_NAME_MAX + 1], comment[USER_COMMENT_MAX + 1];
    struct row *row = &e->draft.row;
    int r = slice_copy(e->name, name, sizeof(name));

    import_take_comment(e, comment);
    if (r == 0)
        r = row_set_column(row, ROW_NAME, name);
    if (r == 0)
        r = set_row_hash(m, e);
    if (r == 0)
        r = row_set_column(row, ROW_COMMENT, comment);
    if (r == 0)
        r = sync_mark(m, e);
    return r ? row_exit(r, &m->x->complaint) : set_row_home(m, e);
}

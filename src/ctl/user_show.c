/* "user list" and "user show", for people and as JSON: they never show a hash,
 * only its kind. "user export", which shows them. */
#include "ctl.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#include "sallyport/base/complain.h"
#include "sallyport/base/fd.h"

/* The row's word of that CHOICE_, or OTHER. */
static const char *choice_of(const struct user *user, int choice,
                             const char *other)
{
    unsigned n = user->choice[choice];

    return n ? choices[choice].words[n - 1] : other;
}

static const char *login_of(const struct user *user)
{
    if (user->certificate.len == 0)
        return "password";
    return user->certificate_only ? "certificate" : "password and certificate";
}

/* The secret itself is never shown. */
static const char *second_factor_of(const struct user *user)
{
    return user->totp.len > 0 ? "totp" : NULL;
}

static const char *state_of(const struct user *user)
{
    if (user->locked)
        return "locked";
    return user_expired(user, time(NULL)) ? "expired" : "active";
}

/* When the user expires, or OTHER. */
static const char *expiry_of(const struct user *user, const char *other,
                             char out[WHEN_MAX])
{
    return user->expires > 0 ? when_text(user->expires, out) : other;
}

static json_t *json_or_null(struct slice s)
{
    return s.len > 0 ? json_stringn(s.ptr, s.len) : json_null();
}

/* The user's shares, with all lines that give rights in them. */
static json_t *json_shares(const struct users *u, const struct user *user)
{
    json_t *list = json_array();

    for (size_t i = 0; list && i < user->grants; i++) {
        const char *name = user->share[user->grant[i].share].name;
        struct grant_walk w;
        char rights[16];

        grant_walk_begin(&w, u, user, name);
        json_array_append_new(
            list, json_pack("{s:s, s:s, s:o}", "name", name, "rights",
                            rights_text(user->grant[i].rights, rights), "by",
                            grant_sources_json(&w)));
    }
    return list;
}

static json_t *json_teams(const struct user *user)
{
    json_t *list = json_array();
    struct slice rest = user->teams;
    struct entry one;

    while (list && entry_next(&rest, &one))
        json_array_append_new(list, json_stringn(one.text.ptr, one.text.len));
    return list;
}

static json_t *json_directories(const struct user *user)
{
    json_t *list = json_array();
    char rights[16];

    for (size_t i = 0; list && i < user->directories; i++)
        json_array_append_new(
            list, json_pack("{s:o, s:s}", "path",
                            json_text(user->directory[i].path), "rights",
                            rights_text(user->directory[i].rights, rights)));
    return list;
}

/* null: the server's setting. */
static json_t *json_mode(unsigned mode)
{
    char text[MODE_MAX];

    return mode ? json_string(mode_text(mode, text)) : json_null();
}

/* null, and nothing printed: it isn't in the line. */
json_t *limits_json(const struct row_limits *l)
{
    json_t *all = json_pack("{s:o, s:o}", "networks", json_or_null(l->networks),
                            "hours", json_or_null(l->hours));

    for (int i = 0; i < ROW_LIMITS; i++)
        json_object_set_new(all, limit_rows[i].key,
                            l->number[i]
                                ? json_integer((json_int_t)l->number[i] - 1)
                                : json_null());
    return all;
}

void limits_print(const struct row_limits *l)
{
    for (int i = 0; i < ROW_LIMITS; i++)
        if (l->number[i])
            printf("%s: %llu\n", limit_rows[i].key,
                   (unsigned long long)l->number[i] - 1);
    if (l->networks.len > 0)
        printf("networks: %.*s\n", (int)l->networks.len, l->networks.ptr);
    if (l->hours.len > 0)
        printf("hours: %.*s\n", (int)l->hours.len, l->hours.ptr);
}

static json_t *json_user(const struct users *u, const struct user *user)
{
    char rights[16];

    return json_pack(
        "{s:s, s:I, s:I, s:o, s:o, s:s, s:b, s:s, s:s?, s:s?, s:s?, s:s, s:o, "
        "s:s?, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
        "name", user->name, "uid", (json_int_t)user->uid, "gid",
        (json_int_t)user->gid, "comment", json_text(user->comment), "home",
        json_text(user->home), "rights", rights_text(user->rights, rights),
        "locked", (int)user->locked, "password", user_hash_kind(user->hash),
        "on_conflict", choice_of(user, CHOICE_CONFLICT, NULL), "data_binding",
        choice_of(user, CHOICE_BINDING, NULL), "upload_eof",
        choice_of(user, CHOICE_UPLOAD_EOF, NULL), "login", login_of(user),
        "certificate", json_or_null(user->certificate), "second_factor",
        second_factor_of(user), "expires", json_time(user->expires),
        "file_mode", json_mode(user->file_mode), "dir_mode",
        json_mode(user->dir_mode), "teams", json_teams(user), "shares",
        json_shares(u, user), "directories", json_directories(user), "limits",
        limits_json(&user->limits));
}

/* The hash as it is in the file. */
static int add_hash(json_t *one, const struct user *user)
{
    char hash[USER_HASH_MAX + 2];
    int r;

    snprintf(hash, sizeof(hash), "%s%s",
             user->locked && user->hash[0] != '*' ? "!" : "", user->hash);
    r = json_object_set_new(one, "hash", json_string(hash));
    explicit_bzero(hash, sizeof(hash));
    return r;
}

static int list_json(struct context *x, const struct users *u)
{
    json_t *list = json_array();

    for (size_t i = 0; i < u->count; i++) {
        json_t *one = json_user(u, &u->row[i]);

        if ((x->args.hashes && add_hash(one, &u->row[i])) ||
            json_array_append_new(list, one))
            return json_decref(list),
                   ctl_fail(x, EX_OSERR, "out of memory for JSON");
    }
    return json_write(x, list);
}

static int list_plain(const struct users *u)
{
    char rights[16], when[WHEN_MAX];

    printf("%-20s %10s %-8s %-7s %-7s %-20s %s\n", "NAME", "UID", "RIGHTS",
           "STATE", "BINDING", "EXPIRES", "HOME");
    for (size_t i = 0; i < u->count; i++) {
        const struct user *row = &u->row[i];

        printf("%-20s %10u %-8s %-7s %-7s %-20s %s\n", row->name,
               (unsigned)row->uid, rights_text(row->rights, rights),
               state_of(row), choice_of(row, CHOICE_BINDING, "-"),
               expiry_of(row, "-", when), row->home);
    }
    return 0;
}

static void print_mistake(const char *mistake)
{
    stderr_print("%s", mistake);
}

/* It lists all correct rows in spite of mistakes, and reports the latter: an
 * administrator searches for the line that keeps a user out. */
int user_list(struct context *x)
{
    struct users u;
    int code =
        edit_load_users(&u, x->settings.users, print_mistake, &x->complaint);
    int shown = 0;

    if (code == 0 || u.count > 0)
        shown = x->args.json ? list_json(x, &u) : list_plain(&u);
    users_release(&u);
    return code ? code : shown;
}

static const char *mode_or_default(unsigned mode, char out[MODE_MAX])
{
    return mode ? mode_text(mode, out) : "the server's setting";
}

static void show_mounts(const struct users *u, const struct user *user)
{
    char rights[16];

    for (size_t i = 0; i < user->grants; i++) {
        const char *name = user->share[user->grant[i].share].name;
        struct grant_walk w;
        struct buf by;

        buf_init(&by, 2 * USER_LINE_MAX);
        grant_walk_begin(&w, u, user, name);
        grant_sources_text(&w, &by);
        printf("share:    %s %s (%s)\n", name,
               rights_text(user->grant[i].rights, rights), by.data);
        buf_release(&by);
    }
    for (size_t i = 0; i < user->directories; i++)
        printf("rights in: %s %s\n", user->directory[i].path,
               rights_text(user->directory[i].rights, rights));
}

static int show_plain(const struct users *u, const struct user *user)
{
    const struct slice teams =
        user->teams.len > 0 ? user->teams : SLICE("none");
    char file_mode[MODE_MAX], dir_mode[MODE_MAX];
    const struct slice certificate =
        user->certificate.len > 0 ? user->certificate : SLICE("none");
    char rights[16], when[WHEN_MAX];

    printf("name:     %s\nuid:      %u\ngid:      %u\ncomment:  %s\n"
           "home:     %s\nrights:   %s\nstate:    %s\nexpires:  %s\n"
           "password: %s\n"
           "conflict: %s\nbinding:  %s\nupload end: %s\nlogin:    "
           "%s\ncertificate: %.*s\nsecond factor: %s\n",
           user->name, (unsigned)user->uid, (unsigned)user->gid, user->comment,
           user->home, rights_text(user->rights, rights), state_of(user),
           expiry_of(user, "never", when), user_hash_kind(user->hash),
           choice_of(user, CHOICE_CONFLICT, "the server's setting"),
           choice_of(user, CHOICE_BINDING, "the server's setting"),
           choice_of(user, CHOICE_UPLOAD_EOF, "the server's setting"),
           login_of(user), (int)certificate.len, certificate.ptr,
           user->totp.len > 0 ? second_factor_of(user) : "none");
    printf("file mode: %s\ndirectory mode: %s\nteams:    %.*s\n",
           mode_or_default(user->file_mode, file_mode),
           mode_or_default(user->dir_mode, dir_mode), (int)teams.len,
           teams.ptr);
    show_mounts(u, user);
    limits_print(&user->limits);
    return 0;
}

int user_show(struct context *x)
{
    const struct user *user;
    struct users u;
    int code = ctl_load_user(x, &u, &user);

    if (code == 0)
        code = x->args.json ? json_write(x, json_user(&u, user))
                            : show_plain(&u, user);
    users_release(&u);
    return code;
}

/* A file with a mistake isn't exported: its import would fail. */
static int export_text(struct context *x)
{
    struct users u = { 0 };
    struct buf text;
    FD_CLEANUP int fd = -1;
    int code = 0;

    fd = open(x->settings.users, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return ctl_fail(x, errno == ENOENT ? EX_NOINPUT : ctl_exit_of(errno),
                        "%s: %s", x->settings.users, strerror(errno));
    buf_init(&text, USERS_FILE_MAX);
    if (users_read(&u, fd, x->settings.users, &x->complaint))
        code = EX_DATAERR;
    else if (fd_read_file(fd, &text))
        code = ctl_fail(x, EX_IOERR, "%s: can't be read", x->settings.users);
    else
        fwrite(text.data, 1, text.len, stdout);
    buf_release(&text);
    users_release(&u);
    return code;
}

int user_export(struct context *x)
{
    struct users u;
    int code;

    if (x->args.hashes && !x->args.json)
        return ctl_fail(x, EX_USAGE,
                        "--hashes goes with --json; without "
                        "--json the output has the hashes");
    if (!x->args.json)
        return export_text(x);
    code = edit_load_users(&u, x->settings.users, NULL, &x->complaint);
    if (code == 0)
        code = list_json(x, &u);
    users_release(&u);
    return code;
}

/* "user list" and "user show", as text and as JSON. They show a hash only with
 * --hashes, and otherwise its kind. */
#include "ctl.h"

#include <errno.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

/* Returns the row's word for CHOICE, one of CHOICE_; NULL: the server's setting
 * counts. */
static const char *choice_of(const struct user *user, int choice)
{
    unsigned n = user->choice[choice];

    return n ? choices[choice].words[n - 1] : NULL;
}

/* Fills the lists of ONE: the teams, the shares with all lines that give rights
 * in them, and the limits of the teams. */
static void add_lists(json_t *one, const struct user *user)
{
    json_t *teams = json_object_get(one, "teams"),
           *shares = json_object_get(one, "shares"),
           *limits = json_object_get(one, "team_limits");
    struct slice rest = user->teams;
    struct list_entry team;
    char rights[16];

    while (entry_next(&rest, &team))
        json_array_append_new(teams,
                              json_stringn(team.text.ptr, team.text.len));
    for (size_t i = 0; i < user->grants; i++) {
        const char *name = user->share[user->grant[i].share].name;

        json_array_append_new(
            shares, json_pack("{s:s, s:s, s:o}", "name", name, "rights",
                              rights_text(user->grant[i].rights, rights), "by",
                              grant_sources(&ctl.users, user, name)));
    }
    for (int i = 0; i < USER_TEAMS_MAX && user->team[i]; i++)
        json_array_append_new(
            limits,
            json_pack("{s:s, s:o}", "team", user->team[i]->name, "limits",
                      limits_json(&user->team[i]->limits, ROW_TEAM_LIMITS)));
}

/* Adds the hash as it is in the file, and the secret of one-time codes. */
static int add_secrets(json_t *one, const struct user *user)
{
    char hash[USER_HASH_MAX + 2];
    int r;

    snprintf(hash, sizeof(hash), "%s%s", user->locked_by_hand ? "!" : "",
             user->hash);
    r = json_object_set_new(one, "totp", json_slice(user->totp)) ||
        json_object_set_new(one, "hash", json_string(hash));
    explicit_bzero(hash, sizeof(hash));
    return r;
}

/* The question to a fork about what the user has stored: the disk can be
 * dead. */
struct asked_stored {
    const char *home;
    struct stored stored;
    bool known;
};

static void ask_stored(void *data)
{
    struct asked_stored *a = data;
    char text[STORED_TEXT_MAX];
    ssize_t len = lgetxattr(a->home, STORED_ATTRIBUTE, text, sizeof(text));

    a->known = len < 0 ? errno == ENODATA
                       : !stored_parse((struct slice){ text, (size_t)len },
                                       &a->stored);
}

static json_t *describe_user(size_t i)
{
    const struct user *user = &ctl.users.row[i];
    struct asked_stored a = { .home = user->home };
    struct complaint why;
    const uint64_t bytes = row_limit(&user->limits, ROW_UPLOAD_BYTES, 0);
    const bool counts =
        (bytes > 0 || row_limit(&user->limits, ROW_UPLOADS, 0) > 0) &&
        disk_try_each(ask_stored, &a, sizeof(a), a.home, &why) == 0 && a.known;
    /* A user without a password has no weak hash. */
    const bool weak = user->hash[0] == '$' &&
                      hash_is_weaker(user->hash, ctl.settings.hash_cost);
    const char *const state = user->locked                     ? "locked"
                              : user_expired(user, time(NULL)) ? "expired"
                                                               : "active";
    const char *const login = user->certificate.len == 0 ? "password"
                              : user->certificate_only
                                  ? "certificate"
                                  : "password and certificate";
    char rights[16];
    json_t *one = json_pack(
        "{s:s, s:I, s:I, s:o, s:o, s:s, s:b, s:s, s:s, s:b, s:b, s:s?, s:s?, "
        "s:s?, s:s, s:o, s:s?, s:o, s:o, s:o, s:[], s:[], s:o, s:[], "
        "s:o, s:o, s:o, s:o}",
        "name", user->name, "uid", (json_int_t)user->uid, "gid",
        (json_int_t)user->gid, "comment", json_text(user->comment), "home",
        json_text(user->home), "rights", rights_text(user->rights, rights),
        "locked", (int)user->locked, "state", state, "password",
        user_hash_kind(user->hash), "weak_hash", (int)weak, "must_change",
        (int)user->must_change, "on_conflict", choice_of(user, CHOICE_CONFLICT),
        "data_binding", choice_of(user, CHOICE_BINDING), "upload_eof",
        choice_of(user, CHOICE_UPLOAD_EOF), "login", login, "certificate",
        json_slice(user->certificate), "second_factor",
        user->totp.len > 0 ? "totp" : NULL, "expires", json_time(user->expires),
        "file_mode", json_mode(user->file_mode), "dir_mode",
        json_mode(user->dir_mode), "teams", "shares", "limits",
        limits_json(&user->limits, ROW_LIMITS), "team_limits", "files",
        json_count(counts, a.stored.files), "bytes",
        json_count(counts && bytes > 0, a.stored.bytes), "retain",
        json_slice(user->retain), "sync", json_slice(user->sync));

    add_lists(one, user);
    if (one && ctl.args.hashes && add_secrets(one, user)) {
        json_decref(one);
        return NULL;
    }
    return one;
}

static const struct output_field user_columns[] = {
    { .title = "NAME", .key = "name", .width = -20 },
    { .title = "STATE", .key = "state", .width = -7 },
    { .title = "RIGHTS", .key = "rights", .width = -8 },
    { .title = "EXPIRES", .key = "expires", .width = -20, .none = "-" },
    { .title = "HOME", .key = "home" },
    { 0 },
};

/* Lists all correct rows in spite of mistakes in others, and reports the
 * mistakes: the administrator can be searching for the line that keeps a user
 * out. */
void user_list(void)
{
    const char *path = ctl.settings.users;
    int mistakes = edit_load_users(&ctl.users, path, edit_print_mistake);

    if (ctl.args.hashes) {
        /* Makes a new file readable for its owner alone, and refuses an older
         * one that others can read. */
        struct stat st;

        if (!ctl.args.json)
            fail(EX_USAGE, "--hashes needs --json");
        if (fstat(STDOUT_FILENO, &st) == 0 && S_ISREG(st.st_mode) &&
            st.st_mode & (S_IRWXG | S_IRWXO) &&
            (st.st_size != 0 || fchmod(STDOUT_FILENO, 0600)))
            fail(EX_CANTCREAT,
                 "others may read the file, and the output has the hashes; run "
                 "first: umask 077, and write a new file");
    }
    if (mistakes == 0 || ctl.users.count > 0)
        output_list(ctl.users.count, describe_user, user_columns);
    if (mistakes)
        fail(EX_DATAERR,
             "%s: %d mistake%s; the server takes the whole file or nothing",
             path, mistakes, mistakes == 1 ? "" : "s");
}

#define SERVERS "the server's setting"

static const struct output_field user_lines[] = {
    { .key = "on_conflict", .none = SERVERS },
    { .key = "data_binding", .none = SERVERS },
    { .key = "upload_eof", .none = SERVERS },
    { .key = "expires", .none = "never" },
    { .key = "file_mode", .none = SERVERS },
    { .key = "dir_mode", .none = SERVERS },
    { .key = "limits", .none = SERVERS },
    { .key = "files", .none = "not counted" },
    { .key = "bytes", .none = "not counted" },
    { .key = "retain", .none = "for ever" },
    { .none = "none" },
};

void user_show(void)
{
    const struct user *user = user_named(&ctl.users);

    output_one(describe_user((size_t)(user - ctl.users.row)), user_lines);
}

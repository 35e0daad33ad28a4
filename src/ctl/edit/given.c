/* The options of the command line that a row has: each is checked, and set in
 * the row in the row's form. The word "default" removes a key. A hash is never
 * an argument: all users of the machine could read it. */
#include "edit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "sallyport/base/buf.h"
#include "sallyport/domain/tls.h"

static bool is_default(const char *text)
{
    return strcmp(text, DEFAULT) == 0;
}

static int given_put(struct context *x, struct row *row, const char *key,
                     const char *value)
{
    return row_exit(row_set(row, key, value), &x->complaint);
}

/* --certificate: names of client certificates, from the forms of other
 * programs. The room userparse checks whether a name is valid. */

/* openssl(1) prints a backslash before a ';', and before a space at either end
 * of a value; that backslash is dropped. An escaped backslash belongs to the
 * name and stays. */
static int settle_pairs(const char *text, struct buf *into)
{
    int r = 0;

    for (size_t len; *text && r == 0; text += len) {
        len = *text == '\\' && text[1] ? 2 : 1;
        r = len == 2 && (text[1] == ' ' || text[1] == ';')
                ? buf_add_format(into, "\\%02X", (unsigned)text[1])
                : buf_add(into, text, len);
    }
    return r;
}

static int add_name(struct slice name, struct buf *into)
{
    const bool pin = slice_starts(name, SLICE(PIN_PREFIX));
    int bad = into->len > 0 ? buf_add_text(into, ";") : 0;

    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];

        if (pin && c >= 'A' && c <= 'F')
            c = (char)(c - 'A' + 'a');
        if (!pin && c == ' ')
            bad |= buf_add_text(into, "\\20");
        else if (!pin || c != ':' || i < strlen(PIN_PREFIX))
            bad |= buf_add(into, &c, 1);
    }
    return bad;
}

int certificate_tidy(const char *text, char out[CERTIFICATE_MAX])
{
    struct buf settled, into;
    struct slice rest, name;
    int bad;

    buf_init(&settled, 2 * CERTIFICATE_MAX);
    buf_init(&into, CERTIFICATE_MAX - 1);
    bad = settle_pairs(text, &settled);
    rest = buf_slice(&settled);
    while (slice_cut(&rest, ';', &name))
        bad |= add_name(slice_trim(name), &into);
    bad |= slice_copy(buf_slice(&into), out, CERTIFICATE_MAX);
    buf_release(&settled);
    buf_release(&into);
    return bad ? -ENAMETOOLONG : 0;
}

/* Keys. Most have the name and the value of their option. */

static int given_certificate(struct context *x, struct row *row)
{
    char tidy[CERTIFICATE_MAX];
    struct complaint why = { "" };

    if (certificate_tidy(x->args.certificate, tidy) == 0 &&
        user_certificate_check(slice_from(tidy), &why) == 0)
        return given_put(x, row, "certificate", tidy);
    return ctl_fail(x, EX_USAGE, "--%s",
                    why.text[0] ? why.text : "certificate: too long");
}

/* The users file has the rules, and their words. */
static int given_key(struct context *x, struct row *row,
                     const struct ctl_option *option, const char *text)
{
    struct complaint why = { "" };

    if (is_default(text))
        return given_put(x, row, option->key, NULL);
    if (text == x->args.certificate)
        return given_certificate(x, row);
    if (user_key_check(option->key, text, &why) == 0)
        return given_put(x, row, option->key, text);
    return ctl_fail(x, EX_USAGE, "--%s %s; or " DEFAULT, option->name,
                    why.text + strlen(option->key) + 1);
}

static int given_each_key(struct context *x, struct row *row)
{
    int code = 0;

    for (size_t i = 0; i < OPTIONS && code == 0; i++)
        if (ctl_options[i].key && x->args.option[i])
            code = given_key(x, row, &ctl_options[i], x->args.option[i]);
    return code;
}

/* --ttl counts from now, so the row gets a time. */
static int given_ttl(struct context *x, struct row *row, const char *text)
{
    char when[WHEN_MAX];
    uint64_t seconds;

    if (arguments_seconds(x, "ttl", text, &seconds))
        return EX_USAGE;
    return given_put(x, row, "expires",
                     when_text(time(NULL) + (int64_t)seconds, when));
}

int given_rights_in(struct context *x, char path[USER_HOME_MAX + 1],
                    const char **role)
{
    const char *text = x->args.rights_in, *colon = strrchr(text, ':');
    unsigned rights;

    path[0] = '\0';
    if (!colon ||
        place_tidy((struct slice){ text, (size_t)(colon - text) }, path,
                   USER_HOME_MAX + 1) ||
        text[0] != '/' || !user_path_ok(slice_from(path)) ||
        path[strcspn(path, " =")])
        return ctl_fail(x, EX_USAGE,
                        "--rights-in %s: expected PATH:ROLE, such as "
                        "/incoming:drop; a path without blanks, =, . and ..",
                        text);
    *role = is_default(colon + 1) ? NULL : colon + 1;
    if (*role && rights_parse(slice_from(*role), &rights))
        return ctl_fail(x, EX_USAGE,
                        "--rights-in %s: " RIGHTS_EXPECTED ", or " DEFAULT,
                        text);
    return 0;
}

static int given_directory(struct context *x, struct row *row, const char *text)
{
    char path[USER_HOME_MAX + 1], key[USER_HOME_MAX + 16];
    const char *role;
    int code = given_rights_in(x, path, &role);

    (void)text;
    if (code)
        return code;
    snprintf(key, sizeof(key), "rights.%s", path);
    return given_put(x, row, key, role);
}

/* --retain [PATH:]TIME: without a path for all of the home, or of the share. */
static int given_retain(struct context *x, struct row *row, const char *text)
{
    const char *colon = strrchr(text, ':'), *time = colon ? colon + 1 : text;
    struct slice rest, path = SLICE("/");
    char entry[USER_HOME_MAX + 16];
    struct retention one;

    if (colon)
        path = (struct slice){ text, (size_t)(colon - text) };
    snprintf(entry, sizeof(entry), "%.*s:%s", (int)path.len, path.ptr,
             is_default(time) ? "1h" : time);
    rest = slice_from(entry);
    if (strlen(text) + 2 >= sizeof(entry) || text[strcspn(text, " ,")] ||
        user_retain_next(&rest, &one) != 1 || rest.ptr)
        return ctl_fail(x, EX_USAGE,
                        "--retain %s: " USER_RETAIN_EXPECTED "; or " DEFAULT,
                        text);
    return row_exit(
        row_set_entry(row, "retain", one.path, is_default(time) ? NULL : entry),
        &x->complaint);
}

const char *grant_text(struct slice share, unsigned rights,
                       char out[GRANT_TEXT_MAX])
{
    char role[16];

    snprintf(out, GRANT_TEXT_MAX, "%.*s%s%s", (int)share.len, share.ptr,
             rights == RIGHT_ALL ? "" : ":",
             rights == RIGHT_ALL ? "" : rights_text(rights, role));
    return out;
}

/* Adds each entry of --share, which is --to of an invitation. */
static int given_shares(struct context *x, struct row *row, const char *list)
{
    struct slice rest = slice_from(list);
    struct list_entry one;
    int code = 0;

    while (code == 0 && entry_next(&rest, &one)) {
        char text[GRANT_TEXT_MAX];
        unsigned rights;

        if (entry_rights(&one, &rights))
            return ctl_fail(x, EX_USAGE, "--%s %.*s: " RIGHTS_EXPECTED,
                            x->args.to ? "to" : "share", (int)one.text.len,
                            one.text.ptr);
        code = row_exit(row_set_entry(row, "shares", one.name,
                                      grant_text(one.name, rights, text)),
                        &x->complaint);
    }
    return code;
}

/* A team has no role: draft_check() finds no team "legal:read". */
static int given_teams(struct context *x, struct row *row, const char *list)
{
    struct slice rest = slice_from(list);
    struct list_entry one;
    int code = 0;

    while (code == 0 && entry_next(&rest, &one)) {
        char text[GRANT_TEXT_MAX];

        code = row_exit(row_set_entry(row, "teams", one.text,
                                      grant_text(one.text, RIGHT_ALL, text)),
                        &x->complaint);
    }
    return code;
}

static int given_role(struct context *x, struct row *row, const char *role)
{
    unsigned rights;
    char text[16];

    if (rights_parse(slice_from(role), &rights))
        return ctl_fail(x, EX_USAGE, "--role %s: " RIGHTS_EXPECTED, role);
    return given_put(x, row, "rights", rights_text(rights, text));
}

/* With --local-group local programs work in the home. */
static int given_modes(struct context *x, struct row *row, const char *group)
{
    int code = given_put(x, row, "file_mode", "0660");

    (void)group;
    return code ? code : given_put(x, row, "dir_mode", "0770");
}

static int given_must_change(struct context *x, struct row *row,
                             const char *none)
{
    (void)none;
    return given_put(x, row, "must_change", "yes");
}

/* Columns. */

static int given_uid(struct context *x, struct row *row, const char *text)
{
    const struct settings *s = &x->settings;
    uint64_t uid;

    if (slice_number(slice_from(text), s->uid_last, &uid) || uid < s->uid_first)
        return ctl_fail(x, EX_USAGE,
                        "--uid %s: use a number from %llu to %llu (uid_first, "
                        "uid_last)",
                        text, (unsigned long long)s->uid_first,
                        (unsigned long long)s->uid_last);
    return row_exit(row_set_number(row, ROW_UID, uid), &x->complaint);
}

static int given_gid(struct context *x, struct row *row, const char *text)
{
    const struct settings *s = &x->settings;
    uint64_t gid;

    if (slice_number(slice_from(text), USER_ID_MAX, &gid) || gid == 0)
        return ctl_fail(x, EX_USAGE, "--gid %s: use a number from 1 on", text);
    if (gid >= s->gid_first && gid <= s->gid_last)
        return ctl_fail(x, EX_USAGE,
                        "--gid %s: gids from %llu to %llu (gid_first, "
                        "gid_last) are for shares; leave out --gid",
                        text, (unsigned long long)s->gid_first,
                        (unsigned long long)s->gid_last);
    return row_exit(row_set_number(row, ROW_GID, gid), &x->complaint);
}

int given_home(struct context *x, struct row *row, const char *home)
{
    char tidy[USER_HOME_MAX + 1];

    if (!user_home_ok(slice_from(home)) ||
        place_tidy(slice_from(home), tidy, sizeof(tidy)))
        return ctl_fail(x, EX_USAGE, "home %s: use %s", home,
                        user_home_wanted(slice_from(home)));
    if (geteuid() != 0 && !user_path_within(tidy, x->settings.homes))
        return ctl_fail(x, EX_USAGE,
                        "home %s: without root it must lie beneath %s", tidy,
                        x->settings.homes);
    return row_exit(row_set_column(row, ROW_HOME, tidy), &x->complaint);
}

static int given_comment(struct context *x, struct row *row,
                         const char *comment)
{
    if (!user_comment_ok(slice_from(comment)))
        return ctl_fail(x, EX_USAGE,
                        "--comment: at most 255 bytes, no ':', no line end");
    return row_exit(row_set_column(row, ROW_COMMENT, comment), &x->complaint);
}

/* Each is called with the value of its option, if that is given. The keys are
 * in the order that they have in a new row. */
static const struct {
    enum option_place option;
    int (*set)(struct context *x, struct row *row, const char *value);
    bool of_user; /* not for the row of a share or a team */
} setters[] = {
    { OPTION_role, given_role, false },
    { OPTION_local_group, given_modes, true },
    { OPTIONS, NULL, false }, /* here come the options that are keys */
    { OPTION_ttl, given_ttl, false },
    { OPTION_must_change, given_must_change, false },
    { OPTION_retain, given_retain, false },
    { OPTION_rights_in, given_directory, false },
    { OPTION_share, given_shares, false },
    { OPTION_team, given_teams, false },
    { OPTION_comment, given_comment, true },
    { OPTION_uid, given_uid, true },
    { OPTION_gid, given_gid, true },
    { OPTION_home, given_home, true },
};

int given_set(struct context *x, struct row *row)
{
    const bool of_user = row->columns == ROW_COLUMNS;
    int code = 0;

    for (size_t i = 0; i < sizeof(setters) / sizeof(setters[0]) && !code; i++) {
        const enum option_place option = setters[i].option;

        if (option == OPTIONS)
            code = given_each_key(x, row);
        else if (x->args.option[option] && (of_user || !setters[i].of_user))
            code = setters[i].set(x, row, x->args.option[option]);
    }
    return code;
}

int given_check(struct context *x)
{
    struct row scratch;
    int code =
        row_exit(row_parse(&scratch, SLICE("@share:s:1:/:")), &x->complaint);

    if (code == 0)
        code = given_set(x, &scratch);
    row_release(&scratch);
    return code;
}

int given_any(struct context *x)
{
    for (size_t i = 0; i < OPTIONS; i++)
        if (i != OPTION_config && x->args.option[i])
            return 0;
    return ctl_fail(x, EX_USAGE,
                    "nothing to change; see: sallyportctl %s change --help",
                    x->args.word[0]);
}

int given_hash(struct context *x, struct row *row)
{
    char hash[USER_HASH_MAX + 1];
    int code;

    if (!x->args.hash_stdin)
        return 0;
    code = password_line(hash, sizeof(hash), &x->complaint);
    if (code == 0 && (hash[0] != '$' || !user_hash_ok(hash)))
        code = ctl_fail(
            x, EX_DATAERR,
            "this hash isn't supported (%s); this user needs a new "
            "password, or a hash of " USER_HASHES " (openssl passwd -6)",
            hash[0] == '!' ? "it begins with a !" : user_hash_found(hash));
    if (code == 0)
        code = row_exit(row_set_column(row, ROW_HASH, hash), &x->complaint);
    explicit_bzero(hash, sizeof(hash));
    return code;
}

/* Hints at the end of a command. */

static void hint_expired(const struct context *x)
{
    int64_t when;

    if (x->args.expires &&
        user_expires_parse(slice_from(x->args.expires), &when) == 0 &&
        when <= time(NULL))
        fprintf(stderr, "sallyportctl: %s has expired, and can't log in\n",
                x->args.word[2]);
}

/* With systemd the server starts sallyport-retention.timer. */
static void hint_retention(const struct context *x)
{
    const char *text = x->args.retain,
               *colon = text ? strrchr(text, ':') : NULL;

    if (text && !is_default(colon ? colon + 1 : text) &&
        access("/run/systemd/system", F_OK) != 0)
        fputs("sallyportctl: without systemd nothing is removed until "
              "something runs, each day: sallyportctl retention run\n",
              stderr);
}

/* The server replaces the users file for such a user. */
static void hint_must_change(const struct context *x)
{
    char path[PATH_MAX], *slash;
    struct complaint c = { "" };

    if (!x->args.must_change || !realpath(x->settings.users, path))
        return;
    slash = strrchr(path, '/');
    slash[slash == path] = '\0';
    if (paths_forbid(x, "directory", path, &c))
        fprintf(stderr, "sallyportctl: %s can't change the password: %s\n",
                x->args.word[2], c.text);
}

void given_hint(const struct context *x)
{
    hint_expired(x);
    hint_must_change(x);
    hint_retention(x);
    if (!x->args.certificate || is_default(x->args.certificate) ||
        x->settings.client_certificates != CLIENTS_OFF)
        return;
    fprintf(stderr,
            "sallyportctl: nobody is asked for a certificate, so %s can't log "
            "in; write into %s: client_certificates = request\n",
            x->args.word[2], x->settings.file);
}

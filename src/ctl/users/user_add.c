/* Makes rows for "user add", "user change" and "user import": checks them
 * against the other rows, and gives them a uid and a home. The end of the file
 * is "user add". */
#include "edit/edit.h"

void draft_begin(struct draft *d, const char *name)
{
    *d = (struct draft){ .home = { .mode = 0700, .adopt = true } };
    row_need(row_parse(&d->row, ROW_NEW));
    row_set_column(&d->row, ROW_NAME, name);
}

void draft_home(struct draft *d, const char *home)
{
    char path[USER_HOME_MAX + USER_NAME_MAX + 2];

    snprintf(path, sizeof(path), "%s/%s", ctl.settings.homes,
             d->row.column[ROW_NAME]);
    given_tidy("home", home ? home : path, ctl.settings.homes, d->home.path);
    home_canonical(d->home.path);
    row_set_column(&d->row, ROW_HOME, d->home.path);
}

/* Fails unless each share of --share, or each team of --team, exists. */
static void check_list(const struct users *u, const char *list,
                       const char *group)
{
    struct slice rest = slice_from(list);
    struct list_entry one;

    while (entry_next(&rest, &one)) {
        const struct slice name =
            strcmp(group, "share") == 0 ? one.name : one.text;

        if (line_find(u, group, name) == 0)
            fail_missing(group, name);
    }
}

void draft_check(const struct draft *d, const struct users *u,
                 const struct user *own)
{
    const char *home = d->row.column[ROW_HOME];
    const char *name = d->row.column[ROW_NAME];
    const struct user *same = own ? NULL : users_find(u, slice_from(name));

    row_need(d->row.error);
    if (same)
        fail(EX_DATAERR,
             "%s:%zu: %s is there already; run: sallyportctl %-s %s%-s",
             ctl.settings.users, same->line, name,
             ctl.invites      ? "invite --show"
             : ctl.args.share ? "share grant SHARE"
             : ctl.args.team  ? "team join TEAM"
                              : "user show",
             name, ctl.args.share && !ctl.invites ? ":ROLE" : "");
    if (!own)
        sessions_name_check(name);
    check_list(u, ctl.args.share, "share");
    check_list(u, ctl.args.team, "team");
    if (!home[0])
        return;
    if (user_path_within(ctl.settings.shares, home))
        fail(EX_DATAERR, "home %s contains %s (shares); give --home DIR", home,
             ctl.settings.shares);
    home_check_alone(u, own, home, "give --home DIR");
}

void draft_put(struct draft *d)
{
    const uint32_t uid = ids_take();

    row_set_number(&d->row, ROW_UID, uid);
    row_set_number(&d->row, ROW_GID, uid);
    d->home.uid = uid;
    d->home.gid = uid;
    home_make(&d->home);
    edit_append(&d->row);
}

/* "user add": a row in the users file, and a home. */

static void add_locked(void *given)
{
    struct draft *d = given;

    draft_check(d, edit_users, NULL);
    draft_put(d);
}

/* Asks for everything before the lock, so that no other command waits while
 * somebody types, or while a disk, a name service or systemd doesn't answer. */
void user_add_row(struct draft *d, struct secret *password)
{
    const char *login;
    char hash[HASH_MAX] = "*";

    draft_begin(d, ctl.rest[0]);
    row_set(&d->row, "rights", "full");
    given_set(&d->row);
    login = row_get(&d->row, "login");
    if (login && strcmp(login, "certificate") == 0 && !ctl.args.certificate)
        fail(EX_USAGE,
             "--login certificate needs --certificate sha256:FINGERPRINT");
    draft_check(d, &ctl.users, NULL);
    draft_home(d, ctl.args.home);
    draft_check(d, &ctl.users, NULL);
    home_check_mounted(d->home.path);
    ids_ask(false, 1, d->home.path);
    d->home.uid = ids_likely(0);
    home_check(&d->home);
    if (ctl.args.hash_stdin) {
        given_hash(&d->row);
    } else {
        if (ctl.args.print_password || !login ||
            strcmp(login, "certificate") != 0)
            password_hash(password, hash);
        row_set_column(&d->row, ROW_HASH, hash);
        explicit_bzero(hash, sizeof(hash));
    }
    ids_ask(false, 1, d->home.path); /* an account can have come since */
    password_show(password);
    edit_run(add_locked, d);
}

void user_add(void)
{
    SECRET_CLEANUP struct secret password = { .len = 0 };
    struct draft d;

    user_add_row(&d, &password);
    output_done("user", ctl.args.word[2],
                json_pack("{s:o, s:I, s:b}", "home", json_text(d.home.path),
                          "uid", (json_int_t)d.home.uid, "made", d.home.made),
                "uid %u, home %s%s", (unsigned)d.home.uid, d.home.path,
                d.home.made ? "" : " (existed, and is used)");
    given_hint();
}

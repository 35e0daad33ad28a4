/* "user add": a row in the users file, and a home. The uid is recorded as used
 * before anything else is written, so that it is never assigned twice. */
#include "draft.h"
#include "known.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "sallyport/hash/hash.h"

/* Makes the row of what the command line says. */
static int take_arguments(struct context *x, struct draft *d)
{
    int code = draft_begin(x, d, x->args.word[2]);

    if (code)
        return code;
    if (x->args.print_password && x->args.hash_stdin)
        return ctl_fail(x, EX_USAGE,
                        "give --print-password or --hash-stdin, not both");
    if (x->args.local_group)
        code = given_group(x, x->args.local_group, &d->local_gid);
    if (code == 0)
        code = row_exit(row_set(&d->row, "rights", "full"), &x->complaint);
    if (code == 0)
        code = given_set(x, &d->row);
    if (code == 0)
        code = given_ids_free(x);
    return code || x->args.home ? code : draft_home_in(x, d, x->settings.homes);
}

static int take_password(struct context *x, struct draft *d,
                         struct secret *password)
{
    char hash[HASH_MAX];
    int code;

    if (x->args.hash_stdin)
        return given_hash(x, &d->row);
    code = password_take(x, password, x->args.word[2]);
    if (code)
        return code;
    if (hash_make(password, x->settings.hash_cost, hash))
        return ctl_fail(x, EX_OSERR, "crypt(3) made no hash");
    code = row_exit(row_set_column(&d->row, ROW_HASH, hash), &x->complaint);
    explicit_bzero(hash, sizeof(hash));
    return code;
}

static int user_add_spend_uid(struct context *x, struct draft *d,
                              struct edit *e)
{
    struct uids uids;
    int code = uids_open(x, &uids, e);

    if (code == 0)
        code = draft_assign(x, d, &uids);
    if (code == 0) /* a uid isn't spent for a home that is refused */
        code = draft_check_make(x, d, e);
    return code ? code : uids_record(&uids, e);
}

static int add_locked(struct context *x, struct edit *e, void *given)
{
    struct draft *d = given;
    int code = draft_check(x, d, &e->users, NULL);

    if (code == 0)
        code = user_add_spend_uid(x, d, e);
    if (code == 0)
        code = draft_put(x, d, e);
    return code ? code : edit_commit(e);
}

/* Checks all before the password is asked for: no lock is held while somebody
 * types. */
int user_add_row(struct context *x, struct draft *d, struct secret *password)
{
    int code = take_arguments(x, d);

    if (code == 0)
        code = draft_check(x, d, &x->users, NULL);
    if (code == 0)
        code = take_password(x, d, password);
    if (code)
        return code;
    if (row_get_number(&d->row, ROW_UID) == 0)
        known_ask_owners(x, d->row.column[ROW_HOME]);
    return edit_run(x, add_locked, d);
}

int user_add(struct context *x)
{
    SECRET_CLEANUP struct secret password = { .len = 0 };
    struct draft d;
    int code = user_add_row(x, &d, &password);

    if (code == 0) {
        printf("user %s: uid %s, home %s%s\n", d.row.column[ROW_NAME],
               d.row.column[ROW_UID], d.row.column[ROW_HOME],
               d.made ? "" : " (was there, kept)");
        password_show(x, &password);
        given_hint(x);
    }
    draft_end(&d);
    return code;
}

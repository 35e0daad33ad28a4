/* "invite": "user add" with three defaults, and the letter. The home is only
 * the place from which the shares are seen. */
#include "edit/edit.h"

/* Takes the shares, each with a role. */
static void take_shares(struct buf *list)
{
    struct slice rest = slice_from(ctl.args.to);
    struct list_entry one;
    int r = 0;

    buf_init(list, USER_LINE_MAX);
    while (r == 0 && entry_next(&rest, &one))
        r = buf_add_format(list, "%s%.*s%s", list->len > 0 ? "," : "",
                           (int)one.text.len, one.text.ptr,
                           one.role.ptr ? "" : ":drop");
    row_need(r ? r : buf_add(list, "", 1));
    ctl.args.share = list->data;
}

/* Adds the user. Standard output gets only the letter: as with --json, the
 * number of sessions that the change has ended goes to standard error. */
static void add_partner(void)
{
    SECRET_CLEANUP struct secret password = { .len = 0 };
    struct buf shares;
    struct draft d;

    take_shares(&shares);
    ctl.args.role = "read";
    ctl.args.print_password = "";
    ctl.args.json = "";
    user_add_row(&d, &password);
    ctl.args.share = NULL;
    buf_release(&shares);
    edit_read_users();
}

/* Turns the words into the words of "user add": there is room for one more,
 * since the program's name preceded them. */
static void invite_take_name(struct arguments *a)
{
    static char user[] = "user", add[] = "add";

    a->word[2] = a->word[1];
    a->word[0] = user;
    a->word[1] = add;
    a->word[3] = NULL;
    a->words = 3;
}

void invite_run(void)
{
    const struct arguments *a = &ctl.args;
    const bool adds = a->expires || a->uploads || a->upload_bytes || a->comment;
    const struct user *user;

    if (a->show ? a->to || adds : !a->to)
        fail(EX_USAGE,
             "give --to SHARE[:ROLE], or --show alone for the letter of an "
             "existing user");
    invite_take_name(&ctl.args);
    if (!a->show)
        add_partner();
    user = user_named(&ctl.users);
    letter_print(user);
    user_hint(user);
}

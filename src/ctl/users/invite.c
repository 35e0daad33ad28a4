/* "invite": "user add" with three defaults, and the letter. The home is only
 * the place from which the shares are seen. */
#include "edit/edit.h"

/* Adds the user. Standard output gets only the letter: as with --json, the
 * number of sessions that the change has ended goes to standard error. --show
 * stands for the letter. */
static void add_partner(void)
{
    SECRET_CLEANUP struct secret password = { .len = 0 };
    struct draft d;

    ctl.args.role = "read";
    ctl.args.print_password = "";
    ctl.args.json = "";
    ctl.args.show = "";
    user_add_row(&d, &password);
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
    const bool adds =
        a->share || a->expires || a->uploads || a->upload_bytes || a->comment;
    const struct user *user;

    if (a->show ? adds : !a->share)
        fail(EX_USAGE,
             "give --share NAME:ROLE, such as --share incoming:drop; or --show "
             "alone for the letter of an existing user");
    invite_take_name(&ctl.args);
    if (!a->show)
        add_partner();
    user = user_named(&ctl.users);
    letter_print(user);
    user_hint(user);
}

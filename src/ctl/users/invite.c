/* "invite": adds a user as "user add" does, with defaults, and prints the
 * letter. The home is only the directory in which the user sees the shares. */
#include "edit/edit.h"

void invite_run(void)
{
    static const struct ctl_command adds_user = { .group = "user",
                                                  .name = "add" };
    struct arguments *a = &ctl.args;
    const bool adds =
        a->share || a->expires || a->uploads || a->upload_bytes || a->comment;
    SECRET_CLEANUP struct secret password = { .len = 0 };
    const struct user *user;
    struct draft d;

    if (a->show ? adds : !a->share)
        fail(EX_USAGE,
             "give --share NAME:ROLE, such as --share incoming:drop; or --show "
             "alone for the letter of an existing user");
    if (!a->show) {
        ctl.command = &adds_user;
        ctl.invites = true;
        a->role = "read";
        a->print_password = "";
        user_add_row(&d, &password);
        edit_read_users();
    }
    user = user_named(&ctl.users);
    letter_print(user);
    user_hint(user);
}

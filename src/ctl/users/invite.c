/* "invite": runs "user add" with defaults, and prints the letter. The home is
 * only the directory in which the user sees the shares. */
#include "edit/edit.h"

void invite_run(void)
{
    static char group[] = "user", add[] = "add";
    static const struct ctl_command adds_user = { .group = group, .name = add };
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
    /* Write the words of "user add NAME". argv has room for them, since its
     * first place had the name of the program. */
    a->word[2] = a->word[1];
    a->word[0] = group;
    a->word[1] = add;
    a->word[3] = NULL;
    ctl.command = &adds_user;
    a->words = 3;
    /* Print only the letter on standard output: `json` sends the number of
     * ended sessions to standard error, and `show` the password. For `show`,
     * the message about an existing user also names "invite --show". */
    if (!a->show) {
        a->role = "read";
        a->print_password = a->json = a->show = "";
        user_add_row(&d, &password);
        edit_read_users();
    }
    user = user_named(&ctl.users);
    letter_print(user);
    user_hint(user);
}

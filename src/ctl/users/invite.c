/* "invite": "user add" with three defaults, and the letter. The home is only
 * the place from which the shares are seen. */
#include "edit/edit.h"

void invite_run(void)
{
    static char group[] = "user", add[] = "add";
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
    /* The words of "user add": there is room for one more, since the program's
     * name preceded them. */
    a->word[2] = a->word[1];
    a->word[0] = group;
    a->word[1] = add;
    a->word[3] = NULL;
    a->words = 3;
    /* Standard output gets only the letter: as with --json, the number of
     * sessions that the change has ended goes to standard error. --show stands
     * for the letter. */
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

/* "invite": a user for a partner, with grants to shares, and the letter. The
 * password is made, and isn't in the letter: whoever reads one of them can't
 * log in. */
#include "edit/edit.h"

#include <time.h>

static int take_format(struct context *x, bool *html)
{
    const char *word = x->args.format ? x->args.format : "text";

    *html = strcmp(word, "html") == 0;
    return *html || strcmp(word, "text") == 0
               ? 0
               : ctl_fail(x, EX_USAGE, "--format %s: use text or html", word);
}

/* Each share with a role. */
static int take_shares(struct context *x, struct buf *list)
{
    struct slice rest = slice_from(x->args.to);
    struct list_entry one;
    int r = 0;

    while (r == 0 && entry_next(&rest, &one))
        r = buf_add_format(list, "%s%.*s%s", list->len > 0 ? "," : "",
                           (int)one.text.len, one.text.ptr,
                           one.role.ptr ? "" : ":drop");
    if (r == 0)
        r = buf_add(list, "", 1);
    x->args.share = list->data;
    return row_exit(r, &x->complaint);
}

static int print_letter(struct context *x, bool html)
{
    const struct user *user;
    int code = ctl_find(x, &x->users, &user);

    if (code)
        return code;
    letter_print(x, user, html);
    if (user_expired(user, time(NULL)))
        stderr_print("%s has expired, and can't log in", user->name);
    if (user->locked)
        stderr_print("%s is locked, and can't log in", user->name);
    return 0;
}

/* The home is only the place from which the shares are seen. Standard output
 * takes nothing but the letter: as with --json, the number of sessions that the
 * change has ended goes to standard error. */
static int add_partner(struct context *x)
{
    SECRET_CLEANUP struct secret password = { .len = 0 };
    const char *name = x->args.word[2];
    const struct user *same = users_find(&x->users, slice_from(name));
    struct draft d;
    int code;

    if (same)
        return ctl_fail(x, EX_DATAERR,
                        "%s:%zu: %s is there already; for the letter run: "
                        "sallyportctl invite %s --show",
                        x->settings.users, same->line, name, name);
    x->args.role = "read";
    x->args.print_password = "";
    x->args.json = "";
    code = user_add_row(x, &d, &password);
    draft_end(&d);
    if (code)
        return code;
    stderr_print("the password of %s, which isn't in the letter; send it by "
                 "another way: %s",
                 name, password.bytes);
    given_hint(x);
    return edit_read_again(x);
}

static int invite(struct context *x, bool html)
{
    struct buf shares;
    int code = 0;

    buf_init(&shares, USER_LINE_MAX);
    if (!x->args.show)
        code = take_shares(x, &shares);
    if (code == 0 && !x->args.show)
        code = add_partner(x);
    x->args.share = NULL;
    buf_release(&shares);
    return code ? code : print_letter(x, html);
}

/* The words become those of "user add", which the server's log then has: there
 * is room for one more, since the program's name was before them. */
static void invite_take_name(struct arguments *a)
{
    static char user[] = "user", add[] = "add";

    a->word[2] = a->word[1];
    a->word[0] = user;
    a->word[1] = add;
    a->word[3] = NULL;
    a->words = 3;
}

int invite_run(struct context *x)
{
    const struct arguments *a = &x->args;
    const bool adds =
        a->ttl || a->expires || a->max_files || a->max_bytes || a->comment;
    bool html;
    int code;

    if (a->show ? a->to || adds : !a->to)
        return ctl_fail(x, EX_USAGE,
                        "give --to SHARE[:ROLE], or --show alone for the "
                        "letter of an existing user");
    code = take_format(x, &html);
    invite_take_name(&x->args);
    return code ? code : invite(x, html);
}

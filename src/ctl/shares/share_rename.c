/* "share rename" and "team rename": the own line, and each list that has the
 * name, in one edit. A share's directory stays where it is: sessions may run in
 * it, and paths of local programs lead to it. */
#include "edit/edit.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

/* PATH: that of the share, for line_rename(). */
static int rename_locked(struct context *x, struct edit *e, void *path)
{
    const char *what = x->args.word[0], *to = x->args.word[3];
    const struct slice from = slice_from(x->args.word[2]);
    const bool share = strcmp(what, "share") == 0;
    const size_t line = line_find(e->users, share, from),
                 taken = line_find(e->users, share, slice_from(to));
    int code;

    if (line == 0)
        return ctl_missing(x, what, from);
    if (taken > 0)
        return ctl_fail(x, EX_DATAERR, "%s:%zu: %s is there already",
                        x->settings.users, taken, to);
    if (share)
        snprintf(path, USER_HOME_MAX + 1, "%s",
                 share_find(e->users, from)->path);
    code = edit_rename_entries(e, share ? "shares" : "teams", from, to);
    if (code == 0)
        code = edit_set_column(e, line, SHARE_NAME, to);
    return code ? code : edit_commit(e);
}

int line_rename(struct context *x)
{
    char *const *word = x->args.word;
    char path[USER_HOME_MAX + 1] = "";
    int code = edit_run(x, rename_locked, path);

    if (code == 0 && path[0])
        printf("share %s: is now %s, and members see it as /%s; the directory "
               "stays %s\n",
               word[2], word[3], word[3], path);
    else if (code == 0)
        printf("team %s: is now %s\n", word[2], word[3]);
    return code;
}

/* Decides which rows can have a process of their own. Master checks each row
 * before the fork, and check does so before anybody logs in. */
#include <string.h>

#include "sallyport/users/users.h"

static bool has_dot_dot(const char *path)
{
    struct slice rest = slice_from(path), part;

    while (slice_cut(&rest, '/', &part))
        if (slice_equal(part, SLICE("..")))
            return true;
    return false;
}

static bool is_beneath(const char *path, const char *directory)
{
    size_t len = strlen(directory);

    while (len > 1 && directory[len - 1] == '/')
        len--;
    return strncmp(path, directory, len) == 0 && path[len] == '/' &&
           !has_dot_dot(path);
}

int user_permitted(const struct user *user, const struct user_bounds *b,
                   struct complaint *c)
{
    if (user->home[0] != '/' || strlen(user->home) > USER_HOME_MAX)
        return complain(c, "user %s: the home is not absolute, or too long",
                        user->name);
    if (!b->root && !is_beneath(user->home, b->homes))
        return complain(c, "user %s: without root, homes must be below %s",
                        user->name, b->homes);
    if (b->root && (user->uid < b->uid_first || user->uid > b->uid_last))
        return complain(c,
                        "user %s: uid %lu is not in %llu-%llu (uid_first, "
                        "uid_last); run: sallyportctl user change %s --uid N, "
                        "then chown",
                        user->name, (unsigned long)user->uid,
                        (unsigned long long)b->uid_first,
                        (unsigned long long)b->uid_last, user->name);
    if (b->root && user->gid == 0)
        return complain(c, "user %s: gid 0 is root's", user->name);
    return 0;
}

/* A change of some rows of users is put into a table. Runs in master, as root,
 * and in auth. Reader has parsed only the lines that differ, so the other rows
 * are compared here: a name or a uid may be there twice now. */
#include "sallyport/users/change.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "sallyport/base/shared.h"

bool users_is_change(int fd)
{
    const struct users_head *head;
    void *bytes;
    bool is_change;

    if (shared_map(fd, sizeof(*head), PROT_READ, &bytes) < 0)
        return false;
    head = bytes;
    is_change = head->kind == USERS_CHANGE;
    munmap(bytes, sizeof(*head));
    return is_change;
}

static struct slice gone_name(const struct users_change *c, size_t n)
{
    const char *name = c->image.gone[n].name;

    return (struct slice){ name, strnlen(name, USER_NAME_MAX + 1) };
}

/* Notes in GOES which rows of the table go. Is each there, and named once? */
static bool find_gone(const struct users_change *c, const struct users *u,
                      bool *goes)
{
    for (size_t i = 0; i < c->image.head->gone; i++) {
        const struct user *row = users_find(u, gone_name(c, i));

        if (!row || goes[row - u->row])
            return false;
        goes[row - u->row] = true;
    }
    return true;
}

/* Has no row that stays, or that comes too, the name of one that comes? */
static bool names_differ(const struct users *u, const bool *goes,
                         const struct users *added)
{
    for (size_t i = 0; i < added->count; i++) {
        const struct user *row = &added->row[i], *same;
        const struct slice name = slice_from(row->name);

        same = users_find(u, name);
        if ((same && !goes[same - u->row]) || users_find(added, name) != row)
            return false;
    }
    return true;
}

static int compare_uids(const void *a, const void *b)
{
    uid_t x = *(const uid_t *)a, y = *(const uid_t *)b;

    return (x > y) - (x < y);
}

/* The uids that come, in order. Is one there twice? */
static bool sort_uids(const struct users *added, uid_t *uid)
{
    for (size_t i = 0; i < added->count; i++)
        uid[i] = added->row[i].uid;
    qsort(uid, added->count, sizeof(*uid), compare_uids);
    for (size_t i = 1; i < added->count; i++)
        if (uid[i] == uid[i - 1])
            return true;
    return false;
}

/* Has no row that stays the uid of one that comes? And aren't there too many
 * rows of any kind? */
static bool others_fit(const struct users *u, const bool *goes,
                       const struct users *added, const uid_t *uid,
                       size_t *left)
{
    size_t grants = added->grants, directories = added->directories;

    *left = added->count;
    for (size_t i = 0; i < u->count; i++) {
        if (goes[i])
            continue;
        if (added->count > 0 && bsearch(&u->row[i].uid, uid, added->count,
                                        sizeof(*uid), compare_uids))
            return false;
        grants += u->row[i].grants;
        directories += u->row[i].directories;
        (*left)++;
    }
    return grants <= GRANTS_MAX && directories <= DIRECTORIES_MAX &&
           *left <= USERS_MAX;
}

int users_rows_fit(const struct users *u, const bool *goes,
                   const struct users *added, size_t *left)
{
    uid_t *uid = calloc(added->count + 1, sizeof(*uid));
    bool fit = uid && names_differ(u, goes, added) && !sort_uids(added, uid) &&
               others_fit(u, goes, added, uid, left);
    int r = !uid ? -ENOMEM : fit ? 0 : -ESTALE;

    free(uid);
    return r;
}

/* 0, -ESTALE or -ENOMEM */
static int change_fits(struct users_change *c, const struct users *u)
{
    bool *goes = calloc(u->count + 1, sizeof(*goes));
    int r = goes ? -ESTALE : -ENOMEM;

    if (goes && find_gone(c, u, goes))
        r = users_rows_fit(u, goes, c->added, &c->left);
    if (r == 0 && c->left > users_room(u))
        r = -ESTALE;
    free(goes);
    return r;
}

int users_change_take(struct users_change *c, const struct users *u, int fd,
                      struct complaint *why)
{
    int r;

    *c = (struct users_change){ .added = calloc(1, sizeof(*c->added)) };
    if (!c->added)
        return complain(why, "users: out of memory"), -ENOMEM;
    r = users_take_change(c->added, u, fd, &c->image, why);
    if (r < 0)
        return r;
    r = change_fits(c, u);
    if (r < 0)
        complain(why, "a change of the table of users: %s", strerror(-r));
    return r;
}

void users_change_put(struct users_change *c, struct users *u)
{
    for (size_t i = 0; i < c->image.head->gone; i++)
        if (!users_find(c->added, gone_name(c, i)))
            users_remove(u, gone_name(c, i));
    for (size_t i = 0; i < c->added->count; i++)
        users_put(u, &c->added->row[i]);
    c->added->changes = u->changes;
    u->changes = c->added;
}

void users_change_release(struct users_change *c)
{
    if (c->added)
        users_release(c->added);
    free(c->added);
    *c = (struct users_change){ .added = NULL };
}

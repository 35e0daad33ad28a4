/* The hash table of the names, which finds the rows of users. */
#include <stdlib.h>
#include <string.h>

#include "sallyport/users/users.h"

/* Returns the place of the row with this name, or the free place where the
 * search for the name ends. The table is at most half full, so a search needs
 * one or two comparisons. */
static const struct user **index_place(const struct users *u, struct slice name)
{
    size_t i = siphash(u->name_key, name.ptr, name.len) & (u->names - 1);

    while (u->by_name[i] && !slice_equal(name, slice_from(u->by_name[i]->name)))
        i = (i + 1) & (u->names - 1);
    return &u->by_name[i];
}

/* Makes the table. The key is random, so nobody can choose many names that have
 * the same place. */
bool users_index(struct users *u)
{
    u->names = 2;
    while (u->names < 2 * u->count)
        u->names *= 2;
    u->by_name = calloc(u->names, sizeof(*u->by_name));
    if (!u->by_name)
        return false;
    random_bytes(u->name_key, sizeof(u->name_key));
    u->twice = u->count;
    for (size_t i = 0; i < u->count; i++) {
        const struct user **place = index_place(u, slice_from(u->row[i].name));

        if (!*place)
            *place = &u->row[i];
        else if (u->twice == u->count)
            u->twice = i;
    }
    return true;
}

const struct user *users_find(const struct users *u, struct slice name)
{
    return u->count > 0 ? *index_place(u, name) : NULL;
}

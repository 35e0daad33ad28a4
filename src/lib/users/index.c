/* The hash table of the names, with which the rows of users are found,
 * replaced, added and removed. */
#include <stdlib.h>
#include <string.h>

#include "sallyport/users/users.h"

static size_t index_home(const struct users *u, struct slice name)
{
    return siphash(u->name_key, name.ptr, name.len) & (u->names - 1);
}

/* The place of the row with this name, or the free one where the search for it
 * ends. The table is at most half full, so both need one or two comparisons. */
static const struct user **index_place(const struct users *u, struct slice name)
{
    size_t i = index_home(u, name);

    while (u->by_name[i] && !slice_equal(name, slice_from(u->by_name[i]->name)))
        i = (i + 1) & (u->names - 1);
    return &u->by_name[i];
}

/* The key is random, so nobody can choose names for one place. */
bool users_index(struct users *u)
{
    u->names = 2;
    while (u->names < 2 * users_room(u))
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

void users_put(struct users *u, const struct user *row)
{
    const struct user **place = index_place(u, slice_from(row->name));

    if (!*place)
        *place = &u->row[u->count++];
    u->row[*place - u->row] = *row;
}

/* Frees a place. A later one moves up into it if its search would end there. */
static void index_free(struct users *u, size_t hole)
{
    const size_t last = u->names - 1;

    for (size_t i = (hole + 1) & last; u->by_name[i]; i = (i + 1) & last) {
        const size_t home = index_home(u, slice_from(u->by_name[i]->name));

        if (((i - home) & last) < ((i - hole) & last))
            continue;
        u->by_name[hole] = u->by_name[i];
        hole = i;
    }
    u->by_name[hole] = NULL;
}

void users_remove(struct users *u, struct slice name)
{
    const struct user **place = index_place(u, name);
    struct user *const row = &u->row[*place - u->row],
                       *const last = &u->row[u->count - 1];

    index_free(u, (size_t)(place - u->by_name));
    if (row != last) {
        *index_place(u, slice_from(last->name)) = row;
        *row = *last;
    }
    u->count--;
}

/* The table of users: finds a row, and frees the table. Pure. */
#include "sallyport/users/users.h"

#include <stdlib.h>
#include <string.h>

bool user_name_ok(struct slice name)
{
    if (name.len == 0 || name.len > USER_NAME_MAX || name.ptr[0] == '.' ||
        name.ptr[0] == '-')
        return false;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];

        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' ||
              c == '_' || c == '-'))
            return false;
    }
    return true;
}

void users_release(struct users *u)
{
    if (u->text) {
        explicit_bzero(u->text, u->text_size);
        free(u->text);
    }
    free(u->row);
    *u = (struct users){ 0 };
}

/* Compares every row, so that the time doesn't show where a name is. */
const struct user *users_find(const struct users *u, struct slice name)
{
    const struct user *found = NULL;

    for (size_t i = 0; i < u->count; i++)
        if (slice_equal(slice_from(u->row[i].name), name))
            found = &u->row[i];
    return found;
}

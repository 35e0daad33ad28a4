/* Compares two tables of users, field by field: one that was changed row by row
 * must be what a reading of the whole text gives. Runs in master. */
#include <string.h>

#include "sallyport/users/change.h"

static bool same_field(const struct users *a, const struct users *b,
                       const struct users_field *f, const void *x,
                       const void *y)
{
    const char *const *text[] = { x, y };
    const struct slice *part[] = { x, y };
    const struct team *const *team[] = { x, y };

    if (f->kind == USERS_LINE)
        return true;
    if (f->kind < USERS_PART)
        return strcmp(*text[0], *text[1]) == 0;
    if (f->kind == USERS_PART)
        return slice_equal(*part[0], *part[1]);
    if (f->kind == USERS_TEAM)
        return !*team[0] || !*team[1]
                   ? *team[0] == *team[1]
                   : *team[0] - a->team == *team[1] - b->team;
    return memcmp(x, y, f->size) == 0;
}

static bool same_fields(const struct users *a, const struct users *b,
                        const struct users_fields *fields, const void *x,
                        const void *y)
{
    for (size_t i = 0; i < fields->count; i++) {
        const struct users_field *f = &fields->field[i];

        if (!same_field(a, b, f, (const char *)x + f->at,
                        (const char *)y + f->at))
            return false;
    }
    return true;
}

static bool same_items(const struct users *a, const struct users *b,
                       const struct users_fields *fields, const void *x,
                       const void *y, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!same_fields(a, b, fields, (const char *)x + i * fields->size,
                         (const char *)y + i * fields->size))
            return false;
    return true;
}

/* The numbers of grants and directories are among the fields. */
static bool same_user(const struct users *a, const struct users *b,
                      const struct user *x, const struct user *y)
{
    if (!same_fields(a, b, &users_row_fields, x, y))
        return false;
    for (size_t i = 0; i < x->grants; i++)
        if (x->grant[i].share != y->grant[i].share ||
            x->grant[i].rights != y->grant[i].rights)
            return false;
    return same_items(a, b, &users_directory_fields, x->directory, y->directory,
                      x->directories);
}

/* Row N of A has mostly the same place in B. */
static const struct user *same_name(const struct users *a, size_t n,
                                    const struct users *b)
{
    const struct slice name = slice_from(a->row[n].name);

    return n < b->count && slice_equal(name, slice_from(b->row[n].name))
               ? &b->row[n]
               : users_find(b, name);
}

bool users_same(const struct users *a, const struct users *b)
{
    if (a->count != b->count || a->shares != b->shares ||
        a->teams != b->teams ||
        !same_items(a, b, &users_share_fields, a->share, b->share, a->shares) ||
        !same_items(a, b, &users_team_fields, a->team, b->team, a->teams))
        return false;
    for (size_t i = 0; i < a->count; i++) {
        const struct user *other = same_name(a, i, b);

        if (!other || !same_user(a, b, &a->row[i], other))
            return false;
    }
    return true;
}

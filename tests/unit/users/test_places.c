/* The directories of users and shares: which of them overlap. */
#include "sallyport/users/places.h"
#include "support/scratch.h"
#include "support/test.h"

Test(places, tidy)
{
    static const struct {
        const char *path, *tidy;
    } table[] = {
        { "/a/b", "/a/b" },
        { "//a///b//", "/a/b" },
        { "/", "" },
        { "", "" },
    };
    char out[8];

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        cr_expect_eq(place_tidy(slice_from(table[i].path), out, sizeof(out)),
                     0);
        cr_expect_str_eq(out, table[i].tidy);
    }
    cr_expect_eq(place_tidy(SLICE("/1234567"), out, sizeof(out)), -36);
    cr_expect_eq(place_tidy(SLICE("/123456"), out, sizeof(out)), 0);
}

/* The answers of a table that is asked for the first time, and of a table that
 * was asked often. */
static const struct row_place *overlap(const struct users *u, const char *path,
                                       const void *own, struct places *often)
{
    const struct row_place *found;
    const void *row;
    struct places first;

    cr_assert(places_fill(&first, u, NULL, NULL));
    found = places_overlap(&first, path, own);
    row = found ? found->row : NULL;
    places_release(&first);
    for (int i = 0; i < 8; i++)
        found = places_overlap(often, path, own);
    cr_expect_eq(found ? found->row : NULL, row, "%s", path);
    return found;
}

/* A symbolic link on the way counts, also if the end is missing. */
Test(places, overlap, .init = scratch_make, .fini = scratch_remove)
{
    static const struct {
        const char *path, *name; /* below the scratch directory */
    } table[] = {
        { "homes/anna", "anna" },    { "homes/anna/", "anna" },
        { "homes//anna/x", "anna" }, { "homes", "anna" },
        { "link/anna", "anna" },     { "link/anna/new/x", "anna" },
        { "homes/annas", NULL },     { "homes/anna-b/x", "zoe" },
        { "homes/anna-c", NULL },    { "homes/ann", NULL },
        { "missing/bert", "bert" },  { "missing/bert/x", "bert" },
        { "missing/b", NULL },       { "far/x", "s" },
        { "homes/s", NULL },
    };
    char anna[300], bert[300], zoe[300], share[300], path[300];
    struct user row[] = { { .name = (char[]){ "anna" }, .home = anna },
                          { .name = (char[]){ "zoe" }, .home = zoe },
                          { .name = (char[]){ "bert" }, .home = bert } };
    struct share one = { .name = (char[]){ "s" }, .path = share };
    const struct users u = {
        .row = row, .count = 3, .share = &one, .shares = 1
    };
    struct places p;

    snprintf(anna, sizeof(anna), "%s/homes/anna/", scratch);
    snprintf(zoe, sizeof(zoe), "%s/homes/anna-b", scratch);
    snprintf(bert, sizeof(bert), "%s/missing/bert", scratch);
    snprintf(share, sizeof(share), "%s/near", scratch);
    cr_assert_eq(mkdir(in_scratch("homes"), 0755), 0);
    cr_assert_eq(mkdir(in_scratch("homes/anna"), 0755), 0);
    cr_assert_eq(mkdir(in_scratch("far"), 0755), 0);
    cr_assert_eq(symlink("homes", in_scratch("link")), 0);
    cr_assert_eq(symlink("far", in_scratch("near")), 0);
    cr_assert(places_fill(&p, &u, NULL, NULL));
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        const struct row_place *found;

        snprintf(path, sizeof(path), "%s/%s", scratch, table[i].path);
        found = overlap(&u, path, NULL, &p);
        cr_expect_str_eq(found ? found->name : "",
                         table[i].name ? table[i].name : "", "%s", path);
    }
    cr_expect_null(overlap(&u, anna, &row[0], &p));
    places_release(&p);
}

static void keep_path(const void *owner, const char *path, char out[PATH_MAX])
{
    (void)owner;
    strcpy(out, path);
}

/* Among several it is the first one in the order of the paths, or else the
 * nearest one above. */
Test(places, which_one)
{
    static const struct {
        const char *path, *name;
    } table[] = {
        { "/h", "b" },   { "/h/a", "b" },     { "/h/a/x/y/z", "d" },
        { "/h/b", "e" }, { "/h/a/xx", "b" },  { "/h/a-", NULL },
        { "/h/c", "g" }, { "/h/c/new", "g" }, { "", "b" },
    };
    static const char *const homes[] = { "/h/a-b",   "/h/a",   "/h/a/x",
                                         "/h/a/x/y", "/h/b/z", "/h/b/zz",
                                         "/h/c",     "/h/c" };
    static const char names[][2] = { "a", "b", "c", "d", "e", "f", "g", "h" };
    struct user row[8] = { { 0 } };
    const struct users u = { .row = row, .count = 8 };

    for (size_t i = 0; i < 8; i++)
        row[i] = (struct user){ .name = (char *)names[i],
                                .home = (char *)homes[i],
                                .line = i + 1 };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct places p;

        cr_assert(places_fill(&p, &u, keep_path, NULL));
        for (int n = 0; n < 8; n++) {
            const struct row_place *found =
                places_overlap(&p, table[i].path, NULL);

            cr_expect_str_eq(found ? found->name : "",
                             table[i].name ? table[i].name : "", "%s, %d",
                             table[i].path, n);
        }
        places_release(&p);
    }
}

/* A look for missing homes ends when enough are there, since all of a big
 * server would take too long. */
Test(places, enough_homes)
{
    struct user row[PLACES_ENOUGH * 4] = { { 0 } };
    struct users u = { .row = row };
    struct complaint c = { "" };
    struct buf homes;

    for (size_t i = 0; i < PLACES_ENOUGH * 4; i++)
        row[i].home = i < PLACES_ENOUGH ? "/usr/bin" : "/usr/none";
    for (int i = 0; i < 2; i++) {
        u.count = i == 0 ? PLACES_ENOUGH * 4 : PLACES_ENOUGH * 2;
        u.row = i == 0 ? row : row + PLACES_ENOUGH / 2;
        cr_assert_eq(places_homes(&u, "/usr", &homes), 0);
        cr_expect_eq(places_missing(buf_slice(&homes), "/usr", &c),
                     i == 0 ? 0 : PLACES_ENOUGH * 3 / 2);
        buf_release(&homes);
    }
}

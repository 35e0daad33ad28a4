
#include "client/link/link.h"
#include "support/test.h"

static const struct {
    const char *line, *name;
    enum listing_kind kind;
    uint64_t size;
    time_t modified;
} mlsd[] = {
    { "type=file;size=12;modify=20261120074201; a b.txt", "a b.txt",
      LISTED_FILE, 12, 1795160521 },
    { "Type=dir;Modify=20261120074201.123;Perm=el; in", "in", LISTED_DIRECTORY,
      0, 1795160521 },
    { "type=OS.unix=slink:/x;size=1; link", "link", LISTED_OTHER, 1, 0 },
    { "size=18446744073709551616;type=file; huge", "huge", LISTED_FILE, 0, 0 },
    { "type=file;modify=19700101000000; first", "first", LISTED_FILE, 0, 1 },
    { "type=file;modify=19691231235959; before", "before", LISTED_FILE, 0, 1 },
    { "type=file;modify=2026; short", "short", LISTED_FILE, 0, 0 },
    { " nofacts", "nofacts", LISTED_OTHER, 0, 0 },
    { "type=file;size=5 the last semicolon lacks", "the last semicolon lacks",
      LISTED_FILE, 5, 0 },
};

Test(listing, mlsd)
{
    struct listing l = { 0 };

    for (size_t i = 0; i < sizeof(mlsd) / sizeof(mlsd[0]); i++) {
        cr_assert_eq(listing_take_mlsd(&l, slice_from(mlsd[i].line)), 0, "%s",
                     mlsd[i].line);
        const struct listing_entry *e = &l.entry[l.count - 1];
        cr_expect_str_eq(e->name, mlsd[i].name);
        cr_expect_eq(e->kind, mlsd[i].kind, "%s", mlsd[i].line);
        cr_expect_eq(e->size, mlsd[i].size, "%s", mlsd[i].line);
        cr_expect_eq(e->modified, mlsd[i].modified, "%s: %lld", mlsd[i].line,
                     (long long)e->modified);
    }
    listing_release(&l);
}

/* A file keeps its number if a node of a cluster has another one for its
 * device; another file has another one. */
Test(listing, unique)
{
    static const struct {
        const char *one, *other;
        bool same;
    } rows[] = {
        { "unique=801Ua1;", "Unique=801Ua1;", true },
        { "unique=801Ua1;", "unique=2aUa1;", true },
        { "unique=801Ua1;", "unique=801U1a;", false },
        { "unique=801Ua1;", "unique=801Ua1f;", false },
        { "unique=801Ua1;", "unique=801U0;", false },
        { "unique=801Ua1;", "size=1;", false },
        { "size=1;", "unique=;", true },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct listing_entry one = { 0 }, other = { 0 };

        listing_take_mlst(&one, slice_from(rows[i].one));
        listing_take_mlst(&other, slice_from(rows[i].other));
        cr_expect_eq(one.unique == other.unique, rows[i].same, "%zu", i);
    }
}

/* Names that would leave the directory or write to the terminal. */
Test(listing, names_that_are_refused)
{
    static const char *const lines[] = {
        "type=file; ../x",   "type=file; /etc/passwd",
        "type=file; a/b",    "type=file; a\033[2Jb",
        "type=file; a\rb",   "type=file; ",
        "type=file; a\177b", "nothing",
    };
    struct listing l = { 0 };

    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        cr_expect_eq(listing_take_mlsd(&l, slice_from(lines[i])), 1, "%s",
                     lines[i]);
    cr_expect_eq(l.refused, sizeof(lines) / sizeof(lines[0]));
    cr_expect_eq(listing_take_mlsd(&l, SLICE("type=cdir; .")), 1);
    cr_expect_eq(listing_take_mlsd(&l, SLICE("type=pdir; ..")), 1);
    cr_expect_eq(listing_take_mlsd(&l, SLICE("type=dir; .")), 1);
    cr_expect_eq(listing_take_mlsd(&l, SLICE("type=file; ..")), 1);
    cr_expect_eq(l.refused, sizeof(lines) / sizeof(lines[0]));
    cr_expect_eq(l.count, 0);
    cr_expect_not(listing_safe((struct slice){ "a\0b", 3 }));
}

Test(listing, sorted_and_found)
{
    static const char *const names[] = { "c", "a", "b" };
    struct listing l = { 0 };
    char line[32];

    for (int i = 0; i < 3; i++) {
        snprintf(line, sizeof(line), "type=file; %s", names[i]);
        listing_take_mlsd(&l, slice_from(line));
    }
    listing_sort(&l);
    cr_expect_str_eq(l.entry[0].name, "a");
    cr_expect_eq(listing_find(&l, "b"), &l.entry[1]);
    cr_expect_null(listing_find(&l, "d"));
    listing_release(&l);
    cr_expect_null(listing_find(&l, "b"));
}

/* Counts BYTES more as held, as if other listings had them. */
static void hold(size_t bytes)
{
    struct listing others = { .bytes = -bytes };

    listing_release(&others);
}

/* A walk holds the listing of each directory on its way down. All listings
 * together have a limit. A released listing no longer counts. */
Test(listing, all_together_have_a_limit)
{
    struct listing first = { 0 }, second = { 0 };
    char line[300];
    int r = 0;

    cr_expect_geq(LISTING_BYTES_MAX,
                  LISTING_MAX * (sizeof(struct listing_entry) + 251),
                  "a million entries of one directory have room");
    snprintf(line, sizeof(line), "type=file; %0250d", 0);
    hold(LISTING_BYTES_MAX - 1000 * 300);
    for (size_t i = 0; i < 500; i++)
        cr_assert_eq(listing_take_mlsd(&first, slice_from(line)), 0, "%zu", i);
    for (size_t i = 0; i < 1000 && r == 0; i++)
        r = listing_take_mlsd(&second, slice_from(line));
    cr_expect_eq(r, -E2BIG);
    cr_expect_leq(first.bytes + second.bytes, 1000 * 300);
    cr_expect_gt(first.bytes + second.bytes + first.bytes / 500, 1000 * 300);
    listing_release(&first);
    cr_expect_eq(listing_take_mlsd(&second, slice_from(line)), 0);
    listing_release(&second);
}

/* The names that an upload gets if the wanted name is taken. */

#include "peer.h"
#include "renames.h"
#include "support/long.h"

static const struct {
    enum conflict conflict;
    enum conflict_name style;
    const char *name;
    unsigned n;
    const char *result;
} names[] = {
    { CONFLICT_RENAME, CONFLICT_NAME_NUMBER, "a.txt", 1, "a (2).txt" },
    { CONFLICT_RENAME, CONFLICT_NAME_NUMBER, "a.txt", 9998, "a (9999).txt" },
    { CONFLICT_RENAME, CONFLICT_NAME_NUMBER, "a", 1, "a (2)" },
    { CONFLICT_RENAME, CONFLICT_NAME_NUMBER, ".rc", 1, ".rc (2)" },
    { CONFLICT_RENAME, CONFLICT_NAME_NUMBER, "a.", 1, "a (2)." },
    { CONFLICT_RENAME, CONFLICT_NAME_NUMBER, "a.tar.gz", 1, "a (2).tar.gz" },
    { CONFLICT_RENAME, CONFLICT_NAME_NUMBER, ".tar.gz", 1, ".tar (2).gz" },
    { CONFLICT_RENAME, CONFLICT_NAME_NUMBER, "a.b.c", 2, "a.b (3).c" },
    { CONFLICT_RENAME, CONFLICT_NAME_NEW, "a.txt", 1, "new-a.txt" },
    { CONFLICT_RENAME, CONFLICT_NAME_NEW, "a.txt", 2, "new-2-a.txt" },
    { CONFLICT_VERSION, CONFLICT_NAME_NEW, "a.txt", 1, "a.txt.~1~" },
    { CONFLICT_VERSION, CONFLICT_NAME_NUMBER, "a", 12, "a.~12~" },
};

Test(other, names)
{
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char name[NAME_MAX + 1];

        other_name(names[i].conflict, names[i].style, names[i].name, names[i].n,
                   name, sizeof(name));
        cr_expect_str_eq(name, names[i].result, "row %zu: %s", i, name);
    }
}

/* A long name of characters with four bytes is cut between two characters. */
Test(other, long_names)
{
    static const char *const ends[] = { "", ".pdf", ".tar.gz" };

    for (size_t e = 0; e < 3; e++)
        for (int mode = 0; mode < 3; mode++) {
            char name[NAME_MAX + 1] = "", other[NAME_MAX + 1];
            size_t len;

            while (strlen(name) + 4 + strlen(ends[e]) <= NAME_MAX)
                strcat(name, "\xf0\x9f\x94\x92");
            strcat(name, ends[e]);
            other_name(mode == 0 ? CONFLICT_VERSION : CONFLICT_RENAME,
                       mode == 1 ? CONFLICT_NAME_NEW : CONFLICT_NAME_NUMBER,
                       name, 1, other, sizeof(other));
            len = strlen(other);
            cr_expect(len <= NAME_MAX && len > NAME_MAX - 8, "%zu", len);
            cr_expect_eq(strspn(strchr(other, '\xf0'), "\xf0\x9f\x94\x92") % 4,
                         0, "%s", other);
            if (mode == 2)
                cr_expect_str_eq(other + len - strlen(ends[e]), ends[e]);
        }
}

#define MANY 1000u

static unsigned disk_names(struct peer *p, const char *directory)
{
    DIR *all = opendir(disk_path(p, directory));
    unsigned n = 0;

    cr_assert_not_null(all);
    for (struct dirent *e; (e = readdir(all));)
        n += e->d_name[0] != '.';
    closedir(all);
    return n;
}

/* A camera stores image.jpg once a minute. Each upload finds another name, and
 * tries some dozens of names at most, since the directory is locked
 * meanwhile. */
Test(other, a_thousand_names, WITH_SANITIZERS)
{
    static const enum conflict rows[] = { CONFLICT_RENAME, CONFLICT_VERSION };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char name[NAME_MAX + 1], path[NAME_MAX + 8];
        struct peer *p = peer_new();

        rename_faults = (struct rename_faults){ .most = 60 };
        PLAY(p, p->start.rules.on_conflict = rows[i], DIRECTORY("/in"),
             FILL("/in/f.txt", 50, 1));
        for (unsigned n = 1; n <= MANY; n++) {
            other_name(rows[i], CONFLICT_NAME_NUMBER, "f.txt", n, name,
                       sizeof(name));
            snprintf(path, sizeof(path), "/in/%s", name);
            disk_put(p, path, "", 0);
        }
        peer_run(p);
        for (unsigned seed = 2; seed < 5; seed++) {
            PLAY(p, ROW("row %zu: ", i),
                 SENDS(STORE, "/in/f.txt", 0, 100, seed), COMMIT(100),
                 IS(p->stored, 100, seed));
            cr_expect_eq(strcmp(p->stored, "/in/f.txt") == 0,
                         rows[i] == CONFLICT_VERSION);
        }
        cr_expect(rows[i] == CONFLICT_VERSION ||
                  disk_is(p, "/in/f.txt", 50, 1));
        cr_expect_eq(disk_names(p, "/in"), 1 + MANY + 3, "nothing is lost");
        peer_stop(p);
    }
}

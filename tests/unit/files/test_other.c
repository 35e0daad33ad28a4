/* The names that an upload gets if the wanted name is taken. */

#include "peer.h"
#include "renames.h"
#include "support/long.h"

static const struct {
    const char *name;
    unsigned n;
    const char *result;
} names[] = {
    { "a.txt", 1, "a (2).txt" },
    { "a.txt", 9998, "a (9999).txt" },
    { "a", 1, "a (2)" },
    { ".rc", 1, ".rc (2)" },
    { "a.", 1, "a (2)." },
    { "a.tar.gz", 1, "a (2).tar.gz" },
    { ".tar.gz", 1, ".tar (2).gz" },
    { "a.b.c", 2, "a.b (3).c" },
};

Test(other, names)
{
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char name[NAME_MAX + 1];

        other_name(names[i].name, names[i].n, name, sizeof(name));
        cr_expect_str_eq(name, names[i].result, "row %zu: %s", i, name);
    }
}

/* A long name of characters with four bytes is cut between two characters. */
Test(other, long_names)
{
    static const char *const ends[] = { "", ".pdf", ".tar.gz" };

    for (size_t e = 0; e < 3; e++) {
        char name[NAME_MAX + 1] = "", other[NAME_MAX + 1];
        size_t len;

        while (strlen(name) + 4 + strlen(ends[e]) <= NAME_MAX)
            strcat(name, "\xf0\x9f\x94\x92");
        strcat(name, ends[e]);
        other_name(name, 1, other, sizeof(other));
        len = strlen(other);
        cr_expect(len <= NAME_MAX && len > NAME_MAX - 8, "%zu", len);
        cr_expect_eq(strspn(strchr(other, '\xf0'), "\xf0\x9f\x94\x92") % 4, 0,
                     "%s", other);
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
    char name[NAME_MAX + 1], path[NAME_MAX + 8];
    struct peer *p = peer_new();

    rename_faults = (struct rename_faults){ .most = 60 };
    PLAY(p, p->start.rules.on_conflict = CONFLICT_RENAME, DIRECTORY("/in"),
         FILL("/in/f.txt", 50, 1));
    for (unsigned n = 1; n <= MANY; n++) {
        other_name("f.txt", n, name, sizeof(name));
        snprintf(path, sizeof(path), "/in/%s", name);
        disk_put(p, path, "", 0);
    }
    peer_run(p);
    for (unsigned seed = 2; seed < 5; seed++) {
        PLAY(p, SENDS(STORE, "/in/f.txt", 0, 100, seed), COMMIT(100),
             IS(p->stored, 100, seed));
        cr_expect_str_neq(p->stored, "/in/f.txt");
    }
    cr_expect(disk_is(p, "/in/f.txt", 50, 1));
    cr_expect_eq(disk_names(p, "/in"), 1 + MANY + 3, "nothing is lost");
    peer_stop(p);
}

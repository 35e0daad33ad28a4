/* The limits of a walk: names, time, directories within directories. */
#include "peer.h"
#include "sallyport/base/clock.h"

#define FILES 10
#define BELOW 5

struct seen {
    unsigned names, below;
};

static void count_name(struct walk *w, int folder, const char *name)
{
    struct seen *s = w->owner;

    (void)folder;
    (void)name;
    s->names++;
    s->below += w->path.len > 1;
}

static void put_some(struct peer *p, const char *folder, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        char name[64];

        snprintf(name, sizeof(name), "%s/%u", folder, i);
        disk_put(p, name, "", 0);
    }
}

static struct seen walk(struct peer *p, uint64_t most, uint64_t until)
{
    struct files f = { .session = { .fd = -1 }, .master = { .fd = -1 } };
    struct seen seen = { 0 };
    struct walk w = { .f = &f,
                      .mount = f.mount,
                      .owner = &seen,
                      .on_name = count_name,
                      .most = most,
                      .until = until };

    f.mount[0].fd = open(p->home, O_PATH | O_DIRECTORY | O_CLOEXEC);
    cr_assert_geq(f.mount[0].fd, 0);
    walk_mount(&w);
    cr_expect_eq(w.unread, 0);
    close(f.mount[0].fd);
    return seen;
}

Test(walk, limits)
{
    const uint64_t now = clock_ms(), later = now + 3600000;
    const struct {
        uint64_t most, until;
        unsigned names, below;
    } rows[] = {
        { 0, 0, FILES + 1 + BELOW, BELOW },
        { 0, later, FILES + 1 + BELOW, BELOW },
        { 100000, later, FILES + 1 + BELOW, BELOW },
        { 4, later, 4, 0 },
        { FILES + 1, later, FILES + 1, 0 },
        { 0, now, 0, 0 },
        { 100000, 1, 0, 0 },
    };
    struct peer *p = peer_new();

    disk_directory(p, "/d");
    put_some(p, "", FILES);
    put_some(p, "/d", BELOW);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct seen seen = walk(p, rows[i].most, rows[i].until);

        cr_expect_eq(seen.names, rows[i].names, "row %zu: %u", i, seen.names);
        cr_expect_eq(seen.below, rows[i].below, "row %zu: %u", i, seen.below);
    }
    peer_remove(p);
}

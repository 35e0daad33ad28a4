/* Resolves paths to descriptors: reserved names aren't found, and no link leads
 * out of the home. */
#include "peer.h"

Test(resolve, reserved)
{
    static const struct {
        const char *path;
        bool yes;
    } rows[] = {
        { "/", false },
        { "/a/b", false },
        { "/.sallyport", false },
        { "/.sallyport-", true },
        { "/a/.sallyport-x", true },
        { "/.sallyport-x/a", true },
        { "/a.sallyport-x", false },
        { ".sallyport-x", true },
        { "/.SallyPort-x", true },
        { "/.\xc5\xbf\x61llyport-x", true }, /* U+017F: a long s */
        { "/.sally\xc2\xadport-x", true },   /* U+00AD: ext4 ignores it */
        { "/.allyport-x", false },
        { "/.sally\xc2\xad-x", false },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        cr_expect_eq(resolve_is_reserved(slice_from(rows[i].path)), rows[i].yes,
                     "%s", rows[i].path);
}

Test(resolve, stays_beneath)
{
    static const struct {
        const char *path;
        int result; /* 0: it opens */
    } rows[] = {
        { "/", 0 },
        { "/in", 0 },
        { "/folder", 0 },
        { "/folder/deep", 0 },
        { "/to-in", 0 },
        { "/to-in-absolute", 0 },        /* the home is its root */
        { "/folder/up", 0 },             /* ../in */
        { "/escape", -ENOENT },          /* ../../secret means /secret */
        { "/escape-absolute", -ENOENT }, /* the home has no such path */
        { "/proc-link/root/tmp", -ENOENT },
        { "/circle", -ELOOP },
        { "/in/below", -ENOTDIR },
        { "/missing", -ENOENT },
        { "/.sallyport-x", -ENOENT },
    };
    struct peer *p = peer_new();
    struct files f = { 0 };
    char secret[128];

    PLAY(p, PUT("/in", "in"), PUT("/.sallyport-x", "x"), DIRECTORY("/folder"),
         PUT("/folder/deep", "d"), LINK("in", "/to-in"),
         LINK("/in", "/to-in-absolute"), LINK("../in", "/folder/up"),
         LINK("../../secret", "/escape"));
    snprintf(secret, sizeof(secret), "%s/secret", p->base);
    close(open(secret, O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
    PLAY(p, LINK(secret, "/escape-absolute"), LINK("/proc/self", "/proc-link"),
         LINK("circle", "/circle"));
    f.mount[0] =
        (struct mount){ .fd = open(p->home, O_PATH | O_DIRECTORY | O_CLOEXEC),
                        .follows = true };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        FD_CLEANUP int fd = resolve_open(&f, slice_from(rows[i].path), 0,
                                         O_RDONLY | O_NONBLOCK);
        cr_expect_eq(fd < 0 ? fd : 0, rows[i].result, "%s: %d", rows[i].path,
                     fd);
        if (fd >= 0)
            cr_expect_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
    }
    close(f.mount[0].fd);
    peer_remove(p);
}

/* resolve_in() opens a name in a directory, but no path upwards, and follows no
 * link. */
Test(resolve, in_a_folder)
{
    struct peer *p = peer_new();

    PLAY(p, PUT("/in", "in"), LINK("in", "/link"));
    FD_CLEANUP int fd = open(p->home, O_PATH | O_DIRECTORY | O_CLOEXEC);
    FD_CLEANUP int in = resolve_in(fd, "in", O_RDONLY, 0);
    cr_expect_geq(in, 0);
    cr_expect_eq(resolve_in(fd, "link", O_RDONLY, 0), -ELOOP);
    cr_expect_eq(resolve_in(fd, "..", O_PATH, 0), -EXDEV);
    cr_expect_eq(resolve_in(fd, "/tmp", O_PATH, 0), -EXDEV);
    peer_remove(p);
}

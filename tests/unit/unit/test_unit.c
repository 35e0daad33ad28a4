/* Which homes a systemd unit makes unreachable. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sallyport/unit/unit.h"
#include "support/scratch.h"

/* Answers of systemctl show: the shipped unit, and others. */
#define SHIPPED                                                                \
    "ReadWritePaths=-/srv\nPrivateTmp=yes\nProtectHome=yes\n"                  \
    "ProtectSystem=strict\n"
#define OPEN_HOME                                                              \
    "ReadWritePaths=-/srv\nPrivateTmp=yes\nProtectHome=no\n"                   \
    "ProtectSystem=strict\n"
#define NOTHING                                                                \
    "ReadWritePaths=\nPrivateTmp=no\nProtectHome=no\nProtectSystem=no\n"

static const struct {
    const char *answer, *home;
    const char *words; /* NULL: there is no complaint */
} rows[] = {
    { SHIPPED, "/srv/sallyport/anna", NULL },
    { SHIPPED, "/var/lib/sallyport/anna", NULL },
    { SHIPPED, "/srvdata/anna",
      "makes the home /srvdata/anna read-only for the service "
      "(ReadWritePaths=); run: sallyportctl paths add /srvdata" },
    { SHIPPED, "/srvdata", "run: sallyportctl paths add /srvdata" },
    { SHIPPED, "/home/anna",
      "hides the home /home/anna from the service (ProtectHome=); run: "
      "sallyportctl paths add /home/anna" },
    { SHIPPED, "/tmp/anna", "PrivateTmp=" },
    { OPEN_HOME, "/home/anna", "paths add /home" },
    { "ReadWritePaths=-/srv /data -/home/\nProtectSystem=strict\n",
      "/home/anna", NULL },
    { "ReadWritePaths=\nProtectSystem=strict\n", "/srv/anna",
      "paths add /srv" },
    { "ReadWritePaths=-/srv /\nProtectSystem=strict\n", "/data/anna", NULL },
    { "ProtectSystem=full\n", "/data/anna", NULL },
    { "ProtectHome=tmpfs\n", "/root/anna", "ProtectHome=" },
    { NOTHING, "/home/anna", NULL }, /* there is no such unit */
    { "", "/home/anna", NULL },      /* or no systemd */
};

static void add_lines(struct unit *u, const char *text)
{
    struct slice rest = slice_from(text), line;

    while (slice_cut(&rest, '\n', &line))
        unit_add(u, line);
}

Test(unit, rows)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct unit u = { .writables = 0 };
        struct complaint c = { "" };
        const char *words = rows[i].words;

        add_lines(&u, rows[i].answer);
        cr_expect_eq(unit_forbids(&u, "home", rows[i].home, &c), words != NULL,
                     "row %zu: %s", i, c.text);
        cr_expect(!words || strstr(c.text, words), "row %zu: %s", i, c.text);
    }
}

/* Where a path leads decides, for the kernel and for systemd. */
Test(unit, symbolic_links, .init = scratch_make, .fini = scratch_remove)
{
    struct unit u = { .strict = true };
    struct complaint c = { "" };
    char advice[256], line[256];

    cr_assert_eq(mkdir(in_scratch("srv"), 0700), 0);
    cr_assert_eq(mkdir(in_scratch("data"), 0700), 0);
    cr_assert_eq(symlink("../data", in_scratch("srv/drop")), 0);
    snprintf(line, sizeof(line), "ReadWritePaths=-%s", in_scratch("srv"));
    unit_add(&u, slice_from(line));
    cr_expect(unit_forbids(&u, "home", in_scratch("srv/drop/anna"), &c));
    snprintf(advice, sizeof(advice), "run: sallyportctl paths add %s",
             in_scratch("data"));
    cr_expect(strstr(c.text, advice), "%s", c.text);
    cr_expect_not(unit_forbids(&u, "home", in_scratch("srv/anna"), &c));
    snprintf(line, sizeof(line), "ReadWritePaths=-%s", in_scratch("srv/drop"));
    unit_add(&u, slice_from(line));
    cr_expect_not(unit_forbids(&u, "home", in_scratch("srv/drop/anna"), &c));
    cr_expect_not(unit_forbids(&u, "home", in_scratch("data/anna"), &c));
}

/* A unit with very many paths. */
Test(unit, limits)
{
    struct unit u = { .writables = 0 };
    struct complaint c = { "" };

    unit_add(&u, SLICE("ProtectSystem=strict"));
    for (int i = 0; i < UNIT_PATHS_MAX + 10; i++)
        unit_add(&u, SLICE("ReadWritePaths=/a /b"));
    cr_expect_eq(u.writables, UNIT_PATHS_MAX);
    cr_expect(unit_forbids(&u, "share", "/c", &c));
}

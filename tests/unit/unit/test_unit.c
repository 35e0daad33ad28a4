/* Which homes a systemd unit makes unreachable. */
#include <criterion/criterion.h>
#include <string.h>

#include "sallyport/unit/unit.h"

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

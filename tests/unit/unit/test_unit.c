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
      "(ReadWritePaths=); run: cd /etc/systemd/system; for u in sallyport "
      "sallyport-retention sallyport-after; do mkdir -p $u.service.d; printf "
      "'[Service]\\nReadWritePaths=-/srvdata\\n' "
      ">>$u.service.d/paths.conf; done; systemctl daemon-reload; systemctl "
      "restart sallyport" },
    { SHIPPED, "/srvdata", "ReadWritePaths=-/srvdata\\n" },
    { SHIPPED, "/home/anna",
      "hides the home /home/anna from the service (ProtectHome=); run: cd " },
    { SHIPPED, "/home/anna",
      "'[Service]\\nProtectHome=no\\nReadWritePaths=-/home/anna\\n'" },
    { SHIPPED, "/tmp/anna", "(PrivateTmp=); move it, such as to /srv" },
    { SHIPPED, "/data%h/anna", "(ReadWritePaths=); change that by a drop-in" },
    { SHIPPED, "/my data/anna", "change that by a drop-in" },
    { OPEN_HOME, "/home/anna", "ReadWritePaths=-/home\\n" },
    { "ReadWritePaths=-/srv /data -/home/\nProtectSystem=strict\n",
      "/home/anna", NULL },
    { "ReadWritePaths=\nProtectSystem=strict\n", "/srv/anna",
      "ReadWritePaths=-/srv\\n" },
    { "ReadWritePaths=-/srv /\nProtectSystem=strict\n", "/data/anna", NULL },
    { "ProtectSystem=full\n", "/data/anna", NULL },
    { "ProtectSystem=full\n", "/etc/sallyport", "(ReadWritePaths=)" },
    { "ProtectSystem=full\nReadWritePaths=/etc/sallyport\n",
      "/etc/sallyport/users.d", NULL },
    { "ProtectSystem=yes\n", "/etc/sallyport", NULL },
    { "ProtectSystem=yes\n", "/usr/local/anna", "(ReadWritePaths=)" },
    { "ReadOnlyPaths=-/data\n", "/data/anna", "(ReadOnlyPaths=); run: cd " },
    { "ReadOnlyPaths=-/data\n", "/data/anna", "ReadWritePaths=-/data/anna\\n" },
    { "ReadOnlyPaths=/data\nReadWritePaths=/data/ftp\n", "/data/ftp/anna",
      NULL },
    { "ReadWritePaths=/data\nReadOnlyPaths=/data/ftp\n", "/data/ftp/anna",
      "(ReadOnlyPaths=)" },
    { SHIPPED "InaccessiblePaths=-/srv/secret\n", "/srv/secret/anna",
      "hides the home /srv/secret/anna from the service (InaccessiblePaths=); "
      "change that by a drop-in" },
    { "TemporaryFileSystem=/data:ro /x\n", "/data/anna",
      "(TemporaryFileSystem=)" },
    { "TemporaryFileSystem=/data:ro\nBindPaths=/disk:/data/ftp:rbind\n",
      "/data/ftp/anna", NULL },
    { "TemporaryFileSystem=/data\nBindReadOnlyPaths=/data/ftp\n",
      "/data/ftp/anna", "(BindReadOnlyPaths=)" },
    { SHIPPED "ReadWritePaths=/home/anna\n", "/home/anna", "ProtectHome=" },
    { "ReadWritePaths=/home/anna\nProtectHome=tmpfs\n", "/home/anna",
      "ProtectHome=" },
    { "ProtectHome=read-only\n", "/home/anna",
      "makes the home /home/anna read-only for the service (ProtectHome=)" },
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
        struct unit u = { .rules = 0 };
        struct complaint c = { "" };
        const char *words = rows[i].words;

        add_lines(&u, rows[i].answer);
        cr_expect_eq(unit_forbids(&u, "home", rows[i].home, &c), words != NULL,
                     "row %zu: %s", i, c.text);
        cr_expect(!words || strstr(c.text, words), "row %zu: %s", i, c.text);
    }
}

/* The end of a path decides, for the kernel and for systemd. */
Test(unit, symbolic_links, .init = scratch_make, .fini = scratch_remove)
{
    struct unit u = { .rules = 0 };
    struct complaint c = { "" };
    char advice[256], line[256];

    unit_add(&u, SLICE("ProtectSystem=strict"));
    cr_assert_eq(mkdir(in_scratch("srv"), 0700), 0);
    cr_assert_eq(mkdir(in_scratch("data"), 0700), 0);
    cr_assert_eq(symlink("../data", in_scratch("srv/drop")), 0);
    snprintf(line, sizeof(line), "ReadWritePaths=-%s", in_scratch("srv"));
    unit_add(&u, slice_from(line));
    cr_expect(unit_forbids(&u, "home", in_scratch("srv/drop/anna"), &c));
    snprintf(advice, sizeof(advice), "ReadWritePaths=-%s\\n",
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
    struct unit u = { .rules = 0 };
    struct complaint c = { "" };

    unit_add(&u, SLICE("ProtectSystem=strict"));
    for (int i = 0; i < UNIT_RULES_MAX + 10; i++)
        unit_add(&u, SLICE("ReadWritePaths=/a /b"));
    cr_expect_eq(u.rules, UNIT_RULES_MAX);
    cr_expect(unit_forbids(&u, "share", "/c", &c));
}

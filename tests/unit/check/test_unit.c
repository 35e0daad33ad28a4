/* Which homes a systemd unit makes unreachable. */
#include <criterion/criterion.h>
#include <string.h>

#include "check/unit.h"

#define SHIPPED                                                                \
    "[Service]\n# ProtectHome=no\nProtectSystem=strict\n"                      \
    "ReadWritePaths=-/srv\nProtectHome=yes\nPrivateTmp=yes\n"

static const struct {
    const char *unit, *drop_in, *home;
    const char *words; /* NULL: there is no complaint */
} rows[] = {
    { SHIPPED, "", "/srv/sallyport/anna", NULL },
    { SHIPPED, "", "/var/lib/sallyport/anna", NULL },
    { SHIPPED, "", "/srvdata/anna",
      "[Service] and ReadWritePaths=/srvdata/anna; then run: systemctl "
      "restart" },
    { SHIPPED, "", "/home/anna",
      "[Service], ProtectHome=no and ReadWritePaths=/home/anna; then run: "
      "systemctl restart sallyport" },
    { SHIPPED, "", "/tmp/anna", "PrivateTmp=" },
    { SHIPPED, "ProtectHome=no\n", "/home/anna", "ReadWritePaths=/home/anna" },
    { SHIPPED, "ProtectHome = no\nReadWritePaths=/data -/home/\n", "/home/anna",
      NULL },
    { SHIPPED, "ReadWritePaths=\n", "/srv/anna", "ReadWritePaths=/srv/anna" },
    { SHIPPED, "ReadWritePaths=/\n", "/data/anna", NULL },
    { "ProtectSystem=full\n", "", "/data/anna", NULL },
    { "ProtectHome=tmpfs\n", "", "/root/anna", "ProtectHome=no" },
    { "", "", "/home/anna", NULL },
};

Test(unit, rows)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct unit u = { .writables = 0 };
        struct complaint c = { "" };
        const char *words = rows[i].words;

        unit_add(&u, slice_from(rows[i].unit));
        unit_add(&u, slice_from(rows[i].drop_in));
        cr_expect_eq(unit_forbids(&u, rows[i].home, &c), words != NULL,
                     "row %zu: %s", i, c.text);
        cr_expect(!words || strstr(c.text, words), "row %zu: %s", i, c.text);
    }
}

/* A hostile unit with very many paths. */
Test(unit, limits)
{
    struct unit u = { .writables = 0 };
    struct complaint c = { "" };

    unit_add(&u, SLICE("ProtectSystem=strict\n"));
    for (int i = 0; i < UNIT_PATHS_MAX + 10; i++)
        unit_add(&u, SLICE("ReadWritePaths=/a /b\n"));
    cr_expect_eq(u.writables, UNIT_PATHS_MAX);
    cr_expect(unit_forbids(&u, "/c", &c));
}

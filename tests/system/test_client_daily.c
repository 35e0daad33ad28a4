/* The client's daily work: totals, filters, sources that are removed, lists of
 * files. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "desk.h"
#include "support/files.h"

static const struct server_user users[] = {
    { .name = "total" },
};

SERVER_SHARED(.ports = "auto 16", .users = users,
              .user_count = sizeof(users) / sizeof(*users));

/* The closing line of several files names the failures. */
Test(client_daily, totals, .timeout = 60)
{
    struct desk d;

    desk_begin(&d, "total");
    files_write("a", "text", 4, 0644);
    files_write("b", "more", 4, 0644);
    desk_says(&d, 0, "\n2 of 2 files, 8 B\n", "put", "a", "b", "/", NULL);
    desk_says(&d, 0, "\n0 of 2 files, 0 B, 2 skipped\n", "put", "--conflict",
              "skip", "a", "b", "/", NULL);
    desk_says(&d, EX_NOINPUT, "\n1 of 2 files, 4 B, 1 failed: gone\n", "get",
              "/b", "/gone", "--conflict", "overwrite", NULL);
    desk_says(&d, EX_NOINPUT,
              "{\"event\":\"total\",\"files\":2,\"done\":1,\"skipped\":0,"
              "\"failed\":1,\"bytes\":4}",
              "put", "--json", "a", "missing", "/", NULL);
    desk_end(&d);
}

/* SECURITY.md has a row for each process. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *read_file(const char *name)
{
    char path[1024];
    char *text = calloc(1, 1 << 16);
    FILE *f;

    snprintf(path, sizeof(path), "%s/%s", SOURCE_DIR, name);
    f = fopen(path, "r");
    cr_assert(f && text, "%s", path);
    cr_assert_gt(fread(text, 1, (1 << 16) - 1, f), 0);
    fclose(f);
    return text;
}

Test(security, each_process_has_its_row)
{
    static const char begin[] = ".title = \"sallyport: ";
    char *rows = read_file("src/sandbox/processes.c");
    char *page = read_file("SECURITY.md");
    unsigned count = 0;

    for (const char *at = rows; (at = strstr(at, begin)); count++) {
        char row[64] = "";

        at += strlen(begin);
        snprintf(row, sizeof(row), "\n| %.*s | ", (int)strcspn(at, "\""), at);
        cr_expect(strstr(page, row), "SECURITY.md has no row%s", row);
    }
    cr_expect_geq(count, 7, "hardly any process: is the table read?");
    free(rows);
    free(page);
}

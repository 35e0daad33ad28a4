/* SECURITY.md has a row for each process, and the tests that it names exist. */
#include <criterion/criterion.h>
#include <stdbool.h>
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

static bool has_test(const char *sources, const char *test)
{
    const char *bar = strchr(test, '/');
    char command[256];

    snprintf(command, sizeof(command),
             "grep -Eqr 'Test\\(%.*s, %s[,)]' " SOURCE_DIR "/tests/%s",
             (int)(bar - test), test, bar + 1, sources);
    return system(command) == 0;
}

/* A test is named "SUITE/NAME" after its program, "unit_ROOM" or
 * "system_NAME". */
Test(security, names_tests_that_exist)
{
    char *page = read_file("SECURITY.md"), sources[64] = "", bar[2];
    char *section = strstr(page, "## Which tests show it");
    char *end = section ? strstr(section + 1, "\n## ") : NULL;
    unsigned count = 0;

    cr_assert_not_null(end);
    *end = '\0';
    for (char *word = strtok(section, " \n|,;:.()"); word;
         word = strtok(NULL, " \n|,;:.()")) {
        if (sscanf(word, "unit_%40[a-z]", sources + 5) == 1)
            memcpy(sources, "unit/", 5);
        else if (strncmp(word, "system_", 7) == 0)
            snprintf(sources, sizeof(sources), "system/test_%.40s.c", word + 7);
        else if (sscanf(word, "%*[a-z_]%1[/]%*[a-z_]", bar) == 1) {
            cr_expect(has_test(sources, word), "%s: no test %s", sources, word);
            count++;
        }
    }
    cr_expect_geq(count, 20, "hardly any test: is the page read?");
    free(page);
}

/* Each source file has the unit test of its name, or a line in tests/covered
 * that names another test. */
#include <criterion/criterion.h>
#include <fnmatch.h>
#include <glob.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LINES_MAX 200

struct covered {
    char pattern[128], test[128];
    bool used;
};

static size_t read_covered(struct covered lines[LINES_MAX])
{
    FILE *f = fopen(SOURCE_DIR "/tests/covered", "r");
    char line[512];
    size_t n = 0;

    cr_assert(f);
    while (fgets(line, sizeof(line), f)) {
        if (line[0] == '#' || line[0] == '\n')
            continue;
        cr_assert_lt(n, LINES_MAX);
        cr_assert_eq(
            sscanf(line, "%127s %127s", lines[n].pattern, lines[n].test), 2,
            "tests/covered: %s", line);
        n++;
    }
    fclose(f);
    return n;
}

static bool is_there(const char *name)
{
    char path[1024];

    snprintf(path, sizeof(path), "%s/%s", SOURCE_DIR, name);
    return access(path, R_OK) == 0;
}

/* SOURCE is src/ROOM/NAME.c or src/ROOM/PART/NAME.c. */
static bool has_own_test(const char *source)
{
    const char *room = source + strlen("src/");
    const char *name = strrchr(source, '/') + 1;
    char test[512];

    snprintf(test, sizeof(test), "tests/unit/%.*s/test_%s",
             (int)strcspn(room, "/"), room, name);
    return is_there(test);
}

static bool has_line(struct covered *lines, size_t n, const char *source)
{
    for (size_t i = 0; i < n; i++)
        if (fnmatch(lines[i].pattern, source, 0) == 0) {
            lines[i].used = true;
            return true;
        }
    return false;
}

static void check_sources(const char *pattern, struct covered *lines, size_t n)
{
    glob_t found;

    if (glob(pattern, 0, NULL, &found) == GLOB_NOMATCH)
        return;
    for (size_t i = 0; i < found.gl_pathc; i++) {
        const char *source = found.gl_pathv[i] + strlen(SOURCE_DIR "/");

        if (strcmp(strrchr(source, '/'), "/main.c") == 0)
            continue; /* tests/system starts these programs */
        if (!has_own_test(source))
            cr_expect(has_line(lines, n, source),
                      "%s has no test: write one, or a line in tests/covered",
                      source);
    }
    globfree(&found);
}

Test(covered, each_source_file_has_a_test)
{
    static struct covered lines[LINES_MAX];
    size_t n = read_covered(lines);

    check_sources(SOURCE_DIR "/src/*/*.c", lines, n);
    check_sources(SOURCE_DIR "/src/*/*/*.c", lines, n);
    for (size_t i = 0; i < n; i++) {
        cr_expect(lines[i].used, "tests/covered: no file needs %s",
                  lines[i].pattern);
        cr_expect(is_there(lines[i].test), "tests/covered: no %s",
                  lines[i].test);
    }
}

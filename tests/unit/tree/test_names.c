/* Names of functions, as tests/figures reads them. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Two functions of a room don't share a name, so that a search finds one. In
 * these rooms this many names still stand for several functions; the numbers
 * must only fall. */
static const struct {
    const char *room;
    size_t shared;
} exceptions[] = {
    { "ctl", 7 },
    { "files", 4 },
    { "ipc", 1 },
};
#define EXCEPTIONS (sizeof(exceptions) / sizeof(exceptions[0]))

static size_t permitted(const char *room)
{
    for (size_t i = 0; i < EXCEPTIONS; i++)
        if (strcmp(exceptions[i].room, room) == 0)
            return exceptions[i].shared;
    return 0;
}

static void check_room(const char *room, size_t shared, const char *lines)
{
    cr_expect_leq(shared, permitted(room), "%s: %zu names, %zu permitted:\n%s",
                  room, shared, permitted(room), lines);
}

/* The lines of tests/figures are "ROOM NAME FILE...", sorted by room. */
Test(names, are_unique_in_their_room)
{
    FILE *f = popen("python3 " SOURCE_DIR "/tests/figures --shared", "re");
    char line[4096], room[64] = "", now[64], lines[65536] = "";
    size_t shared = 0, len = 0;

    cr_assert_not_null(f);
    while (fgets(line, sizeof(line), f)) {
        cr_assert_eq(sscanf(line, "%63[a-z]", now), 1, "%s", line);
        if (strcmp(now, room) != 0) {
            check_room(room, shared, lines);
            snprintf(room, sizeof(room), "%s", now);
            shared = len = 0;
        }
        shared++;
        len += (size_t)snprintf(lines + len, sizeof(lines) - len, "%s", line);
        cr_assert_lt(len, sizeof(lines));
    }
    check_room(room, shared, lines);
    cr_assert_eq(pclose(f), 0);
}

/* Headers of functions in every form that the tree has, and similar lines that
 * aren't. */
static const char source[] =
    "/* static int in_a_comment(void)\n{\n */\n"
    "static int shared_one(int a)\n{\n    return a;\n}\n\n"
    "__attribute__((format(printf, 1, 2))) static void\n"
    "shared_two(const char *format,\n           ...)\n{\n}\n\n"
    "const struct row *const *shared_three(\n    int (*call)(int))\n{\n}\n\n"
    "static const char text[] = \"static int in_a_string(void)\";\n"
    "int declared(void);\n"
    "static int (*const table[])(void) = {\n    declared,\n};\n";

Test(names, are_read)
{
    static const char expected[] =
        "room shared_one src/room/a.c src/room/b.c\n"
        "room shared_three src/room/a.c src/room/b.c\n"
        "room shared_two src/room/a.c src/room/b.c\n";
    char root[] = "/tmp/sallyport-names-XXXXXX", command[512], got[4096];
    FILE *f;

    cr_assert_not_null(mkdtemp(root));
    snprintf(command, sizeof(command),
             "cd %s && mkdir -p src/room src/other include && "
             "cat >src/room/a.c && cp src/room/a.c src/room/b.c && "
             "cp src/room/a.c src/other/c.c",
             root);
    f = popen(command, "we");
    cr_assert_not_null(f);
    cr_assert_geq(fputs(source, f), 0);
    cr_assert_eq(pclose(f), 0);
    snprintf(command, sizeof(command),
             "SALLYPORT_TREE=%s python3 " SOURCE_DIR
             "/tests/figures --shared; rm -r %s",
             root, root);
    f = popen(command, "re");
    cr_assert_not_null(f);
    got[fread(got, 1, sizeof(got) - 1, f)] = '\0';
    cr_assert_eq(pclose(f), 0);
    cr_expect_str_eq(got, expected);
}

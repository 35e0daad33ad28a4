/* The matrix's judge finds each fault: a small tree that is right, and the same
 * tree with one changed file. */
#include <criterion/criterion.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "matrix.h"

static const struct matrix_room rooms[] = {
    { "low", "", "" },
    { "middle", "low", "seccomp.h" },
    { "high", "low middle/middle.h high/a", "" },
    { "high/a", "high/b", "" },
    { "high/b", "", "zlib.h" },
};

static const struct matrix_file only[] = { { "middle", "seccomp.h", "m.c" } };

static const struct {
    const char *path, *text;
} tree[] = {
    { "include/sallyport/low/low.h", "#include <stdint.h>\n" },
    { "include/sallyport/low/more.h", "" },
    { "include/sallyport/middle/middle.h",
      "#include \"sallyport/low/low.h\"\n" },
    { "include/sallyport/middle/middle.h.h", "" },
    { "include/sallyport/middle/xmiddle.h", "" },
    { "src/low/low.c",
      "#include \"sallyport/low/low.h\"\n#include <errno.h>\n" },
    { "src/middle/m.c", "#include <seccomp.h>\n" },
    { "src/middle/n.c", "int n;\n" },
    { "src/high/main.c", "#include \"a/a.h\"\n" },
    { "src/high/a/a.h", "#include \"b/b.h\"\n" },
    { "src/high/a/a.c", "#include \"sallyport/middle/middle.h\"\n" },
    { "src/high/b/b.h", "#include <zlib.h>\n" },
};

static char root[] = "/tmp/sallyport-matrix-XXXXXX";
static char faults[4096];

static void add_fault(const char *fault)
{
    size_t len = strlen(faults);

    snprintf(faults + len, sizeof(faults) - len, "%s\n", fault);
}

static void write_file(const char *path, const char *text)
{
    char whole[512];
    FILE *f;

    snprintf(whole, sizeof(whole), "%s/%s", root, path);
    for (char *at = whole + strlen(root) + 1; (at = strchr(at, '/')); at++) {
        *at = '\0';
        mkdir(whole, 0700);
        *at = '/';
    }
    f = fopen(whole, "we");
    cr_assert_not_null(f, "%s", whole);
    cr_assert_geq(fputs(text, f), 0);
    cr_assert_eq(fclose(f), 0);
}

static void make_tree(void)
{
    cr_assert_not_null(mkdtemp(root));
    for (size_t i = 0; i < sizeof(tree) / sizeof(tree[0]); i++)
        write_file(tree[i].path, tree[i].text);
}

static int remove_one(const char *path, const struct stat *st, int kind,
                      struct FTW *ftw)
{
    (void)st, (void)kind, (void)ftw;
    return remove(path);
}

static void remove_tree(void)
{
    nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

TestSuite(matrix_faults, .init = make_tree, .fini = remove_tree);

/* Returns the faults, with ROW in place of the row AT unless ROW is NULL. */
static size_t check(size_t at, const struct matrix_room *row)
{
    struct matrix_room changed[sizeof(rooms) / sizeof(rooms[0])];
    const struct matrix matrix = {
        .root = root,
        .rooms = changed,
        .room_count = sizeof(rooms) / sizeof(rooms[0]),
        .files = only,
        .file_count = 1,
        .report = add_fault,
    };

    memcpy(changed, rooms, sizeof(changed));
    if (row)
        changed[at] = *row;
    faults[0] = '\0';
    return matrix_check(&matrix);
}

static void restore_file(const char *path)
{
    char whole[512];

    snprintf(whole, sizeof(whole), "%s/%s", root, path);
    cr_assert_eq(remove(whole), 0);
    for (size_t i = 0; i < sizeof(tree) / sizeof(tree[0]); i++)
        if (strcmp(tree[i].path, path) == 0)
            write_file(path, tree[i].text);
}

/* The tree with TEXT in the file at PATH has exactly this fault. */
static void expect_fault(const char *path, const char *text, const char *fault)
{
    write_file(path, text);
    cr_expect_eq(check(0, NULL), 1, "%s: %s", text, faults);
    cr_expect(strstr(faults, fault), "%s\n  says:     %s\n  expected: %s", text,
              faults, fault);
    restore_file(path);
}

Test(matrix_faults, none)
{
    cr_assert_eq(check(0, NULL), 0, "%s", faults);
}

Test(matrix_faults, headers)
{
    static const struct {
        const char *path, *text, *fault;
    } table[] = {
        { "src/low/low.c", "#include \"sallyport/middle/middle.h\"\n",
          "src/low/low.c:1: low may not include middle/middle.h" },
        { "include/sallyport/low/low.h",
          "\n#include \"sallyport/middle/xmiddle.h\"\n",
          "low.h:2: low may not include middle/xmiddle.h" },
        /* Names that contain a permitted one, or begin or end with it. */
        { "src/high/main.c", "#include \"sallyport/middle/middle.h.h\"\n",
          "high may not include middle/middle.h.h" },
        { "src/high/main.c", "#include \"sallyport/middle/xmiddle.h\"\n",
          "high may not include middle/xmiddle.h" },
        { "src/high/main.c", "#include \"sallyport/low/mor\"\n",
          "there is no public header low/mor" },
        { "src/high/main.c", "#include \"sallyport/lower/low.h\"\n",
          "there is no public header lower/low.h" },
        { "src/high/main.c", "#include \"sallyport/low/x/low.h\"\n",
          "there is no public header low/x/low.h" },
        { "src/high/main.c", "#include \"sallyport/low\"\n",
          "there is no public header low" },
        { "src/low/low.c", "#include \"none.h\"\n", "\"none.h\" isn't in low" },
        { "include/sallyport/high/high.h", "#include \"a/a.h\"\n",
          "a public header includes only public ones" },
    };

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        expect_fault(table[i].path, table[i].text, table[i].fault);
}

Test(matrix_faults, libraries)
{
    static const struct {
        const char *path, *text, *fault;
    } table[] = {
        { "src/low/low.c", "#include <seccomp.h>\n",
          "low may not include <seccomp.h>" },
        { "src/middle/n.c", "#include <seccomp.h>\n",
          "<seccomp.h> belongs in another file of middle" },
        { "src/middle/m.c", "#include <seccomp.hh>\n",
          "middle may not include <seccomp.hh>" },
        { "src/middle/m.c", "#include <x/seccomp.h>\n",
          "middle may not include <x/seccomp.h>" },
        { "src/high/a/a.h", "#include <zlib.h>\n",
          "high/a may not include <zlib.h>" },
        { "src/low/low.c", "#include <sqlite3.h>\n",
          "low may not include <sqlite3.h>" },
        { "src/low/low.c", "#include <sallyport/middle/middle.h>\n",
          "low may not include <sallyport/middle/middle.h>" },
        { "src/low/low.c", "#include <middle/m.h>\n",
          "low may not include <middle/m.h>" },
    };

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        expect_fault(table[i].path, table[i].text, table[i].fault);
}

/* Each form hides the same forbidden header from a careless reader. */
Test(matrix_faults, forms)
{
    static const char *const forms[] = {
        "#include  \"sallyport/middle/middle.h\"\n",
        "#include\t\"sallyport/middle/middle.h\"\n",
        "#include\"sallyport/middle/middle.h\"\n",
        " #include \"sallyport/middle/middle.h\"\n",
        "# include \"sallyport/middle/middle.h\"\n",
        "#\tinclude \"sallyport/middle/middle.h\"\n",
        "#/**/include \"sallyport/middle/middle.h\"\n",
        "/* */ #include \"sallyport/middle/middle.h\"\n",
        "#include \"sallyport/middle/middle.h\" \n",
        "#include \"sallyport/middle/middle.h\" /* why */\n",
        "#include /**/ \"sallyport/middle/middle.h\"\n",
        "#include \"sallyport//middle/middle.h\"\n",
        "#include \"./sallyport/middle/middle.h\"\n",
        "#include \"../middle/m.h\"\n",
        "#include <../middle/m.h>\n",
        "#include \"/usr/include/seccomp.h\"\n",
        "#include \"sallyport/middle/middle.h\n",
        "#include MIDDLE\n",
        "#include_next \"sallyport/middle/middle.h\"\n",
        "#import \"sallyport/middle/middle.h\"\n",
        "#inc\\\nlude \"sallyport/middle/middle.h\"\n",
        "#\\\ninclude \"sallyport/middle/middle.h\"\n",
        "%:include \"sallyport/middle/middle.h\"\n",
        "?\?=include \"sallyport/middle/middle.h\"\n",
        "#include \"sallyport/middle/middle.h\"",
    };

    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
        expect_fault("src/low/low.c", forms[i], "not the plain form");
}

Test(matrix_faults, sub_rooms)
{
    expect_fault("src/high/b/b.c", "#include \"main.h\"\n",
                 "\"main.h\" isn't in high/b");
    expect_fault("src/high/b/b.c", "#include \"a/a.h\"\n",
                 "b.c:1: high/b may not include \"a/a.h\"");
}

Test(matrix_faults, directories)
{
    expect_fault("src/high/c/c.c", "int c;\n",
                 "src/high/c/c.c lies in no room");
    cr_assert_eq(check(4, &(struct matrix_room){ "high/d", "", "" }), 3, "%s",
                 faults);
    cr_expect(strstr(faults, "src/high/d has no source"), "%s", faults);
}

Test(matrix_faults, a_cycle_of_rooms)
{
    const struct matrix_room low = { "low", "middle", "" };

    write_file("src/low/low.c", "#include \"sallyport/middle/middle.h\"\n");
    cr_assert_eq(check(0, &low), 1, "%s", faults);
    cr_expect_str_eq(faults, "a cycle: low middle low\n");
}

Test(matrix_faults, a_cycle_of_sub_rooms)
{
    const struct matrix_room b = { "high/b", "high/a", "zlib.h" };

    write_file("src/high/b/b.c", "#include \"a/a.h\"\n");
    cr_assert_eq(check(4, &b), 1, "%s", faults);
    cr_expect_str_eq(faults, "a cycle: high/a high/b high/a\n");
}

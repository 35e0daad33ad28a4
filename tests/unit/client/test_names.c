/* Tests names of a command's files: which are free, which are taken, how they
 * are opened, and what happens to an existing file. */
#include <locale.h>

#include "client/commands/commands.h"
#include "client/transfer/transfer.h"
#include "support/test.h"

static char here[64];

static void directory_make(void)
{
    snprintf(here, sizeof(here), "/tmp/names.XXXXXX");
    cr_assert(mkdtemp(here));
    cr_assert_eq(chdir(here), 0);
    cr_assert_eq(mkdir("d", 0700), 0);
    cr_assert_eq(close(open("d/file", O_WRONLY | O_CREAT, 0600)), 0);
    cr_assert_eq(symlink("d", "link"), 0);
    cr_assert_eq(symlink("file", "d/link"), 0);
}

static void directory_remove(void)
{
    unlink("d/link");
    unlink("d/file");
    unlink("link");
    rmdir("d");
    rmdir(here);
}

TestSuite(names, .init = directory_make, .fini = directory_remove,
          .timeout = 60);

/* names_open() follows links that the user has named, and no others. */
static const struct {
    const char *path;
    size_t named;
    int error;
} opened[] = {
    { "d/file", NAMED_ALL, 0 },
    { "link/file", NAMED_ALL, 0 },
    { "d/link", NAMED_ALL, 0 },
    { "d/file", 0, 0 },
    { "link/file", 0, ELOOP },
    { "link/file", 4, 0 },
    { "link/link", 4, ELOOP },
    { "d/link", 1, ELOOP },
    { "d/file", 1, 0 },
    { "d//file", 1, 0 },
    { "d/none", 1, ENOENT },
    { "none/file", 4, ENOENT },
    { "d/", 1, 0 },
    { "d", 1, 0 },
    { "d/../d/link", 1, ELOOP },
};

Test(names, are_opened)
{
    for (size_t i = 0; i < sizeof(opened) / sizeof(opened[0]); i++) {
        errno = 0;
        int fd = names_open(opened[i].path, opened[i].named, O_RDONLY);

        cr_expect_eq(fd >= 0 ? 0 : errno, opened[i].error, "%s, %zu: %s",
                     opened[i].path, opened[i].named, strerror(errno));
        if (fd < 0)
            continue;
        cr_expect(fcntl(fd, F_GETFD) & FD_CLOEXEC, "%s", opened[i].path);
        cr_expect_eq((fcntl(fd, F_GETFL) & O_ACCMODE), O_RDONLY);
        close(fd);
    }
}

static const struct {
    const char *path;
    unsigned i;
    size_t size;
    const char *want; /* NULL: no room */
} new_names[] = {
    { "a", 1, 64, "new-a" },
    { "d/a", 1, 64, "d/new-a" },
    { "d/e/a.txt", 2, 64, "d/e/new-2-a.txt" },
    { "/a", 12, 64, "/new-12-a" },
    { "a", 1, 6, "new-a" },
    { "a", 1, 5, NULL },
};

/* Plays a directory in which the first names are taken. */
struct new_taken {
    unsigned taken, asked;
    bool fails; /* the look at the first free name fails */
};

static int new_is_taken(void *of, const char *name, struct failure *why)
{
    struct new_taken *n = of;
    unsigned i = 1;

    (void)why;
    n->asked++;
    sscanf(strstr(name, "new-"), "new-%u-", &i);
    return i <= n->taken ? 1 : n->fails ? -1 : 0;
}

Test(names, that_are_new)
{
    for (size_t i = 0; i < sizeof(new_names) / sizeof(new_names[0]); i++) {
        struct new_taken n = { .taken = new_names[i].i - 1 };
        char out[64] = "";
        struct failure why;
        int r = names_new(new_names[i].path, new_is_taken, &n, out,
                          new_names[i].size, &why);

        cr_expect_eq(r, new_names[i].want ? 0 : -1, "%s: %d", new_names[i].path,
                     r);
        if (new_names[i].want)
            cr_expect_str_eq(out, new_names[i].want);
    }
}

/* Plays a script that has sent the same name each night for years. The client
 * must find a free name with few looks. */
Test(names, that_are_new_after_many)
{
    for (unsigned taken = 0; taken < 100; taken++) {
        struct new_taken n = { .taken = taken };
        char out[64], want[64];

        snprintf(want, sizeof(want), taken ? "new-%u-a" : "new-a", taken + 1);
        cr_assert_eq(names_new("a", new_is_taken, &n, out, sizeof(out), NULL),
                     0);
        cr_expect_str_eq(out, want);
        cr_expect_leq(n.asked, 14);
    }
    struct new_taken n = { .taken = 1000000 };
    char out[64];
    struct failure why;

    cr_assert_eq(names_new("d/a", new_is_taken, &n, out, sizeof(out), NULL), 0);
    cr_expect_str_eq(out, "d/new-1000001-a");
    cr_expect_leq(n.asked, 42);
    n = (struct new_taken){ .taken = UINT_MAX };
    cr_expect_eq(names_new("a", new_is_taken, &n, out, sizeof(out), &why), -1);
    n = (struct new_taken){ .taken = 5, .fails = true };
    cr_expect_eq(names_new("a", new_is_taken, &n, out, sizeof(out), NULL), -1);
}

Test(names, are_taken_once)
{
    cr_expect_eq(names_take("a", "here/a"), NAMES_OURS);
    cr_expect_eq(names_take("a", "here/a"), NAMES_SAME);
    cr_expect_eq(names_take("a", "there/a"), NAMES_OTHERS);
    cr_expect_eq(names_take("a", ""), NAMES_OTHERS);
    cr_expect_eq(names_take("b", ""), NAMES_OURS);
    cr_expect_eq(names_take("b", ""), NAMES_OTHERS);
    cr_expect_eq(names_take("b", "here/b"), NAMES_OTHERS);
    names_release();
    cr_expect_eq(names_take("a", "there/a"), NAMES_OURS);
    names_release();
}

/* Names of one directory that differ only in case are twins; only the first of
 * them isn't. Here the case of their directories doesn't count either. */
Test(names, have_twins)
{
    static const struct {
        const char *name;
        bool twin;
    } rows[] = {
        { "d/a", false },      { "d/A", true },      { "d/a", false },
        { "d/A", true },       { "D/a", false },     { "a", false },
        { "d/\u00e4", false }, { "d/\u00c4", true }, { "d/\xe4", false },
        { "d/\xc4", false },   { "d/a/b", false },   { "d/A/b", false },
        { "h/a", false },      { "H/A", true },      { "h/A", true },
        { "h/a", false },
    };
    /* Each set is one name where a disk folds names as ext4 does. */
    static const char *const sets[][3] = {
        { "e/\u03c3", "e/\u03a3", "e/\u03c2" },
        { "e/\u00b5", "e/\u039c", "e/\u03bc" },
        { "e/s", "e/\u017f", "e/S" },
        { "e/k", "e/\u212a", "e/K" },
        { "e/\u00e5", "e/\u212b", "e/\u00c5" },
        { "e/\u03b2", "e/\u03d0", "e/\u0392" },
        { "e/\u01c6", "e/\u01c5", "e/\u01c4" },
        { "e/\u1e61", "e/\u1e9b", "e/\u1e60" },
    };

    setlocale(LC_CTYPE, "C.UTF-8");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        cr_expect_eq(names_twin(rows[i].name, strchr("hH", rows[i].name[0])),
                     rows[i].twin, "%zu", i);
    for (size_t i = 0; i < 9 * sizeof(sets) / sizeof(sets[0]); i++) {
        const char *one = sets[i / 9][i % 3], *other = sets[i / 9][i / 3 % 3];

        names_release();
        cr_expect_not(names_twin(one, false));
        cr_expect_eq(names_twin(other, false), one != other, "%s, %s", one,
                     other);
    }
    names_release();
}

/* A directory that this call has made is no other one of the server, whichever
 * inode it gets: another program may have removed a directory meanwhile. */
Test(names, of_new_directories)
{
    static struct client c;
    const struct tree t = { .client = &c };
    struct job new = { .local = "new" }, old = { .local = "new" };
    struct failure why;

    cr_expect_eq(tree_make_local(&t, &new, &why), 0);
    cr_expect_eq(tree_make_local(&t, &old, &why), 0);
    cr_expect(new.made && !old.made);
    rmdir("new");
}

/* If there is no terminal, or with JSON, nobody can answer a question. So the
 * file gets another name. */
Test(names, are_decided_without_a_question)
{
    static const enum conflict_choice choices[] = { CHOICE_SKIP, CHOICE_RENAME,
                                                    CHOICE_OVERWRITE };
    const struct names_file file = { 0 };

    names_release();
    for (size_t i = 0; i < sizeof(choices) / sizeof(choices[0]); i++) {
        const struct options o = { .conflict = choices[i] };

        cr_expect_eq(names_decide(&o, "a", false, "here", file, file),
                     choices[i]);
        cr_expect_not(names_asks(&o));
    }
    const struct options ask = { .conflict = CHOICE_ASK, .json = true };

    cr_expect_not(names_can_ask(&ask));
    cr_expect_not(names_asks(&ask));
    cr_expect_eq(names_decide(&ask, "a", false, "here", file, file),
                 CHOICE_RENAME);
}

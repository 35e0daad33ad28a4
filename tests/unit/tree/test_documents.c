/* Each file of the tree that docs names exists: a page that sends its reader to
 * a renamed file is worse than none. */
#include <criterion/criterion.h>
#include <ftw.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>

static const char *const pages[] = {
    "architecture.md", "client.md",    "clients.md",     "data-connections.md",
    "decisions.md",    "limits.md",    "generations.md", "sandbox.md",
    "tls.md",          "transfers.md", "uploads.md",     "users.md",
    "hacking.md",      "messages.md"
};
static const char *const roots[] = { "src/", "include/", "tests/", "etc/" };

#define PATH_BYTES                                                             \
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./*-"

/* Returns the path's length, or 0 if no path of the tree begins here. */
static size_t path_at(const char *line, const char *at)
{
    size_t len;

    if (at > line && strchr(PATH_BYTES, at[-1]))
        return 0;
    for (size_t i = 0; i < sizeof(roots) / sizeof(roots[0]); i++)
        if (strncmp(at, roots[i], strlen(roots[i])) == 0) {
            len = strspn(at, PATH_BYTES);
            return at[len - 1] == '.' ? len - 1 : len;
        }
    return 0;
}

/* NAME and ROOM stand for names that the reader inserts. */
static void check_path(const char *page, const char *path)
{
    char full[1024];
    glob_t found;

    if (strstr(path, "NAME") || strstr(path, "ROOM"))
        return;
    snprintf(full, sizeof(full), "%s/%s", SOURCE_DIR, path);
    cr_expect_eq(glob(full, 0, NULL, &found), 0, "docs/%s names %s", page,
                 path);
    globfree(&found);
}

static unsigned check_line(const char *page, const char *line)
{
    unsigned paths = 0;

    for (const char *at = line; *at; at++) {
        size_t len = path_at(line, at);
        char path[512];

        if (len == 0 || len >= sizeof(path))
            continue;
        memcpy(path, at, len);
        path[len] = '\0';
        check_path(page, path);
        paths++;
        at += len - 1;
    }
    return paths;
}

Test(documents, what_they_name_is_there)
{
    for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
        char full[1024], line[4096];
        unsigned paths = 0;
        FILE *f;

        snprintf(full, sizeof(full), "%s/docs/%s", SOURCE_DIR, pages[i]);
        f = fopen(full, "r");
        cr_assert(f, "%s", full);
        while (fgets(line, sizeof(line), f))
            paths += check_line(pages[i], line);
        fclose(f);
        cr_assert_gt(paths, 2, "%s names hardly any: is it read?", pages[i]);
    }
}

/* Each is in two parts, or this file would contain it: design papers, and the
 * marks of an unfinished merge. */
static const char *const absent[] = { "DES"
                                      "IGN.md",
                                      "DES"
                                      "IGN ",
                                      "STY"
                                      "LE.md",
                                      "FIE"
                                      "LD.md",
                                      "TEST"
                                      "BED.md",
                                      "<<<<"
                                      "<<< ",
                                      ">>>>"
                                      ">>> " };

static int check_citations(const char *path, const struct stat *st, int type,
                           struct FTW *at)
{
    char line[4096];
    FILE *f;

    (void)st;
    (void)at;
    f = type == FTW_F ? fopen(path, "r") : NULL;
    while (f && fgets(line, sizeof(line), f))
        for (size_t i = 0; i < sizeof(absent) / sizeof(absent[0]); i++)
            cr_expect(!strstr(line, absent[i]), "%s has %s: %s", path,
                      absent[i], line);
    if (f)
        fclose(f);
    return 0;
}

/* A reader who has only the repository can't read them. */
Test(documents, what_is_not_there_is_not_cited)
{
    static const char *const trees[] = { "src", "include", "tests",    "docs",
                                         "etc", "certs",   "README.md" };

    for (size_t i = 0; i < sizeof(trees) / sizeof(trees[0]); i++) {
        char path[1024];

        snprintf(path, sizeof(path), "%s/%s", SOURCE_DIR, trees[i]);
        cr_assert_eq(nftw(path, check_citations, 32, FTW_PHYS), 0, "%s", path);
    }
}

/* The manuals send their readers to /usr/share/doc/sallyport. */
Test(documents, what_the_manuals_name_is_installed)
{
    static const char *const named[] = { "certificates", "clients", "log",
                                         "settings" };
    char path[1024], text[8192];
    FILE *f;

    for (size_t i = 0; i < sizeof(named) / sizeof(named[0]); i++) {
        snprintf(path, sizeof(path), "%s/docs/%s.md", SOURCE_DIR, named[i]);
        f = fopen(path, "r");
        cr_assert(f, "%s", path);
        fclose(f);
    }
    f = fopen(SOURCE_DIR "/etc/cmake/install.cmake", "r");
    cr_assert(f);
    text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
    fclose(f);
    cr_expect(strstr(text, "/docs/*.md)"), "docs aren't installed");
}

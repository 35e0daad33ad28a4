/* Reads the files of the source tree. */
#include "source_tree.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct walk {
    const char *root;
    void (*each)(void *owner, const char *path);
    void *owner;
};

static bool is_source(const char *name)
{
    size_t len = strlen(name);

    return len > 2 && name[len - 2] == '.' &&
           (name[len - 1] == 'c' || name[len - 1] == 'h');
}

static void walk_directory(const struct walk *w, const char *directory)
{
    char path[2 * PATH_MAX], inside[PATH_MAX];
    struct dirent **names;
    int n;

    snprintf(path, sizeof(path), "%s/%s", w->root, directory);
    n = scandir(path, &names, NULL, alphasort);
    for (int i = 0; i < n; i++) {
        struct stat st;

        snprintf(inside, sizeof(inside), "%s/%s", directory, names[i]->d_name);
        snprintf(path, sizeof(path), "%s/%s", w->root, inside);
        if (names[i]->d_name[0] != '.' && stat(path, &st) == 0) {
            if (S_ISDIR(st.st_mode))
                walk_directory(w, inside);
            else if (is_source(inside))
                w->each(w->owner, inside);
        }
        free(names[i]);
    }
    if (n >= 0)
        free(names);
}

void source_tree_walk(const char *root, const char *directory,
                      void (*each)(void *owner, const char *path), void *owner)
{
    const struct walk w = { .root = root, .each = each, .owner = owner };

    walk_directory(&w, directory);
}

FILE *source_tree_open(const char *root, const char *path)
{
    char whole[PATH_MAX];
    FILE *f;

    snprintf(whole, sizeof(whole), "%s/%s", root, path);
    f = fopen(whole, "re");
    cr_assert_not_null(f, "%s", whole);
    return f;
}

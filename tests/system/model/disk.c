/* Clears the home, and compares it with the model. Partials are the server's
 * own files and don't count. */
#include <ftw.h>

#include "player.h"
#include "support/fail.h"
#include "support/files.h"
#include "support/test.h"
#include "support/wait.h"

#define PARTIAL ".sallyport-"

static int remove_one(const char *path, const struct stat *st, int kind,
                      struct FTW *where)
{
    (void)st, (void)kind;
    if (where->level == 0 || remove(path) == 0 || errno == ENOENT)
        return 0;
    return -1;
}

static bool is_clear(void *home)
{
    return nftw(home, remove_one, 16, FTW_DEPTH | FTW_PHYS) == 0;
}

/* Tries again until the home is empty: the server can still be working, since
 * the client of the last sequence left before the end of its transfer. */
void disk_clear(const char *home)
{
    FAIL_IF(!wait_until(is_clear, (void *)(uintptr_t)home, WAIT_MS),
            "%s can't be cleared", home);
}

static void check_file(const char *full, const struct node *n)
{
    struct buf bytes;

    buf_init(&bytes, 64 << 20);
    FAIL_IF(!files_read(full, &bytes), "%s can't be read", n->path);
    FAIL_IF(bytes.len != n->len ||
                (n->len > 0 && memcmp(bytes.data, n->bytes, n->len) != 0),
            "%s differs: %zu bytes, and not those %zu that were stored",
            n->path, bytes.len, n->len);
    buf_release(&bytes);
}

static void check_node(const char *home, const struct node *n)
{
    char full[SERVER_PATH_MAX + TREE_PATH_MAX];
    struct stat st;

    snprintf(full, sizeof(full), "%s%s", home, n->path);
    FAIL_IF(lstat(full, &st), "%s is missing", n->path);
    FAIL_IF(S_ISDIR(st.st_mode) != n->folder, "%s is of another kind", n->path);
    if (!n->folder)
        check_file(full, n);
}

static size_t found;

static int count_one(const char *path, const struct stat *st, int kind,
                     struct FTW *where)
{
    (void)st, (void)kind;
    found += strncmp(path + where->base, PARTIAL, strlen(PARTIAL)) != 0;
    return 0;
}

void disk_check(const char *home, const struct tree *t)
{
    for (size_t i = 0; i < t->nodes; i++)
        check_node(home, &t->node[i]);
    found = 0;
    FAIL_IF(nftw(home, count_one, 16, FTW_PHYS), "no %s", home);
    FAIL_IF(found != t->nodes, "%zu files and folders, and not %zu", found,
            t->nodes);
}

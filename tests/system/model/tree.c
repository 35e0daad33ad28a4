/* The model's files are plain arrays, searched from one end to the other. */
#include "tree.h"

#include "support/fail.h"
#include "support/test.h"

static void *copy_of(const void *bytes, size_t len)
{
    void *copy = malloc(len + 1);

    FAIL_IF(!copy, "no memory");
    memcpy(copy, bytes, len);
    return copy;
}

static char *text_of(const char *text)
{
    return copy_of(text, strlen(text) + 1);
}

void tree_init(struct tree *t)
{
    *t = (struct tree){ .nodes = 0 };
    tree_add_folder(t, "/");
}

const char *tree_name(const char *path)
{
    return strrchr(path, '/') + 1;
}

bool tree_beneath(const char *path, const char *folder)
{
    size_t len = strlen(folder);

    if (len == 1)
        return path[1] != '\0';
    return strncmp(path, folder, len) == 0 && path[len] == '/';
}

static struct node *node_at(struct tree *t, const char *path)
{
    for (size_t i = 0; i < t->nodes; i++)
        if (strcmp(t->node[i].path, path) == 0)
            return &t->node[i];
    return NULL;
}

/* Turns "/a/b" into "/a", and "/a" into "/". */
static void go_up(char *path)
{
    char *slash = strrchr(path, '/');

    slash[slash == path ? 1 : 0] = '\0';
}

struct node *tree_parent(struct tree *t, const char *path)
{
    char up[TREE_PATH_MAX + 1];
    struct node *n;

    snprintf(up, sizeof(up), "%s", path);
    go_up(up);
    n = tree_find(t, up);
    return n && n->folder ? n : NULL;
}

struct node *tree_find(struct tree *t, const char *path)
{
    struct node *parent;

    if (strcmp(path, "/") == 0)
        return &t->node[0];
    parent = tree_parent(t, path);
    return parent && parent->mode & TREE_ENTER ? node_at(t, path) : NULL;
}

bool tree_is_full(const struct tree *t, const char *folder)
{
    for (size_t i = 0; i < t->nodes; i++)
        if (tree_beneath(t->node[i].path, folder))
            return true;
    return false;
}

static struct node *add(struct tree *t, const char *path)
{
    struct node *n = &t->node[t->nodes];

    FAIL_IF(t->nodes == TREE_MAX, "the model has no room for %s", path);
    t->nodes++;
    *n = (struct node){ .path = text_of(path), .modified = TREE_UNKNOWN };
    return n;
}

struct node *tree_add_folder(struct tree *t, const char *path)
{
    struct node *n = add(t, path);

    n->folder = true;
    n->mode = TREE_READ | TREE_WRITE | TREE_ENTER;
    return n;
}

struct node *tree_put(struct tree *t, const char *path,
                      const unsigned char *bytes, size_t len)
{
    unsigned char *copy = copy_of(bytes, len); /* BYTES can be the old file's */
    struct node *n = node_at(t, path);

    if (n)
        tree_remove(t, n);
    n = add(t, path);
    n->mode = TREE_READ | TREE_WRITE;
    n->bytes = copy;
    n->len = len;
    n->version = ++t->version;
    return n;
}

void tree_remove(struct tree *t, struct node *n)
{
    free(n->path);
    free(n->bytes);
    *n = t->node[--t->nodes];
}

static void rename_path(char **path, const char *from, const char *to)
{
    char moved[2 * TREE_PATH_MAX];

    snprintf(moved, sizeof(moved), "%s%s", to, *path + strlen(from));
    free(*path);
    *path = text_of(moved);
}

/* Moves partials with their directory. If a file moves, its partial stays. */
void tree_move(struct tree *t, const char *from, const char *to)
{
    struct node *there = node_at(t, to);

    if (there)
        tree_remove(t, there);
    rename_path(&node_at(t, from)->path, from, to);
    for (size_t i = 0; i < t->nodes; i++)
        if (tree_beneath(t->node[i].path, from))
            rename_path(&t->node[i].path, from, to);
    for (size_t i = 0; i < t->lefts; i++)
        if (tree_beneath(t->left[i].path, from))
            rename_path(&t->left[i].path, from, to);
}

size_t left_tells(size_t len, size_t first)
{
    size_t whole = len == 0 ? 0 : (len - 1) / LEFT_BLOCK * LEFT_BLOCK;

    return whole > first ? whole : first;
}

struct leftover *left_find(struct tree *t, const char *path)
{
    for (size_t i = 0; i < t->lefts; i++)
        if (strcmp(t->left[i].path, path) == 0)
            return &t->left[i];
    return NULL;
}

void left_put(struct tree *t, const char *path, const unsigned char *bytes,
              size_t len, size_t first)
{
    struct leftover *l = left_find(t, path);
    struct leftover one = { .path = text_of(path),
                            .bytes = copy_of(bytes, len),
                            .len = len,
                            .tells = left_tells(len, first),
                            .version = ++t->version,
                            .reported = l && l->reported };

    if (l)
        left_remove(t, l);
    FAIL_IF(t->lefts == TREE_MAX, "the model has no room for %s", path);
    t->left[t->lefts++] = one;
}

void left_remove(struct tree *t, struct leftover *l)
{
    free(l->path);
    free(l->bytes);
    *l = t->left[--t->lefts];
}

void left_remove_beneath(struct tree *t, const char *folder)
{
    for (size_t i = t->lefts; i-- > 0;)
        if (tree_beneath(t->left[i].path, folder))
            left_remove(t, &t->left[i]);
}

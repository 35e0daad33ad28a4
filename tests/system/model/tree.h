/* What the user's home holds, as the model believes it: directories, files with
 * their bytes, and the partials of cut uploads. Paths are normal ("/", "/a/b").
 */
#ifndef TESTS_SYSTEM_MODEL_TREE_H
#define TESTS_SYSTEM_MODEL_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TREE_MAX      400 /* entries; a sequence makes a few */
#define TREE_PATH_MAX 4096
#define TREE_UNKNOWN  -1

enum tree_bits { TREE_ENTER = 1, TREE_WRITE = 2, TREE_READ = 4 };

struct node {
    char *path;
    bool folder;
    unsigned mode; /* its owner's bits: enum tree_bits */
    long modified; /* seconds since 1970, or TREE_UNKNOWN: now, more or less */
    unsigned char *bytes;
    size_t len;
};

/* What is left of a cut upload, for whoever continues with it. */
struct leftover {
    char *path; /* of the file that it would have become */
    unsigned char *bytes;
    size_t len;
    unsigned version; /* none has another's */
};

struct tree {
    struct node node[TREE_MAX]; /* the first is "/" */
    size_t nodes;
    struct leftover left[TREE_MAX];
    size_t lefts;
    unsigned version;
};

void tree_init(struct tree *t);
void tree_release(struct tree *t);

/* NULL: it isn't there, or a directory on the way can't be entered. */
struct node *tree_find(struct tree *t, const char *path);
/* The directory that it is in, or would be in; NULL as above. */
struct node *tree_parent(struct tree *t, const char *path);
/* The name behind the last '/'; "" for "/". */
const char *tree_name(const char *path);
/* Is PATH beneath FOLDER, which itself isn't? */
bool tree_beneath(const char *path, const char *folder);
/* Something visible is in it. */
bool tree_is_full(const struct tree *t, const char *folder);

struct node *tree_add_folder(struct tree *t, const char *path);
/* In place of what was there; copies the bytes. */
struct node *tree_put(struct tree *t, const char *path,
                      const unsigned char *bytes, size_t len);
void tree_remove(struct tree *t, struct node *n);
/* With all beneath it; a file that is there goes. */
void tree_move(struct tree *t, const char *from, const char *to);

/* What the docs promise: a partial tells less than it has, whole 64 KiB. */
#define LEFT_BLOCK 65536
size_t left_tells(const struct leftover *l);
struct leftover *left_find(struct tree *t, const char *path);
/* In place of what was there; copies the bytes. */
void left_put(struct tree *t, const char *path, const unsigned char *bytes,
              size_t len);
void left_remove(struct tree *t, struct leftover *l);
void left_remove_beneath(struct tree *t, const char *folder);

#endif

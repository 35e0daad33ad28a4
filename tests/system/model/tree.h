/* The contents of the user's home, as the model knows them: directories, files
 * with their bytes, and the partials of cut uploads. Paths are normal ("/",
 * "/a/b"). */
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
    unsigned mode; /* the owner's bits: enum tree_bits */
    long modified; /* seconds since 1970, or TREE_UNKNOWN: about now */
    unsigned char *bytes;
    size_t len;
    unsigned version; /* each file has another number */
};

/* The partial of a cut upload, which can be continued. */
struct leftover {
    char *path; /* of the file that the upload would have made */
    unsigned char *bytes;
    size_t len;
    size_t tells;     /* what SIZE reports */
    unsigned version; /* each change of a partial gives it a new number */
    bool reported;    /* SIZE has reported it, or its predecessor */
};

struct tree {
    struct node node[TREE_MAX]; /* the first one is "/" */
    size_t nodes;
    struct leftover left[TREE_MAX];
    size_t lefts;
    unsigned version;
};

void tree_init(struct tree *t);

/* Returns the node at PATH. Returns NULL if there is none, or if a directory on
 * the way can't be entered. */
struct node *tree_find(struct tree *t, const char *path);
/* Returns the directory of PATH; PATH itself needn't exist. Returns NULL if
 * tree_find() doesn't find this directory. */
struct node *tree_parent(struct tree *t, const char *path);
/* Returns the name after the last '/'; "" for "/". */
const char *tree_name(const char *path);
/* Is PATH below FOLDER? FOLDER itself isn't. */
bool tree_beneath(const char *path, const char *folder);
/* Does the directory contain anything visible? */
bool tree_is_full(const struct tree *t, const char *folder);

struct node *tree_add_folder(struct tree *t, const char *path);
/* Puts a file at PATH, in place of an old one. Copies the bytes. */
struct node *tree_put(struct tree *t, const char *path,
                      const unsigned char *bytes, size_t len);
void tree_remove(struct tree *t, struct node *n);
/* Moves a node and everything below it. Removes an existing file at TO. */
void tree_move(struct tree *t, const char *from, const char *to);

/* Returns what SIZE reports of a partial of LEN bytes. As the docs promise,
 * these are whole 64 KiB, less than it has; but the first FIRST bytes, which
 * the upload has continued, still count. */
#define LEFT_BLOCK 65536
size_t left_tells(size_t len, size_t first);
struct leftover *left_find(struct tree *t, const char *path);
/* Puts a partial in place of the old one, if any; copies the bytes. FIRST: as
 * for left_tells(). */
void left_put(struct tree *t, const char *path, const unsigned char *bytes,
              size_t len, size_t first);
void left_remove(struct tree *t, struct leftover *l);
void left_remove_beneath(struct tree *t, const char *folder);

#endif

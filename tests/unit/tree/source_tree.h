/* The files of the source tree, for tests that read it. */
#ifndef TEST_SOURCE_TREE_H
#define TEST_SOURCE_TREE_H

#include <stdio.h>

/* Calls EACH for every .c and .h file below ROOT/DIRECTORY, in the order of
 * their names. PATH is relative to ROOT: "src/gate/main.c". */
void source_tree_walk(const char *root, const char *directory,
                      void (*each)(void *owner, const char *path), void *owner);

/* Opens ROOT/PATH for reading. A missing file fails the test. */
FILE *source_tree_open(const char *root, const char *path);

#endif

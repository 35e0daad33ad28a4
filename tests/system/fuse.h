/* The file system of tests/system/fuse.py. Root mounts it in a mount namespace
 * that ends with the test. */
#ifndef TESTS_SYSTEM_FUSE_H
#define TESTS_SYSTEM_FUSE_H

#include <sys/types.h>

/* Use as TestSuite(.init). Gives this process a mount namespace of its own. */
void fuse_begin(void);
/* Mounts the file system on FOLDER; its files belong to the folder's owner.
 * Returns the pid of the process that serves it. */
pid_t fuse_mount(const char *folder);
/* Does the same, with a network file system without caches, which counts its
 * requests. */
pid_t fuse_mount_remote(const char *folder);
/* Does the same as fuse_mount_remote(), but the file system lacks an ability
 * that fuse.py lists ("locks"); "": it lacks nothing. */
pid_t fuse_mount_without(const char *folder, const char *lack);
/* With directories, too. */
pid_t fuse_mount_tree_without(const char *folder, const char *lack);
/* Mounts one file system on both folders, as if two machines had mounted it. It
 * lacks "openness". */
pid_t fuse_mount_twice(const char *folder, const char *other);
/* Returns the number of requests of this KIND ("LOOKUP"; NULL: of all
 * kinds). */
unsigned fuse_requests(const char *folder, const char *kind);
/* Lets the file system hang: it takes each request and never answers. SIGKILL
 * doesn't end the processes that wait for an answer. */
void fuse_hang(pid_t pid);
/* Mounts the file system on FOLDER, and lets it hang. */
pid_t fuse_mount_hung(const char *folder);
void fuse_unmount(const char *folder, pid_t pid);

#endif

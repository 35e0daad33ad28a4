/* The file system of tests/system/fuse.py. Root mounts it in a mount namespace
 * that ends with the test. */
#ifndef TESTS_SYSTEM_FUSE_H
#define TESTS_SYSTEM_FUSE_H

#include <sys/types.h>

/* For TestSuite(.init): gives this process a mount namespace of its own. */
void fuse_begin(void);
/* Mounts it on FOLDER; its files belong to the folder's owner. Returns the
 * process that serves it. */
pid_t fuse_mount(const char *folder);
/* The same, as a network file system without caches: it counts its requests. */
pid_t fuse_mount_remote(const char *folder);
/* The same without something, which fuse.py lists ("locks"); "": nothing. */
pid_t fuse_mount_without(const char *folder, const char *lack);
/* The same without "openness", on both folders, as two machines have it. */
pid_t fuse_mount_twice(const char *folder, const char *other);
/* How many requests of this KIND ("LOOKUP"), or of all kinds (NULL), it had. */
unsigned fuse_requests(const char *folder, const char *kind);
/* From now on it takes each request and never answers: SIGKILL doesn't end the
 * processes that wait for it. */
void fuse_hang(pid_t pid);
/* Mounts it on FOLDER, and lets it hang. */
pid_t fuse_mount_hung(const char *folder);
void fuse_unmount(const char *folder, pid_t pid);

#endif

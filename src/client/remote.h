/* Requests to the server besides transfers of files. Paths are relative to the
 * login directory. All return 0 or -1 with the reason. */
#ifndef CLIENT_REMOTE_H
#define CLIENT_REMOTE_H

#include "link.h"
#include "listing.h"

/* The directory PATH, sorted. */
int remote_list(struct link *l, const char *path, struct listing *ret,
                struct failure *why);
/* One entry. 1: there is none of that name. */
int remote_stat(struct link *l, const char *path, struct entry *ret,
                struct failure *why);
/* The length of an unfinished upload of PATH that can be resumed, or 0. */
int remote_resumable(struct link *l, const char *path, uint64_t *ret,
                     struct failure *why);
/* The checksum by the server's algorithm, lower-case hexadecimal. */
#define REMOTE_HASH_MAX 129
/* The server may read all SIZE bytes (0: not known) before it replies. */
int remote_hash(struct link *l, const char *path, uint64_t size,
                char ret[REMOTE_HASH_MAX], struct failure *why);
/* 1: it was there already. */
int remote_mkdir(struct link *l, const char *path, struct failure *why);
int remote_remove(struct link *l, const char *path, struct failure *why);
int remote_rmdir(struct link *l, const char *path, struct failure *why);
int remote_rename(struct link *l, const char *from, const char *to,
                  struct failure *why);
int remote_set_time(struct link *l, const char *path, time_t when,
                    struct failure *why);

#endif

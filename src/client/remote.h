/* Requests to the server other than transfers. Paths are relative to the login
 * directory. Each function returns 0, or -1 with the reason. */
#ifndef CLIENT_REMOTE_H
#define CLIENT_REMOTE_H

#include "link.h"
#include "listing.h"

/* Did the last reply refuse something for want of a right? */
bool remote_lacks_right(const struct link *l);
/* Lists the directory PATH, sorted, with the retries that the options permit;
 * or without. */
int remote_list(struct link *l, const char *path, struct listing *ret,
                struct failure *why);
int remote_list_once(struct link *l, const char *path, struct listing *ret,
                     struct failure *why);
/* May the user enter the directory? Without this right some servers list a
 * directory as empty. */
int remote_enter(struct link *l, const char *path, struct failure *why);
/* Gets one entry. Returns 1 with the reason: the path doesn't exist, or the
 * user may not know. */
int remote_stat(struct link *l, const char *path, struct entry *ret,
                struct failure *why);
/* Gets the time of the last change by MDTM, for a server without MLST; 0: it
 * doesn't say. */
int remote_time(struct link *l, const char *path, time_t *ret,
                struct failure *why);
/* Gets the length of a file, or of an unfinished upload that can be resumed.
 * Returns 1: the server reports none. */
int remote_length(struct link *l, const char *path, uint64_t *ret,
                  struct failure *why);
/* May this user get the checksum of PATH, which needn't exist? Returns 1 or 0,
 * or -1 with the reason. */
int remote_may_hash(struct link *l, const char *path, struct failure *why);
/* Size of a checksum in lower-case hexadecimal, with its NUL. */
#define REMOTE_HASH_MAX 129
/* Gets the checksum by the server's algorithm. The server may read all SIZE
 * bytes (0: unknown) before it replies. */
int remote_hash(struct link *l, const char *path, uint64_t size,
                char ret[REMOTE_HASH_MAX], struct failure *why);
/* Returns 1: the directory existed already. */
int remote_mkdir(struct link *l, const char *path, struct failure *why);
int remote_remove(struct link *l, const char *path, struct failure *why);
int remote_rmdir(struct link *l, const char *path, struct failure *why);
int remote_rename(struct link *l, const char *from, const char *to,
                  struct failure *why);
int remote_set_time(struct link *l, const char *path, time_t when,
                    struct failure *why);

#endif

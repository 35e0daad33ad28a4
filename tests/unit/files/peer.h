/* A test plays session, master and log to a real process files. Run by root it
 * is the process of a user without root, in its real cage; else the caller's.
 */
#ifndef TEST_FILES_PEER_H
#define TEST_FILES_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "sallyport/files/files.h"
#include "sallyport/ipc/channel.h"
#include "sallyport/ipc/outcome.h"

#define PEER_UID 70123
#define PEER_MS  20000 /* how long any answer may take */

struct peer {
    pid_t pid;
    struct channel session, master, log; /* the test's ends */
    char base[64], homes[80], home[96];
    struct files_start start; /* peer_run() takes it */
    unsigned facts;           /* for ask_list() */
};

/* A home and a start with all rights, no fsync; change it, then run. */
void peer_init(struct peer *p);
void peer_run(struct peer *p); /* and waits for FILES_READY */
void peer_start(struct peer *p);
/* Runs it without waiting: for starts that fail. */
void peer_fork(struct peer *p);
/* The same, as for sallyportctl. */
void peer_start_for_ctl(struct peer *p);
/* Its session leaves in order: it must exit with 0, and have refused no system
 * call. Removes the home. */
void peer_stop(struct peer *p);
/* Its exit status; 256 and more: killed by that signal. */
int peer_wait(struct peer *p);
void peer_remove(struct peer *p);

/* One request and its answer: OUTCOME_OK and *reply, or what REFUSED said. The
 * texts in *reply last until the next call. */
int ask(struct peer *p, struct packet *request, struct packet *reply);
int ask_path(struct peer *p, enum message m, const char *path);
int ask_rename(struct peer *p, const char *from, const char *to);
/* The same; *reply tells the path. */
int ask_rename_told(struct peer *p, const char *from, const char *to,
                    struct packet *reply);
int ask_facts(struct peer *p, const char *path, unsigned what_for,
              struct packet *reply);
int ask_times(struct peer *p, const char *path, time_t access, time_t modify);
int ask_mode(struct peer *p, const char *path, unsigned mode);
int ask_space(struct peer *p, const char *path, uint64_t *bytes);
/* The same if so many bytes are wanted; above: all. */
int ask_space_wanted(struct peer *p, const char *path, uint64_t wanted,
                     uint64_t *bytes);
/* *fd: what can be read, or written at *first, where all FILE_COPY is done. */
int ask_read(struct peer *p, const char *path, uint64_t offset, int *fd);
int ask_write(struct peer *p, const char *path, enum write_mode mode,
              uint64_t offset, uint64_t announced, int *fd, uint64_t *first);
/* The same without FILE_BEGIN, if that is due: *waits. */
int ask_write_waiting(struct peer *p, const char *path, enum write_mode mode,
                      uint64_t offset, uint64_t announced, int *fd,
                      bool *waits);
int ask_begin(struct peer *p);
int ask_copy(struct peer *p, uint64_t *left);
/* The same of one that is not to be kept if it is cut. */
int ask_write_fleeting(struct peer *p, const char *path, enum write_mode mode,
                       int *fd, uint64_t *first);
int ask_sync(struct peer *p);
int ask_room(struct peer *p, uint64_t bytes);
int ask_commit(struct peer *p, uint64_t length);
int ask_abort(struct peer *p);
/* The whole listing, as a string to be freed; *outcome of LISTED. */
int ask_list(struct peer *p, const char *path, enum list_format format,
             const char *argument, char **text, int *outcome,
             uint64_t *entries);

/* On disk, behind the process's back; paths within the home. */
void disk_put(struct peer *p, const char *path, const void *data, size_t len);
void disk_folder(struct peer *p, const char *path);
void disk_link(struct peer *p, const char *target, const char *path);
void disk_fill(struct peer *p, const char *path, size_t len, unsigned seed);
bool disk_has(struct peer *p, const char *path);
/* Are these LEN bytes of pattern SEED what stands in the file, all of it? */
bool disk_is(struct peer *p, const char *path, size_t len, unsigned seed);
/* The only partial in FOLDER gets more of its pattern, up to LEN. */
void disk_extend(struct peer *p, const char *folder, size_t len, unsigned seed);
size_t disk_partials(struct peer *p, const char *folder); /* how many */
/* The only partial in FOLDER: its path within the home. */
const char *disk_partial(struct peer *p, const char *folder);
void disk_age(struct peer *p, const char *path, int days);
const char *disk_path(struct peer *p, const char *path);

/* Bytes FROM to TO of pattern SEED, written at FROM. */
void put_pattern(int fd, size_t from, size_t to, unsigned seed);

#endif

/* One file's way: a download or an upload, and the names of files. */
#ifndef CLIENT_TRANSFER_H
#define CLIENT_TRANSFER_H

#include <limits.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <time.h>

#include "link/link.h"
#include "options/options.h"
#include "show/show.h"
#include "transfer/jobs.h"

/* The checksum of a transfer's bytes, in the server's algorithm. */
struct checksum {
    EVP_MD_CTX *ctx;   /* NULL: no checksum is wanted */
    struct link *link; /* reads the file while this link waits; or NULL */
    int fd;
    uint64_t at;         /* bytes of the file that it has read */
    const uint64_t *end; /* bytes that it may read; NULL: it follows no file */
};

/* Begins a checksum, in lower-case hexadecimal. NAME is as in HASH; NULL: none
 * is wanted. Returns 0, or -1 if the algorithm is unknown. */
int digest_begin(struct checksum *d, const char *name);
/* Adds the bytes, unless D follows a file. */
void digest_add(struct checksum *d, const void *bytes, size_t len);
/* From now on D reads the first *END bytes of FD, which may become more, while
 * L waits for the server: 512 MiB then take 0.9 s with the checksum instead of
 * 1.2 s. D, FD and END must not move until digest_end(). */
void digest_follow(struct checksum *d, int fd, const uint64_t *end,
                   struct link *l);
/* Reads the remaining ones of *END bytes, and keeps the session of KEPT, if it
 * isn't NULL. Returns 0 or -errno; -EINTR after Ctrl-C, -ENODATA: the file has
 * become shorter. */
int digest_catch_up(struct checksum *d, struct link *kept);
/* Computes the checksum of the first LEN bytes of FD. Returns 0 or -errno, as
 * digest_catch_up(). */
int digest_file(int fd, uint64_t len, const char *name,
                char out[DIGEST_HEX_MAX]);
/* Writes the checksum of the bytes so far, or "" if none is wanted. */
void digest_peek(const struct checksum *d, char out[DIGEST_HEX_MAX]);
/* As digest_peek(), and frees D. OUT may be NULL. */
void digest_end(struct checksum *d, char out[DIGEST_HEX_MAX]);

/* A local file that is being downloaded: its bytes are under a temporary name
 * beside the target. A rename makes the file visible when it is complete. */
struct part {
    int directory, fd;
    char name[NAME_MAX + 1]; /* the temporary name */
    uint64_t held;           /* bytes that an earlier try left */
};

#define PART_NONE ((struct part){ -1, -1, "", 0 })

#define PART_PREFIX ".sallyport-"
#define PART_SUFFIX ".part"

/* Is NAME, without directories, one of these temporary names, or of those on a
 * server? */
bool part_is_name(const char *name);

/* Identifies the bytes: if the file or its state differs, the part is never
 * continued. */
struct part_source {
    const char *server, *path; /* "USER@HOST:PORT" */
    uint64_t size;
    time_t modified;
    bool resume;   /* false: it begins at its first byte */
    bool replaces; /* a target that exists; the part is as private */
};

/* Opens the partial file in the directory of TARGET, see names_open().
 * Returns 0, or -1 with the reason, also while another process downloads
 * the same file. */
int part_open(struct part *p, const char *target, size_t named,
              const struct part_source *from, struct failure *why);
/* Gives the file its name. If REPLACE, it may replace a file, and takes over
 * its mode; otherwise never. WHEN is its time; 0: now. Returns 0; 1: the name
 * is taken; -1 with the reason. If the file system has lost bytes, the partial
 * file is removed, since nobody knows which. */
int part_finish(struct part *p, const char *target, bool replace, time_t when,
                struct failure *why);
/* Closes the file. KEEP: keeps it for the next try, unless the file system has
 * lost bytes. */
void part_close(struct part *p, bool keep);

/* Opens PATH. Follows symbolic links only in the first NAMED bytes of PATH, the
 * part that the user has typed. FLAGS contain no O_CREAT. Returns the
 * descriptor, or -1 with errno. */
int names_open(const char *path, size_t named, int flags);
#define NAMED_ALL SIZE_MAX
/* Opens the directory of PATH in the same way. */
int names_open_above(const char *path, size_t named, int flags);

/* Returns 1 if NAME is taken, 0 if it is free, or -1 with the reason. */
typedef int names_question(void *of, const char *name, struct failure *why);
/* Finds a free name of the form "new-NAME" or "new-2-NAME"; the directories
 * before it don't change. Even among thousands of names it asks TAKEN only a
 * few times, so it may miss a name that has become free. Returns 0, or -1 with
 * the reason, also if no such name is short enough. */
int names_new(const char *path, names_question *taken, void *of, char *out,
              size_t size, struct failure *why);

/* Takes a name for a file of this command, in any thread: on the server for an
 * upload, here for a download. SOURCE (or "") is where the file comes from. */
enum names_owner {
    NAMES_OURS,  /* the name was free */
    NAMES_SAME,  /* the same source has it */
    NAMES_OTHERS /* another file has it */
};
enum names_owner names_take(const char *target, const char *source);
/* Has a file of this command the name? */
bool names_are_taken(const char *target);
/* Call it when a command ends: forgets its names, and answers for all files. */
void names_release(void);
/* Is there a terminal for a question, and no --json? */
bool names_can_ask(const struct options *o);
/* Would names_decide() ask? */
bool names_asks(const struct options *o);
/* A file in a question; a size and time of 0: unknown. */
struct names_file {
    uint64_t size;
    time_t modified;
};
/* Decides about NAME, which the file OLD has WHERE ("here" or "on the server").
 * TWICE: OLD may be another file of this command. Asks, if that is the choice
 * and there is a terminal. The answer "quit" has the effect of Ctrl-C. */
enum conflict_choice names_decide(const struct options *o, const char *name,
                                  bool twice, const char *where,
                                  struct names_file old, struct names_file new);

/* Says why the file gets the name NEW, if nobody could be asked; and which
 * options a script may want. */
void names_tell(const struct options *o, const char *name, const char *new);

#define UNCONFIRMED UINT64_MAX

/* The state of one try; it is kept for the next one. */
struct file_transfer {
    struct link *link;
    struct job *job;
    struct progress_row *row; /* NULL before the transfer begins */
    char remote[URL_PATH_MAX];
    char local[PATH_MAX];
    uint64_t size, first,
        done; /* bytes: of the whole file, at the start of this try, now */
    time_t modified;
    enum upload_has {
        HAS_NOTHING,
        HAS_PART,      /* perhaps bytes of this file */
        HAS_ALL,       /* perhaps the whole file; nothing was confirmed */
        HAS_CONFIRMED, /* there was a 226 */
        HAS_COMPARED   /* the server's bytes were compared with the sent ones */
    } has;             /* put: the server's state of the file */
    bool ours;         /* put: an unfinished upload has bytes of this file */
    uint64_t foreign;  /* put: length of foreign bytes that were there before,
                        * or 0 */
    bool unconfirmed;  /* put: the file is there, but no 226 came */
    int broken;        /* put: errno of the local file, or 0 */
    bool changed;      /* put: the local file has changed */
    enum conflict_choice choice; /* put: the choice for a server that decides */
    bool aside;    /* put: the bytes go to a temporary name first */
    bool renaming; /* put: the server may have given the file its name */
    bool in_place; /* put: the server has refused the temporary name */
    char other[URL_PATH_MAX]; /* put: the other name. While the bytes go to the
                               * temporary name, that is in remote, and the
                               * file's name is here; otherwise the reverse */
    bool replaces;            /* an existing file will be replaced */
    bool skipped;             /* the user decided to skip it, or: */
    bool vanished;            /* put: the local file has gone */
    bool checked;             /* the checksums were the same */
    bool sized;               /* put: the lengths were the same */
    uint64_t confirmed;       /* put: the length in the 226, or UNCONFIRMED */
    time_t opened;            /* put: when the local file was opened */
    struct stat read;         /* put: the local file when it was opened */
    int fd;
    int lock;           /* put: lock of the temporary name; or -1 */
    int unwritten;      /* get: errno of a write that failed, or 0 */
    bool too_long;      /* get: the server sends more than it announced */
    bool again;         /* get: an earlier try got other bytes than announced */
    uint64_t announced; /* get: the announced size in that try */
    struct checksum digest;
};

/* Make one try each. They return 0, or -1 with the reason. */
int download_once(struct file_transfer *t, struct failure *why);
int upload_once(struct file_transfer *t, struct failure *why);
/* A smaller file is sent again from its first byte: the request for SIZE would
 * cost as much. */
#define RESUME_LEAST (1024 * 1024)
/* Is it standard input? */
bool upload_is_stream(const struct file_transfer *t);
/* Makes T->remote a name that no file on the server has. Returns 0 or -1. */
int upload_rename(struct file_transfer *t, struct failure *why);

/* Temporary names on the server. */
/* The open server has refused a temporary name, so all further files are
 * uploaded under their final names. */
extern atomic_bool temporary_off;
/* Makes T->remote the temporary name, until temporary_end(). Returns false if
 * this upload has none. */
bool temporary_begin(struct file_transfer *t);
/* Finds out what the last try has left. */
enum arrival {
    ARRIVAL_UNKNOWN = -1, /* with the reason */
    ARRIVAL_NONE,         /* the file must be sent */
    ARRIVAL_WHOLE,        /* it still needs its name */
    ARRIVAL_NAMED         /* it has its name already */
};
enum arrival temporary_arrived(struct file_transfer *t, struct failure *why);
/* Gives the whole file its name. Returns 0; 1: the server refuses, and the file
 * must be sent under its own name; or -1. */
int temporary_finish(struct file_transfer *t, struct failure *why);
/* Removes the temporary file from the server. */
void temporary_remove(struct file_transfer *t);
/* Exchanges the temporary name for the own one, or the reverse. */
void temporary_end(struct file_transfer *t);
/* Says once, and remembers, that the server refuses these names. */
void temporary_refused(const char *why);

/* Is it the same file, and unchanged? */
bool source_is_same(const struct stat *a, const struct stat *b);

/* Adds to WHY what the server has of a file that was being uploaded, or what is
 * missing. */
void upload_tell(const struct file_transfer *t, struct failure *why);
/* After a 226: compares what has arrived with what was sent. Returns 0 or
 * -1. */
int upload_compare(struct file_transfer *t, struct failure *why);
/* Says that the server has changed the name since it was taken. Returns 0, or
 * -1 if the old file was to be replaced. */
int upload_tell_name(const struct file_transfer *t, struct failure *why);

/* Returns the algorithm to compute, or NULL: verification is off, or the server
 * has none. */
const char *transfer_hash_name(const struct file_transfer *t);
/* Does the server have the first T->done bytes of the file, and no others? The
 * digest continues from there. Returns 1; 0: no, or not known; or -1 with the
 * reason. */
int transfer_compare_head(struct file_transfer *t, struct failure *why);
/* Compares the checksum of the transferred bytes with the server's. Returns 0
 * or -1. */
int transfer_verify(struct file_transfer *t, struct failure *why);
/* Adds to WHY that the next call can continue where this one has stopped. */
void transfer_tell_next(const struct file_transfer *t, struct failure *why);
/* Begins the checksum. FOLLOWS: it reads the local file, up to T->done;
 * otherwise the caller adds the bytes. Returns 0 or -1. */
int transfer_begin_digest(struct file_transfer *t, bool follows,
                          struct failure *why);
/* Returns the time that the copy gets. A source of a sync that may change once
 * more in this second gets the second before, if the next sync can compare
 * checksums. */
time_t transfer_time(const struct file_transfer *t);
/* The callback of struct link_io: shows T->done. */
void transfer_moved(void *of);
/* Shows the row, or restarts it at t->first. */
void transfer_show(struct file_transfer *t);

/* Does and prints the rest after the last try. *moved gets the file's bytes.
 * Returns 0, or 1: skipped, or -1. */
int transfer_end(struct file_transfer *t, int r, uint64_t *moved,
                 struct failure *why);

#endif

/* The transfer of one file, a download or an upload, and the names of files. */
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

/* The checksum of the transferred bytes, by the server's algorithm. */
struct checksum {
    EVP_MD_CTX *ctx;   /* NULL: no checksum is wanted */
    struct link *link; /* computed while this link waits; or NULL */
    int fd;
    uint64_t at;         /* bytes that were read from the file */
    const uint64_t *end; /* bytes to read; NULL: none, the caller adds them */
};

/* Begins a checksum. NAME is the algorithm, as in HASH; NULL: no checksum is
 * wanted. Returns 0; -1: the algorithm is unknown, or memory is short. */
int digest_begin(struct checksum *d, const char *name);
/* Adds the bytes, unless D follows a file. */
void digest_add(struct checksum *d, const void *bytes, size_t len);
/* Adds bytes that were sent, before *END grows. If D follows a file and has
 * read all others, it doesn't read these: the file can have changed by then. */
void digest_sent(struct checksum *d, const void *bytes, size_t len);
/* Makes D read the first *END bytes of FD while L waits for the server; *END
 * can grow. So a download of 512 MiB takes 0.9 s instead of 1.2 s. D, FD and
 * END must not move until digest_end(). */
void digest_follow(struct checksum *d, int fd, const uint64_t *end,
                   struct link *l);
/* Reads the bytes up to *END that D hasn't read yet. If KEPT isn't NULL, sends
 * NOOP on this link meanwhile, so that the server keeps its session. Returns 0;
 * -EINTR: after Ctrl-C; -ENODATA: the file has become shorter; or another
 * -errno. */
int digest_catch_up(struct checksum *d, struct link *kept);
/* Writes the checksum of the bytes so far, in lower-case hexadecimal, or "" if
 * no checksum is wanted. */
void digest_peek(const struct checksum *d, char out[DIGEST_HEX_MAX]);
/* Ends the checksum and frees its memory. If OUT isn't NULL, does the same as
 * digest_peek() first. */
void digest_end(struct checksum *d, char out[DIGEST_HEX_MAX]);

/* A local file that is being downloaded: its bytes are under a temporary name
 * beside the target. A rename makes the file visible when it is complete. */
struct part {
    int directory, fd;
    char name[NAME_MAX + 1]; /* the temporary name */
    uint64_t length;         /* bytes that an earlier try left */
};

#define PART_NONE ((struct part){ -1, -1, "", 0 })

#define PART_PREFIX ".sallyport-"
#define PART_SUFFIX ".part"

/* Is NAME, without directories, the temporary name of a download? */
bool part_is_name(const char *name);

/* Identifies the bytes of a partial file. A download resumes a partial file
 * only if it has the bytes of the same file in the same state. */
struct part_source {
    const char *server, *path; /* "USER@HOST:PORT" */
    uint64_t size;
    time_t modified;
    bool resume;   /* false: the download begins at its first byte */
    bool replaces; /* the download may replace the target, so the partial file
                    * gets the mode 0600 */
};

/* Opens the partial file in the directory of TARGET. NAMED is as in
 * names_open(). Returns 0, or -1 with the reason, such as another process that
 * downloads the same file. */
int part_open(struct part *p, const char *target, size_t named,
              const struct part_source *from, struct failure *why);
/* Renames the complete file to TARGET. REPLACE: it may replace a file, and gets
 * the old file's mode. AGAIN: even a file that this command has made. WHEN is
 * its modification time; 0: the time isn't changed. Returns 0; 1: the name is
 * taken; -1 with the reason. If the file system has lost bytes, the partial
 * file is removed, since nobody knows which bytes. */
int part_finish(struct part *p, const char *target, bool replace, bool again,
                time_t when, struct failure *why);
/* Closes the partial file. KEEP: keeps it for the next try, unless it is empty,
 * the file system has lost bytes, or its disk has given it another owner.
 * Otherwise removes it, unless it has its final name. */
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
/* Finds a free name: PATH with "new-" or "new-2-", "new-3-" and so on before
 * its last component. Even among thousands of taken names it asks TAKEN only a
 * few times, so it can miss a free name. Returns 0, or -1 with the reason, such
 * as a name that would be too long. */
int names_new(const char *path, names_question *taken, void *of, char *out,
              size_t size, struct failure *why);

/* Takes the name TARGET for a file of this command: on the server for an
 * upload, here for a download. SOURCE is the path of the file on the other
 * side, or "". Any thread can call it. */
enum names_owner {
    NAMES_OURS,  /* the name was free */
    NAMES_SAME,  /* a file with the same SOURCE has the name */
    NAMES_OTHERS /* another file has the name */
};
enum names_owner names_take(const char *target, const char *source);
/* If the disk ignores the case of names, two names of the server can be one
 * name here. names_keep() remembers ST, a file or directory of this machine
 * that stands for a name of the server, until names_release(). Returns 0; 1: it
 * was remembered before; -1: memory is short. names_are_kept(): was ST
 * remembered? A file with several links isn't, since each of its names can go
 * alone, unless its name PATH is a twin. */
int names_keep(const struct stat *st);
bool names_are_kept(const struct stat *st, const char *path);
/* Remembers TARGET, the path of a file or directory where it goes. Does an
 * earlier path of this command differ only in the case of letters (unless HERE:
 * of the name)? Then the disk there may take both for one. */
bool names_twin(const char *target, bool here);
/* Forgets the names of a command, and the answers that count for all files.
 * Call it when the command ends. */
void names_release(void);
/* Is there a terminal for a question, and no --json? */
bool names_can_ask(const struct options *o);
/* Would names_decide() ask? */
bool names_asks(const struct options *o);
/* A file, as a question describes it. A size or a time of 0: unknown. */
struct names_file {
    uint64_t size;
    time_t modified;
};
/* Decides what to do with the file NEW if the file OLD has NAME already. WHERE
 * is "here" or "on the server". TWICE: OLD may be another file of this command.
 * Asks the user if names_asks(). The answer "quit" has the effect of Ctrl-C. */
enum conflict_choice names_decide(const struct options *o, const char *name,
                                  bool twice, const char *where,
                                  struct names_file old, struct names_file new);

/* Has the server called a file NEW since NAME was taken, such as "a (2).txt"? A
 * drop adds other suffixes. */
bool names_numbered(const char *name, const char *new);
/* Says why the file NAME gets the name NEW, and which options a script can use,
 * if nobody could be asked. */
void names_tell(const struct options *o, const char *name, const char *new);

#define UNCONFIRMED UINT64_MAX

/* The state of a transfer. Each try goes on from the state that the last one
 * has left. */
struct file_transfer {
    struct link *link;
    struct job *job;
    struct progress_row row;
    char remote[URL_PATH_MAX];
    char local[PATH_MAX];
    uint64_t size, first, done; /* bytes of the whole file, bytes from before
                                 * this try, bytes so far */
    time_t modified;
    uint64_t unique; /* get: as in struct listing_entry */
    enum upload_has {
        HAS_NOTHING,
        HAS_PART,      /* perhaps bytes of this file */
        HAS_ALL,       /* perhaps the whole file, but no 226 came */
        HAS_CONFIRMED, /* there was a 226 */
        HAS_COMPARED   /* the comparison has found no difference */
    } has;             /* put: what the server has of the file */
    bool unconfirmed;  /* put: no 226 came for the bytes that were sent */
    int broken;        /* put: errno of a read that failed, or 0 */
    bool changed;      /* put: the local file has changed while it was sent */
    struct checksum reread; /* put: of the bytes sent, read again at the end */
    struct stat looked;     /* put: the file's facts before that */
    enum conflict_choice choice; /* put: the choice if the name is taken; the
                                  * server gets it */
    bool replaces;               /* an existing file will be replaced */
    bool skipped;                /* the file isn't transferred */
    const char *reason;       /* why it is skipped; NULL: the name is taken */
    bool checked;             /* the checksums were the same */
    char sum[DIGEST_HEX_MAX]; /* of the comparison, in hex; "": by parts */
    bool sized;               /* put: the lengths were the same */
    uint64_t confirmed;       /* put: the length in the 226, or UNCONFIRMED */
    time_t opened;            /* put: when the local file was opened */
    struct stat read; /* put: the local file's state when it was opened */
    bool replaced;    /* put: another file, perhaps the copy, was in its place
                       * before the copy got its time */
    int fd;
    int unwritten;      /* get: errno of a write that failed, or 0 */
    bool too_long;      /* get: the server sends more than it announced */
    bool again;         /* an earlier try got too many bytes, or a wrong
                         * checksum */
    uint64_t announced; /* get: the size that was announced in that try */
    struct retry retry;
    uint64_t reached; /* the greatest FIRST */
    struct checksum digest;
};

/* Make one try of a download or an upload. Return 0, or -1 with the reason. */
int download_once(struct file_transfer *t, struct failure *why);
int upload_once(struct file_transfer *t, struct failure *why);
/* Bytes. A smaller file is sent again from its first byte, since the request
 * for its SIZE would cost as much. */
#define RESUME_LEAST (1024 * 1024)
#define TOO_YOUNG    "it has changed within the time of --min-age"
/* Does the upload send standard input? */
bool upload_is_stream(const struct file_transfer *t);

/* Seconds between our clock and a server's or disk's. */
#define CLOCKS_APART 60
/* Is NOW so close to MODIFIED, the file's time, that the file may change once
 * more in that second? MOST: seconds between the clocks. */
bool source_is_young(time_t modified, time_t now, time_t most);
/* Are A and B the same file in the same state? */
bool source_is_same(const struct stat *a, const struct stat *b);
/* Is the local source still the file that was sent? Then removes it if NOW.
 * Returns 0, or -1 with the reason. */
int source_remove_local(const struct file_transfer *t, bool now,
                        struct failure *why);

/* Adds to WHY what the server has of the file after a failed upload. If the
 * directory is missing, WHY says only this. */
void upload_tell(const struct file_transfer *t, struct failure *why);
/* Compares the bytes on the server with the sent bytes, after a 226. Returns 0,
 * or -1 with the reason. */
int upload_compare(struct file_transfer *t, struct failure *why);
/* Takes the name that the server has chosen, or will replace. Returns true if
 * another file of this call has taken it. */
bool upload_takes_name(const struct file_transfer *t);
/* Says if the server has stored the file under another name. Returns 0; -1 with
 * the reason: the old file was to be replaced. */
int upload_tell_name(const struct file_transfer *t, struct failure *why);

/* Returns the algorithm of checksums; NULL: verification is off. */
const char *transfer_hash_name(const struct file_transfer *t);
/* Compares the checksums of RANGE here and on the server. If the server's time
 * limit is too short, compares parts; then T->digest is at byte 0 again.
 * Returns 0: they are the same; 1: the server refuses, WHY says why; -1 with
 * the reason, EX_DATAERR if they differ. */
int transfer_compare(struct file_transfer *t, struct remote_range range,
                     struct failure *why);
/* Does the server's file consist of the first T->done bytes of the local file?
 * If so, T->digest continues after these bytes. Returns 1: yes; 0: no, or not
 * known; -1 with the reason. */
int transfer_compare_head(struct file_transfer *t, struct failure *why);
/* Compares the checksum of the transferred bytes with the server's, and ends
 * T->digest. Returns 0, also if there is no checksum to compare (then
 * T->checked is false); or -1 with the reason. */
int transfer_verify(struct file_transfer *t, struct failure *why);
/* Adds to WHY that the next call can resume this transfer, and at how many
 * bytes. */
void transfer_tell_next(const struct file_transfer *t, struct failure *why);
/* The algorithm of a checksum that only this client compares. */
#define LOCAL_HASH "SHA256"
/* Begins T->digest. FOLLOWS: the digest reads the local file, up to T->done;
 * otherwise the caller adds the bytes. If no checksum will be compared, the
 * caller of an upload that FOLLOWS adds the bytes of this try, for LOCAL_HASH.
 * Returns 0, or -1 with the reason. */
int transfer_begin_digest(struct file_transfer *t, bool follows,
                          struct failure *why);
/* Returns the modification time for the copy. If the source of a sync was
 * changed so recently that it can change again in the same second, the copy
 * gets the second before, so that the next sync compares checksums. */
time_t transfer_time(const struct file_transfer *t);
/* Shows T->done; OF is T. The member "moved" of struct link_io. */
void transfer_moved(void *of);
/* Shows the transfer's row, if it isn't shown yet, and sets its start to
 * T->first. */
void transfer_show(struct file_transfer *t);

/* Ends a transfer: R is the result of the last try. Removes the source if the
 * user wants this, and prints the result. *MOVED gets the file's bytes. Returns
 * 0; 1: skipped; -1 with the reason. */
int transfer_end(struct file_transfer *t, int r, uint64_t *moved,
                 struct failure *why);

#endif

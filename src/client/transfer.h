/* One file from here to there. */
#ifndef CLIENT_TRANSFER_H
#define CLIENT_TRANSFER_H

#include <limits.h>

#include "digest.h"
#include "link.h"
#include "listing.h"
#include "progress.h"
#include "writer.h"
#include "zstream.h"

enum job_kind { JOB_GET, JOB_PUT };

/* What is to be done; texts are the job's own. */
struct job {
    enum job_kind kind;
    char *local, *remote; /* local "-": standard input or output */
    bool known;           /* what follows was seen in a listing */
    bool taken;           /* put: there is a file of that name */
    uint64_t size;        /* get */
    time_t modified;      /* get; 0: not known */
    bool overwrite;       /* put: sync knows that it must be replaced */
};

/* What one attempt knows; kept from one attempt to the next. */
struct transfer {
    struct link *link;
    const struct job *job;
    struct progress_row *row; /* NULL before it begins */
    char remote[URL_PATH_MAX];
    char local[PATH_MAX];
    uint64_t size, first, done; /* of the whole file, where this try began */
    time_t modified;
    bool begun;   /* put: bytes of ours may stand there */
    bool whole;   /* put: what an earlier call has left is not continued */
    bool skipped; /* by the user's choice */
    bool checked; /* the checksums were the same */
    int fd;
    struct writer writer; /* get */
    bool too_long;        /* get: the server sends more than it announced */
    struct digest digest;
    struct zstream z;
};

/* Does the job, with the retries that the options permit, and shows its
 * progress. 0 or -1. */
int transfer_run(struct link *l, const struct job *job, struct failure *why);

/* One attempt each: 0 or -1 with the reason. */
int download_once(struct transfer *t, struct failure *why);
int upload_once(struct transfer *t, struct failure *why);

/* The algorithm to compute. NULL: verification is off, or the server has none.
 */
const char *transfer_hash_name(const struct transfer *t);
/* Compares the checksum of the transferred bytes with the server's. 0 or -1. */
int transfer_verify(struct transfer *t, struct failure *why);
/* Is this transfer to be in MODE Z? */
bool transfer_in_mode_z(const struct transfer *t);
/* For struct link_io: shows T->done. */
void transfer_moved(void *of, uint64_t bytes);
/* The row appears, or begins again at t->first. */
void transfer_show(struct transfer *t);

#endif

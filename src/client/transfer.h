/* The transfer of one file. */
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

/* A transfer to do; the texts belong to the job. */
struct job {
    enum job_kind kind;
    char *local, *remote; /* local "-": standard input or output */
    bool known;           /* the following fields come from a listing */
    bool taken;           /* put: the name is taken */
    uint64_t size;        /* get */
    time_t modified;      /* get; 0: unknown */
    bool overwrite;       /* put: sync has decided to replace it */
};

/* The state of one attempt; it is kept for the next one. */
struct transfer {
    struct link *link;
    const struct job *job;
    struct progress_row *row; /* NULL before the transfer begins */
    char remote[URL_PATH_MAX];
    char local[PATH_MAX];
    uint64_t size, first,
        done; /* of the whole file, where this try began, now */
    time_t modified;
    bool begun;     /* put: the server may have bytes of this file */
    bool sent;      /* put: it may have all of them */
    bool stored;    /* put: it has confirmed the file */
    int broken;     /* put: errno of the local file, or 0 */
    bool shorter;   /* put: the local file has lost its end */
    bool whole;     /* put: no partial of an earlier call is continued */
    bool ours;      /* put: the server had no bytes of an earlier call */
    bool elsewhere; /* put: the server has chosen another name */
    bool replaces;  /* an existing file is to be replaced */
    bool skipped;   /* the user decided so */
    bool checked;   /* the checksums were the same */
    int fd;
    struct writer writer; /* get */
    bool too_long;        /* get: the server sends more than it announced */
    struct digest digest;
    struct zstream z;
};

/* Does the job, with the retries that the options permit, and shows its
 * progress. Returns 0 or -1. */
int transfer_run(struct link *l, const struct job *job, struct failure *why);

/* Make one attempt each. They return 0, or -1 with the reason. */
int download_once(struct transfer *t, struct failure *why);
int upload_once(struct transfer *t, struct failure *why);

/* Adds to WHY what the server has of a file that was being uploaded. */
void upload_tell(const struct transfer *t, struct failure *why);

/* Returns the algorithm to compute, or NULL: verification is off, or the server
 * has none. */
const char *transfer_hash_name(const struct transfer *t);
/* Compares the checksum of the transferred bytes with the server's. Returns 0
 * or -1. */
int transfer_verify(struct transfer *t, struct failure *why);
/* Should this transfer use MODE Z? */
bool transfer_in_mode_z(const struct transfer *t);
/* The callback of struct link_io: shows T->done. */
void transfer_moved(void *of, uint64_t bytes);
/* Shows the row, or begins it again at t->first. */
void transfer_show(struct transfer *t);

#endif

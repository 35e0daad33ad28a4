/* The process files, which works on the files of one user. Master forks it to
 * serve a session; sallyportctl forks it for itself, for example to find the
 * user's partials. The fork calls files_main(). */
#ifndef SALLYPORT_FILES_FILES_H
#define SALLYPORT_FILES_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdnoreturn.h>
#include <sys/types.h>
#include <time.h>

#include "sallyport/base/random.h"
#include "sallyport/domain/choices.h"
#include "sallyport/domain/limits.h"

struct files_rules {
    bool fsync, resume;
    uint64_t max_file_size; /* bytes; 0: no limit */
    uint64_t copy_max; /* bytes; the largest copy if the file system can't share
                          blocks; 0: no limit */
    struct min_free min_free;
    /* The most files and bytes that the user may store in all; 0: no limit. */
    uint64_t uploads, upload_bytes;
    enum conflict on_conflict;
    unsigned file_mode, dir_mode; /* modes of new files and directories in the
                                   * home; 0: 0600, 0700 */
    unsigned allow_weaker;        /* sandbox_part bits */
    time_t since; /* the start of the generation, which a drop shows as the time
                     of its directory */
};

/* A share of the user's tree. */
#define FILES_MOUNTS_MAX 64 /* shares of one user */
struct files_mount {
    const char *at;   /* its virtual path, normal: "/contracts" */
    const char *path; /* its directory, absolute */
    gid_t gid;
    bool late; /* the disk doesn't answer, so the share isn't opened */
    unsigned rights;
    /* Modes of new files and directories in this share, dir_mode without the
     * set-gid bit. 0: 0660 and 0770. */
    unsigned file_mode, dir_mode;
};

struct files_start {
    struct files_rules rules;
    bool root;         /* run by root: take the user's ids, chroot */
    const char *homes; /* without root: the home must be below this directory */
    const char *shares; /* without root: shares must be below this directory */
    bool for_ctl;       /* serves sallyportctl, not a session */
    int session, master,
        log; /* descriptors, owned by files from now on. session: the channel to
                the session or sallyportctl; log -1: none */
    uint64_t serial;
    const char *name, *home;
    uid_t uid;
    gid_t gid;
    unsigned rights;                  /* in the home */
    const struct files_mount *mounts; /* besides the home */
    size_t mount_count;
    /* The key for the names of partials, made by files_name_key(). */
    uint8_t name_key[SIPHASH_KEY];
    bool uid_is_shared; /* other users have this uid, too, for example without
                           root; so the uid doesn't tell who owns a file */
};

/* Makes the key for the names of USER's partials from the server's key. So an
 * attacker who controls this user's files process can't compute the names of
 * other users' partials. */
void files_name_key(const uint8_t server[SIPHASH_KEY], const char *user,
                    uint8_t ret[SIPHASH_KEY]);

/* Closes all other descriptors, opens the home and the mounts with the user's
 * ids, enters the sandbox, and sends `ready` or `failed` to master, or to
 * sallyportctl in its place. Then serves until session or master has gone. A
 * mount that can't be opened isn't a failure: it is empty, and the log names
 * it. Before files opens a mount, it sends `files_opens`, so that master can
 * tell which disk doesn't answer. */
noreturn void files_main(const struct files_start *start);

#endif

/* Facts that the program check finds or makes for master before a start. Master
 * and check pass this struct to each other in a file in memory; both are of the
 * same build. */
#ifndef SALLYPORT_SETTINGS_PREPARED_H
#define SALLYPORT_SETTINGS_PREPARED_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "sallyport/base/complain.h"
#include "sallyport/base/process.h"
#include "sallyport/base/random.h"
#include "sallyport/settings/settings.h"

struct account_ids {
    uid_t uid;
    gid_t gid;
};

/* The index of one more account, after the accounts of the children. Its gid is
 * the group of the control socket, or 0. */
#define ACCOUNT_CONTROL PROCESS_SANDBOXED
#define ACCOUNTS        (PROCESS_SANDBOXED + 1)

/* The parts of a start, in the order of the work. The last two can wait for a
 * disk that hangs. */
enum prepared_part {
    PREPARED_ACCOUNTS,
    PREPARED_SANDBOX,
    PREPARED_EMPTY,
    PREPARED_KEY,
    PREPARED_PARTS
};

struct prepared {
    /* Master asks for these parts. If `make` is set (not for --check), check
     * makes missing directories and a missing key. */
    bool wanted[PREPARED_PARTS];
    bool make;
    bool inherited; /* KEY is in use already; false: check reads or makes it,
                       and master then keeps it */
    /* Check's answer. If WHY has a text, RESULT is -EINVAL: the administrator
     * must mend something; -ENOENT: `state` or the key is missing; -EACCES: the
     * key can't be kept; 0: a damaged key was replaced. If WHY is empty, RESULT
     * is 0; -ENOENT: `empty` is missing; -ECANCELED: check stopped at an
     * earlier part. */
    unsigned done; /* check has finished the parts before this number */
    struct prepared_answer {
        int result;
        struct complaint why;
    } answer[PREPARED_PARTS];
    struct account_ids account[ACCOUNTS];
    uint8_t key[SIPHASH_KEY]; /* the key of the partials' names */
};

#endif

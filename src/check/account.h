/* Accounts and the empty directory: what root needs to give up root. */
#ifndef SALLYPORT_SRC_CHECK_ACCOUNT_H
#define SALLYPORT_SRC_CHECK_ACCOUNT_H

#include <stdbool.h>

#include "sallyport/base/complain.h"

struct identity;

/* An account, a name or a number, that isn't root's. 0, or -EINVAL and the
 * complaint "ACCOUNT: WHY" */
int account_find(const char *account, struct identity *ret,
                 struct complaint *c);
/* Judges the empty directory. One that is missing is made, or -ENOENT and no
 * complaint when not MAKE. 0, or -EINVAL and "PATH: WHY" */
int account_empty_folder(const char *path, bool make, struct complaint *c);

#endif

/* The root directory of a process. */
#ifndef SALLYPORT_SANDBOX_CHROOT_H
#define SALLYPORT_SANDBOX_CHROOT_H

#include <stdbool.h>

#include "sallyport/base/complain.h"

/* Makes the directory FD the root and the current directory. With EMPTY it must
 * be empty, and only root may write to it. Returns 0, or -errno, sometimes with
 * words in *why. */
int chroot_enter(int fd, bool empty, struct complaint *why);

#endif

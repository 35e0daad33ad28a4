/* The root folder of a process. */
#ifndef SALLYPORT_CAGE_CHROOT_H
#define SALLYPORT_CAGE_CHROOT_H

#include <stdbool.h>

#include "sallyport/base/complaint.h"

/* Makes FD's folder / and the current folder. With EMPTY it must be empty and
 * writable by root alone. 0, or -errno, sometimes with words in *why. */
int chroot_enter(int fd, bool empty, struct complaint *why);

#endif

/* Under which filter each process starts. */
#ifndef SALLYPORT_SANDBOX_PROCESSES_H
#define SALLYPORT_SANDBOX_PROCESSES_H

#include "sallyport/base/process.h"

/* The process in whose sandbox P starts. P itself if it starts in none: master,
 * and lookup, which starts before master enters its sandbox. */
enum process sandbox_above(enum process p);

#endif

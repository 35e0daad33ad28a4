/* The SIGSYS handler, for calls that a policy doesn't list. */
#ifndef SALLYPORT_SANDBOX_SIGSYS_H
#define SALLYPORT_SANDBOX_SIGSYS_H

#include "sallyport/base/complain.h"

/* Installs the handler, and forgets which calls were reported. Returns 0 or
 * -errno. */
int sigsys_install(void);

/* Tests the loaded filter: a call on every list must pass, and a harmless one
 * on no list must be refused, which isn't reported. Returns 0, or -EINVAL with
 * the complaint. */
int sigsys_probe(struct complaint *c);

#endif

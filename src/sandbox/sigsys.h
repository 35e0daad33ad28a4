/* The handler of calls that a policy doesn't list. */
#ifndef SALLYPORT_SANDBOX_SIGSYS_H
#define SALLYPORT_SANDBOX_SIGSYS_H

#include "sallyport/base/complain.h"

/* Installs the handler, and forgets which calls were reported. 0 or -errno */
int sigsys_install(void);

/* Does the filter that was loaded hold: a call on every list passes, and a
 * harmless one on no list is refused, which isn't reported? 0 or -EINVAL with
 * the complaint */
int sigsys_probe(struct complaint *c);

#endif

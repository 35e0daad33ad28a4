/* auth: maps the table of users (a sealed file in memory), computes, and
 * answers. yescrypt needs 16 MiB and more of anonymous memory, which every
 * process may have. */
#include "sallyport/seccomp/policy.h"

static const struct permission may[] = {
    END_OF_LIST,
};

const struct policy policy_auth = { may, { &policy_common, NULL } };

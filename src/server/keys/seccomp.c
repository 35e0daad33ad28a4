/* keys: reads a message, computes, answers. */
#include "sallyport/seccomp/policy.h"

static const struct permission may[] = {
    END_OF_LIST,
};

const struct policy policy_keys = { may, { &policy_common, NULL } };

/* keys: reads a message, computes, answers. All that it needs, all may have. */
#include "policy.h"

static const struct permission may[] = {
    END_OF_LIST,
};

const struct policy policy_keys = { may, { &policy_common, NULL } };

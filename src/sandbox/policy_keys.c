/* keys: reads a message, computes, answers. */
#include "policy.h"

static const struct permission may[] = {
    MAY(pread64, "a key's file, which master hands over at a reload"),
    END_OF_LIST,
};

const struct policy policy_keys = { may, { &policy_common, NULL } };

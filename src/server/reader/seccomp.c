/* reader: reads one descriptor, computes, writes another descriptor. */
#include "sallyport/seccomp/policy.h"

static const struct permission may[] = {
    MAY(pread64, "the configuration or the users file, from master"),
    END_OF_LIST,
};

const struct policy policy_reader = { may, { &policy_common, NULL } };

/* reader: reads one descriptor, computes, writes another one. */
#include "sallyport/seccomp/policy.h"

static const struct permission may[] = {
    MAY(pread64, "the configuration or the users file, from master"),
    MAY_IF_BOTH(prlimit64, IS(0, 0), IS(2, 0),
                "max_sessions is held against a limit, which stays"),
    END_OF_LIST,
};

const struct policy policy_reader = { may, { &policy_common, NULL } };

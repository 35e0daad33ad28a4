/* log: writes lines to the descriptors that master gave it. */
#include "sallyport/seccomp/policy.h"

static const struct permission may[] = {
    MAY(fsync, "log lines survive a crash"),
    MAY(fdatasync, "the same"),
    END_OF_LIST,
};

const struct policy policy_log = { may, { &policy_common, NULL } };

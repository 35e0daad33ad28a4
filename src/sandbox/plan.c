/* Reads what a child puts into its plan. */
#include <errno.h>

#include "sallyport/sandbox/sandbox.h"

int sandbox_plan_set(struct sandbox_plan *plan, uint64_t root, uint64_t uid,
                     uint64_t gid, uint64_t allow_weaker)
{
    if (uid > UINT32_MAX || gid > UINT32_MAX || allow_weaker > UINT32_MAX)
        return -ERANGE;
    plan->root = root != 0;
    plan->uid = (uid_t)uid;
    plan->gid = (gid_t)gid;
    plan->allow_weaker = (unsigned)allow_weaker;
    return 0;
}

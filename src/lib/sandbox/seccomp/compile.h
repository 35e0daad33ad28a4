/* Turns a policy into a seccomp filter. */
#ifndef SALLYPORT_SRC_SECCOMP_COMPILE_H
#define SALLYPORT_SRC_SECCOMP_COMPILE_H

#include "sallyport/base/buf.h"
#include "sallyport/seccomp/policy.h"

/* Writes the filter of POLICY to PROGRAM, as an array of struct sock_filter.
 * Returns 0 or -errno. */
int compile_policy(const struct policy *policy, struct buf *program);

#endif

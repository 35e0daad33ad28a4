/* The system calls of each process, as lists of permissions.
 * src/server/ROOM/seccomp.c names the calls of the process in that room, with
 * reasons. The build turns each policy into a filter
 * (src/lib/sandbox/seccomp/main.c); programs contain only the filters. */
#ifndef SALLYPORT_SECCOMP_POLICY_H
#define SALLYPORT_SECCOMP_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sallyport/base/process.h"

enum condition_kind {
    WHATEVER, /* no condition */
    EQUAL,    /* argument == value */
    UNEQUAL,  /* argument != value */
    ALL_SET,  /* (argument & value) == value */
    NONE_SET, /* (argument & value) == 0 */
    A_PID,    /* argument, as an int, is above 0; only as the second
               * condition */
};

struct condition {
    enum condition_kind kind;
    unsigned argument; /* from 0 */
    uint64_t value;
};

struct permission {
    const char *call; /* NULL ends a list */
    const char *why;
    struct condition when, and, too;
};

/* A policy is its own list, and the lists of its child processes: a child
 * inherits its parent's filter by fork and exec, so this filter must have each
 * child's permissions. */
struct policy {
    const struct permission *may;
    const struct policy *also[7];
};

/* clang-format off */
#define IS(number, v) { EQUAL, number, v }
#define ISNT(number, v) { UNEQUAL, number, v }
#define WITH(number, bits) { ALL_SET, number, bits }
#define WITHOUT(number, bits) { NONE_SET, number, bits }

#define OF_ONE(number) { A_PID, number, 0 }

#define SIGN UINT64_C(0x80000000) /* the sign of an int */

#define MAY(name, reason) { .call = #name, .why = reason }
#define MAY_IF(name, first, reason) \
    { .call = #name, .why = reason, .when = first }
#define MAY_IF_BOTH(name, first, second, reason) \
    { .call = #name, .why = reason, .when = first, .and = second }
#define MAY_IF_ALL(name, first, second, third, reason) \
    { .call = #name, .why = reason, .when = first, .and = second, .too = third }
/* Rows of the list of dangerous calls. */
#define NEVER(name, reason) { .call = #name, .why = reason }
#define NEVER_IF(name, first, reason) \
    { .call = #name, .why = reason, .when = first }
#define END_OF_LIST { .call = NULL }
/* clang-format on */

extern const struct policy policy_common;
extern const struct policy policy_master;
extern const struct policy policy_gate;
extern const struct policy policy_session;
extern const struct policy policy_auth;
extern const struct policy policy_keys;
extern const struct policy policy_files;
extern const struct policy policy_log;
extern const struct policy policy_reader;
extern const struct policy policy_check;

/* Dangerous calls. If the policy of a process doesn't permit such a call, the
 * call kills the process, since only a subverted process makes it. If the
 * policy permits other uses of the call, a row with a condition kills only for
 * a use that fits the condition. */
extern const struct permission policy_dangerous[];

const struct policy *policy_of(enum process p);

#define POLICY_MAX 512

struct permissions {
    const struct permission *rows[POLICY_MAX];
    size_t count;
};

/* Collects the rows of a policy and of its child policies, each row once.
 * Leaves out a row with a condition if another row permits the same call
 * without a condition. Returns 0 or -E2BIG. */
int policy_collect(const struct policy *p, struct permissions *ret);

enum permitted { PERMITTED_NEVER, PERMITTED_SOMETIMES, PERMITTED_ALWAYS };
enum permitted policy_permits(const struct permissions *all, const char *call);

/* Does ROW of policy_dangerous belong in the filter of the policy with the
 * permissions ALL? */
int policy_kills(const struct permissions *all, const struct permission *row);

#endif

/* The policy of each process, merged with the policies under it. Runs in the
 * build and in tests. It must never widen a list: each permission is a line of
 * a seccomp.c. */
#include "sallyport/seccomp/policy.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

const struct policy *policy_of(enum process p, bool connects)
{
    static const struct policy *const connecting[PROCESS_SANDBOXED] = {
        [PROCESS_MASTER] = &policy_master_active,
        [PROCESS_GATE] = &policy_gate_active,
    };
    static const struct policy *const policies[PROCESS_SANDBOXED] = {
        [PROCESS_MASTER] = &policy_master,   [PROCESS_GATE] = &policy_gate,
        [PROCESS_SESSION] = &policy_session, [PROCESS_AUTH] = &policy_auth,
        [PROCESS_KEYS] = &policy_keys,       [PROCESS_FILES] = &policy_files,
        [PROCESS_LOG] = &policy_log,         [PROCESS_LOOKUP] = &policy_lookup,
        [PROCESS_READER] = &policy_reader,   [PROCESS_CHECK] = &policy_check,
    };

    return connects && connecting[p] ? connecting[p] : policies[p];
}

static bool same_condition(struct condition a, struct condition b)
{
    return a.kind == b.kind && a.argument == b.argument && a.value == b.value;
}

static bool covers(const struct permission *wide, const struct permission *p)
{
    if (strcmp(wide->call, p->call) != 0)
        return false;
    return wide->when.kind == WHATEVER ||
           (same_condition(wide->when, p->when) &&
            same_condition(wide->and, p->and));
}

static bool is_covered(const struct permissions *all,
                       const struct permission *p)
{
    for (size_t i = 0; i < all->count; i++) {
        if (covers(all->rows[i], p))
            return true;
    }
    return false;
}

static void drop_covered_by(struct permissions *all, const struct permission *p)
{
    size_t kept = 0;

    for (size_t i = 0; i < all->count; i++) {
        if (!covers(p, all->rows[i]))
            all->rows[kept++] = all->rows[i];
    }
    all->count = kept;
}

static int add(struct permissions *all, const struct permission *p)
{
    if (is_covered(all, p))
        return 0;
    drop_covered_by(all, p);
    if (all->count == POLICY_MAX)
        return -E2BIG;
    all->rows[all->count++] = p;
    return 0;
}

/* Policies nest five deep (master, gate, session, two with active mode), so
 * this recursion ends. */
static int collect_policy(struct permissions *all, const struct policy *p)
{
    int r = 0;

    for (const struct permission *row = p->may; row->call && r == 0; row++)
        r = add(all, row);
    for (size_t i = 0; p->also[i] && r == 0; i++)
        r = collect_policy(all, p->also[i]);
    return r;
}

int policy_collect(const struct policy *p, struct permissions *ret)
{
    ret->count = 0;
    return collect_policy(ret, p);
}

enum permitted policy_permits(const struct permissions *all, const char *call)
{
    enum permitted best = PERMITTED_NEVER;

    for (size_t i = 0; i < all->count; i++) {
        if (strcmp(all->rows[i]->call, call) != 0)
            continue;
        if (all->rows[i]->when.kind == WHATEVER)
            return PERMITTED_ALWAYS;
        best = PERMITTED_SOMETIMES;
    }
    return best;
}

/* The list permits exactly this use, which is dangerous for other processes. */
static bool permits_this(const struct permissions *all,
                         const struct permission *row)
{
    for (size_t i = 0; i < all->count; i++) {
        const struct permission *p = all->rows[i];

        if (strcmp(p->call, row->call) == 0 && p->and.kind == WHATEVER &&
            same_condition(p->when, row->when))
            return true;
    }
    return false;
}

int policy_kills(const struct permissions *all, const struct permission *row)
{
    enum permitted permitted = policy_permits(all, row->call);

    if (row->when.kind == WHATEVER)
        return permitted == PERMITTED_NEVER;
    return permitted == PERMITTED_SOMETIMES && !permits_this(all, row);
}

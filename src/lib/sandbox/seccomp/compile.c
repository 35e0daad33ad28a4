/* Turns a policy into a seccomp filter, with libseccomp. Runs in the build and
 * in tests. A call that no row permits traps (src/lib/sandbox/sigsys.c answers
 * ENOSYS); a dangerous call kills the process. This code must never make half a
 * filter. */
#include "compile.h"

#include <errno.h>
#include <seccomp.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>

#include "sallyport/base/fd.h"

/* Reads policies: finds the rows of a process and of its child processes, and
 * the dangerous calls that kill it. */

const struct policy *policy_of(enum process p)
{
    static const struct policy *const policies[PROCESS_SANDBOXED] = {
        [PROCESS_MASTER] = &policy_master,   [PROCESS_GATE] = &policy_gate,
        [PROCESS_SESSION] = &policy_session, [PROCESS_AUTH] = &policy_auth,
        [PROCESS_KEYS] = &policy_keys,       [PROCESS_FILES] = &policy_files,
        [PROCESS_LOG] = &policy_log,         [PROCESS_READER] = &policy_reader,
        [PROCESS_CHECK] = &policy_check,
    };

    return policies[p];
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
            same_condition(wide->and, p->and) &&
            same_condition(wide->too, p->too));
}

/* Adds a row, and drops each row that another row covers. */
static int add(struct permissions *all, const struct permission *p)
{
    size_t kept = 0;

    for (size_t i = 0; i < all->count; i++)
        if (covers(all->rows[i], p))
            return 0;
    for (size_t i = 0; i < all->count; i++)
        if (!covers(p, all->rows[i]))
            all->rows[kept++] = all->rows[i];
    all->count = kept;
    if (all->count == POLICY_MAX)
        return -E2BIG;
    all->rows[all->count++] = p;
    return 0;
}

/* Policies nest only three deep (master, gate, session), so this recursion
 * ends. */
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

int policy_kills(const struct permissions *all, const struct permission *row)
{
    enum permitted permitted = policy_permits(all, row->call);

    if (row->when.kind == WHATEVER)
        return permitted == PERMITTED_NEVER;
    /* The policy can permit exactly this use, which is dangerous in other
     * processes. */
    for (size_t i = 0; i < all->count; i++) {
        const struct permission *p = all->rows[i];

        if (strcmp(p->call, row->call) == 0 && p->and.kind == WHATEVER &&
            same_condition(p->when, row->when))
            return false;
    }
    return permitted == PERMITTED_SOMETIMES;
}

#define PID_BITS 22 /* PID_MAX_LIMIT of Linux on 64 bits */

static struct scmp_arg_cmp comparison(struct condition c)
{
    static const enum scmp_compare operators[] = {
        [EQUAL] = SCMP_CMP_EQ,          [UNEQUAL] = SCMP_CMP_NE,
        [ALL_SET] = SCMP_CMP_MASKED_EQ, [NONE_SET] = SCMP_CMP_MASKED_EQ,
        [A_PID] = SCMP_CMP_MASKED_EQ,
    };
    struct scmp_arg_cmp ret = { .arg = c.argument, .op = operators[c.kind] };

    ret.datum_a = c.value;
    if (c.kind == ALL_SET)
        ret.datum_b = c.value;
    return ret;
}

/* Adds rules that together match each pid above zero. Each rule matches if a
 * certain bit of the pid is set, and the sign bit isn't. A rule can test an
 * argument only once. The masks leave out the upper half of the register, which
 * the kernel ignores, too. */
static int add_pid_rules(scmp_filter_ctx context, uint32_t action, int number,
                         struct scmp_arg_cmp first, unsigned argument)
{
    int r = 0;

    for (unsigned bit = 0; bit < PID_BITS && r == 0; bit++) {
        const struct scmp_arg_cmp both[] = {
            first,
            { .arg = argument,
              .op = SCMP_CMP_MASKED_EQ,
              .datum_a = SIGN | UINT64_C(1) << bit,
              .datum_b = UINT64_C(1) << bit },
        };

        r = seccomp_rule_add_array(context, action, number, 2, both);
    }
    return r;
}

/* Adds a rule. A call that this architecture lacks (open on aarch64) has a
 * negative number: no process can make it, so it needs no rule. */
static int add_rule(scmp_filter_ctx context, uint32_t action,
                    const struct permission *row)
{
    struct scmp_arg_cmp arguments[3];
    unsigned n = 0;
    int number = seccomp_syscall_resolve_name(row->call);

    if (number < 0)
        return 0;
    if (row->when.kind != WHATEVER)
        arguments[n++] = comparison(row->when);
    if (row->and.kind == A_PID)
        return add_pid_rules(context, action, number, arguments[0],
                             row->and.argument);
    if (row->and.kind != WHATEVER)
        arguments[n++] = comparison(row->and);
    if (row->too.kind != WHATEVER)
        arguments[n++] = comparison(row->too);
    return seccomp_rule_add_array(context, action, number, n, arguments);
}

static int add_rules(scmp_filter_ctx context, const struct policy *policy)
{
    /* The flags of clone3 are in memory, where a filter can't see them. After
     * ENOSYS libc calls clone, whose flags a filter can see. clone3 doesn't
     * trap, since otherwise each fork would be reported. */
    static const struct permission clone3 = MAY(clone3, "flags out of sight");
    struct permissions all;
    int r = policy_collect(policy, &all);

    for (size_t i = 0; i < all.count && r == 0; i++)
        r = add_rule(context, SCMP_ACT_ALLOW, all.rows[i]);
    for (const struct permission *row = policy_dangerous; row->call && r == 0;
         row++) {
        if (policy_kills(&all, row))
            r = add_rule(context, SCMP_ACT_KILL_PROCESS, row);
    }
    return r ? r : add_rule(context, SCMP_ACT_ERRNO(ENOSYS), &clone3);
}

/* The kernel tries a new filter on each system call, to learn which calls the
 * filter always allows. If the filter is a tree, not a list, the kernel needs
 * 0.1 ms less in each new process. */
#define BINARY_TREE 2

#define KILLS_PROCESSES 3 /* libseccomp's level for Linux 4.14 and later */

int compile_policy(const struct policy *policy, struct buf *program)
{
    FD_CLEANUP int fd = -1;
    scmp_filter_ctx context;
    int r;

    /* Don't ask the kernel of the build machine, which can differ from the
     * server's kernel: qemu-user has no seccomp at all. */
    r = seccomp_api_set(KILLS_PROCESSES);
    if (r)
        return r;
    context = seccomp_init(SCMP_ACT_TRAP);
    if (!context)
        return -ENOMEM;
    r = seccomp_attr_set(context, SCMP_FLTATR_ACT_BADARCH,
                         SCMP_ACT_KILL_PROCESS);
    if (r == 0)
        r = seccomp_attr_set(context, SCMP_FLTATR_CTL_OPTIMIZE, BINARY_TREE);
    if (r == 0)
        r = add_rules(context, policy);
    /* The installed libseccomp exports only to a descriptor. */
    fd = memfd_create("filter", MFD_CLOEXEC);
    if (r == 0)
        r = fd < 0 ? -errno : seccomp_export_bpf(context, fd);
    seccomp_release(context);
    return r ? r : fd_read_file(fd, program);
}

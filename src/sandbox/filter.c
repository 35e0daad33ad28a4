/* Turns policies into seccomp filters, and closes the standard descriptors.
 * libseccomp compiles in master, gate, auth and log while they start. Loading
 * is one system call, so that a fork can do it. A call that no line permits
 * traps (sigsys.c answers ENOSYS); a dangerous one kills. It must never load
 * half a policy. */
#include "filter.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "policy.h"
#include "sallyport/base/buf.h"
#include "sallyport/base/fd.h"
#include "sallyport/sandbox/sandbox.h"

#define PID_BITS 22 /* PID_MAX_LIMIT of Linux on 64 bits */

/* Compiled ahead of time, for forks. */
static struct sock_fprog prepared[PROCESS_SANDBOXED];
static struct filter_choice prepared_for[PROCESS_SANDBOXED];

static void context_free(scmp_filter_ctx *context)
{
    if (*context)
        seccomp_release(*context);
}

static struct scmp_arg_cmp comparison(struct condition c, int programs)
{
    static const enum scmp_compare operators[] = {
        [EQUAL] = SCMP_CMP_EQ,          [UNEQUAL] = SCMP_CMP_NE,
        [ALL_SET] = SCMP_CMP_MASKED_EQ, [NONE_SET] = SCMP_CMP_MASKED_EQ,
        [A_PID] = SCMP_CMP_MASKED_EQ,   [PROGRAMS] = SCMP_CMP_MASKED_EQ,
        [BELOW_PROGRAMS] = SCMP_CMP_LT, [ABOVE_PROGRAMS] = SCMP_CMP_GT,
    };
    struct scmp_arg_cmp ret = { .arg = c.argument, .op = operators[c.kind] };

    ret.datum_a = c.value;
    if (c.kind == ALL_SET)
        ret.datum_b = c.value;
    if (c.kind == PROGRAMS) {
        ret.datum_a = ~(scmp_datum_t)(SANDBOX_PROGRAMS - 1);
        ret.datum_b = (scmp_datum_t)programs;
    }
    if (c.kind == BELOW_PROGRAMS)
        ret.datum_a = (scmp_datum_t)programs;
    if (c.kind == ABOVE_PROGRAMS)
        ret.datum_a = (scmp_datum_t)programs + SANDBOX_PROGRAMS - 1;
    return ret;
}

/* A pid above zero: one of its bits is set, and the sign isn't. A rule can test
 * an argument only once, and sees also the upper half of the register, which
 * the kernel ignores. */
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

/* A call that this architecture lacks (open on aarch64) has a negative number,
 * and can't be made. */
static int add_rule(scmp_filter_ctx context, uint32_t action,
                    const struct permission *row, int programs)
{
    struct scmp_arg_cmp arguments[2];
    unsigned n = 0;
    int number = seccomp_syscall_resolve_name(row->call);

    if (number < 0)
        return 0;
    if (row->when.kind != WHATEVER)
        arguments[n++] = comparison(row->when, programs);
    if (row->and.kind == A_PID)
        return add_pid_rules(context, action, number, arguments[0],
                             row->and.argument);
    if (row->and.kind != WHATEVER)
        arguments[n++] = comparison(row->and, programs);
    return seccomp_rule_add_array(context, action, number, n, arguments);
}

static int add_rules(scmp_filter_ctx context, enum process p,
                     struct filter_choice choice)
{
    /* Its flags are in memory, where a filter can't see them. After ENOSYS libc
     * uses clone, whose flags a filter sees. It isn't reported, or each fork
     * would be. */
    static const struct permission clone3 = MAY(clone3, "flags out of sight");
    struct permissions all;
    int r = policy_collect(policy_of(p, choice.connects), &all);

    if (choice.programs == 0)
        policy_drop_programs(&all);
    for (size_t i = 0; i < all.count && r == 0; i++)
        r = add_rule(context, SCMP_ACT_ALLOW, all.rows[i], choice.programs);
    for (const struct permission *row = policy_dangerous; row->call && r == 0;
         row++) {
        if (policy_kills(&all, row))
            r = add_rule(context, SCMP_ACT_KILL_PROCESS, row, choice.programs);
    }
    return r ? r : add_rule(context, SCMP_ACT_ERRNO(ENOSYS), &clone3, 0);
}

/* The installed libseccomp exports only to a descriptor. */
static int export_to(scmp_filter_ctx context, struct buf *program)
{
    FD_CLEANUP int fd = memfd_create("filter", MFD_CLOEXEC);
    int r;

    if (fd < 0)
        return -errno;
    r = seccomp_export_bpf(context, fd);
    return r ? r : fd_read_file(fd, program);
}

static int compile(enum process p, struct filter_choice choice,
                   struct buf *program)
{
    __attribute__((cleanup(context_free))) scmp_filter_ctx context =
        seccomp_init(SCMP_ACT_TRAP);
    int r;

    if (!context)
        return -ENOMEM;
    r = seccomp_attr_set(context, SCMP_FLTATR_ACT_BADARCH,
                         SCMP_ACT_KILL_PROCESS);
    if (r == 0)
        r = add_rules(context, p, choice);
    return r ? r : export_to(context, program);
}

static bool is_kept(enum process p, struct filter_choice choice)
{
    return prepared[p].filter && prepared_for[p].programs == choice.programs &&
           prepared_for[p].connects == choice.connects;
}

int filter_prepare(enum process p, struct filter_choice choice)
{
    struct buf program;
    int r;

    if (is_kept(p, choice))
        return 0;
    buf_init(&program, BPF_MAXINSNS * sizeof(struct sock_filter));
    r = compile(p, choice, &program);
    if (r) {
        buf_release(&program);
        return r;
    }
    /* From here on the program owns the buffer's memory. */
    free(prepared[p].filter);
    prepared_for[p] = choice;
    prepared[p].len =
        (unsigned short)(program.len / sizeof(struct sock_filter));
    prepared[p].filter = (struct sock_filter *)(void *)program.data;
    return 0;
}

int filter_load(enum process p, struct filter_choice choice)
{
    int r = filter_prepare(p, choice);

    if (r)
        return r;
    r = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prepared[p]);
    return r ? -errno : 0;
}

int filter_end_descriptors(void)
{
    FD_CLEANUP int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    if (null < 0)
        return -errno;
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (dup2(null, fd) < 0)
            return -errno;
    if (null <= STDERR_FILENO) /* one of them was closed */
        null = -1;
    return 0;
}

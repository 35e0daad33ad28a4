/* sandbox_enter() takes the steps into a sandbox. Their order matters: each
 * step needs rights that later steps take away. It runs once in every process,
 * before the process works. In a session, which is a fork, it neither allocates
 * nor calls a library. It must never leave a step out silently. */
#include "sallyport/sandbox/sandbox.h"

#include <errno.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

#include "chroot.h"
#include "filter.h"
#include "ids.h"
#include "landlock.h"
#include "limits.h"
#include "parent.h"
#include "sigsys.h"

/* A step returns 0, -errno, or NOT_BUILT. If it sets *why, the words replace
 * those of errno. */
#define NOT_BUILT 1

struct step {
    const char *name; /* for the administrator */
    unsigned part;    /* 0: allow_weaker can't excuse it */
    int (*take)(enum process p, const struct sandbox_plan *plan,
                struct complaint *why);
};

static int take_silence(enum process p, const struct sandbox_plan *plan,
                        struct complaint *why)
{
    (void)plan;
    (void)why;
    return sandbox_row(p)->silent ? filter_end_descriptors() : 0;
}

static int take_no_new_privs(enum process p, const struct sandbox_plan *plan,
                             struct complaint *why)
{
    (void)p;
    (void)plan;
    (void)why;
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ? -errno : 0;
}

static int take_not_dumpable(enum process p, const struct sandbox_plan *plan,
                             struct complaint *why)
{
    (void)p;
    (void)plan;
    (void)why;
    return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) ? -errno : 0;
}

static int take_limits(enum process p, const struct sandbox_plan *plan,
                       struct complaint *why)
{
    int r = limits_set(sandbox_row(p), plan->max_files);

    if (r == -EPERM)
        return complain(why,
                        "%zu open files are over the hard limit; raise it "
                        "(systemd: LimitNOFILE=) or lower max_sessions",
                        plan->max_files);
    return r;
}

static int take_chroot(enum process p, const struct sandbox_plan *plan,
                       struct complaint *why)
{
    bool empty = sandbox_row(p)->empty_root;

    if (!plan->root || (plan->root_fd < 0 && !empty))
        return 0;
    if (plan->root_fd < 0)
        return complain(why, "there is no directory for it");
    return chroot_enter(plan->root_fd, empty, why);
}

static int take_ids(enum process p, const struct sandbox_plan *plan,
                    struct complaint *why)
{
    if (!sandbox_row(p)->own_ids)
        return 0;
    if (!plan->root)
        return ids_drop_capabilities();
    if (plan->uid == 0 || plan->gid == 0)
        return complain(why, "uid %u, gid %u: that is still root",
                        (unsigned)plan->uid, (unsigned)plan->gid);
    return ids_give_up(plan->uid, plan->gid, plan->groups, plan->group_count);
}

static int take_parent(enum process p, const struct sandbox_plan *plan,
                       struct complaint *why)
{
    (void)plan;
    (void)why;
    return p == PROCESS_MASTER ? 0 : parent_follow();
}

static int take_landlock(enum process p, const struct sandbox_plan *plan,
                         struct complaint *why)
{
    int r = 0;

    if (sandbox_row(p)->landlock)
        r = landlock_confine(plan->beneath, plan->beneath_count,
                             sandbox_row(p)->only_reads);
    if (r == -ENOSYS || r == -EOPNOTSUPP)
        return complain(why, "this kernel has none, or it is off");
    return r;
}

static int take_filter(enum process p, const struct sandbox_plan *plan,
                       struct complaint *why)
{
    int r = sigsys_install();

    (void)p;
    if (r == 0)
        r = filter_load(plan->filter);
    return r == 0 ? sigsys_probe(why) : r;
}

static const struct step steps[] = {
    { "standard descriptors", 0, take_silence },
    { "no_new_privs", 0, take_no_new_privs },
    { "not dumpable", 0, take_not_dumpable },
    { "limits", 0, take_limits },
    { "chroot", SANDBOX_CHROOT, take_chroot },
    { "giving up root", SANDBOX_IDS, take_ids },
    /* set again, since the kernel resets it when the ids change */
    { "not dumpable", 0, take_not_dumpable },
    { "the parent's death", 0, take_parent },
    { "Landlock", SANDBOX_LANDLOCK, take_landlock },
    { "seccomp", SANDBOX_SECCOMP, take_filter },
};

static int complain_of(enum process p, const struct step *step,
                       const char *words, struct complaint *c)
{
    if (!step->part)
        return complain(c, "sandbox of %s: %s: %s", process_name(p), step->name,
                        words);
    return complain(
        c,
        "sandbox of %s: %s: %s (to go on without it: allow_weaker = "
        "%s)",
        process_name(p), step->name, words, sandbox_part_word(step->part));
}

static int take_step(enum process p, const struct step *step,
                     const struct sandbox_plan *plan, unsigned *weaker,
                     struct complaint *c)
{
    struct complaint why = { "" };
    int r = step->take(p, plan, &why);

    if (r == 0)
        return 0;
    if (r != NOT_BUILT && !(plan->allow_weaker & step->part))
        return complain_of(p, step, *why.text ? why.text : strerrordesc_np(-r),
                           c);
    *weaker |= step->part;
    return 0;
}

int sandbox_enter(enum process p, const struct sandbox_plan *plan,
                  unsigned *weaker, struct complaint *c)
{
    unsigned excused = 0;

    /* OpenSSL calls gmtime_r, which opens the time zone's file the first time.
     * In the sandbox that would kill the process. */
    if (p != PROCESS_SESSION)
        tzset();
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        int r = take_step(p, &steps[i], plan, &excused, c);

        if (r)
            return r;
    }
    *weaker = excused;
    return 0;
}

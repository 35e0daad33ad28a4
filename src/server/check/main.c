/* check: the program that prepares a start, and says what an administrator
 * should know of a configuration. Master executes it at its start and for
 * --check, before master enters its own sandbox. The first argument is the
 * mode. "prepare" runs as root without a sandbox: it looks up accounts, makes
 * the directories `empty` and `state`, tries the filters, and reads only the
 * settings. "homes", "remarks" and "start" enter a sandbox before they look at
 * homes; there they can take the ids of each user in turn, but change nothing.
 * A fork before it asks name services about the ids in the table of users.
 * "mounts", which tries network disks, has no sandbox. Descriptor 3 has the
 * settings; 4 has the table of users that reader has read, or a struct
 * prepared; 5 is the lock of a start's look at the homes, which runs in the
 * background. */
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "sallyport/base/complain.h"
#include "sallyport/base/fd.h"
#include "sallyport/sandbox/sandbox.h"

#define SETTINGS_FD  3
#define USERS_FD     4
#define PREPARED_FD  4
#define LOCK_FD      5
#define WARNINGS_MAX 8 /* lines about users at the start */
/* Seconds for the name services: check itself has 60, at a start 10. */
#define NUMBERS_S       20
#define NUMBERS_START_S 3

struct writer {
    const char *prefix; /* begins each line */
    size_t most, count;
};

static size_t passing; /* reports that are no mistakes */

static void write_mistake(void *owner, const char *text)
{
    struct writer *w = owner;

    if (w->count++ < w->most)
        stderr_print("%s%s", w->prefix, text);
}

/* Enters the sandbox, and reads the table of users. The filter has no
 * getdents64, so check can't list a directory. If this kernel can't build a
 * sandbox, master says so. */
static void enter_sandbox(struct check *k)
{
    const struct sandbox_plan plan = { .root = k->root,
                                       .root_fd = -1,
                                       .filter = &filter_check,
                                       .allow_weaker = ~0U };
    struct complaint c = { "" };
    unsigned weaker;

    if (sandbox_enter(PROCESS_CHECK, &plan, &weaker, &c) < 0)
        die(EX_OSERR, "%s", c.text);
    if (users_take(&k->users, USERS_FD, &c) < 0)
        die(EX_SOFTWARE, "%s", c.text);
}

static bool is_ours(const struct settings *s, uint32_t id)
{
    return (id >= s->uid_first && id <= s->uid_last) ||
           (id >= s->gid_first && id <= s->gid_last);
}

/* A group with a share's gid is no mistake: so a local program gets the files
 * of a share. */
static void look_at_shares_groups(const struct look *l)
{
    const struct settings *s = &l->check->settings;
    const struct users *u = &l->check->users;

    for (size_t i = 0; i < u->shares; i++) {
        const struct share *row = &u->share[i];
        const struct group *group =
            is_ours(s, row->gid) ? getgrgid(row->gid) : NULL;

        if (group)
            stderr_print("weaker: %s:%zu: share %s: the group %s of the system "
                         "has its gid %u, so its members may read and change "
                         "the share's files",
                         s->users, row->line, row->name, group->gr_name,
                         (unsigned)row->gid);
    }
}

/* Reports each uid of a user that an account of the system has, and each gid
 * that a group has, if it is in the settings' ranges; an administrator has
 * chosen the others. */
static void look_at_numbers(const struct look *l)
{
    const struct settings *s = &l->check->settings;
    const struct users *u = &l->check->users;

    for (const struct user *row = u->row; row < u->row + u->count; row++) {
        const struct passwd *account =
            is_ours(s, row->uid) ? getpwuid(row->uid) : NULL;
        const struct group *group =
            !account && is_ours(s, row->gid) ? getgrgid(row->gid) : NULL;

        if (account || group)
            look_mistake(l, "user", row->name, row->line,
                         "%s %u is also the %s %s of the system, which may "
                         "read and change the user's files; give one of the "
                         "two another number",
                         account ? "uid" : "gid",
                         (unsigned)(account ? row->uid : row->gid),
                         account ? "account" : "group",
                         account ? account->pw_name : group->gr_name);
    }
    look_at_shares_groups(l);
}

/* Does it in a fork, since a name service can hang. The fork shares the
 * writer with its parent, so that what was found before the hang counts. */
static void ask_name_services(struct check *k, struct look *l, unsigned seconds)
{
    struct writer *w = l->owner;
    struct writer *both = mmap(NULL, sizeof(*both), PROT_READ | PROT_WRITE,
                               MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    struct complaint c = { "" };
    int status = 0;

    if (!k->root || both == MAP_FAILED)
        return;
    *both = *w;
    l->owner = both;
    const pid_t pid = fork();
    if (pid == 0) {
        alarm(seconds);
        if (users_take(&k->users, USERS_FD, &c) == 0)
            look_at_numbers(l);
        _exit(0);
    }
    if (pid > 0 && waitpid(pid, &status, 0) == pid && WIFSIGNALED(status))
        stderr_print("hint: not all rows were compared with the accounts and "
                     "groups of the system: a name service is slow, or hangs");
    *w = *both;
    l->owner = w;
}

static bool look_at_homes(struct check *k, struct writer w, unsigned seconds)
{
    struct look look = { k, write_mistake, &w, false, &passing };

    check_ids(&look);
    ask_name_services(k, &look, seconds);
    enter_sandbox(k);
    check_users_file(&look);
    check_lost(&look);
    check_users(&look);
    check_shares(&look);
    check_places(&look);
    if (w.count > w.most)
        stderr_print("%sand %zu more; see them all by: sallyportd --check",
                     w.prefix, w.count - w.most);
    return w.count > passing;
}

/* For --check: reports all mistakes in the homes and other things that the
 * users' rows name. Compares the paths with the systemd unit only if the unit
 * uses this configuration. */
static bool mode_homes(struct check *k)
{
    struct complaint c = { "" };

    if (k->root && settings_is_default(k->settings.file))
        unit_look(&k->unit); /* must be outside the sandbox */
    const bool wrong =
        look_at_homes(k, (struct writer){ "", SIZE_MAX, 0 }, NUMBERS_S);
    if (k->unit.stopped)
        stderr_print("hint: sallyport.service doesn't run: only while it runs "
                     "its view shows what systemd hides from it");
    if (hint_homes(k, &c))
        stderr_print("hint: %s", c.text);
    return wrong;
}

/* For --check: tries the disks. Runs without a sandbox, since it makes
 * files. */
static bool mode_mounts(struct check *k)
{
    struct complaint c = { "" };

    if (users_take(&k->users, USERS_FD, &c) < 0)
        die(EX_SOFTWARE, "%s", c.text);
    return check_mounts(k, &passing);
}

/* Prints the promises that the configuration weakens, and hints about possible
 * mistakes. */
static bool mode_remarks(struct check *k)
{
    struct address own[HINT_OWN_MAX];
    size_t n = hint_own_addresses(own); /* must be outside the sandbox */
    struct buf text;

    hint_system();
    enter_sandbox(k);
    buf_init(&text, WEAKER_MAX);
    weaker_text(k, &text);
    if (text.len > 0)
        stderr_print("weaker: %.*s", (int)text.len, text.data);
    buf_release(&text);
    hint_print(&k->settings, own, n);
    return false;
}

/* For a start: prints warnings, since a bad row keeps only its own user from a
 * login. */
static bool mode_start(struct check *k)
{
    struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

    k->in_unit = getenv("INVOCATION_ID") != NULL;
    /* Ends this process if another process already looks at the homes. A
     * process that waits for a dead disk can't be killed; so at most one such
     * process exists, however many starts follow. The kernel frees the lock at
     * the process's end. */
    if (fcntl(LOCK_FD, F_SETLK, &lock) < 0 && errno != EBADF) {
        stderr_print(
            "warning: the homes aren't checked: an earlier check still runs");
        return false;
    }
    return look_at_homes(k, (struct writer){ "warning: ", WARNINGS_MAX, 0 },
                         NUMBERS_START_S);
}

/* Answers after each part, so that master knows where this process hangs. If a
 * part fails, a start does no later part. */
static bool mode_prepare(struct check *k)
{
    static check_part *const parts[PREPARED_PARTS] = {
        [PREPARED_ACCOUNTS] = part_accounts,
        [PREPARED_SANDBOX] = part_sandbox,
        [PREPARED_EMPTY] = part_empty,
        [PREPARED_KEY] = part_key,
    };
    struct prepared p;
    bool ends = false;

    if (pread(PREPARED_FD, &p, sizeof(p), 0) != sizeof(p))
        die(EX_SOFTWARE, "descriptor 4 has no question");
    for (p.done = 0; p.done < PREPARED_PARTS && !ends;) {
        struct prepared_answer *a = &p.answer[p.done];

        if (p.wanted[p.done])
            a->result = parts[p.done](k, &p, &a->why);
        ends = p.make && a->result == -EINVAL;
        p.done++;
        /* Writes the answer over the question. */
        if (pwrite(PREPARED_FD, &p, sizeof(p), 0) != sizeof(p))
            die(EX_OSERR, "descriptor 4: %s", strerror(errno));
    }
    explicit_bzero(&p, sizeof(p));
    return false;
}

static const struct {
    const char *name;
    bool (*run)(struct check *k); /* returns true if there was a mistake */
} modes[] = {
    { "prepare", mode_prepare }, { "homes", mode_homes },
    { "mounts", mode_mounts },   { "remarks", mode_remarks },
    { "start", mode_start },
};

int main(int argc, char **argv)
{
    static struct check check = { .unit = UNIT_UNKNOWN };
    struct complaint c = { "" };

    stderr_title("sallyportd");
    if (argc != 3)
        die(EX_USAGE, "this program is started by sallyportd");
    check.root = geteuid() == 0;
    check.key_lost = argv[2];
    if (settings_take(&check.settings, SETTINGS_FD, &c) < 0)
        die(EX_SOFTWARE, "%s", c.text);
    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
        if (strcmp(modes[i].name, argv[1]) == 0)
            return modes[i].run(&check) ? EXIT_FAILURE
                   : passing > 0        ? EX_TEMPFAIL
                                        : EXIT_SUCCESS;
    die(EX_USAGE, "this program is started by sallyportd");
}

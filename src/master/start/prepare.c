/* Everything that is opened and checked before a process is started, so that a
 * mistake of the administrator is one line and nothing has happened. Runs in
 * master, before its sandbox. */
#include "prepare.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "account.h"
#include "children/certificates.h"
#include "children/listeners.h"
#include "children/programs.h"
#include "control/control.h"
#include "generations/older.h"
#include "sallyport/base/fd.h"
#include "sallyport/base/stderr.h"
#include "sallyport/ipc/memory.h"
#include "sallyport/sandbox/sandbox.h"
#include "secrets.h"
#include "sessions/userdb.h"
#include "state.h"

/* What is wrong with the value of KEY is told with the line that it stands in.
 */
static int placed(const struct master *m, const char *key, int r,
                  struct complaint *c)
{
    if (r < 0)
        settings_place(&m->settings, key, c);
    return r < 0 ? r : 0;
}

static int restore_users(struct master *m)
{
    FD_CLEANUP int fd = m->succession.recovery
                            ? succession_inherit(&m->succession, "users")
                            : -1;
    struct complaint c = { "" };

    return fd < 0 ? -ENOENT : userdb_restore(m->users, fd, &c);
}

/* A users file that is broken at the moment of a crash keeps nobody out. */
int prepare_users(struct master *m, struct complaint *c)
{
    int r = userdb_look(m->users, c);

    if (r < 0 && restore_users(m) == 0) {
        stderr_print("the users of before the crash stay: %s", c->text);
        c->text[0] = '\0';
        r = 0;
    }
    return placed(m, "users", r, c);
}

struct account_row {
    const char *key, *account;
    enum process process;
};

static int check_range(const struct settings *s, const char *key, uid_t uid,
                       struct complaint *c)
{
    if (uid < s->uid_first || uid > s->uid_last)
        return 0;
    return settings_blame(s, key, c,
                          "uid %lu is within uid_first to uid_last, the users' "
                          "range",
                          (unsigned long)uid);
}

/* Against the users, and the accounts of the rows before it. */
static int check_apart(const struct master *m, const struct account_row *rows,
                       size_t at, struct complaint *c)
{
    const struct settings *s = &m->settings;
    uid_t uid = m->identity[rows[at].process].uid;

    for (size_t i = 0; i < at; i++)
        if (m->identity[rows[i].process].uid == uid)
            return settings_blame(s, rows[at].key, c,
                                  "must not be the account of %s", rows[i].key);
    return check_range(s, rows[at].key, uid, c);
}

int prepare_identities(struct master *m, struct complaint *c)
{
    const struct account_row rows[] = {
        { "uid.gate", m->settings.uid_gate, PROCESS_GATE },
        { "uid.auth", m->settings.uid_auth, PROCESS_AUTH },
        { "uid.keys", m->settings.uid_keys, PROCESS_KEYS },
        { "uid.log", m->settings.uid_log, PROCESS_LOG },
        { "uid.lookup", m->settings.uid_lookup, PROCESS_LOOKUP },
    };
    /* The last one needn't be there where it isn't needed. */
    const size_t n = sizeof(rows) / sizeof(rows[0]) -
                     (settings_have_hosts(&m->settings) ? 0 : 1);

    for (size_t i = 0; i < n && m->root; i++) {
        struct identity *id = &m->identity[rows[i].process];
        int r = account_find(rows[i].account, id, c);

        if (r < 0)
            return placed(m, rows[i].key, r, c);
        if (check_apart(m, rows, i, c) < 0)
            return -EINVAL;
    }
    return 0;
}

/* Without root nobody changes its root directory: any descriptor will do. Nor
 * can gate where --check, which makes nothing, finds that a start would have
 * to. */
int prepare_empty(struct master *m, struct complaint *c)
{
    int r = -ENOENT;

    if (m->root)
        r = account_empty_folder(m->settings.empty, !m->check, c);
    m->no_empty = m->root && r == -ENOENT;
    if (r == -ENOENT)
        r = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    m->empty = r;
    return placed(m, "empty", r, c);
}

/* The key on the disk is the one of the next start, and, unless one was
 * inherited, of this one. */
static int state_on_disk(struct master *m, bool inherited, struct complaint *c)
{
    uint8_t key[STATE_KEY];
    int r;

    memcpy(key, m->secrets.names, sizeof(key));
    r = state_key(m->settings.state, !m->check, key, c);
    if (r == 0 && !inherited)
        memcpy(m->secrets.names, key, sizeof(key));
    if (r == 0 && memcmp(key, m->secrets.names, sizeof(key)) != 0) {
        complain(c, "%s: has another key than the one in use",
                 m->settings.state);
        r = -EACCES;
    }
    explicit_bzero(key, sizeof(key));
    return r;
}

/* Where it can't be kept, the key is the random one that master has. */
int prepare_state(struct master *m, struct complaint *c)
{
    struct complaint why = { "" };
    bool inherited = secrets_inherit(m);
    int r = inherited && m->succession.recovery
                ? 0
                : state_on_disk(m, inherited, &why);

    if (r == -EINVAL) {
        *c = why;
        return placed(m, "state", r, c);
    }
    if (r < 0 && !(m->check && r == -ENOENT))
        m->key_lost = why;
    return 0;
}

/* A session's channels to master and files, the ends of log and keys, and
 * files' end while a login is under way; the same for those at the control
 * socket; the last words of those who ended; what is opened once; what a moment
 * needs. */
unsigned long long prepare_descriptors(const struct master *m)
{
    const size_t certificates = 3 * CERTIFICATES_MAX + 2;

    return 128 + certificates +
           5 * (m->settings.max_sessions + MASTER_CALLERS) +
           services_ended_max(m->settings.max_sessions) +
           m->settings.listen_count + listeners_passive_wanted(&m->settings);
}

/* Not for --check, which works beside a running server. */
int prepare_control(struct master *m, struct complaint *c)
{
    char path[SETTINGS_PATH_MAX];
    int r;

    if (m->check)
        return 0;
    if (settings_control(&m->settings, path, sizeof(path)) < 0)
        return complain(c, "%s: a path too long for a control socket beside it",
                        m->settings.file);
    r = control_socket_open(&m->control->socket, path, &m->succession, c);
    return placed(m, "control", r, c);
}

/* The children inherit the limit, and each sandbox lowers it to its own need.
 */
int prepare_limits(struct master *m, struct complaint *c)
{
    unsigned long long needed = prepare_descriptors(m);
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return complain(c, "RLIMIT_NOFILE: %s", strerror(errno));
    if (limit.rlim_cur >= needed)
        return 0;
    limit.rlim_cur = needed;
    if (limit.rlim_max < needed)
        limit.rlim_max = needed;
    if (setrlimit(RLIMIT_NOFILE, &limit) == 0)
        return 0;
    getrlimit(RLIMIT_NOFILE, &limit);
    return settings_blame(&m->settings, "max_sessions", c,
                          "with the data ports needs %llu open files; the "
                          "limit here is %llu: lower them, or raise "
                          "LimitNOFILE (systemd) or ulimit -n",
                          needed, (unsigned long long)limit.rlim_max);
}

int prepare_programs(struct master *m, struct complaint *c)
{
    m->programs = programs_open(&m->succession, c);
    return m->programs < 0 ? m->programs : 0;
}

int prepare_listeners(struct master *m, struct complaint *c)
{
    return m->check
               ? listeners_try(&m->settings, c)
               : listeners_open(m->listeners, &m->settings, &m->succession, c);
}

/* Sealed, so that nobody who has it can cut it under a gate that maps it. */
static int new_memory(const char *name, off_t size)
{
    FD_CLEANUP int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);

    if (fd < 0 || ftruncate(fd, size) < 0 ||
        fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
        return -errno;
    return fd_take(&fd);
}

static int memory_of(struct master *m, const char *name, off_t size, int *ret,
                     struct complaint *c)
{
    *ret = succession_inherit(&m->succession, name);
    if (*ret < 0)
        *ret = new_memory(name, size);
    return *ret < 0 ? complain(c, "memfd: %s", strerror(-*ret)) : 0;
}

int prepare_memory(struct master *m, struct complaint *c)
{
    int r = memory_of(m, "memory", GATE_MEMORY, &m->memory, c);

    return r < 0 ? r
                 : memory_of(m, GUESSES_NAME, guesses_size(),
                             &m->guesses_memory, c);
}

const struct sandbox_filter *prepare_filter(const struct master *m)
{
    return m->settings.active ? &filter_master_active : &filter_master;
}

/* Master's filter too: it loads it when the others have started already. */
int prepare_sandbox(struct master *m, struct complaint *c)
{
    const struct sandbox_filter *own[] = { prepare_filter(m), NULL };
    const struct sandbox_filter *files[] = { own[0], &filter_files, NULL };
    unsigned weaker = m->settings.allow_weaker;
    int r = weaker & SANDBOX_LANDLOCK ? 0 : sandbox_landlock_test(c);

    if (r < 0 || weaker & SANDBOX_SECCOMP)
        return r;
    r = sandbox_try_filters(PROCESS_MASTER, own, c);
    return r < 0 ? r : sandbox_try_filters(PROCESS_FILES, files, c);
}

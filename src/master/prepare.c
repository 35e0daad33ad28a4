/* Everything that is opened and checked before a process is started, so that a
 * mistake of the administrator is one line and nothing has happened. Runs in
 * master, before its cage. */
#include "prepare.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "master.h"
#include "sallyport/base/die.h"
#include "sallyport/base/fd.h"
#include "sallyport/cage/cage.h"

static int open_regular(const char *path, struct complaint *c)
{
    FD_CLEANUP int fd =
        open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat s;

    if (fd < 0 || fstat(fd, &s) < 0)
        return complain(c, "%s: %s", path, strerror(errno));
    if (!S_ISREG(s.st_mode))
        return complain(c, "%s: not a regular file", path);
    return fd_take(&fd);
}

int prepare_keypair(struct master *m, struct complaint *c)
{
    m->certificate = open_regular(m->settings.certificate, c);
    if (m->certificate < 0)
        return -EINVAL;
    m->key = open_regular(m->settings.key, c);
    if (m->key < 0)
        return -EINVAL;
    return settings_private_file(m->key, m->settings.key, c);
}

int prepare_users(struct master *m, struct complaint *c)
{
    int r = userdb_look(&m->users, c);

    return r < 0 ? r : 0;
}

int prepare_identities(struct master *m, struct complaint *c)
{
    const struct {
        const char *key, *account;
        enum process process;
    } rows[] = {
        { "uid.gate", m->settings.uid_gate, PROCESS_GATE },
        { "uid.auth", m->settings.uid_auth, PROCESS_AUTH },
        { "uid.log", m->settings.uid_log, PROCESS_LOG },
    };
    const size_t n = sizeof(rows) / sizeof(rows[0]);

    for (size_t i = 0; i < n && m->root; i++) {
        struct identity *id = &m->identity[rows[i].process];

        if (identity_find(rows[i].account, rows[i].key, id, c) < 0)
            return -EINVAL;
        if (id->uid >= m->settings.uid_first && id->uid <= m->settings.uid_last)
            return complain(c, "%s: uid %lu is in the users' range",
                            rows[i].key, (unsigned long)id->uid);
        for (size_t j = 0; j < i; j++)
            if (m->identity[rows[j].process].uid == id->uid)
                return complain(c, "%s and %s: must not be the same account",
                                rows[j].key, rows[i].key);
    }
    return 0;
}

/* Without root nobody changes its root folder: any descriptor will do. */
int prepare_empty(struct master *m, struct complaint *c)
{
    if (m->root)
        m->empty = empty_folder_open(m->settings.empty, c);
    else
        m->empty = open_regular("/proc/self/exe", c);
    return m->empty < 0 ? -EINVAL : 0;
}

/* A session's channels to master and files, log's end, and files' end while a
 * login is under way; what is opened once; what a moment needs. */
unsigned long long prepare_descriptors(const struct master *m)
{
    return 128 + 4 * m->settings.max_sessions + m->settings.listen_count +
           listeners_passive_wanted(&m->settings);
}

/* The children inherit the limit, and each cage lowers it to its own need. */
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
    return complain(c,
                    "max_sessions = %llu and the data ports need %llu open "
                    "files; the limit here is %llu: lower them, or raise "
                    "LimitNOFILE (systemd) or ulimit -n",
                    (unsigned long long)m->settings.max_sessions, needed,
                    (unsigned long long)limit.rlim_max);
}

int prepare_programs(struct master *m, struct complaint *c)
{
    m->programs = child_programs();
    if (m->programs < 0)
        return complain(c, "../libexec/sallyport: %s", strerror(-m->programs));
    return 0;
}

int prepare_listeners(struct master *m, struct complaint *c)
{
    return m->check ? 0 : listeners_open(&m->listeners, &m->settings, c);
}

int prepare_cage(struct master *m, struct complaint *c)
{
    if (m->settings.allow_weaker & CAGE_SECCOMP)
        return 0;
    return cage_self_test(c);
}

struct phrases {
    struct buf text;
};

static void phrase(struct phrases *p, const char *text)
{
    if (p->text.len > 0)
        buf_add_text(&p->text, "; ");
    buf_add_text(&p->text, text);
}

static const struct {
    enum cage_part part;
    const char *text;
} excused[] = {
    { CAGE_IDS, "allow_weaker excuses ids" },
    { CAGE_CHROOT, "allow_weaker excuses chroot" },
    { CAGE_SECCOMP, "allow_weaker excuses seccomp" },
    { CAGE_LANDLOCK, "allow_weaker excuses landlock" },
};

void prepare_tell_weaker(const struct master *m)
{
    struct phrases p;

    buf_init(&p.text, 1024);
    if (!m->root)
        phrase(&p, "not run by root: all processes have the same uid and no "
                   "empty root folder");
    for (size_t i = 0; i < sizeof(excused) / sizeof(excused[0]); i++)
        if (m->settings.allow_weaker & excused[i].part)
            phrase(&p, excused[i].text);
    if (!m->settings.fsync)
        phrase(&p, "fsync = no: 226 does not mean durable");
    phrase(&p, "data connections are bound to the client's address only");
    say("weaker: %.*s", (int)p.text.len, p.text.data);
    buf_release(&p.text);
}

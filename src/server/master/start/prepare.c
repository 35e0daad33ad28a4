/* Opens and checks everything before master starts any child, so that a mistake
 * of the administrator gives one line and has no effect. Runs in master, before
 * its sandbox. */
#include "start.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "sallyport/base/clock.h"
#include "sallyport/base/complain.h"
#include "sallyport/base/fd.h"
#include "sallyport/base/shared.h"
#include "sallyport/domain/choices.h"
#include "sallyport/domain/limits.h"
#include "sallyport/sandbox/sandbox.h"
#include "sallyport/users/users_file.h"

/* The keys that pass from master to master, in a sealed file in memory, which
 * is never on a disk. Without these keys a reload would refuse all tickets, see
 * each row of the users file as changed, and lose unfinished uploads where
 * `state` can't be written. */

#define SECRETS_NAME "keys of master"

int secrets_keep(struct master *m)
{
    const struct slice all = { (const char *)&m->secrets, sizeof(m->secrets) };

    return succession_keep_bytes(&m->succession, SECRETS_NAME, all);
}

/* Uses the users of the previous generation until the users file has another
 * complete text: somebody may be writing the file now. If this build refuses
 * the users of the previous generation, uses the file alone. If the file is
 * changing, a reload waits, so that its answer says whether the file is right;
 * a recovery doesn't wait. If the file has a mistake at a recovery, the users
 * from before the crash stay. If there is no file, the server starts only if it
 * had no users before. */
int prepare_users(struct master *m, struct complaint *c)
{
    FD_CLEANUP int before = succession_inherit(&m->succession, "users");
    struct stat st;
    const bool had_rows =
        before >= 0 && fstat(before, &st) == 0 && st.st_size > 0;
    const bool recovery = m->succession.recovery;
    struct complaint refused = { "" }, lost = { "" };
    uint64_t end;
    int r;

    m->users->may_be_missing = !had_rows;
    /* Treat edits that were announced earlier like any other change. */
    m->users->edits = userdb_edits(m->users);
    if (had_rows)
        userdb_restore(m->users, before, &refused);
    end = clock_ms() + 2 * m->deadlines.quiet;
    r = userdb_look(m->users, c);
    while (r == USERDB_SAME && !recovery && m->users->young &&
           clock_ms() < end) {
        poll(NULL, 0, 50);
        r = userdb_look(m->users, c);
    }
    if (r < 0 && recovery && m->users->edition > 0) {
        stderr_print("the users from before the crash stay: %s", c->text);
        c->text[0] = '\0';
        r = 0;
    }
    /* Other errors come from a lack of resources, or from a disk that is
     * away. */
    if (r == -ENOENT || r == -ENOTDIR || r == -EACCES || r == -EPERM ||
        r == -ELOOP || r == -ENXIO)
        r = -EINVAL;
    if (r >= 0 && fstat(m->users->fd, &st) == 0 && st.st_size == 0 &&
        users_file_is_lost(m->settings.users, m->users->state != USERS_NONE,
                           &lost))
        stderr_print("warning: %s", lost.text);
    else if (r >= 0 && m->users->state == USERS_NONE)
        stderr_print("hint: %s is missing, so nobody can log in; for the "
                     "first user run: sallyportctl user add NAME",
                     m->settings.users);
    if (r >= 0 && userdb_is_unended(m->users))
        stderr_print("warning: %s: its last line isn't ended, so it may be cut "
                     "off; complete it, and end it with a line end",
                     m->settings.users);
    if (r < 0)
        settings_place(&m->settings, "users", c);
    return r < 0 ? r : 0;
}

/* Returns true if this answer of check ends a start. In spite of other errors
 * the server can work. */
static bool prepare_failed(int r)
{
    return r == -EINVAL || r == -EIO || r == -ETIMEDOUT || r == -ECANCELED;
}

static int prepare_take(const struct master *m, enum prepared_part part,
                        struct complaint *c)
{
    const struct prepared_answer *a = &m->prepared.answer[part];

    if (prepare_failed(a->result))
        *c = a->why;
    return a->result;
}

#define ACCOUNTS_NAME "accounts"

int prepare_identities(struct master *m, struct complaint *c)
{
    if (m->prepared.wanted[PREPARED_ACCOUNTS])
        memcpy(m->account, m->prepared.account, sizeof(m->account));
    return prepare_take(m, PREPARED_ACCOUNTS, c);
}

/* Opens a new directory, and removes its name: then nobody can put a file into
 * it, so it stays empty for all recoveries. If no directory can be made, opens
 * PATH itself. --check makes none. Returns the descriptor, or -1 with errno. */
static int open_empty(const char *path, bool check)
{
    char other[SETTINGS_PATH_MAX + sizeof(".new")];
    FD_CLEANUP int fd = -1;

    snprintf(other, sizeof(other), "%s.new", path);
    if (!check && (mkdir(other, 0755) == 0 || errno == EEXIST))
        fd = open(other, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (fd >= 0 && rmdir(other) == 0 && fchmod(fd, 0755) == 0 &&
        sandbox_check_empty(fd) == 0)
        return fd_take(&fd);
    return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
}

/* Processes change their root directory only if root runs the server; otherwise
 * any descriptor is enough. Any descriptor is also enough if --check finds that
 * a start would have to make the directory. */
int prepare_empty(struct master *m, struct complaint *c)
{
    const int r = m->root ? prepare_take(m, PREPARED_EMPTY, c) : -ENOENT;

    if (m->empty >= 0) /* inherited */
        return 0;
    m->no_empty = m->root && r == -ENOENT;
    if (r == 0)
        m->empty = open_empty(m->settings.empty, m->check);
    else if (r == -ENOENT)
        m->empty = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    else
        return r;
    return m->empty < 0
               ? complain(c, "%s: %s", m->settings.empty, strerror(errno))
               : 0;
}

int prepare_state(struct master *m, struct complaint *c)
{
    const struct complaint *why = &m->prepared.answer[PREPARED_KEY].why;
    const int r = prepare_take(m, PREPARED_KEY, c);

    if (prepare_failed(r))
        return r;
    if (r < 0 && !(m->check && r == -ENOENT))
        m->key_lost = *why;
    return 0;
}

/* Counts for each session: master's channels to the session and to its files;
 * the ends of the session's channels to log and keys; while a login is under
 * way, to auth or files. Counts also: callers at the control socket; unread
 * messages of ended processes; descriptors that are opened once; and a reserve,
 * into which a fork copies the descriptors of the program that it executes. */
unsigned long long prepare_descriptors(const struct master *m)
{
    const size_t certificates = 3 * CERTIFICATES_MAX + 2;

    return 128 + certificates + 5 * master_places(m) + MASTER_CALLERS +
           services_ended_max(master_places(m)) + m->settings.listen_count;
}

/* --check skips this step, since a server may be running. */
int prepare_control(struct master *m, struct complaint *c)
{
    char path[SETTINGS_PATH_MAX];
    int r;

    if (m->check)
        return 0;
    if (settings_control(m->settings.file, path, sizeof(path)) < 0)
        return complain(
            c, "%s: its path is too long for a control socket beside it",
            m->settings.file);
    r = control_socket_open(&m->control->socket, path, &m->succession, c);
    if (r == 0)
        r = control_socket_permits(&m->control->socket,
                                   m->account[ACCOUNT_CONTROL].gid, c);
    return r;
}

#define PLACES_NAME "places"

/* Raises the limit if it is lower than NEEDED. Returns true if NEEDED
 * descriptors are permitted now. */
static bool raise_limit(struct rlimit limit, unsigned long long needed)
{
    if (limit.rlim_cur >= needed)
        return true;
    limit.rlim_cur = needed;
    if (limit.rlim_max < needed)
        limit.rlim_max = needed;
    return setrlimit(RLIMIT_NOFILE, &limit) == 0;
}

/* The children inherit the limit, and each sandbox lowers it to the number that
 * its process needs. If the limit leaves no room for the sessions of earlier
 * generations, a reload goes on without room for them. */
int prepare_limits(struct master *m, struct complaint *c)
{
    unsigned long long needed;
    struct rlimit limit;
    uint64_t places;

    if (succession_inherit_bytes(&m->succession, PLACES_NAME, &places,
                                 sizeof(places)) == sizeof(places))
        m->most_before = places;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return complain(c, "RLIMIT_NOFILE: %s", strerror(errno));
    if (raise_limit(limit, prepare_descriptors(m)))
        return 0;
    m->most_before = 0;
    needed = prepare_descriptors(m);
    if (raise_limit(limit, needed))
        return 0;
    getrlimit(RLIMIT_NOFILE, &limit);
    return settings_blame(&m->settings, "max_sessions", c,
                          "needs %llu open files, but the limit here is %llu; "
                          "lower max_sessions, or raise LimitNOFILE (systemd) "
                          "or ulimit -n",
                          needed, (unsigned long long)limit.rlim_max);
}

/* --check only tries the listeners. A port of the running server itself is no
 * mistake. */
int prepare_listeners(struct master *m, struct complaint *c)
{
    char path[SETTINGS_PATH_MAX], text[ADDRESS_TEXT_MAX];
    struct address in_use = { 0 };
    int r;

    if (settings_leave_out_ipv6(&m->settings))
        complain(&m->unnamed,
                 "the kernel of this machine has no IPv6, so the server "
                 "listens at 0.0.0.0:21 alone; to end this warning, write "
                 "listen = 0.0.0.0:21");
    r = m->check
            ? listeners_try(&m->settings, &in_use, c)
            : listeners_open(m->listeners, &m->settings, &m->succession, c);
    if (r == 0 && in_use.family != 0 &&
        (settings_control(m->settings.file, path, sizeof(path)) < 0 ||
         !control_socket_answers(path)))
        stderr_print("hint: %s is in use by another program, so a start would "
                     "fail now; find that program by: ss -ltnp",
                     address_port_text(&in_use, text));
    if (r == 0)
        listeners_unnamed(&m->settings, &m->succession, &m->unnamed);
    if (m->check && m->unnamed.text[0])
        stderr_print("hint: %s", m->unnamed.text);
    return r;
}

/* name: the supervisor keeps the memory under this name; NULL: under
 * metrics_name(). read: see m->memory_read. */
static const struct {
    const char *name;
    size_t size;
    bool kept, read;
} memories[] = {
    [MEMORY_GATE] = { GATE_MEMORY_NAME, GATE_MEMORY, true, false },
    [MEMORY_GUESSES] = { GUESSES_NAME, sizeof(struct guesses), true, false },
    [MEMORY_BANS] = { BANS_NAME, sizeof(struct bans), true, true },
    [MEMORY_METRICS] = { NULL, sizeof(struct metrics), true, false },
    [MEMORY_SURVEY] = { "survey", 1, true, false },
    [MEMORY_BOARD] = { BOARD_NAME, sizeof(struct board), false, true },
};
#define MEMORY_ROWS (sizeof(memories) / sizeof(memories[0]))

static const char *memory_name(size_t i)
{
    return memories[i].name ? memories[i].name : metrics_name();
}

int prepare_memory(struct master *m, struct complaint *c)
{
    for (size_t i = 0; i < MEMORY_ROWS; i++) {
        char path[64];
        int fd = succession_inherit(&m->succession, memory_name(i));

        if (fd < 0)
            fd = shared_make(memory_name(i), memories[i].size);
        if (fd < 0)
            return complain(c, "memfd: %s", strerror(-fd));
        m->memory[i] = fd;
        if (!memories[i].read)
            continue;
        /* Open it again, read-only: nobody can write through this
         * descriptor. */
        snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        m->memory_read[i] = open(path, O_RDONLY | O_CLOEXEC);
        if (m->memory_read[i] < 0)
            return complain(c, "%s: %s", path, strerror(errno));
    }
    if (SHARED_MAP(m->board, m->memory[MEMORY_BOARD], PROT_READ | PROT_WRITE) <
        0)
        return complain(c, "the board can't be mapped: %s", strerror(errno));
    /* Each generation has a new roster; a test has made one already. */
    if (!m->check && m->memory[MEMORY_ROSTER] < 0) {
        const size_t rows = sessions_records(master_places(m));
        int fd = shared_make("sessions", roster_size(rows));

        if (fd < 0)
            return complain(c, "memfd: %s", strerror(-fd));
        m->memory[MEMORY_ROSTER] = fd;
    }
    return 0;
}

void prepare_keep(struct master *m)
{
    const uint64_t places = master_places(m);

    for (size_t i = 0; i < MEMORY_ROWS; i++)
        if (memories[i].kept)
            succession_keep(&m->succession, memory_name(i), m->memory[i]);
    succession_keep(&m->succession, "empty", m->empty);
    succession_keep_bytes(
        &m->succession, ACCOUNTS_NAME,
        (struct slice){ (const char *)m->account, sizeof(m->account) });
    succession_keep_bytes(
        &m->succession, PLACES_NAME,
        (struct slice){ (const char *)&places, sizeof(places) });
}

int prepare_sandbox(struct master *m, struct complaint *c)
{
    return prepare_take(m, PREPARED_SANDBOX, c);
}

/* Sets the question for check in P. A recovery that has inherited everything
 * asks nothing, since a recovery must wait for no disk; an earlier start has
 * tried the filters in this kernel. */
static void prepare_question(struct master *m, struct prepared *p)
{
    const bool recovery = m->succession.recovery;
    /* If the previous generation had fewer keys, the random keys of
     * master_init() stay. */
    const bool inherited = succession_inherit_bytes(
                               &m->succession, SECRETS_NAME, &m->secrets,
                               sizeof(m->secrets)) >= sizeof(m->secrets.names);

    *p = (struct prepared){ .make = !m->check, .inherited = inherited };
    memcpy(p->key, m->secrets.names, sizeof(p->key));
    if (recovery)
        m->empty = succession_inherit(&m->succession, "empty");
    /* A recovery must not wait for a directory service. Accounts of another
     * build may have another size. */
    p->wanted[PREPARED_ACCOUNTS] =
        !recovery ||
        succession_inherit_bytes(&m->succession, ACCOUNTS_NAME, m->account,
                                 sizeof(m->account)) != sizeof(m->account);
    p->wanted[PREPARED_SANDBOX] = !recovery;
    p->wanted[PREPARED_EMPTY] = m->root && m->empty < 0;
    p->wanted[PREPARED_KEY] = !recovery || !p->inherited;
}

int prepare_by_check(struct master *m, struct complaint *c)
{
    struct prepared *p = &m->prepared;
    const struct prepared_answer *key = &p->answer[PREPARED_KEY];

    prepare_question(m, p);
    for (int i = 0; i < PREPARED_PARTS; i++)
        if (p->wanted[i]) {
            helper_prepare(m, p);
            break;
        }
    /* Use the key of the disk if no key was inherited. If the disk can't keep a
     * key, master's random key stays. Copy the key now: forks wipe only
     * m->secrets, not p->key. Report a damaged key now, since the next start
     * won't find it. */
    if (key->result == 0)
        memcpy(m->secrets.names, p->key, sizeof(p->key));
    explicit_bzero(p->key, sizeof(p->key));
    if (key->result == 0 && key->why.text[0])
        stderr_print("warning: %s; unfinished uploads can't be resumed unless "
                     "this is a reload",
                     key->why.text);
    /* End the start here if check was late or has failed: later steps would
     * have no time or no answer, and would give a misleading reason. */
    for (int i = 0; i < PREPARED_PARTS && !m->check; i++) {
        const struct prepared_answer *a = &p->answer[i];

        if (a->result != -ETIMEDOUT && a->result != -EIO)
            continue;
        *c = a->why;
        return a->result;
    }
    return 0;
}

int prepare_output(struct master *m, struct complaint *c)
{
    /* see systemd.exec(5) */
    const char *stream = getenv("JOURNAL_STREAM");
    char own[64];
    struct stat st;

    (void)c;
    if (stream && fstat(STDERR_FILENO, &st) == 0) {
        snprintf(own, sizeof(own), "%llu:%llu", (unsigned long long)st.st_dev,
                 (unsigned long long)st.st_ino);
        m->prefixed = strcmp(stream, own) == 0;
    }
    return 0;
}

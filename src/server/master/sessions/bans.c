/* Bans of addresses and networks. The table of bans is in memory that all
 * masters share, so neither a crash nor a reload ends a ban; gate reads the
 * table. The file in `state` makes the bans outlive a restart. Master reads the
 * file once, at the first start. The file consists of records of a fixed size,
 * so it needs no parser. A short-lived fork writes it, since a disk can hang.
 * Only a generation that leads bans anybody. Runs in master. */
#include "sessions.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sallyport/base/fd.h"
#include "sallyport/base/shared.h"
#include "sallyport/users/users_file.h"

#define WRITER_MS        5000 /* ms to wait for another writer */
#define BANNING_FILE_MAX (16 + BANS_MAX * sizeof(struct ban))

/* The new name of a file that the start couldn't read: the file can be the only
 * copy of permanent bans. */
#define BANNING_UNREAD SETTINGS_BANS_FILE ".unread"

/* The first bytes of the file. A build with another form of the records uses
 * another number. */
static const struct slice banning_magic = { "sallyport bans 1", 16 };

/* Reads the file. If the file can't be read or is damaged, prints a warning and
 * ignores the file, so that the server starts. */
static void banning_load(struct master *m)
{
    char path[SETTINGS_PATH_MAX + sizeof(SETTINGS_BANS_FILE) + 1];
    struct complaint c = { "" };
    struct slice bans;
    struct buf text;
    int r;

    snprintf(path, sizeof(path), "%s/%s", m->settings.state,
             SETTINGS_BANS_FILE);
    FD_CLEANUP int fd =
        open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0)
        r = errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
    else if (settings_check_file(fd, path, SETTINGS_PRIVATE, &c) < 0)
        r = -EACCES;
    else {
        buf_init(&text, BANNING_FILE_MAX);
        r = fd_read_file(fd, &text);
        bans = buf_slice(&text);
        if (r == 0 && !slice_starts(bans, banning_magic))
            r = -EBADMSG;
        if (r == 0) {
            bans.ptr += banning_magic.len;
            bans.len -= banning_magic.len;
            r = bans_restore(m->banning->table, bans, time(NULL));
        }
        buf_release(&text);
    }
    if (r < 0 && !c.text[0])
        complain(&c, "%s: %s", path,
                 r == -EBADMSG ? "damaged, or of another version"
                               : strerror(-r));
    if (r < 0)
        stderr_print("warning: %s: its bans don't count; the next change of "
                     "bans renames the file to " BANNING_UNREAD,
                     c.text);
    m->banning->table->made = r < 0 ? BANS_UNREAD : BANS_MADE;
}

int banning_init(struct master *m)
{
    struct banning *b = m->banning;
    int r =
        SHARED_MAP(b->table, m->memory[MEMORY_BANS], PROT_READ | PROT_WRITE);

    if (r < 0)
        return r;
    random_bytes(b->index.key, sizeof(b->index.key));
    if (!b->table->made)
        banning_load(m);
    return 0;
}

/* The functions that write the file. */

struct banning_order {
    const char *directory;
    bool renames; /* true: gives the unread file its new name, writes nothing */
    struct buf image;
};

/* Runs in the fork. Locks the directory first, since the writer of an older
 * generation may still be at work. */
static int banning_write(void *arg)
{
    const struct banning_order *o = arg;
    FD_CLEANUP int at = open(o->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool stands;
    int r = at < 0 ? -errno : fd_lock(at, WRITER_MS);

    if (r == 0 && o->renames)
        r = renameat(at, SETTINGS_BANS_FILE, at, BANNING_UNREAD) < 0 &&
                    errno != ENOENT
                ? -errno
                : 0;
    else if (r == 0)
        r = users_file_replace(at, SETTINGS_BANS_FILE, buf_slice(&o->image),
                               NULL, NULL, NULL, &stands);
    return -r;
}

static void banning_report_unkept(struct master *m, int error)
{
    struct banning *b = m->banning;

    if (error != 0 && error != b->error)
        master_report(m, EVENT_TROUBLE, PROCESS_MASTER,
                      "%s: bans can't be written there, so they end with the "
                      "service: %s",
                      m->settings.state, strerror(error));
    b->error = error;
}

/* Call it when the fork has ended. If the fork has renamed the unread file,
 * starts the fork that writes the bans. After a failure, master writes the file
 * again at the next change of the table, or at a later beat. */
static void banning_on_written(void *owner, int status)
{
    struct master *m = owner;
    struct banning *b = m->banning;
    int error = WIFEXITED(status) ? WEXITSTATUS(status) : EINTR;

    b->writes = false;
    banning_report_unkept(m, error);
    if (error == 0 && b->renames)
        b->table->made = BANS_MADE;
    else if (error == 0)
        b->table->saved = b->writing;
    if (error == 0 || b->table->changes != b->writing)
        banning_save(m);
}

void banning_save(struct master *m)
{
    struct banning *b = m->banning;
    struct bans *t = b->table;
    struct banning_order o = { .directory = m->settings.state,
                               .renames = t->made == BANS_UNREAD };
    pid_t pid = -1;
    int r;

    if (m->check || b->writes || t->saved == t->changes)
        return;
    buf_init(&o.image, BANNING_FILE_MAX);
    r = buf_add(&o.image, banning_magic.ptr, banning_magic.len);
    for (uint32_t i = 0; i < t->rows && i < BANS_MAX && r == 0; i++)
        if (t->ban[i].network.family != 0)
            r = buf_add(&o.image, &t->ban[i], sizeof(t->ban[i]));
    if (r == 0) {
        pid = errand_fork(m, ERRAND_WRITES, banning_write, &o, NULL, 0);
        r = pid < 0 ? pid : 0;
    }
    buf_release(&o.image);
    if (r == 0)
        r = errand_watch(m, pid, 0, banning_on_written, m);
    if (r < 0)
        banning_report_unkept(m, -r);
    b->writes = r == 0;
    b->renames = o.renames;
    b->writing = t->changes;
}

void banning_begin(struct master *m)
{
    struct bans *t = m->banning->table;

    if (t->made == BANS_MADE && t->changes > 0)
        t->saved = t->changes - 1;
    banning_save(m);
}

/* Returns false for the address of a proxy, since many clients come from it. */
static bool banning_may_ban(const struct master *m, const struct address *a)
{
    return m->state == MASTER_RUNNING &&
           !settings_networks_hold(&m->settings.no_ban, a) &&
           !settings_networks_hold(&m->settings.proxies, a);
}

int banning_add(struct master *m, const struct ban *ban, enum ending why,
                size_t *ended)
{
    int r = bans_put(m->banning->table, ban, time(NULL));
    char network[BAN_TEXT_MAX];
    struct event_record e;

    *ended = 0;
    if (r < 0)
        return r;
    if (r > 0 && !ban->by_hand) { /* a ban by hand has a line "admin" */
        event_begin(&e, EVENT_BAN);
        event_text(&e, FIELD_PEER,
                   slice_from(ban_text(&ban->network, ban->bits, network)));
        event_text(&e, FIELD_REASON, slice_from(ban->reason));
        if (ban->until > 0)
            event_number(&e, FIELD_MS,
                         (uint64_t)(ban->until - ban->since) * 1000);
        master_send(m, &e);
    }
    /* An automatic ban spares sessions that are logged in, since a whole office
     * can have this address. */
    SESSIONS_EACH(m->sessions, s)
        if ((ban->by_hand || (session_is_served(s) && s->login == 0)) &&
            ban_holds(ban, &s->peer) &&
            !settings_networks_hold(&m->settings.no_ban, &s->peer)) {
            if (ban->by_hand)
                *ended += session_expel(s, why);
            else
                session_kick(s, why);
        }
    banning_save(m);
    return 0;
}

/* Bans the client at PEER for MS ms. If the table is full, there is no ban, and
 * the delays of logins must suffice. */
static void banning_add_address(struct master *m, const struct address *peer,
                                uint64_t ms, enum ending why,
                                const char *reason)
{
    unsigned bits = address_client_bits(peer);
    time_t now = time(NULL);
    struct ban ban = { .network = address_prefix(peer, bits),
                       .bits = (uint8_t)bits,
                       .since = now,
                       .until = now + (int64_t)((ms + 999) / 1000) };
    size_t ended;

    snprintf(ban.reason, sizeof(ban.reason), "%s", reason);
    banning_add(m, &ban, why, &ended);
}

void banning_guessed(struct master *m, const struct address *peer, uint64_t n)
{
    const struct settings *c = &m->settings;
    char reason[BAN_REASON_MAX];

    if (c->ban_after == 0 || n < c->ban_after || !banning_may_ban(m, peer))
        return;
    snprintf(reason, sizeof(reason), "%llu wrong password%s",
             (unsigned long long)n, n == 1 ? "" : "s");
    banning_add_address(m, peer, c->ban_time, ENDING_LOGIN_TRIES, reason);
}

/* Signals that end a session when an attack on it fails. SIGKILL isn't one of
 * them: master sends it, or the kernel if memory is short. */
static const int crashes[] = {
    SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGSYS
};

/* The crash of a proxied session bans nobody: such a session has told its
 * client's address itself, so an attacker in it could choose who is banned. */
void banning_ended(const struct session_record *s, int status)
{
    struct master *m = s->master;
    char reason[BAN_REASON_MAX];
    bool crashed = false;

    for (size_t i = 0; i < sizeof(crashes) / sizeof(crashes[0]); i++)
        crashed |= WIFSIGNALED(status) && WTERMSIG(status) == crashes[i];
    if (!crashed || s->proxied || m->settings.crash_ban == 0 ||
        !banning_may_ban(m, &s->peer))
        return;
    snprintf(reason, sizeof(reason), "crashed a session: signal %d",
             WTERMSIG(status));
    banning_add_address(m, &s->peer, m->settings.crash_ban, ENDING_KICKED,
                        reason);
}

void banning_review(struct session_record *s)
{
    struct master *m = s->master;

    if (s->peer.family != 0 &&
        bans_over(m->banning->table, &m->banning->index, &s->peer,
                  time(NULL)) &&
        !settings_networks_hold(&m->settings.no_ban, &s->peer))
        session_kick(s, ENDING_KICKED);
}

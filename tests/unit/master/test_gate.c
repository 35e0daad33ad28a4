/* Tests of a gate that lies, dies, floods or doesn't read: master replaces
 * gate, keeps its sessions, and continues. */
#include <sched.h>
#include <sys/resource.h>

#include "sallyport/base/fd.h"
#include "stage.h"

/* Announces a session with FIRST as its channel to master and SECOND as its
 * channel to log, and closes both. Its channel to keys is good. */
static void send_with(int first, int second)
{
    const struct address a = { .family = 4, .bytes = { 192, 0, 2, 7 } };
    int keys[2];

    cr_assert(fd_pair(keys) == 0);
    SAY(&stage.gate.channel, session, .serial = 77, .pid = (uint64_t)getpid(),
        .peer = a, .local = a, .master = first, .log = second, .keys = keys[1]);
    close(first);
    close(second);
    close(keys[0]);
    close(keys[1]);
}

static void serial_twice(void)
{
    struct player p;

    player_enter(&p, 5); /* 5 exists already */
    player_leave(&p);
}

static void serial_zero(void)
{
    struct player p;

    player_enter(&p, 0); /* rows of the roster without a session have it */
    player_leave(&p);
}

static void announce(pid_t pid)
{
    const struct address a = { .family = 4, .bytes = { 192, 0, 2, 7 } };
    int ends[2];

    cr_assert(fd_pair(ends) == 0);
    SAY(&stage.gate.channel, session, .serial = 77, .pid = (uint64_t)pid,
        .peer = a, .local = a, .master = ends[0], .log = ends[0],
        .keys = ends[0]);
    close(ends[0]);
    close(ends[1]);
}

static void nobodys_pid(void)
{
    announce(1);
}

static void pid_of_auth(void)
{
    announce(stage.auth.note.pid);
}

static void kill_without_reason(void)
{
    SAY(&stage.gate.channel, kill, .serial = 5);
}

static void files_for_channels(void)
{
    send_with(open("/dev/null", O_RDWR), open("/dev/null", O_RDWR));
}

static void folder_for_log(void)
{
    int ends[2];

    cr_assert(fd_pair(ends) == 0);
    send_with(ends[0], open("/", O_RDONLY | O_DIRECTORY));
    close(ends[1]);
}

static void network_socket(void)
{
    int ends[2];

    cr_assert(fd_pair(ends) == 0);
    send_with(socket(AF_INET, SOCK_STREAM, 0), ends[0]);
    close(ends[1]);
}

static void stream_pair(void)
{
    int ends[2];

    cr_assert(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    send_with(ends[0], ends[1]);
}

static void garbage(void)
{
    char bytes[4096];

    memset(bytes, 0xa5, sizeof(bytes));
    cast_shout(&stage.gate.channel, bytes, sizeof(bytes), NULL, 0);
}

static void dies(void)
{
    actor_die(&stage.gate);
}

static void leaves(void)
{
    actor_leave(&stage.gate);
}

static const struct {
    const char *what;
    void (*act)(void);
} lies[] = {
    { "a serial twice", serial_twice },
    { "the serial 0", serial_zero },
    { "the first process", nobodys_pid },
    { "another process of master", pid_of_auth },
    { "a kill without a reason", kill_without_reason },
    { "files where channels belong", files_for_channels },
    { "a folder for log", folder_for_log },
    { "a socket of the network", network_socket },
    { "a pair of streams", stream_pair },
    { "garbage", garbage },
    { "death", dies },
    { "a closed channel", leaves },
};

/* The session stays, and the next gate serves it. (unit_ipc has all malformed
 * messages.) */
OpenTest(gate, lies, NULL)
{
    for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
        player_enter(&anna, 5);
        SAY(&stage.gate.channel, kill, .serial = 1, .why = ENDING_PEER);
        gate_hears(MSG_reaped, 1); /* so master has seen session 5 */
        lies[i].act();
        actor_again(&stage.gate);
        gate_hears(MSG_adopt, anna.serial);
        player_leave(&anna);
        gate_hears(MSG_reaped, anna.serial);
    }
    stage_serves();
}

/* Master refuses one session more than max_sessions, but keeps gate. When a
 * session leaves, its place is free again. */
Test(gate, too_many_sessions)
{
    struct player p[9];

    stage_open(NULL); /* max_sessions is 8 */
    for (size_t i = 0; i < 9; i++)
        player_enter(&p[i], 100 + i);
    cast_skip_to_end(&p[8].channel);
    stage_reports(EVENT_TROUBLE, "no room for a session: 8 of 8");
    player_leave(&p[0]);
    gate_hears(MSG_reaped, 100);
    stage_serves();
    for (size_t i = 1; i < 9; i++)
        player_leave(&p[i]);
    stage_close();
}

/* Gate asks master to kill sessions that never existed, or that have ended
 * already. */
OpenTest(gate, kills_nobody, NULL)
{
    for (uint64_t serial = 10; serial < 1000; serial++) {
        SAY(&stage.gate.channel, kill, .serial = serial, .why = ENDING_PEER);
        gate_hears(MSG_reaped, serial);
    }
    player_enter(&anna, 7);
    for (int i = 0; i < 2; i++) {
        SAY(&stage.gate.channel, kill, .serial = 7, .why = ENDING_CROWDED);
        gate_hears(MSG_reaped, 7);
    }
    stage_reports(EVENT_END, "made room for another address: signal 9");
    cast_skip_to_end(&anna.channel);
    player_leave(&anna);
    stage_serves();
}

/* Hundreds of sessions begin and leave at once: master ends each of them. */
OpenTest(gate, flood, NULL)
{
    for (uint64_t serial = 1; serial <= 200; serial += 8) {
        players_end(serial, 8);
        for (int i = 0; i < 8; i++)
            EXPECT(&stage.gate.channel, reaped);
    }
    stage_serves();
}

static void little_patience(struct master *m)
{
    m->deadlines.stuck = 10000;
    m->settings.max_sessions = 600;
}

/* Gate reads nothing, and more news waits than its channel can hold: master
 * replaces gate. */
OpenTest(gate, does_not_read, little_patience)
{
    players_end(1, 320);
    stage_reports(EVENT_PEER, "does not read");
    gate_again();
}

static void more_patience(struct master *m)
{
    m->deadlines.stuck = 20000;
    m->settings.max_sessions = 2000;
}

/* Gate reads late, but in time: it gets all news. */
OpenTest(gate, reads_late, more_patience)
{
    players_end(1, 320);
    for (int i = 0; i < 320; i++)
        EXPECT(&stage.gate.channel, reaped);
    stage_serves();
}

/* Gate reads all the time, but slowly: master keeps gate, although it needs
 * longer than its deadline for all messages. The test is about time, so it lets
 * time pass. */
OpenTest(gate, reads_slowly, more_patience)
{
    enum { SESSIONS = 400, A_TIME = 5 };

    players_end(1, SESSIONS);
    for (uint64_t i = 1; i <= SESSIONS; i++) {
        if (i % A_TIME == 0)
            poll(NULL, 0, 300);
        EXPECT(&stage.gate.channel, reaped);
    }
    stage_serves();
}

/* Lowers the limit of the process PID so that it can't open another descriptor.
 * Returns the old limit. */
static struct rlimit leave_no_descriptor(pid_t pid)
{
    struct rlimit before, now;
    char path[64];
    rlim_t fd = 0;

    do
        snprintf(path, sizeof(path), "/proc/%d/fd/%lu", (int)pid,
                 (unsigned long)fd++);
    while (faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0);
    cr_assert_eq(prlimit(pid, RLIMIT_NOFILE, NULL, &before), 0);
    now = (struct rlimit){ fd - 1, before.rlim_max };
    cr_assert_eq(prlimit(pid, RLIMIT_NOFILE, &now, NULL), 0);
    return before;
}

/* If master has no descriptor left, it ends the session that has just begun,
 * but keeps gate and the other sessions. */
UserTest(gate, master_has_no_descriptor, NULL)
{
    struct player late;
    struct rlimit limit;

    limit = leave_no_descriptor(stage.master);
    player_enter(&late, 2);
    cast_skip_to_end(&late.channel);
    stage_reports(EVENT_TROUBLE, "needs more descriptors");
    cr_assert_eq(prlimit(stage.master, RLIMIT_NOFILE, &limit, NULL), 0);
    player_leave(&late);
    stage_serves();
}

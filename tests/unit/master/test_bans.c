/* Tests of bans: for crashes, for wrong passwords, and by the administrator; of
 * the sessions that end with a ban; and of the file that outlives the
 * service. */
#include <sys/file.h>

#include "caller.h"
#include "helpers.h"
#include "sallyport/conf/conf.h"
#include "supervised.h"
#include "support/files.h"
#include "support/scratch.h"
#include "support/wait.h"

#define AFTER 3

static struct address address(const char *text)
{
    struct address a;

    cr_assert_eq(address_parse(slice_from(text), &a), 0);
    return a;
}

/* The administrator's requests. */

static struct msg_ban_add network_of(const char *text, unsigned bits)
{
    return (struct msg_ban_add){ .network = address(text),
                                 .bits = bits,
                                 .seconds = 60,
                                 .reason = SLICE("by root: a test") };
}

static void ask(struct channel *c, const struct msg_ban_add *ban)
{
    REQUEST(c, ban_add, .network = ban->network, .bits = ban->bits,
            .seconds = ban->seconds, .reason = ban->reason);
}

/* Adds a ban. Returns how many sessions end. */
static uint64_t add(struct channel *c, const char *network, unsigned bits)
{
    const struct msg_ban_add ban = network_of(network, bits);

    ask(c, &ban);
    return EXPECT(c, control_done)->sessions;
}

static void ask_remove(struct channel *c, const char *network, uint64_t bits)
{
    struct address a = network ? address(network) : (struct address){ 0 };

    REQUEST(c, ban_remove, .network = a, .bits = bits);
}

static void removes(struct channel *c, const char *network, unsigned bits)
{
    ask_remove(c, network, bits);
    EXPECT(c, control_done);
}

/* Returns "NETWORK REASON; " for each ban, from all pages. */
static const char *listed(struct channel *c)
{
    static char all[512 << 10];
    uint64_t place = 0;
    size_t len = 0;

    all[0] = '\0';
    do {
        caller_looks(c, SHOW_BANS, place);
        while (cast_hear(c) == MSG_row && len < sizeof(all) - 256)
            len += (size_t)snprintf(all + len, sizeof(all) - len, "%s %s; ",
                                    row_value("network"), row_value("reason"));
        cr_assert_eq(heard.kind, MSG_end);
        place = heard.end.place;
    } while (place > 0);
    return all;
}

static bool is_kicked(struct player *p)
{
    return cast_hear(&p->channel) == MSG_kick;
}

static void exempts(struct master *m)
{
    m->settings.no_ban.list[0] =
        (struct network){ .address = address("10.0.0.0"), .bits = 29 };
    m->settings.no_ban.count = 1;
}

/* A ban ends all sessions of its network, also a session that gate has let in
 * just before the ban. */
Test(bans, by_the_administrator)
{
    const struct msg_ban_add ban = network_of("10.0.0.0", 24);
    struct player in, out, other, late;

    stage_logged_in(stage_waits, &in, &ours); /* 10.0.0.1 */
    player_enter(&out, 2);
    player_enter(&other, 256); /* 10.0.1.0 */
    player_asks(&other);       /* so master has seen both sessions */
    caller_enter(&ctl);
    ask(&ctl, &ban);
    cr_expect(is_kicked(&in));
    cr_expect(is_kicked(&out));
    stage_reports(EVENT_ADMIN, "by root: a test");
    player_leave(&out);
    player_leave(&in);
    cr_expect_eq(EXPECT(&ctl, control_done)->sessions, 2);
    cr_expect_str_eq(listed(&ctl), "10.0.0.0/24 by root: a test; ");
    player_enter(&late, 3);
    cr_expect(is_kicked(&late));
    ask(&ctl, &ban);
    player_leave(&late);
    cr_expect_eq(EXPECT(&ctl, control_done)->sessions, 0, "again");
    channel_close(&ctl);
    stage_leave(&other);
}

CallerTest(bans, are_removed, NULL)
{
    add(&ctl, "192.0.2.0", 24);
    add(&ctl, "2001:db8::", 64);
    add(&ctl, "198.51.100.1", 32);
    ask_remove(&ctl, "192.0.2.7", 32);
    caller_is_refused(&ctl, REFUSAL_NO_USER);
    ask_remove(&ctl, "192.0.2.0", 256 + 24);
    caller_is_refused(&ctl, REFUSAL_NO_USER);
    ask_remove(&ctl, NULL, 0);
    caller_is_refused(&ctl, REFUSAL_NO_USER);
    removes(&ctl, "192.0.2.0", 24);
    stage_reports_admin("ban add", "192.0.2.0/24", 0);
    stage_reports_admin("ban del", "192.0.2.0/24", 0);
    cr_expect_str_eq(listed(&ctl), "2001:db8::/64 by root: a test; "
                                   "198.51.100.1 by root: a test; ");
    removes(&ctl, "2001:db8::", 64);
    removes(&ctl, "198.51.100.1", 32);
    cr_expect_str_eq(listed(&ctl), "");
}

/* A network that is wider than no_ban can be banned: clients in no_ban still
 * get in. */
Test(bans, exceptions)
{
    struct msg_ban_add ban = network_of("10.0.0.7", 32);
    struct player spared;

    stage_asked(exempts, &spared); /* 10.0.0.1 */
    caller_enter(&ctl);
    ask(&ctl, &ban);
    caller_is_refused(&ctl, REFUSAL_DENIED);
    ban = network_of("10.0.0.0", 29);
    ask(&ctl, &ban);
    caller_is_refused(&ctl, REFUSAL_DENIED);
    cr_expect_eq(add(&ctl, "10.0.0.0", 28), 0);
    player_ends(&spared, SIGSEGV);
    cast_skip_to_end(&spared.channel);
    cr_expect_str_eq(listed(&ctl), "10.0.0.0/28 by root: a test; ");
    channel_close(&ctl);
    stage_leave(&spared);
}

Test(bans, that_cannot_be)
{
    struct msg_ban_add ban;
    char text[BAN_REASON_MAX + 1];

    memset(text, 'x', sizeof(text));
    stage_open(NULL);
    caller_enter(&ctl);
    for (int i = 0; i < 6; i++) {
        ban = network_of("192.0.2.0", 24);
        if (i == 0)
            ban.bits = 33;
        else if (i == 1)
            ban.bits = 280; /* 24 in a byte */
        else if (i == 2)
            ban.bits = 8;
        else if (i == 3)
            ban.network.family = 0;
        else if (i == 4)
            ban.seconds = UINT64_MAX;
        else
            ban.reason = (struct slice){ text, BAN_REASON_MAX };
        ask(&ctl, &ban);
        caller_is_refused(&ctl, REFUSAL_BAD_FILE);
    }
    channel_close(&ctl);
    stage_close();
}

/* A generation that retires refuses changes of the bans, and leaves the table
 * to the next generation. */
RetireTest(bans, of_an_older_generation, NULL)
{
    const struct msg_ban_add ban = network_of("192.0.2.1", 32);

    caller_enter(&ctl); /* else this generation would end */
    supervised_replaces();
    SAY(&stage.gate.channel, shut);
    ask(&ctl, &ban);
    caller_is_refused(&ctl, REFUSAL_BUSY);
    ask_remove(&ctl, NULL, 0);
    caller_is_refused(&ctl, REFUSAL_BUSY);
    cr_expect_str_eq(listed(&ctl), "");
    channel_close(&ctl);
}

/* A client is banned while it waits in the old gate's queue. */
RetireTest(bans, in_the_queue_of_an_older_generation, NULL)
{
    struct player late;

    caller_enter(&ctl);
    cr_expect_eq(add(&ctl, "10.0.0.0", 24), 0);
    supervised_replaces();
    player_enter(&late, 3);
    cr_expect(is_kicked(&late));
    player_leave(&late);
    SAY(&stage.gate.channel, shut);
    channel_close(&ctl);
}

/* Leaves room for one ban. */
static void nearly_full(struct master *m)
{
    struct ban ban = { .network = address("10.100.0.0"),
                       .bits = 32,
                       .by_hand = 1,
                       .reason = "a test" };
    char path[SETTINGS_PATH_MAX + 8];
    FILE *f;

    snprintf(path, sizeof(path), "%s/bans", m->settings.state);
    f = fopen(path, "w");
    fputs("sallyport bans 1", f);
    for (unsigned i = 1; i < BANS_MAX; i++) {
        ban.network.bytes[2] = (uint8_t)(i >> 8);
        ban.network.bytes[3] = (uint8_t)i;
        fwrite(&ban, sizeof(ban), 1, f);
    }
    fchmod(fileno(f), 0600);
    fclose(f);
}

/* The table is full, and shown in several pages. */
CallerTest(bans, as_many_as_there_is_room_for, nearly_full)
{
    struct msg_ban_add ban = network_of("10.200.0.1", 32);

    add(&ctl, "10.100.0.0", 32);
    ask(&ctl, &ban);
    caller_is_refused(&ctl, REFUSAL_BUSY);
    cr_expect(strstr(listed(&ctl), "10.100.15.255 "), "on the last page");
}

/* Each row has a session, the status with which it ends, and whether the end
 * bans the address, which is of session SERIAL alone. */
static const struct {
    uint64_t serial;
    int status;
    bool banned;
} crashes[] = {
    { 10, SIGSEGV, true },  { 11, SIGBUS, true },
    { 12, SIGILL, true },   { 13, SIGFPE, true },
    { 14, SIGABRT, true },  { 15, SIGSYS, true },
    { 16, SIGKILL, false }, { 17, W_EXITCODE(SIGSEGV, 0), false },
    { 1, SIGSEGV, false }, /* exempt */
};

OpenTest(bans, who_crashed, exempts)
{
    caller_enter(&ctl);
    for (size_t i = 0; i < sizeof(crashes) / sizeof(crashes[0]); i++) {
        const uint64_t n = crashes[i].serial;
        const struct address there = { 4, { 10, 0, 0, (uint8_t)n }, 1 };
        char words[64];

        player_enter(&anna, n);
        player_ends(&anna, crashes[i].status);
        cast_skip_to_end(&anna.channel);
        player_leave(&anna);
        snprintf(words, sizeof(words), "10.0.0.%u crashed a session: signal %d",
                 (unsigned)n, crashes[i].status & 127);
        cr_expect_eq(strstr(listed(&ctl), words) != NULL, crashes[i].banned,
                     "%zu: %s", i, listed(&ctl));
        if (!crashes[i].banned)
            continue;
        stage_reports(EVENT_BAN, strchr(words, ' ') + 1);
        player_enter_from(&anna, 100 + n, &there);
        cr_expect(is_kicked(&anna));
        player_leave(&anna);
    }
    channel_close(&ctl);
}

static void by_proxies(struct master *m)
{
    m->settings.listen[0].proxied = true;
}

static void without_crash_bans(struct master *m)
{
    m->settings.crash_ban = 0;
}

/* A crash of a proxied session bans no address, since an attacker could have
 * named any address. If crash_ban is 0, no crash bans. */
Test(bans, no_ban_for_a_crash)
{
    const struct address client = { 4, { 198, 51, 100, 1 }, 4711 };

    for (int proxied = 0; proxied < 2; proxied++) {
        stage_with(proxied ? by_proxies : without_crash_bans, &anna);
        if (proxied) {
            anna.channel.phase = PHASE_START;
            SAY(&stage.gate.channel, session_peer, .serial = 1, .peer = client,
                .server = client);
            EXPECT(&anna.channel, admitted);
        }
        player_ends(&anna, SIGSEGV);
        cast_skip_to_end(&anna.channel);
        caller_enter(&ctl);
        cr_expect_str_eq(listed(&ctl), "");
        channel_close(&ctl);
        stage_leave(&anna);
    }
}

static void bans_guessers(struct master *m)
{
    m->settings.ban_after = AFTER;
}

static void bans_no_friends(struct master *m)
{
    bans_guessers(m);
    exempts(m);
}

/* The address of a proxy can also be the address of a client. */
static void bans_no_proxy(struct master *m)
{
    bans_guessers(m);
    m->settings.proxies.list[0] =
        (struct network){ .address = address("10.0.0.1"), .bits = 32 };
    m->settings.proxies.count = 1;
}

static void guess(struct player *p)
{
    player_asks(p);
    auth_says(p->serial, NULL);
}

static void guess_times(struct player *p, int n)
{
    for (int i = 0; i < n; i++) {
        guess(p);
        player_is_denied(p, DENIAL_WRONG);
    }
}

/* The last wrong password bans the address, and ends all its sessions without a
 * login. */
GreetedTest(bans, who_guesses, bans_guessers)
{
    const struct address there = { 4, { 10, 0, 0, 1 }, 1 };
    struct player other;

    player_enter_from(&other, 2, &there);
    guess_times(&other, 1);
    guess_times(&anna, AFTER - 2);
    guess(&anna);
    cr_expect_eq(EXPECT(&anna.channel, kick)->why, ENDING_LOGIN_TRIES);
    cr_expect(is_kicked(&other));
    stage_reports(EVENT_BAN, "3 wrong passwords");
    caller_enter(&ctl);
    cr_expect_str_eq(listed(&ctl), "10.0.0.1 3 wrong passwords; ");
    removes(&ctl, "10.0.0.1", 32);
    player_leave(&other);
    player_leave(&anna);
    player_enter_from(&anna, 3, &there);
    guess_times(&anna, AFTER - 1); /* wrong passwords count from 0 again */
    cr_expect_str_eq(listed(&ctl), "");
    channel_close(&ctl);
}

/* Master bans no address from which a user has logged in, since many users can
 * share it; no address that is in no_ban or is a proxy's; and no address if
 * ban_after is 0. */
Test(bans, who_guesses_and_is_spared)
{
    void (*const adjusts[])(struct master *m) = { bans_guessers,
                                                  bans_no_friends,
                                                  bans_no_proxy, NULL };
    struct player user;

    for (int i = 0; i < 4; i++) {
        stage_with(adjusts[i], &anna);
        if (i == 0) {
            player_enter_from(&user, 2,
                              &(struct address){ 4, { 10, 0, 0, 1 }, 1 });
            player_logs_in(&user, &ours);
        }
        guess_times(&anna, 2 * AFTER);
        caller_enter(&ctl);
        cr_expect_str_eq(listed(&ctl), "");
        channel_close(&ctl);
        if (i == 0)
            player_leave(&user);
        stage_leave(&anna);
    }
}

GreetedTest(bans, guessing_is_seen, NULL)
{
    struct player other;

    player_enter(&other, 2);
    guess_times(&anna, 1);
    guess_times(&other, 2);
    caller_enter(&ctl);
    add(&ctl, "192.0.2.1", 32);
    cr_expect_str_eq(caller_reads(&ctl, "guessing", "wrong"), "3");
    cr_expect_str_eq(caller_reads(&ctl, "guessing", "addresses"), "2");
    cr_expect_str_eq(caller_reads(&ctl, "guessing+worst", "wrong"), "1");
    cr_expect_str_eq(caller_reads(&ctl, "guessing+worst", "address"),
                     "10.0.0.1");
    cr_expect_str_eq(caller_reads(&ctl, SHOWN_WHOLE, "bans"), "1");
    channel_close(&ctl);
    player_leave(&other);
}

/* Tests of the file of bans. The test is master itself. */

static struct master m;
static struct master_parts parts;

static void raise_master(const char *state)
{
    m.memory[MEMORY_BANS] = -1;
    if (m.banning)
        SHARED_UNMAP(m.banning->table);
    master_init(&m);
    conf_default(&m.settings);
    parts_attach(&m, &parts);
    snprintf(m.settings.state, sizeof(m.settings.state), "%s", state);
    m.state = MASTER_RUNNING;
    cr_assert_eq(banning_init(&m), 0);
}

static void finish_writing(void)
{
    int status;
    pid_t pid;

    while ((pid = errand_now(&m)) > 0) {
        cr_assert_eq(waitpid(pid, &status, 0), pid);
        errand_reaped(&m, pid, status);
    }
}

static void ban(const char *network, unsigned bits, bool by_hand, int64_t until)
{
    struct ban one = { .network = address(network),
                       .bits = (uint8_t)bits,
                       .by_hand = by_hand,
                       .since = time(NULL),
                       .until = until,
                       .reason = "because" };
    size_t ended;

    cr_assert_eq(banning_add(&m, &one, ENDING_KICKED, &ended), 0);
}

static size_t bans_now(void)
{
    return bans_count(m.banning->table, time(NULL));
}

TestSuite(bans_file, .init = scratch_make, .fini = scratch_remove);

Test(bans_file, outlives_the_service)
{
    struct address a = address("192.0.2.1");
    const struct ban *found;
    struct stat st;

    raise_master(in_scratch(""));
    ban("192.0.2.1", 32, true, 0);
    ban("198.51.100.1", 32, false, time(NULL) + 1000);
    ban("203.0.113.1", 32, false, time(NULL) - 1);
    finish_writing();
    cr_expect_eq(m.banning->table->saved, m.banning->table->changes);
    cr_assert_eq(stat(in_scratch("bans"), &st), 0);
    cr_expect_eq(st.st_mode & 07777, 0600);
    /* A reload has changed `state`. */
    cr_assert_eq(mkdir(in_scratch("other"), 0700), 0);
    snprintf(m.settings.state, sizeof(m.settings.state), "%s",
             in_scratch("other"));
    banning_begin(&m);
    finish_writing();
    cr_expect_eq(access(in_scratch("other/bans"), F_OK), 0);
    raise_master(in_scratch("other"));
    cr_expect_eq(bans_now(), 2);
    raise_master(in_scratch(""));
    cr_expect_eq(bans_now(), 2);
    found = bans_over(m.banning->table, &m.banning->index, &a, time(NULL));
    cr_assert(found);
    cr_expect(found->by_hand);
    cr_expect_eq(found->until, 0);
    cr_expect_str_eq(found->reason, "because");
    banning_save(&m);
    cr_expect_eq(errand_now(&m), 0, "nothing has changed");
    bans_remove(m.banning->table, found);
    banning_save(&m);
    finish_writing();
    raise_master(in_scratch(""));
    cr_expect_eq(bans_now(), 1);
}

/* A ban is added while the file is being written: master writes the file again
 * as soon as the first writer has ended. */
Test(bans_file, changes_while_it_is_written)
{
    pid_t first;

    raise_master(in_scratch(""));
    ban("192.0.2.1", 32, true, 0);
    first = errand_now(&m);
    cr_assert_gt(first, 0);
    ban("192.0.2.2", 32, true, 0);
    cr_expect_eq(errand_now(&m), first);
    finish_writing();
    raise_master(in_scratch(""));
    cr_expect_eq(bans_now(), 2);
}

/* A killed writer has left its file: the next writer replaces it. */
Test(bans_file, after_a_killed_writer)
{
    int fd = open(in_scratch(".bans.sallyport-new"), O_WRONLY | O_CREAT, 0600);

    cr_assert(fd >= 0 && write(fd, "half", 4) == 4 && close(fd) == 0);
    raise_master(in_scratch(""));
    ban("192.0.2.1", 32, true, 0);
    finish_writing();
    raise_master(in_scratch(""));
    cr_expect_eq(bans_now(), 1);
    cr_expect_neq(access(in_scratch(".bans.sallyport-new"), F_OK), 0);
}

/* Returns true if the writer has opened the directory, which it then locks. */
static bool is_at_the_lock(void *writer)
{
    char name[64], path[PATH_MAX];
    ssize_t n;

    for (int fd = 0; fd < 16; fd++) {
        snprintf(name, sizeof(name), "/proc/%d/fd/%d", *(pid_t *)writer, fd);
        n = readlink(name, path, sizeof(path) - 1);
        path[n < 0 ? 0 : n] = '\0';
        if (n > 0 && strncmp(path, in_scratch(""), (size_t)n) == 0)
            return true;
    }
    return false;
}

/* A writer of an older generation has locked the directory: the new writer
 * waits, and then writes the file. */
Test(bans_file, another_writer)
{
    pid_t writer;
    int at;

    raise_master(in_scratch(""));
    at = open(in_scratch(""), O_RDONLY | O_DIRECTORY);
    cr_assert(at >= 0 && flock(at, LOCK_EX) == 0);
    ban("192.0.2.1", 32, true, 0);
    writer = errand_now(&m);
    cr_assert(wait_until(is_at_the_lock, &writer, WAIT_MS));
    cr_expect_neq(access(in_scratch("bans.new"), F_OK), 0);
    close(at);
    finish_writing();
    cr_expect_eq(access(in_scratch("bans"), F_OK), 0);
}

/* Any process that can read the directory can lock it for ever: the writer
 * gives up, and the next change is written after the lock has gone. */
Test(bans_file, a_lock_for_ever)
{
    int at;

    raise_master(in_scratch(""));
    at = open(in_scratch(""), O_RDONLY | O_DIRECTORY);
    cr_assert(at >= 0 && flock(at, LOCK_EX) == 0);
    ban("192.0.2.1", 32, true, 0);
    finish_writing();
    cr_expect_eq(m.banning->error, ETIMEDOUT);
    cr_expect_neq(access(in_scratch("bans"), F_OK), 0);
    close(at);
    ban("192.0.2.2", 32, true, 0);
    finish_writing();
    cr_expect_eq(access(in_scratch("bans"), F_OK), 0);
}

static void damage(off_t at, char byte)
{
    int fd = open(in_scratch("bans"), O_WRONLY);

    cr_assert(fd >= 0 && pwrite(fd, &byte, 1, at) == 1 && close(fd) == 0);
}

/* The server starts although its file of bans is damaged, and takes no ban from
 * it. */
Test(bans_file, is_damaged)
{
    for (int i = 0; i < 6; i++) {
        unlink(in_scratch("bans"));
        raise_master(in_scratch(""));
        ban("192.0.2.1", 32, true, 0);
        finish_writing();
        ban("192.0.2.2", 32, true, 0);
        finish_writing();
        if (i == 0)
            damage(0, 'S');
        else if (i == 1)
            damage(16 + sizeof(struct ban), 5); /* the second ban's family */
        else if (i == 2)
            damage(16 + 2 * sizeof(struct ban), 0); /* a byte too many */
        else if (i == 3)
            cr_assert_eq(truncate(in_scratch("bans"), 40), 0);
        else if (i == 4)
            cr_assert_eq(truncate(in_scratch("bans"), 0), 0);
        else
            cr_assert_eq(chmod(in_scratch("bans"), 0666), 0);
        raise_master(in_scratch(""));
        cr_expect_eq(bans_now(), 0, "%d", i);
    }
}

static void expect_bytes(const char *name, const struct buf *bytes)
{
    struct buf now;

    buf_init(&now, 1 << 20);
    cr_assert(files_read(in_scratch(name), &now), "%s", name);
    cr_expect(slice_equal(buf_slice(&now), buf_slice(bytes)), "%s", name);
    buf_release(&now);
}

/* The start couldn't read the file: the first change keeps the old file under
 * another name, and later changes leave that file alone. An administrator who
 * corrects the mode after the start loses no ban either. */
Test(bans_file, is_kept_unread)
{
    struct buf old;

    for (int i = 0; i < 3; i++) {
        unlink(in_scratch("bans"));
        raise_master(in_scratch(""));
        ban("192.0.2.1", 32, true, 0);
        finish_writing();
        if (i == 0)
            damage(0, 'S');
        else
            cr_assert_eq(chmod(in_scratch("bans"), 0644), 0);
        buf_init(&old, 1 << 20);
        cr_assert(files_read(in_scratch("bans"), &old));
        raise_master(in_scratch(""));
        if (i == 2)
            cr_assert_eq(chmod(in_scratch("bans"), 0600), 0);
        expect_bytes("bans", &old);
        ban("192.0.2.2", 32, true, 0);
        finish_writing();
        expect_bytes("bans.unread", &old);
        ban("192.0.2.3", 32, true, 0);
        finish_writing();
        expect_bytes("bans.unread", &old);
        raise_master(in_scratch(""));
        cr_expect_eq(bans_now(), 2, "%d", i);
        buf_release(&old);
    }
}

/* The unread file can't get its new name: master doesn't replace the file, and
 * tries again at the next change. */
Test(bans_file, is_not_replaced_unread)
{
    int fd = open(in_scratch("bans"), O_WRONLY | O_CREAT, 0600);
    struct buf old;

    cr_assert(fd >= 0 && write(fd, "nonsense", 8) == 8 && close(fd) == 0);
    buf_init(&old, 64);
    cr_assert(files_read(in_scratch("bans"), &old));
    cr_assert_eq(mkdir(in_scratch("bans.unread"), 0700), 0);
    raise_master(in_scratch(""));
    ban("192.0.2.1", 32, true, 0);
    finish_writing();
    cr_expect_eq(m.banning->error, EISDIR);
    expect_bytes("bans", &old);
    cr_assert_eq(rmdir(in_scratch("bans.unread")), 0);
    ban("192.0.2.2", 32, true, 0);
    finish_writing();
    cr_expect_eq(m.banning->error, 0);
    expect_bytes("bans.unread", &old);
    raise_master(in_scratch(""));
    cr_expect_eq(bans_now(), 2);
    buf_release(&old);
}

/* If the file can't be written, the bans only pass from master to master. */
Test(bans_file, cannot_be_written)
{
    struct address a = address("192.0.2.1");

    raise_master(in_scratch("missing"));
    ban("192.0.2.1", 32, true, 0);
    finish_writing();
    cr_expect_eq(m.banning->error, ENOENT);
    cr_expect_eq(m.banning->table->saved, 0);
    cr_expect(bans_over(m.banning->table, &m.banning->index, &a, time(NULL)));
    cr_assert_eq(mkdir(in_scratch("missing"), 0700), 0);
    ban("192.0.2.2", 32, true, 0);
    finish_writing();
    cr_expect_eq(m.banning->error, 0);
    raise_master(in_scratch("missing"));
    cr_expect_eq(bans_now(), 2);
}

static void has_no_state(struct master *one)
{
    strcpy(one->settings.state, in_scratch("missing"));
    one->deadlines.beat = 5;
}

static bool is_written(void *path)
{
    return access(path, F_OK) == 0;
}

/* A failed write of each change is repeated without another change. */
Test(bans_file, is_written_later)
{
    const struct address a = address("192.0.2.1");
    char path[128];

    for (int del = 0; del <= 1; del++) {
        stage_open(has_no_state);
        caller_enter(&ctl);
        REQUEST(&ctl, ban_add, .network = a, .bits = 32, .reason = SLICE("x"));
        EXPECT(&ctl, control_done);
        if (del) {
            REQUEST(&ctl, ban_remove, .network = a, .bits = 32);
            EXPECT(&ctl, control_done);
        }
        stage_reports(EVENT_TROUBLE, "bans can't be written there");
        cr_assert_eq(mkdir(in_scratch("missing"), 0700), 0);
        snprintf(path, sizeof(path), "%s/bans", in_scratch("missing"));
        cr_expect(wait_until(is_written, path, STAGE_WAIT_MS), "%d", del);
        channel_close(&ctl);
        stage_close();
        scratch_remove_tree(in_scratch("missing"));
    }
}

/* The next master uses the memory of the masters and not the file, which can be
 * older. */
Test(bans_file, is_read_once)
{
    struct complaint c = { "" };
    struct bans *before;

    raise_master(in_scratch(""));
    ban("192.0.2.1", 32, true, 0);
    finish_writing();
    SHARED_UNMAP(m.banning->table);
    cr_assert_eq(prepare_memory(&m, &c), 0, "%s", c.text);
    cr_assert_eq(banning_init(&m), 0);
    cr_assert_eq(bans_now(), 1);
    before = m.banning->table;
    bans_remove(before, &before->ban[0]);
    m.banning->table = NULL;
    cr_assert_eq(banning_init(&m), 0); /* the next master */
    cr_expect_eq(bans_now(), 0);
    cr_expect_neq(m.banning->table, before);
}

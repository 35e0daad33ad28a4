/* New hashes of passwords: master writes one only for the user of the session
 * that asks, and only after auth has accepted this user's password. */
#include <sys/file.h>

#include "caller.h"
#include "helpers.h"
#include "sallyport/base/fd.h"
#include "sallyport/ipc/generation.h"
#include "supervised.h"
#include "support/files.h"

#define S42  "abcdefghijklmnopqrstuvwxyzABCDEFGHIJ./0123"
#define NEW  "$y$j9T$F5Jx5fExrKuPp53xLKQ..1$" S42 "c"
#define NEW2 "$y$j9T$F5Jx5fExrKuPp53xLKQ..1$" S42 "d"

static void permit(struct master *m)
{
    m->settings.password_change = true;
    m->settings.hash_cost = 5;
    m->settings.login_delay = 0;
    m->deadlines.users = 60000; /* master doesn't check the file by itself */
}

static void forbid(struct master *m)
{
    permit(m);
    m->settings.password_change = false;
}

static void users_path(char out[128])
{
    snprintf(out, 128, "%s/users", stage.folder);
}

static void read_all(struct buf *text)
{
    char path[128];

    users_path(path);
    buf_init(text, 65536);
    cr_assert(files_read(path, text));
    cr_assert_eq(buf_add(text, "", 1), 0);
}

/* Returns true if the line of NAME has HASH. */
static bool has_hash(const char *name, const char *hash)
{
    char line[256];
    struct buf text;
    bool found;

    snprintf(line, sizeof(line), "%s:%s:", name, hash);
    read_all(&text);
    found = strstr(text.data, line) != NULL;
    buf_release(&text);
    return found;
}

/* Sends the player's request for another password. Auth must receive the user
 * and COST. */
static void asks(struct player *p, uint64_t cost)
{
    player_asks(p);
    cr_expect(slice_equal(heard.verify.user, SLICE("anna")));
    cr_expect_eq(heard.verify.cost, cost);
}

/* Sends auth's verdict. USER: the owner of the right password; NULL: the
 * password was wrong. */
static void finds(const struct player *p, const char *user,
                  enum password_fault fault, const char *hash)
{
    SAY(&stage.auth.channel, verdict, .serial = p->serial,
        .accepted = user != NULL, .user = slice_from(user ? user : ""),
        .version = user ? auth_version(user) : 0, .name = 77, .fault = fault,
        .hash = slice_from(hash));
}

static enum password_fault hears(struct player *p)
{
    const struct msg_password_is *m = EXPECT(&p->channel, password_is);
    const bool stands =
        m->fault == PASSWORD_OK || m->fault == PASSWORD_UNSYNCED;

    cr_expect_eq(m->version != p->version, stands, "%s",
                 password_fault_text(m->fault));
    p->version = m->version;
    p->channel.phase = PHASE_USER;
    return m->fault;
}

static void is_told(struct player *p, enum password_fault fault)
{
    enum password_fault told = hears(p);

    cr_expect_eq(told, fault, "%s", password_fault_text(told));
}

/* Asks for another password until master isn't busy, since master rests after
 * each write. FAULT is the answer that must come then. */
static void changes(struct player *p, const char *hash,
                    enum password_fault fault)
{
    enum password_fault told;

    do {
        asks(p, 5);
        finds(p, "anna", PASSWORD_OK, hash);
        told = hears(p);
    } while (told == PASSWORD_BUSY);
    cr_expect_eq(told, fault, "%s", password_fault_text(told));
}

static void is_kicked(struct player *p, enum ending why)
{
    cr_expect_eq(EXPECT(&p->channel, kick)->why, why, "%s", ending_text(why));
}

/* Logs session 2 in beside the first one. */
static void second_logs_in(struct player *p, struct actor *files)
{
    player_enter(p, 2);
    player_logs_in(p, files);
}

/* A change ends the user's other sessions. The session that has asked for it
 * continues, also after the next look at the file, and can change the password
 * again. */
UserTest(password, changed, permit)
{
    struct actor others;
    struct player other;
    struct buf text;

    second_logs_in(&other, &others);
    asks(&anna, 5);
    finds(&anna, "anna", PASSWORD_OK, NEW);
    is_kicked(&other, ENDING_CHANGED);
    is_told(&anna, PASSWORD_OK);
    cr_expect(has_hash("anna", NEW));
    cr_expect_not(has_hash("bert", NEW));
    changes(&anna, NEW2, PASSWORD_OK);
    cr_expect(has_hash("anna", NEW2));
    read_all(&text);
    cr_expect_not_null(strstr(text.data, "dir_mode=0750"), "lost keys");
    buf_release(&text);
    player_leave(&other);
}

static void has_a_roster(struct master *m)
{
    permit(m);
    supervised_uses_own(m);
}

static uint64_t version_before;

static bool has_another_version(const struct roster_facts *now)
{
    return now->version != version_before;
}

/* A reload begins while the hash is being written. The newest master compares
 * the session with the file, and would end the session if the roster still had
 * the old version. */
Test(password, the_newest_master_hears_of_it, .timeout = 60)
{
    struct roster_facts now;
    char lock[160];

    supervised_make_rosters();
    supervised_open(has_a_roster);
    player_enter(&anna, 1);
    player_logs_in(&anna, &ours);
    snprintf(lock, sizeof(lock), "%s/users.lock", stage.folder);
    asks(&anna, 5);
    finds(&anna, "anna", PASSWORD_OK, NEW);
    while (access(lock, F_OK) < 0)
        poll(NULL, 0, 1);
    supervised_replaces();
    version_before = anna.version;
    supervised_shows(supervised_own(), 1, has_another_version, &now);
    is_told(&anna, PASSWORD_OK);
    player_leave(&anna);
    stage_close();
    supervised_drop_rosters();
}

static const struct {
    bool yes;
    enum password_fault fault, told;
    const char *hash;
} refused[] = {
    { false, PASSWORD_OK, PASSWORD_WRONG, "" },
    { true, PASSWORD_SHORT, PASSWORD_SHORT, "" },
    { true, PASSWORD_SAME, PASSWORD_SAME, "" },
    { true, PASSWORD_OK, PASSWORD_BUSY, "" },
};

UserTest(password, kept, permit)
{
    struct buf before, after;

    read_all(&before);
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        asks(&anna, 5);
        finds(&anna, refused[i].yes ? "anna" : NULL, refused[i].fault,
              refused[i].hash);
        is_told(&anna, refused[i].told);
    }
    read_all(&after);
    cr_expect_str_eq(before.data, after.data);
    buf_release(&before);
    buf_release(&after);
}

static void permit_two_tries(struct master *m)
{
    permit(m);
    m->settings.login_tries = 2;
}

/* Wrong passwords before the login don't count. */
GreetedTest(password, two_wrong_ones_end_the_session, permit_two_tries)
{
    player_asks(&anna);
    auth_says(anna.serial, NULL);
    player_is_denied(&anna, DENIAL_WRONG);
    player_logs_in(&anna, &ours);
    for (int i = 0; i < 2; i++) {
        asks(&anna, 5);
        finds(&anna, NULL, PASSWORD_OK, "");
        is_told(&anna, PASSWORD_WRONG);
    }
    REQUEST(&anna.channel, login);
    is_kicked(&anna, ENDING_LOGIN_TRIES);
}

/* If password_change is off, only users who must change their passwords can do
 * so. Master doesn't ask auth. */
UserTest(password, not_permitted, forbid)
{
    player_waits(&anna);
    is_told(&anna, PASSWORD_FIXED);
}

/* An attacker controls auth, but can't change another user's line: after each
 * of these verdicts master ends the worker, and writes nothing. */
static const struct {
    const char *user;
    const char *hash;
    const char *why;
} lies[] = {
    { "bert", NEW, "a verdict on another user's password" },
    { NULL, NEW, "a hash that can't be a new one" },
    { "anna", "$y$j9T$a:0:0::/:\nroot:$" S42 "c",
      "a hash that can't be a new one" },
    { "anna", "$y$j9T$a$" S42, "a hash that can't be a new one" },
    { "anna", "$5$rounds=1$x$" S42 "c", "a hash that can't be a new one" },
    { "anna", "!", "a hash that can't be a new one" },
    { "", NEW, "a yes without a user" },
};

UserTest(password, lies_of_auth, permit)
{
    for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
        struct buf before, after;

        read_all(&before);
        asks(&anna, 5);
        finds(&anna, lies[i].user, PASSWORD_OK, lies[i].hash);
        stage_reports(EVENT_PEER, lies[i].why);
        is_told(&anna, PASSWORD_BUSY);
        read_all(&after);
        cr_expect_str_eq(before.data, after.data, "%zu", i);
        buf_release(&before);
        buf_release(&after);
        actor_again(&stage.auth);
    }
}

/* Auth sends a hash for a session that hasn't asked for one. */
UserTest(password, unasked, permit)
{
    finds(&anna, "anna", PASSWORD_OK, NEW);
    stage_reports(EVENT_PEER, "a verdict that nobody asked for");
    cr_expect_not(has_hash("anna", NEW));
    actor_again(&stage.auth);
}

/* Auth sends a new hash at a login, which hasn't asked for one: master writes
 * nothing. */
GreetedTest(password, not_at_a_login, permit)
{
    player_asks(&anna);
    finds(&anna, "anna", PASSWORD_OK, NEW);
    stage_reports(EVENT_PEER, "a new hash at a login");
    player_is_denied(&anna, DENIAL_FAILED);
    cr_expect_not(has_hash("anna", NEW));
    actor_again(&stage.auth);
}

/* sallyportctl holds the lock of the users file. */
UserTest(password, somebody_else_edits, permit)
{
    char path[128], lock[140];
    int fd;

    users_path(path);
    snprintf(lock, sizeof(lock), "%s.lock", path);
    fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    cr_assert_eq(flock(fd, LOCK_EX | LOCK_NB), 0);
    asks(&anna, 5);
    finds(&anna, "anna", PASSWORD_OK, NEW);
    is_told(&anna, PASSWORD_BUSY);
    close(fd);
    cr_expect_not(has_hash("anna", NEW));
}

/* The new file can't be made. Master logs the reason once. */
UserTest(password, read_only, permit)
{
    char temp[160];

    snprintf(temp, sizeof(temp), "%s/.users.sallyport-new", stage.folder);
    cr_assert_eq(mkdir(temp, 0700), 0); /* in the way of the new file */
    for (int i = 0; i < 2; i++) {
        changes(&anna, NEW, PASSWORD_UNWRITTEN);
        if (i == 0)
            stage_reports(EVENT_TROUBLE, "/users: File exists");
    }
    cr_expect_not(has_hash("anna", NEW));
}

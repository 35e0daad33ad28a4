/* Logins, with an honest and with a lying auth, and sessions that break the
 * order of messages. */
#include <sys/ioctl.h>

#include "caller.h"
#include "master/logins/logins.h"
#include "sallyport/base/clock.h"
#include "sallyport/base/fd.h"
#include "support/files.h"

Test(login, yes)
{
    char mounts[512];

    stage_logged_in(NULL, &anna, &ours);
    cr_assert_str_eq(ours.note.name, "anna");
    cr_assert_eq(ours.note.serial, 1);
    cr_assert_eq(ours.note.rights, RIGHT_ALL);
    cr_assert(strstr(ours.note.home, "/anna"));
    cr_assert(!ours.note.sees_users, "the hashes of all are in its memory");
    cr_assert(!ours.note.sees_sessions, "all sessions are in its memory");
    cr_assert(!ours.note.sees_keys, "master's keys are in its memory");
    snprintf(mounts, sizeof(mounts),
             "/contracts %s/contracts 80000 read 660 770\n"
             "/offers %s/offers 80001 full 640 750\n"
             "/ 600 750 %s",
             stage.folder, stage.folder, stage.folder);
    cr_expect_str_eq(ours.note.mounts, mounts);
    player_leave(&anna);
    cast_skip_to_end(&ours.channel);
    stage_serves();
    stage_close();
}

static void known_key(struct master *m)
{
    memset(m->secrets.names, 'k', sizeof(m->secrets.names));
}

/* Logs in as USER. RET gets the user's key of the names of partials. */
static void take_key(uint64_t serial, const char *user,
                     uint8_t ret[SIPHASH_KEY])
{
    player_enter(&anna, serial);
    player_asks(&anna);
    auth_says(serial, user);
    actor_enter(&ours, "files");
    memcpy(ret, ours.note.name_key, SIPHASH_KEY);
    player_is_let_in(&anna, &ours);
    player_leave(&anna);
    cast_skip_to_end(&ours.channel);
    channel_close(&ours.channel);
}

/* Each user's files has a key of its own, so a subverted process can't compute
 * the names of other users' partials. */
Test(login, a_key_of_partials_for_each_user)
{
    uint8_t one[SIPHASH_KEY], again[SIPHASH_KEY], bert[SIPHASH_KEY];
    uint8_t names[SIPHASH_KEY];

    memset(names, 'k', sizeof(names));
    stage_open(known_key);
    take_key(1, "anna", one);
    take_key(2, "bert", bert);
    take_key(3, "anna", again);
    cr_expect_arr_eq(one, again, sizeof(one));
    cr_expect_neq(memcmp(one, bert, sizeof(one)), 0);
    cr_expect_neq(memcmp(one, names, sizeof(one)), 0);
    cr_expect_neq(memcmp(one, one + 8, 8), 0, "two halves");
    stage_close();
}

/* The rows have times in ms: since LOGIN, the least delay, login_delay, and the
 * time that remains until the answer. */
static const struct {
    uint64_t passed, least, step, in;
} waits[] = {
    { 0, 0, 1000, 1000 },       { 1, 0, 1000, 999 },
    { 999, 0, 1000, 1 },        { 1000, 0, 1000, 1000 },
    { 1027, 0, 1000, 973 },     { 1007, 0, 1000, 993 },
    { 20, 4000, 1000, 3980 },   { 20, 4001, 1000, 4980 },
    { 5000, 4000, 1000, 1000 }, { 20, 300, 0, 280 },
    { 500, 300, 0, 0 },         { 0, 0, 0, 0 },
};

Test(login, wrong_ones_are_answered_at_multiples)
{
    for (size_t i = 0; i < sizeof(waits) / sizeof(waits[0]); i++)
        cr_expect_eq(answer_wrong_in(500, 500 + waits[i].passed, waits[i].least,
                                     waits[i].step),
                     waits[i].in, "%zu", i);
}

static void long_delay(struct master *m)
{
    m->settings.login_delay = 6000;
}

/* The time of the answer doesn't show how long the hash took. */
Test(login, a_slow_hash_does_not_show)
{
    uint64_t before, took;

    stage_with(long_delay, &anna);
    before = clock_ms();
    player_asks(&anna);
    poll(NULL, 0, 3000); /* auth computes the hash */
    auth_says(1, NULL);
    player_is_denied(&anna, DENIAL_WRONG);
    took = clock_ms() - before;
    cr_assert(took >= 5990 && took < 8990, "%lu ms", took);
    stage_leave(&anna);
}

static void two_tries(struct master *m)
{
    m->settings.login_tries = 2;
}

/* Master counts the tries, too, and kicks a session that sends one more. */
Test(login, tries_are_counted)
{
    stage_with(two_tries, &anna);
    for (int i = 0; i < 2; i++) {
        player_asks(&anna);
        auth_says(1, NULL);
        player_is_denied(&anna, DENIAL_WRONG);
    }
    SAY(&anna.channel, login, 9);
    cr_assert_eq(EXPECT(&anna.channel, kick)->why, ENDING_LOGIN_TRIES);
    gate_hears(MSG_reaped, 1); /* it was killed, since it didn't leave */
    cast_skip_to_end(&anna.channel);
    stage_serves();
    stage_close();
}

/* Auth has no memory for the hash: master counts no try and no guess, and
 * doesn't delay the answer. */
GreetedTest(login, without_a_hash, two_tries)
{
    for (int i = 0; i < 3; i++) {
        player_asks(&anna);
        SAY(&stage.auth.channel, verdict, .serial = 1, .failed = true,
            .name = 77);
        player_is_denied(&anna, DENIAL_NO_HASH);
    }
    caller_enter(&ctl);
    cr_expect_str_eq(caller_reads(&ctl, "guessing", "wrong"), "0");
    channel_close(&ctl);
}

/* Waits until master has reaped FILES. */
static void wait_for_end(struct actor *files)
{
    uint64_t end = clock_ms() + STAGE_WAIT_MS;

    cast_skip_to_end(&files->channel);
    channel_close(&files->channel);
    while (kill(files->note.pid, 0) == 0) {
        cr_assert(clock_ms() < end);
        poll(NULL, 0, 1);
    }
}

static void one_that_hangs(struct master *m)
{
    m->settings.max_per_user = 1;
    m->deadlines.kick = 1;
    m->deadlines.sync = 60000;
}

/* A process files that still syncs after its session gets more time than a
 * session that was kicked. It counts for max_per_user until it ends. */
Test(login, files_outlives_its_session)
{
    struct player q;
    uint64_t end;

    stage_with(one_that_hangs, &anna);
    player_enter(&q, 2);
    player_logs_in(&anna, &ours);
    cr_assert_eq(kill(ours.note.pid, SIGSTOP), 0);
    player_leave(&anna);
    cast_skip_to_end(&ours.channel);
    end = clock_ms() + 50;
    do { /* for much longer than `kick` */
        player_asks(&q);
        auth_says(2, "anna");
        player_is_denied(&q, DENIAL_TOO_MANY);
    } while (clock_ms() < end);
    cr_assert_eq(kill(ours.note.pid, SIGCONT), 0);
    wait_for_end(&ours);
    player_logs_in(&q, &ours);
    stage_leave(&q);
}

/* Master kills a process files that doesn't end after its session. */
Test(login, files_that_hangs_after_its_session)
{
    stage_logged_in(NULL, &anna, &ours);
    cr_assert_eq(kill(ours.note.pid, SIGSTOP), 0);
    player_leave(&anna);
    wait_for_end(&ours);
    stage_close();
}

static void homes_elsewhere(struct master *m)
{
    strcpy(m->settings.homes, "/srv/other");
}

static void shares_elsewhere(struct master *m)
{
    strcpy(m->settings.shares, "/srv/other");
}

AskedTest(login, share_not_permitted, shares_elsewhere)
{
    auth_says(1, "anna");
    player_is_denied(&anna, DENIAL_HOME);
    stage_reports(EVENT_TROUBLE, "user anna: share contracts: without");
}

/* Auth accepts the password, but the home in the row isn't permitted, so no
 * process starts. */
AskedTest(login, home_not_permitted, homes_elsewhere)
{
    auth_says(1, "anna");
    player_is_denied(&anna, DENIAL_HOME);
    stage_reports(EVENT_TROUBLE, "user anna");
}

/* --- auth that lies ------------------------------------------------------ */

static void yes_for_nobody(void)
{
    SAY(&stage.auth.channel, verdict, .serial = 1, .accepted = 1);
}

static void yes_for_no_name(void)
{
    auth_says(1, "../anna");
}

static void yes_without_a_hash(void)
{
    SAY(&stage.auth.channel, verdict, .serial = 1, .accepted = 1,
        .user = SLICE("anna"), .failed = 1);
}

static void wrong_serial(void)
{
    auth_says(2, "anna"); /* session 2 exists, but has asked for nothing */
}

static void unknown_serial(void)
{
    auth_says(99, NULL);
}

static void garbage(void)
{
    cast_shout(&stage.auth.channel, "verdict: yes", 12, NULL, 0);
}

static void dies(void)
{
    actor_die(&stage.auth);
}

static void leaves(void)
{
    actor_leave(&stage.auth);
}

static const struct {
    const char *what;
    void (*act)(void);
} lies[] = {
    { "yes, but for nobody", yes_for_nobody },
    { "yes, but for what is no name", yes_for_no_name },
    { "yes, but no hash was computed", yes_without_a_hash },
    { "a session that asked nothing", wrong_serial },
    { "a session that isn't there", unknown_serial },
    { "garbage", garbage },
    { "death", dies },
    { "a closed channel", leaves },
};

/* Master denies the login and replaces the worker. Then the session can log
 * in. */
GreetedTest(login, lies_of_auth, NULL)
{
    struct player other;

    player_enter(&other, 2);
    for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
        player_asks(&anna);
        lies[i].act();
        player_is_denied(&anna, DENIAL_FAILED);
        actor_again(&stage.auth);
    }
    player_logs_in(&anna, &ours);
    player_leave(&other);
}

/* Auth accepts a user whom master has locked or doesn't have, or another
 * version of the row. Auth's users can be older than master's, so the worker
 * stays. */
GreetedTest(login, yes_for_another_row, NULL)
{
    static const struct {
        const char *user;
        uint64_t off;
        enum denial why;
    } rows[] = { { "carl", 0, DENIAL_LOCKED },
                 { "dora", 0, DENIAL_LOCKED }, /* isn't there */
                 { "anna", 1, DENIAL_CHANGED } };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        player_asks(&anna);
        SAY(&stage.auth.channel, verdict, .serial = 1, .accepted = 1,
            .user = slice_from(rows[i].user),
            .version = auth_version(rows[i].user) + rows[i].off);
        player_is_denied(&anna, rows[i].why);
        cr_expect(heard.denied.right);
        stage_reports(EVENT_SERVICE, "not let in");
    }
    player_logs_in(&anna, &ours);
}

/* Two verdicts for one request: the first one counts, the second one is a
 * lie. */
AskedTest(login, second_verdict, NULL)
{
    auth_says(1, NULL);
    auth_says(1, "anna");
    player_is_denied(&anna, DENIAL_WRONG);
    actor_again(&stage.auth);
    stage_serves();
}

/* Auth sends thousands of verdicts: master replaces it. */
OpenTest(login, flood_of_verdicts, NULL)
{
    const uint64_t end = clock_ms() + STAGE_WAIT_MS;
    int r = 0;

    while (r != -EPIPE && clock_ms() < end)
        r = TRY(&stage.auth.channel, verdict);
    cr_assert_eq(r, -EPIPE);
    actor_again(&stage.auth);
    stage_serves();
}

static void impatient(struct master *m)
{
    m->deadlines.verdict = 200;
    m->deadlines.silence = 700;
}

/* Auth sends no verdict: master denies the login and replaces the worker. A
 * second login of the session waits for the new worker, since a verdict of the
 * old worker could be for the first login. */
AskedTest(login, silence_of_auth, impatient)
{
    player_is_denied(&anna, DENIAL_BUSY);
    player_waits(&anna);
    player_sends(&anna);
    stage_reports(EVENT_PEER, "no verdict in time");
    actor_again(&stage.auth);
    player_is_asked_about(&anna);
}

static void quick(struct master *m)
{
    m->deadlines.verdict = 1500;
}

/* A verdict comes after master has given up the login: it has no effect, and
 * the worker stays. */
AskedTest(login, late_verdict, quick)
{
    player_is_denied(&anna, DENIAL_BUSY);
    auth_says(1, "anna");
    player_enter(&anna, 2); /* this session leaves before its verdict */
    player_asks(&anna);
    player_leave(&anna);
    auth_says(2, "anna");
    player_enter(&anna, 3);
    player_logs_in(&anna, &ours);
}

/* --- the queue ----------------------------------------------------------- */

static void enter_from(struct player *p, uint64_t serial, const char *text)
{
    struct address a;

    cr_assert_eq(address_parse(slice_from(text), &a), 0);
    player_enter_from(p, serial, &a);
}

/* The session has begun, and its password waits for a worker. */
static void queue_from(struct player *p, uint64_t serial, const char *text)
{
    enter_from(p, serial, text);
    player_waits(p);
    player_sends(p);
}

/* Auth refuses the password of P. It is asked about NEXT then, unless NEXT is
 * NULL. */
static void is_refused(struct player *p, const struct player *next)
{
    auth_says(p->serial, NULL);
    if (next)
        player_is_asked_about(next);
    player_is_denied(p, DENIAL_WRONG);
}

/* Four logins of a network come before one of another network, which gets the
 * second turn after its arrival. A login that leaves loses its turn, and auth
 * is never asked about it. */
OpenTest(login, networks_have_turns, NULL)
{
    static const char greedy[] = "2001:db8::1", more[] = "2001:db8:0:ffff::1";
    struct player p[4], other, last;

    enter_from(&p[0], 1, greedy);
    player_asks(&p[0]);
    for (size_t n = 1; n < 4; n++)
        queue_from(&p[n], n + 1, more);
    queue_from(&other, 100, "2001:db8:1::1");
    enter_from(&last, 101, more);
    player_waits(&last);
    EXPECT(&last.channel, login_channel); /* all have come */
    message_close(&heard);
    player_leave(&p[2]);
    is_refused(&p[0], &p[1]);
    is_refused(&p[1], &other);
    is_refused(&other, &p[3]);
    is_refused(&p[3], NULL);
    player_leave(&p[0]);
    player_leave(&p[1]);
    player_leave(&p[3]);
    player_leave(&last);
    player_leave(&other);
}

/* A session that hesitates with its password keeps no worker busy, and gets its
 * turn when it has sent the password. */
OpenTest(login, the_password_comes_first, NULL)
{
    struct player slow, q;

    player_enter(&slow, 1);
    player_waits(&slow);
    player_enter(&q, 2);
    player_asks(&q);
    player_sends(&slow);
    is_refused(&q, &slow);
    is_refused(&slow, NULL);
    player_leave(&slow);
    player_leave(&q);
}

/* The session hesitates until its time is over. */
static void short_time(struct master *m)
{
    m->settings.login_timeout = 300;
}

OpenTest(login, the_password_never_comes, short_time)
{
    player_enter(&anna, 1);
    player_waits(&anna);
    EXPECT(&anna.channel, login_channel);
    message_close(&heard);
    player_is_denied(&anna, DENIAL_BUSY);
    player_leave(&anna);
}

/* The only worker is gone: the login that it had fails; the next one waits for
 * the worker's restart. */
AskedTest(login, a_worker_that_dies_gives_its_place_back, NULL)
{
    struct player q;

    queue_from(&q, 2, "192.0.2.7");
    actor_die(&stage.auth);
    player_is_denied(&anna, DENIAL_FAILED);
    actor_again(&stage.auth);
    player_is_asked_about(&q);
    is_refused(&q, NULL);
    player_leave(&q);
}

/* --- guesses ------------------------------------------------------------- */

#define SLOW_MS 1500

static void slows(struct master *m)
{
    m->settings.guess_delay = SLOW_MS;
}

static void attack_name(struct player *p)
{
    for (int i = 0; i < GUESS_NAME_FREE; i++) {
        player_asks(p);
        auth_says(p->serial, NULL);
        player_is_denied(p, DENIAL_WRONG);
    }
}

/* Sends N wrong passwords in sessions from FIRST on, which leave before the
 * answer. */
static void attack_unanswered(uint64_t first, uint64_t n)
{
    struct player p;

    for (uint64_t i = first; i < first + n; i++) {
        enter_from(&p, i, "192.0.2.7");
        player_asks(&p);
        player_leave(&p);
        auth_says(i, NULL);
    }
}

static uint64_t time_of_login(struct player *p)
{
    uint64_t before = clock_ms();
    struct actor files;

    player_logs_in(p, &files);
    return clock_ms() - before;
}

static void slows_for_ever(struct master *m)
{
    m->settings.guess_delay = 600000;
    m->settings.max_sessions = 100;
}

/* After failures of other people a right password is delayed, too, but only
 * until its user has logged in once from that address. */
OpenTest(login, a_guessed_name_is_slowed, slows_for_ever)
{
    struct player attacker, q;

    enter_from(&attacker, 1, "192.0.2.7");
    enter_from(&anna, 2, "198.51.100.1");
    enter_from(&q, 3, "198.51.100.1");
    attack_name(&attacker);
    cr_expect_geq(time_of_login(&anna), 990); /* the delays double */
    attack_unanswered(4, 10);
    player_logs_in(&q, &ours); /* at once, since it is known there */
    player_leave(&attacker);
    player_leave(&anna);
    player_leave(&q);
}

/* A wrong password counts although its session leaves before the answer. */
OpenTest(login, tries_without_an_answer_count, slows)
{
    struct player known;

    enter_from(&known, 100, "198.51.100.1");
    attack_unanswered(1, GUESS_NAME_FREE);
    player_enter(&anna, 99);
    cr_expect_geq(time_of_login(&anna), 990);
    player_leave(&anna);
    player_leave(&known);
}

/* Begins COUNT sessions of one address, and uses up the free tries. Then each
 * session sends a wrong password. Returns the time before the first of them. */
static uint64_t all_are_wrong(struct player *p, uint64_t count)
{
    uint64_t before;

    for (uint64_t i = 0; i < count; i++)
        enter_from(&p[i], i + 1, "192.0.2.7");
    attack_name(&p[0]);
    before = clock_ms();
    for (uint64_t i = 0; i < count; i++) {
        player_asks(&p[i]);
        auth_says(i + 1, NULL);
    }
    return before;
}

/* Four logins of an address are delayed at a time, by 1 s and then by 1.5 s.
 * The delay of the fifth begins when one of them is a quarter over. */
OpenTest(login, few_of_an_address_are_slowed_at_a_time, slows)
{
    enum { MANY = 5 };
    struct player p[MANY];
    uint64_t before;

    before = all_are_wrong(p, MANY);
    for (uint64_t i = 0; i < MANY; i++) {
        player_is_denied(&p[i], DENIAL_WRONG);
        cr_expect_geq(clock_ms() - before, i == 4 ? 1740 : 990, "%lu", i);
    }
    for (uint64_t i = 1; i < MANY; i++)
        player_leave(&p[i]);
    player_leave(&p[0]);
}

static void slows_and_hurries(struct master *m)
{
    m->settings.guess_delay = 8000;
    m->deadlines.verdict = 1500;
}

/* The delays are 1, 2, 4 and 8 s, then 8 s each, and four run at a time. So the
 * eighth would begin after 8 s, which is too late. */
OpenTest(login, a_delay_that_begins_too_late_is_busy, slows_and_hurries)
{
    enum { MANY = 8 };
    struct player p[MANY];
    uint64_t before;

    before = all_are_wrong(p, MANY);
    player_is_denied(&p[0], DENIAL_WRONG);
    player_is_denied(&p[MANY - 1], DENIAL_BUSY);
    cr_expect_geq(clock_ms() - before, 1490);
    for (uint64_t i = 1; i < MANY; i++)
        player_leave(&p[i]);
    player_leave(&p[0]);
}

/* --- the users file changes ---------------------------------------------- */

static void write_users(const char *first)
{
    char text[512];

    snprintf(text, sizeof(text),
             "%s:$6$rounds=1000$sallyport$" /* 86 bytes follow */
             "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
             "aaaaaaaaaaaaaaaaaaaaaa:70000:70000::%s/%s::\n",
             first, stage.folder, first);
    stage_users(text);
}

/* A login after a change uses the new file: auth gets the file before the
 * request. If the file changes between the request and the verdict, the verdict
 * is valid by the rows of the new file. */
Test(login, users_change)
{
    struct player q;

    stage_with(NULL, &anna);
    player_enter(&q, 2);
    player_asks(&anna);
    write_users("dora");
    player_waits(&q);
    player_sends(&q);
    cr_assert_eq(auth_hears(), MSG_users);
    auth_says(1, "dora");
    player_is_asked_about(&q);
    actor_enter(&ours, "files");
    cr_assert_str_eq(ours.note.name, "dora");
    auth_says(2, "anna"); /* whom the new file doesn't have */
    player_is_denied(&q, DENIAL_LOCKED);
    player_leave(&anna);
    stage_leave(&q);
}

/* Adds a user before all others. */
static void add_user(void)
{
    char path[128];
    struct buf old, text;

    snprintf(path, sizeof(path), "%s/users", stage.folder);
    buf_init(&old, 4096);
    buf_init(&text, 8192);
    cr_assert(files_read(path, &old));
    buf_add_text(&text, "emil:*:70004:70004::/home/emil::\n");
    buf_add_slice(&text, buf_slice(&old));
    buf_add(&text, "", 1);
    stage_users(text.data);
    buf_release(&old);
    buf_release(&text);
}

/* At the end of a delay master uses the user's own row, although another user's
 * row now has its old place. */
OpenTest(login, another_user_changes_during_a_delay, slows)
{
    struct player q;

    player_enter(&anna, 1);
    player_enter(&q, 2);
    attack_name(&anna);
    player_asks(&anna);
    auth_says(1, "anna");
    add_user();
    player_asks(&q); /* master checks the file */
    actor_enter(&ours, "files");
    cr_expect_str_eq(ours.note.name, "anna");
    player_is_let_in(&anna, &ours);
    player_leave(&q);
    player_leave(&anna);
}

/* The user is removed during the delay: master denies the login. */
OpenTest(login, users_change_during_a_delay, slows)
{
    struct player q;

    player_enter(&anna, 1);
    player_enter(&q, 2);
    attack_name(&anna);
    player_asks(&anna);
    auth_says(1, "anna");
    write_users("dora");
    player_asks(&q); /* master checks the file */
    auth_says(2, NULL);
    player_is_denied(&anna, DENIAL_LOCKED);
    player_is_denied(&q, DENIAL_WRONG);
    stage_reports(EVENT_SERVICE, "anna: not let in");
    player_leave(&q);
    player_leave(&anna);
}

/* Master reports a broken file, and continues with the old one. */
OpenTest(login, users_broken, NULL)
{
    stage_users("this is no users file\n");
    stage_serves();
    stage_reports(EVENT_TROUBLE, "users:1: ");
}

/* The users file can't be read: reading the first bytes of /proc/self/mem
 * always fails. Master denies logins, since the old file can still admit a user
 * whom the new one has locked. The next login reads the file again. */
OpenTest(login, users_unreadable, NULL)
{
    char path[128];

    snprintf(path, sizeof(path), "%s/users", stage.folder);
    cr_assert(unlink(path) == 0 && symlink("/proc/self/mem", path) == 0);
    player_enter(&anna, 1);
    player_waits(&anna);
    player_is_denied(&anna, DENIAL_AWAY);
    stage_reports(EVENT_TROUBLE, "new clients get 421: ");
    write_users("dora");
    player_asks(&anna);
    auth_says(1, NULL);
    player_is_denied(&anna, DENIAL_WRONG);
    player_leave(&anna);
}

/* A session may ask for a second login only after the end of the first one. */
GreetedTest(login, a_second_one_meanwhile, NULL)
{
    player_asks(&anna);
    SAY(&anna.channel, login, 1);
    stage_reports(EVENT_PEER, "a message in the wrong phase");
    gate_hears(MSG_reaped, 1);
    auth_says(1, "anna"); /* too late */
    cast_skip_to_end(&anna.channel);
    stage_serves();
}

static void no_delay(struct master *m)
{
    m->settings.login_tries = UINT64_MAX;
    m->settings.login_timeout = 10;
}

/* Waits until the player has SIZE unread bytes. Returns true then, or false if
 * master has killed the session. */
static bool unread_grows(struct player *p, int size)
{
    struct pollfd gate = { .fd = stage.gate.channel.fd, .events = POLLIN };
    uint64_t end = clock_ms() + STAGE_WAIT_MS;
    int now = 0;

    while (now < size) {
        if (poll(&gate, 1, 1) == 1)
            return false;
        cr_assert(ioctl(p->channel.fd, FIONREAD, &now) == 0);
        cr_assert(clock_ms() < end);
    }
    return true;
}

/* A session that reads nothing is killed as soon as its channel is full. */
Test(login, does_not_read)
{
    int size = 0;

    stage_with(no_delay, &anna);
    for (;;) {
        SAY(&anna.channel, login, 1);
        if (!unread_grows(&anna, size + 8))
            break; /* the channel to auth didn't fit */
        size += 32;
        if (!unread_grows(&anna, size))
            break; /* the answer didn't fit */
    }
    cr_assert(size > 240);
    gate_hears(MSG_reaped, 1);
    player_leave(&anna);
    stage_close();
}

/* Tests of sessions after a change of their user's row: which change ends a
 * session, when, and with which reason. A broken users file ends no session. */
#include <sys/syscall.h>

#include "caller.h"
#include "master/children/children.h"
#include "sallyport/base/clock.h"
#include "sallyport/base/fd.h"
#include "supervised.h"
#include "support/files.h"
#include "support/long.h"
#include "support/server.h"
#include "support/wait.h"

TestSuite(access, WITHOUT_SANITIZERS);

/* Master doesn't check the users file by itself. */
static void on_request(struct master *m)
{
    m->deadlines.users = 60000;
}

/* Master checks the users file often, and a kicked session can stay alive. */
static void often(struct master *m)
{
    m->deadlines.users = 20;
    m->deadlines.kick = 60000;
}

static void read_users(struct buf *text)
{
    char path[128];

    snprintf(path, sizeof(path), "%s/users", stage.folder);
    buf_init(text, 65536);
    cr_assert(files_read(path, text));
    cr_assert_eq(buf_add(text, "", 1), 0);
}

/* Replaces the first FROM in the users file by BY. */
static void change(const char *from, const char *by)
{
    struct buf text;
    char made[4096];
    const char *at;

    read_users(&text);
    at = strstr(text.data, from);
    cr_assert(at, "%s", from);
    snprintf(made, sizeof(made), "%.*s%s%s", (int)(at - text.data), text.data,
             by, at + strlen(from));
    buf_release(&text);
    stage_users(made);
}

/* Master lets files sync for long, and waits for a kicked session. */
static void patient(struct master *m)
{
    on_request(m);
    m->deadlines.sync = m->deadlines.kick = 60000;
}

/* Lets a shell run SCRIPT in place of reader, in the directory "reader", and
 * then become the real reader. (Master gives it the first argument "users": the
 * shell takes that for the name of its script.) */
static void play_reader(struct master *m, const char *script)
{
    char path[SETTINGS_PATH_MAX + 16], text[1024];
    int shell = open("/bin/sh", O_PATH | O_CLOEXEC);

    snprintf(path, sizeof(path), "%s/reader", m->settings.homes);
    snprintf(text, sizeof(text), "%s\nexec %s \"$0\" \"$@\"\n", script,
             server_program("reader"));
    if (mkdir(path, 0700) < 0 || chdir(path) < 0)
        _exit(7);
    files_write("users", text, strlen(text), 0600);
    if (dup3(shell, programs_find(m->programs, "reader"), O_CLOEXEC) < 0)
        _exit(8);
}

/* Reader waits as long as there is a FIFO "hangs". Before that it makes the
 * file "begun". */
static void slowly(struct master *m)
{
    on_request(m);
    m->deadlines.fresh = 50;
    play_reader(m, "! test -e hangs || { : >begun; read x <hangs; }");
}

static void too_slowly(struct master *m)
{
    slowly(m);
    m->deadlines.reader = 6000;
}

static const char *in_reader(const char *name)
{
    static char path[128];

    snprintf(path, sizeof(path), "%s/reader/%s", stage.folder, name);
    return path;
}

static const char *hangs(void)
{
    return in_reader("hangs");
}

static bool has_begun(void *unused)
{
    (void)unused;
    return access(in_reader("begun"), F_OK) == 0;
}

static void reader_goes_on(void)
{
    FD_CLEANUP int fd = open(hangs(), O_RDWR | O_CLOEXEC);

    cr_assert(fd >= 0 && unlink(hangs()) == 0);
}

/* Does what sallyportctl does after a change. Returns how many sessions end. */
static uint64_t edited(void)
{
    struct channel c;

    caller_enter(&c);
    caller_edits(&c);
    EXPECT(&c, control_done);
    channel_close(&c);
    return heard.control_done.sessions;
}

static void is_kicked(struct player *p, enum ending why)
{
    cr_expect_eq(EXPECT(&p->channel, kick)->why, why, "%s", ending_text(why));
}

/* Checks that master answers status, and denies the login of another session
 * with WHY. While master hasn't read the new file, it calls no password
 * wrong. */
static void others_go_on(uint64_t serial, enum denial why)
{
    struct channel c;
    struct player p;

    caller_enter(&c);
    cr_expect_eq(atoi(caller_reads(&c, SHOWN_WHOLE, "users")), STAGE_USERS);
    channel_close(&c);
    player_enter(&p, serial);
    player_asks(&p);
    auth_says(serial, NULL);
    player_is_denied(&p, why);
    player_leave(&p);
}

/* Sends auth's verdict: it accepts anna, by its row or by ANOTHER one, and with
 * the code of STEP. */
static void says_with_code(bool another, uint64_t step)
{
    SAY(&stage.auth.channel, verdict, .serial = 1, .accepted = true,
        .user = SLICE("anna"), .version = auth_version("anna") + another,
        .name = 77, .step = step);
}

/* A code is right for auth's row, which is no longer the newest one: master
 * denies the login, and the code isn't used up. A login without a code counts
 * as wrong: otherwise the client would learn that its password is right. */
GreetedTest(access, a_code_for_another_row, on_request)
{
    change("dir_mode=0750",
           "dir_mode=0750 totp=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
    edited();
    player_asks(&anna);
    says_with_code(true, 7);
    player_is_denied(&anna, DENIAL_CHANGED);
    player_asks(&anna);
    says_with_code(true, 0);
    player_is_denied(&anna, DENIAL_WRONG);
    stage_reports(EVENT_LOGIN_FAILED, "the one-time code is missing or wrong");
    caller_enter(&ctl);
    cr_expect_str_eq(caller_reads(&ctl, "guessing", "wrong"), "1");
    channel_close(&ctl);
    player_asks(&anna);
    says_with_code(false, 0);
    player_is_denied(&anna, DENIAL_WRONG);
    player_asks(&anna);
    says_with_code(false, 7);
    actor_enter(&ours, "files");
    player_is_let_in(&anna, &ours);
}

/* Master serves all others while reader works. The sallyportctl that has
 * changed the file waits for reader. */
UserTest(access, a_slow_reader, slowly)
{
    cr_assert_eq(mkfifo(hangs(), 0600), 0);
    change("anna:", "anna:!");
    caller_enter(&ctl);
    caller_edits(&ctl);
    /* Only then master knows that the file has changed. */
    cr_assert(wait_until(has_begun, NULL, STAGE_WAIT_MS));
    others_go_on(2, DENIAL_CHANGED);
    others_go_on(3, DENIAL_CHANGED);
    reader_goes_on();
    cr_expect_eq(EXPECT(&ctl, control_done)->sessions, 1);
    channel_close(&ctl);
    is_kicked(&anna, ENDING_LOCKED);
}

static bool is_read_now(void *caller)
{
    caller_edits(caller);
    return cast_hear(caller) == MSG_control_done;
}

/* The second command announces its change during the look that reads the first
 * one: both answers wait until master has compared the sessions. */
static void two_commands_at_once(bool first)
{
    struct channel other;

    cr_assert_eq(mkfifo(hangs(), 0600), 0);
    change(first ? "anna:" : "bert:", first ? "anna:!" : "bert:!");
    caller_enter(&ctl);
    caller_edits(&ctl);
    cr_assert(wait_until(has_begun, NULL, STAGE_WAIT_MS));
    if (!first)
        change("anna:", "anna:!");
    caller_enter(&other);
    REQUEST(&other, users_changed, .verb = SLICE("user change"));
    stage_reports_admin("user change", "", 0);
    reader_goes_on();
    cr_expect_eq(EXPECT(&ctl, control_done)->sessions, 1);
    cr_expect_eq(EXPECT(&other, control_done)->sessions, 1);
    channel_close(&other);
    channel_close(&ctl);
    is_kicked(&anna, ENDING_LOCKED);
}

UserTest(access, two_commands_and_the_first_locks, slowly)
{
    two_commands_at_once(true);
}

UserTest(access, two_commands_and_the_second_locks, slowly)
{
    two_commands_at_once(false);
}

/* If reader is late, nobody can log in until a look succeeds, since the change
 * can be in the user's own row. The sessions stay. */
UserTest(access, a_reader_that_is_late, too_slowly)
{
    struct player q;

    cr_assert_eq(mkfifo(hangs(), 0600), 0);
    change("anna:", "anna:!");
    caller_enter(&ctl);
    caller_edits(&ctl);
    caller_is_refused(&ctl, REFUSAL_BAD_FILE);
    stage_reports(EVENT_TROUBLE, "new clients get 421: the program reader");
    player_enter(&q, 2);
    player_waits(&q);
    player_is_denied(&q, DENIAL_AWAY);
    player_leave(&q);
    reader_goes_on();
    cr_assert(wait_until(is_read_now, &ctl, STAGE_WAIT_MS));
    channel_close(&ctl);
    is_kicked(&anna, ENDING_LOCKED);
    others_go_on(3, DENIAL_WRONG);
}

/* sallyportctl has announced an edit to an older generation, which still led.
 * This generation reads the file at the next look, however young the file
 * is. */
static void begins_in_a_reload(struct master *m)
{
    on_request(m);
    m->deadlines.quiet = 60000;
}

Test(access, an_edit_that_another_master_was_told_of, .timeout = 60)
{
    struct board *board = stage_board();

    stage_with(begins_in_a_reload, &anna);
    change("anna:", "anna:!");
    board_set(&board->edits, board_get(&board->edits) + 1);
    player_asks(&anna);
    stage_reports(EVENT_SERVICE, "users file read: edition 2");
    auth_says(anna.serial, "anna");
    player_is_denied(&anna, DENIAL_LOCKED);
    stage_leave(&anna);
}

/* An older generation has answered the command that locks anna. Until the new
 * one has read the file, nobody logs in there, however long that takes. */
Test(access, an_edit_before_this_generation_led, .timeout = 60)
{
    struct board *board = stage_board();
    struct pollfd login = { .events = POLLIN };

    supervised_raise(slowly);
    cr_assert_eq(mkfifo(hangs(), 0600), 0);
    change("anna:", "anna:!");
    board_set(&board->edits, board_get(&board->edits) + 1);
    SAY(&supervised_channel, lead);
    EXPECT(&stage.gate.channel, open);
    player_enter(&anna, 1);
    player_waits(&anna);
    cr_assert(wait_until(has_begun, NULL, STAGE_WAIT_MS));
    login.fd = anna.channel.fd;
    cr_expect_eq(poll(&login, 1, 300), 0, "it logs in with the old row");
    reader_goes_on();
    player_sends(&anna);
    player_is_asked_about(&anna);
    auth_says(anna.serial, "anna");
    player_is_denied(&anna, DENIAL_LOCKED);
    stage_leave(&anna);
}

/* Another node of a cluster has added the user, and doesn't tell this server,
 * which reads the file when it is quiet. Until then, master calls no password
 * wrong. */
GreetedTest(access, a_wrong_password_while_the_file_is_unread,
            begins_in_a_reload)
{
    player_asks(&anna);
    auth_says(anna.serial, NULL);
    player_is_denied(&anna, DENIAL_WRONG);
    change("bert:", "dora:");
    player_asks(&anna);
    auth_says(anna.serial, NULL);
    player_is_denied(&anna, DENIAL_CHANGED);
    edited();
    player_asks(&anna);
    auth_says(anna.serial, NULL);
    player_is_denied(&anna, DENIAL_WRONG);
}

/* Three looks wait for ever, for a disk that is no longer mounted. */
static void beside_dead_looks(struct master *m)
{
    on_request(m);
    for (size_t i = 0; i < 3; i++)
        m->errand[i] = (struct errand){ .pid = 0x3fffffff, .owner = m };
}

/* An edit counts although three looks wait for ever. */
UserTest(access, an_edit_beside_dead_looks, beside_dead_looks)
{
    change("anna:", "anna:!");
    cr_expect_eq(edited(), 1);
    is_kicked(&anna, ENDING_LOCKED);
}

static void beside_dead_looks_often(struct master *m)
{
    beside_dead_looks(m);
    often(m);
}

/* So does a change by hand, or by another node. */
UserTest(access, a_change_by_hand_beside_dead_looks, beside_dead_looks_often)
{
    change("anna:", "anna:!");
    is_kicked(&anna, ENDING_LOCKED);
}

/* The log shows who has changed which user, and how. */
CallerTest(access, a_change_is_logged, NULL)
{
    REQUEST(&ctl, users_changed, .verb = SLICE("user change"),
            .to = SLICE("anna"));
    EXPECT(&ctl, control_done);
    stage_reports_admin("user change", "anna", 0);
}

static const struct {
    const char *from, *by;
    enum ending why;
} changes[] = {
    { "anna:", "anna:!", ENDING_LOCKED },
    { "anna:", "anne:", ENDING_REMOVED },
    { "anna:", "#anna:", ENDING_REMOVED },
    { "tests$mK", "tests$mL", ENDING_CHANGED },
    { ":70000:", ":70009:", ENDING_CHANGED },
    { ":70000::", ":70009::", ENDING_CHANGED },
    { "/anna:", "/anne:", ENDING_CHANGED },
    { "/anna::", "/anna::rights=read", ENDING_CHANGED },
    { "/anna::", "/anna::expires=2026-01-01", ENDING_CHANGED },
    { "shares=contracts:read", "", ENDING_CHANGED },
    { "contracts:read", "contracts:full", ENDING_CHANGED },
    { "teams=legal", "", ENDING_CHANGED },
    { "legal:shares=offers", "legal:", ENDING_CHANGED },
    { "legal:shares=offers", "legal:shares=offers:lr", ENDING_CHANGED },
    { "@share:offers:80001", "@share:offers:80002", ENDING_CHANGED },
    { "/offers:", "/offer:", ENDING_CHANGED },
    { "dir_mode=0750", "", ENDING_CHANGED },
    { "/anna::", "/anna::networks=198.51.100.0/24", ENDING_CHANGED },
    { "@team:legal:", "@team:legal:networks=198.51.100.0/24 ", ENDING_CHANGED },
};

OpenTest(access, changes_that_end_a_session, on_request)
{
    struct buf before;

    read_users(&before);
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        player_enter(&anna, i + 1);
        player_logs_in(&anna, &ours);
        change(changes[i].from, changes[i].by);
        cr_expect_eq(edited(), 1, "%s", changes[i].by);
        is_kicked(&anna, changes[i].why);
        cr_expect_eq(edited(), 0, "once");
        player_leave(&anna);
        channel_close(&ours.channel);
        stage_users(before.data);
        edited();
    }
    buf_release(&before);
}

/* None of these changes ends the session, but a lock after them does. */
UserTest(access, changes_that_end_nothing, on_request)
{
    change(":70000::", ":70000:Anna, accounts:");
    cr_expect_eq(edited(), 0, "a comment");
    change("/anna::", "/anna::on_conflict=rename");
    cr_expect_eq(edited(), 0, "on_conflict");
    change("bert:", "bert:!");
    cr_expect_eq(edited(), 0, "another user");
    change("/bert::", "/bert::teams=legal");
    cr_expect_eq(edited(), 0, "another user's team");
    change("@share:contracts", "@share:a:80009:/a:\n@share:contracts");
    cr_expect_eq(edited(), 0, "another share");
    change("anna:", "# a line more\nanna:");
    cr_expect_eq(edited(), 0, "another line");
    change("anna:", "anna:!");
    cr_expect_eq(edited(), 1);
    is_kicked(&anna, ENDING_LOCKED);
}

/* Writes BEFORE and the key hours with a weekday that is three days away to
 * OUT. */
static void never_now(char out[32], const char *before)
{
    static const char *const days[] = { "sun", "mon", "tue", "wed",
                                        "thu", "fri", "sat" };
    time_t now = time(NULL);
    struct tm t;

    localtime_r(&now, &t);
    snprintf(out, 32, "%shours=%s", before, days[(t.tm_wday + 3) % 7]);
}

Test(access, hours_that_are_over, .timeout = 60)
{
    char hours[32];

    never_now(hours, "/anna::");
    stage_logged_in(on_request, &anna, &ours);
    change("/anna::", "/anna::hours=sun-sat");
    cr_expect_eq(edited(), 0);
    change("/anna::hours=sun-sat", hours);
    cr_expect_eq(edited(), 1);
    is_kicked(&anna, ENDING_HOURS);
    stage_leave(&anna);
}

/* Returns the `granted` of another login of anna. */
static const struct msg_granted *next_login(void)
{
    static uint64_t serial = 1ULL << 50;
    static struct player p;
    static struct actor files;

    player_enter(&p, ++serial);
    player_asks(&p);
    auth_says(p.serial, "anna");
    actor_enter(&files, "files");
    SAY(&files.channel, ready);
    return EXPECT(&p.channel, granted);
}

/* A rate is for the next login: its change ends no session. The smallest one of
 * the row, or else of the setting, and of the teams counts. */
UserTest(access, rates_of_the_next_login, on_request)
{
    const struct msg_granted *m;

    change("/anna::", "/anna::bandwidth_up=4M bandwidth_down=1M");
    change("legal:", "legal:bandwidth_up=2M bandwidth_down=3M ");
    cr_expect_eq(edited(), 0);
    m = next_login();
    cr_expect_eq(m->up, 2 << 20);
    cr_expect_eq(m->down, 1 << 20);
    change("/anna::bandwidth_up=4M bandwidth_down=1M", "/anna::bandwidth_up=0");
    cr_expect_eq(edited(), 0);
    m = next_login();
    cr_expect_eq(m->up, 2 << 20);
    cr_expect_eq(m->down, 3 << 20);
}

/* Checks that the status and the metrics show why master doesn't use the file.
 * WORDS "": master uses it. */
static void expect_refused(const char *words)
{
    struct metrics all;
    struct channel c;
    const char *why;

    caller_enter(&c);
    why = caller_reads(&c, SHOWN_WHOLE, "users_refused");
    cr_expect_eq(why[0] != '\0', words[0] != '\0', "%s", why);
    cr_expect_not_null(strstr(why, words), "%s", why);
    caller_looks(&c, SHOW_METRICS, 0);
    memcpy(&all, EXPECT(&c, metrics_are)->metrics.ptr, sizeof(all));
    cr_expect_eq(all.gauge[GAUGE_REFUSED], words[0] != '\0');
    channel_close(&c);
}

/* Master reports a bad file once. The sessions stay until the file is good
 * again. */
UserTest(access, a_file_out_of_order, often)
{
    char path[128], away[128];

    expect_refused("");
    change(":70000:", ":nonsense:");
    stage_reports(EVENT_TROUBLE, "the old users stay");
    expect_refused("/users:");
    caller_enter(&ctl);
    caller_edits(&ctl);
    caller_is_refused(&ctl, REFUSAL_BAD_FILE);
    snprintf(path, sizeof(path), "%s/users", stage.folder);
    snprintf(away, sizeof(away), "%s/users.away", stage.folder);
    cr_assert_eq(rename(path, away), 0);
    stage_reports(EVENT_TROUBLE, "No such file or directory");
    caller_edits(&ctl);
    caller_is_refused(&ctl, REFUSAL_BAD_FILE);
    channel_close(&ctl);
    cr_assert_eq(rename(away, path), 0);
    change("anna:", "anna:!");
    change(":nonsense:", ":70000:");
    is_kicked(&anna, ENDING_LOCKED);
    expect_refused("");
}

/* Auth accepts the user by the old row. If the new row admits the user, master
 * tells the client to try again, and not that its password is wrong. */
GreetedTest(access, changes_while_auth_is_at_work, on_request)
{
    char hours[32];
    const struct {
        const char *from, *by;
        enum denial why;
    } rows[] = {
        { "anna:", "anna:!", DENIAL_LOCKED },
        { "contracts:read", "contracts", DENIAL_CHANGED },
        { "legal:", "legal:networks=198.51.100.0/24 ", DENIAL_LOCKED },
        { "=offers", hours, DENIAL_LOCKED },
    };
    struct buf before;

    never_now(hours, "=offers ");
    read_users(&before);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        player_asks(&anna);
        change(rows[i].from, rows[i].by);
        cr_expect_eq(edited(), 0);
        auth_says(anna.serial, "anna");
        stage_reports(EVENT_SERVICE, "anna: not let in");
        player_is_denied(&anna, rows[i].why);
        stage_users(before.data);
        edited();
    }
    buf_release(&before);
}

/* Writes an expiry SECONDS from now into anna's row. */
static void expire_in(int seconds)
{
    time_t when = time(NULL) + seconds;
    char text[64];
    struct tm tm;

    gmtime_r(&when, &tm);
    strftime(text, sizeof(text), "/anna::expires=%Y-%m-%dT%H:%M:%SZ", &tm);
    change("/anna::", text);
}

/* A user expires while the file doesn't change. Another user, who has expired
 * before, is no reason to check all sessions again. */
OpenTest(access, the_user_expires, often)
{
    change("/bert::", "/bert::expires=2026-01-01");
    edited(); /* so each change makes one edition */
    expire_in(10);
    edited();
    player_enter(&anna, 1);
    player_asks(&anna);
    auth_says(anna.serial, "anna");
    actor_enter(&ours, "files");
    player_is_let_in(&anna, &ours);
    is_kicked(&anna, ENDING_EXPIRED);
    player_leave(&anna);
}

/* Auth accepts a user who has expired: it has sent the verdict before that
 * moment, or lies. */
OpenTest(access, the_user_expires_while_auth_is_at_work, on_request)
{
    expire_in(0);
    player_enter(&anna, 1);
    player_asks(&anna);
    auth_says(anna.serial, "anna");
    stage_reports(EVENT_SERVICE, "anna: not let in");
    player_is_denied(&anna, DENIAL_LOCKED);
    player_leave(&anna);
}

/* The user is locked while files isn't ready yet: master kicks the session. */
AskedTest(access, a_change_while_the_home_opens, on_request)
{
    auth_says(anna.serial, "anna");
    actor_enter(&ours, "files");
    change("anna:", "anna:!");
    cr_expect_eq(edited(), 1);
    is_kicked(&anna, ENDING_LOCKED);
}

static void ask_end(struct channel *c, uint64_t serial, const char *user,
                    const char *address, uint64_t ended)
{
    struct address client = { 0 };

    if (address)
        cr_assert_eq(address_parse(slice_from(address), &client), 0);
    REQUEST(c, end_sessions, .serial = serial, .user = slice_from(user),
            .client = client);
    cr_expect_eq(EXPECT(c, control_done)->sessions, ended, "%llx %s %s",
                 (unsigned long long)serial, user, address ? address : "");
}

/* A caller kicks sessions by serial, user or address. Master kicks no other
 * session. */
UserTest(access, kick, on_request)
{
    struct address host;
    struct player q, r;

    player_enter(&q, 2);
    cr_assert_eq(address_parse_port(SLICE("192.0.2.77:1"), &host), 0);
    player_enter_from(&r, 3, &host);
    caller_enter(&ctl);
    ask_end(&ctl, 99, "", NULL, 0);
    ask_end(&ctl, 0, "bert", NULL, 0);
    ask_end(&ctl, 0, "", "192.0.2.78", 0);
    ask_end(&ctl, 0, "", NULL, 0);
    ask_end(&ctl, 0, "anna", NULL, 1);
    is_kicked(&anna, ENDING_KICKED);
    ask_end(&ctl, 0, "anna", NULL, 0);
    ask_end(&ctl, 2, "", NULL, 1);
    is_kicked(&q, ENDING_KICKED);
    ask_end(&ctl, 0, "", "192.0.2.77", 1);
    is_kicked(&r, ENDING_KICKED);
    stage_reports_admin("kick", "anna", 1);
    stage_reports_admin("kick", "0000000000000002", 1);
    stage_reports_admin("kick", "192.0.2.77", 1);
    channel_close(&ctl);
    player_leave(&q);
    player_leave(&r);
}

/* Reads all pages of WHO. Returns the number of sessions; *ANNAS gets the
 * number of anna's sessions. */
static size_t ask_who(struct channel *c, size_t *annas)
{
    const struct msg_who_is *is = &heard.who_is;
    uint64_t place = 0;
    size_t n = 0;

    *annas = 0;
    do {
        REQUEST(c, who, .place = place);
        for (; cast_hear(c) == MSG_who_is; n++) {
            *annas += slice_equal(is->user, SLICE("anna"));
            cr_expect_eq(is->peer.family, 4);
            cr_expect_eq(is->local.family, 4);
            cr_expect_gt(is->since, 1000000000u);
            cr_expect_eq(is->login > 0, is->user.len > 0);
        }
        cr_assert_eq(heard.kind, MSG_end);
        place = heard.end.place;
    } while (place > 0);
    return n;
}

static void many(struct master *m)
{
    on_request(m);
    m->settings.max_sessions = 200;
}

/* Master shows more sessions than fit into a page; after the last page there
 * are none. */
Test(access, who, .timeout = 60)
{
    enum { N = 130 };
    static struct player p[N];
    size_t annas;
    pid_t pid;
    int rope;

    stage_logged_in(many, &p[0], &ours);
    caller_enter(&ctl);
    cr_expect_eq(ask_who(&ctl, &annas), 1);
    pid = stage_bear(&rope);
    for (uint64_t i = 1; i < N; i++)
        player_enter_as(&p[i], i + 1, pid);
    player_asks(&p[N - 1]); /* so master has seen all sessions */
    cr_expect_eq(ask_who(&ctl, &annas), N);
    cr_expect_eq(annas, 1);
    REQUEST(&ctl, who, .place = UINT64_MAX);
    cr_expect_eq(EXPECT(&ctl, end)->place, 0);
    channel_close(&ctl);
    for (size_t i = 1; i < N; i++)
        player_leave(&p[i]);
    close(rope);
    stage_leave(&p[0]);
}

/* A session has closed only its channel to master, so it is in no list, but
 * lives on: master kills it when its user is locked. */
OpenTest(access, a_lock_kills_a_session_that_hides, patient)
{
    player_enter(&anna, 1);
    player_logs_in(&anna, &ours);
    stage_serves();
    channel_close(&anna.channel);
    stage_serves();
    change("anna:", "anna:!");
    cr_expect_eq(edited(), 0);
    gate_hears(MSG_reaped, anna.serial);
    channel_close(&ours.channel);
}

/* A session is dead, and its files syncs the data that the client has sent:
 * master doesn't kill files when the user is locked. */
OpenTest(access, a_lock_leaves_files_the_time_to_sync, patient)
{
    struct pollfd end = { .events = POLLIN };

    player_enter(&anna, 1);
    player_logs_in(&anna, &ours);
    actor_leave(&ours);
    is_kicked(&anna, ENDING_PEER);
    player_ends(&anna, SIGKILL);
    channel_close(&anna.channel);
    gate_hears(MSG_reaped, anna.serial);
    end.fd = (int)syscall(SYS_pidfd_open, ours.note.pid, 0);
    cr_assert_geq(end.fd, 0);
    change("anna:", "anna:!");
    cr_expect_eq(edited(), 0);
    cr_expect_eq(poll(&end, 1, 300), 0, "killed");
    close(end.fd);
    actor_finish(&ours);
}

/* --- the answer to an order ------------------------------------------------
 */

static void asks_by_serial(const struct player *p, const struct address *peer)
{
    (void)peer;
    REQUEST(&ctl, end_sessions, .serial = p->serial);
}

static void asks_by_user(const struct player *p, const struct address *peer)
{
    (void)p;
    (void)peer;
    REQUEST(&ctl, end_sessions, .user = SLICE("anna"));
}

static void asks_by_address(const struct player *p, const struct address *peer)
{
    (void)p;
    REQUEST(&ctl, end_sessions, .client = *peer);
}

static void asks_for_a_ban(const struct player *p, const struct address *peer)
{
    (void)p;
    REQUEST(&ctl, ban_add, .network = address_prefix(peer, 32), .bits = 32,
            .reason = SLICE("x"));
}

static void asks_for_a_lock(const struct player *p, const struct address *peer)
{
    (void)p;
    (void)peer;
    change("anna:", "anna:!");
    caller_edits(&ctl);
}

/* How a session obeys the order. HIDES has closed its channel before, so
 * `user lock` doesn't count it. */
enum obedience { ENDS, STAYS, CLOSES, HIDES, OBEDIENCES };

static void obeys(struct player *p, enum obedience how)
{
    if (how != HIDES)
        EXPECT(&p->channel, kick);
    if (how == ENDS)
        player_ends(p, 0);
    else if (how == CLOSES)
        channel_close(&p->channel);
}

/* A session has 300 ms to end, and may outlive its channel for a minute. */
static void until_reaped(struct master *m)
{
    on_request(m);
    m->deadlines.sync = 60000;
}

/* When an order is answered, its session has no process any more. */
CallerTest(access, an_order_is_answered_after_its_sessions, until_reaped)
{
    static void (*const orders[])(const struct player *,
                                  const struct address *) = {
        asks_by_serial, asks_by_user, asks_by_address, asks_for_a_ban,
        asks_for_a_lock
    };
    const size_t n = sizeof(orders) / sizeof(orders[0]);

    for (size_t i = 0; i < n * OBEDIENCES; i++) {
        const enum obedience how = (enum obedience)(i / n);
        const bool locks = orders[i % n] == asks_for_a_lock;
        const struct address peer = { .family = 4,
                                      .bytes = { 192, 0, 2, (uint8_t)i + 1 } };
        struct player p;
        struct actor files;

        player_enter_from(&p, i + 1, &peer);
        player_logs_in(&p, &files);
        if (how == HIDES)
            channel_close(&p.channel);
        orders[i % n](&p, &peer);
        obeys(&p, how);
        cr_expect_eq(EXPECT(&ctl, control_done)->sessions,
                     locks && how == HIDES ? 0 : 1, "%zu", i);
        cr_expect(kill(p.pid, 0) < 0 && errno == ESRCH, "%zu: it lives", i);
        if (locks) {
            change("anna:!", "anna:");
            cr_expect_eq(edited(), 0);
        }
        player_leave(&p);
        channel_close(&files.channel);
        close(files.session);
        close(files.log);
    }
}

/* Many sessions end at each time, for other reasons: no answer waits for a
 * session that was kicked after the request. */
CallerTest(access, an_answer_waits_for_no_later_kick, patient)
{
    struct player p[2];
    struct channel other;
    uint64_t asked;

    player_enter(&p[0], 1);
    player_enter(&p[1], 2);
    player_asks(&p[1]); /* so master has seen both */
    asks_by_serial(&p[0], NULL);
    EXPECT(&p[0].channel, kick);
    caller_enter(&other); /* so master has set the deadline */
    asked = clock_ms();
    while (clock_ms() == asked) /* master compares ms */
        ;
    REQUEST(&other, end_sessions, .serial = p[1].serial);
    EXPECT(&p[1].channel, kick);
    player_ends(&p[0], 0);
    EXPECT(&ctl, control_done);
    cr_expect_eq(kill(p[1].pid, 0), 0);
    player_ends(&p[1], 0);
    EXPECT(&other, control_done);
    channel_close(&other);
    player_leave(&p[0]);
    player_leave(&p[1]);
}

/* The process auth from its set-up on. The test is master, and the sessions
 * that send a name and a password, or something else. */
#include <crypt.h>
#include <sys/resource.h>

#include "auth/auth.h"
#include "sallyport/base/fd.h"
#include "sallyport/hash/hash.h"
#include "sallyport/ipc/channel.h"
#include "support/cast.h"
#include "support/child.h"
#include "support/test.h"
#include "support/users_table.h"

#define SETTING "$6$rounds=1000$sallyport$" /* the cheapest hash */

static struct stage {
    pid_t pid;
    struct channel auth, log;
    struct msg_verify asks; /* the next question */
    char asks_about[USER_NAME_MAX + 2];
} s;

static void raise_auth(void)
{
    static struct auth a;
    static struct setup setup;

    setup_init(&setup);
    child_give_log(&setup, PROCESS_AUTH, &s.log);
    s.pid = child_raise(&s.auth, &a.frame, &auth_row, &setup, NULL);
    child_hear_ready(&s.auth);
}

static void send_table(const char *text)
{
    int fd = users_table(text);

    SAY(&s.auth, users, .users = fd);
    close(fd);
}

static void send_user(const char *name, const char *password, const char *rest)
{
    char text[512];

    snprintf(text, sizeof(text), "%s:%s:70000:70000::/home::%s\n", name,
             crypt(password, SETTING), rest);
    send_table(text);
}

static void send_users(const char *name, const char *password)
{
    send_user(name, password, "");
}

static void open_auth(void)
{
    raise_auth();
    send_users("anna", "right");
}

static void end_auth(int status)
{
    channel_close(&s.auth);
    channel_close(&s.log);
    child_reap(s.pid, status);
}

#define AuthTest(suite, name)                                                  \
    static void suite##_##name(void);                                          \
    Test(suite, name)                                                          \
    {                                                                          \
        open_auth();                                                           \
        suite##_##name();                                                      \
        end_auth(0);                                                           \
    }                                                                          \
    static void suite##_##name(void)

static const struct address client = { .family = 4,
                                       .bytes = { 203, 0, 113, 5 },
                                       .port = 4711 };

/* Makes the channel of a login; ask() then asks auth about it: master asks only
 * when the session has sent its password. USER: who wants another password,
 * with a hash of COST. */
static void verify_of(uint64_t serial, const char *user, uint64_t cost,
                      struct channel *session)
{
    int far = channel_make(session, PROCESS_SESSION, PROCESS_AUTH, PHASE_RUN);

    snprintf(s.asks_about, sizeof(s.asks_about), "%s", user);
    s.asks = (struct msg_verify){ .serial = serial,
                                  .peer = client,
                                  .user = slice_from(s.asks_about),
                                  .cost = cost,
                                  .session = far };
}

/* Does nothing if auth was asked already. */
static void ask(void)
{
    if (s.asks.session > 0)
        channel_send(&s.auth, MSG_verify, &s.asks);
    if (s.asks.session > 0)
        fd_close(&s.asks.session);
}

static void verify(uint64_t serial, struct channel *session)
{
    verify_of(serial, "", 0, session);
}

static void say(struct channel *session, const char *name, const char *password)
{
    TRY(session, credentials, 0, .name = slice_from(name),
        .password = slice_from(password));
}

/* USER: who may log in; NULL: nobody */
static void expect_verdict(uint64_t serial, const char *user)
{
    ask();
    EXPECT(&s.auth, verdict);
    cr_assert_eq(heard.verdict.serial, serial);
    cr_assert_eq(heard.verdict.accepted, user != NULL);
    cr_assert(slice_equal(heard.verdict.user, slice_from(user ? user : "")));
    cr_assert_eq(heard.verdict.version != 0, user != NULL);
    cr_assert_not(heard.verdict.failed);
}

static void say_as(uint64_t serial, const char *name, const char *password,
                   const char *is)
{
    struct channel c;

    verify(serial, &c);
    say(&c, name, password);
    expect_verdict(serial, is);
    channel_close(&c);
}

AuthTest(auth, answers)
{
    struct channel c;

    say_as(2, "anna", "right", "anna");
    verify(1, &c);
    say(&c, "anna", "wrong");
    expect_verdict(1, NULL);
    cast_hear_end(&c); /* the channel is closed after its one message */
}

/* It can't take the new table: the next auth gets that. */
Test(auth, no_descriptor_for_the_users)
{
    const struct rlimit none = { 3, 3 }; /* the standard ones are open */

    open_auth();
    /* It has taken the first table when it answers from that. */
    say_as(1, "anna", "right", "anna");
    cr_assert_eq(prlimit(s.pid, RLIMIT_NOFILE, &none, NULL), 0);
    send_users("anna", "other");
    child_reap(s.pid, EX_OSERR);
    channel_close(&s.auth);
}

static void expect_line(uint64_t serial, const char *user, const char *reason,
                        const char *certificate)
{
    struct event_record r;

    cr_assert_eq(event_decode(EXPECT(&s.log, event)->event, &r), 0);
    cr_assert_eq(r.event, EVENT_LOGIN_FAILED);
    cr_expect(slice_equal(r.text[FIELD_PROCESS], SLICE("session")));
    cr_expect_eq(r.number[FIELD_SERIAL], serial);
    cr_expect(slice_equal(r.text[FIELD_PEER], SLICE("203.0.113.5:4711")));
    cr_expect(slice_equal(r.text[FIELD_USER], slice_from(user)));
    cr_expect(slice_equal(r.text[FIELD_REASON], slice_from(reason)), "%.*s",
              (int)r.text[FIELD_REASON].len, r.text[FIELD_REASON].ptr);
    cr_expect(slice_equal(r.text[FIELD_CERTIFICATE], slice_from(certificate)));
}

/* A right password causes no line, each other try one: so the next line always
 * belongs to the next failed try. */
AuthTest(auth, failures_are_logged)
{
    static const struct {
        const char *name, *password, *user, *reason;
    } tries[] = {
        { "anna", "right", NULL, NULL },
        { "anna", "wrong", "anna", "wrong password" },
        { "nobody", "right", "nobody", "unknown user" },
        { "my password", "x", "?", "unknown user" },
        { "Summer2026", "x", "?", "unknown user" },
        { "", "right", "?", "unknown user" },
    };
    char claims[PIN_TEXT_MAX + 1];
    struct channel c;

    for (uint64_t i = 0; i < sizeof(tries) / sizeof(tries[0]); i++) {
        say_as(i + 1, tries[i].name, tries[i].password,
               tries[i].reason ? NULL : "anna");
        if (tries[i].reason)
            expect_line(i + 1, tries[i].user, tries[i].reason, "");
    }
    verify(9, &c);
    SAY(&c, credentials, .name = SLICE("anna"), .password = SLICE("wrong"),
        .certificate = SLICE("sha256:11\nsubject:CN=anna\n"));
    ask();
    expect_line(9, "anna", "wrong password", "sha256:11");
    channel_close(&c);
    memset(claims, 'c', sizeof(claims));
    for (size_t len = PIN_TEXT_MAX - 1; len <= PIN_TEXT_MAX; len++) {
        verify(9, &c);
        claims[len] = '\0';
        SAY(&c, credentials, .name = SLICE("anna"), .password = SLICE("wrong"),
            .certificate = slice_from(claims));
        ask();
        expect_line(9, "anna", "wrong password",
                    len < PIN_TEXT_MAX ? claims : "");
        channel_close(&c);
        claims[len] = 'c';
    }
}

/* Whoever asks learns nothing about the password or the name. */
AuthTest(auth, no_memory_for_a_hash)
{
    static const char text[] =
        "anna:$y$j9T$k2XAnEHBqQ1Ct2aMXFKNa/$Ry7oZ9ThqkDutyuKduodO92iRCkOPEVA3D3"
        "cGUEN1J1:70000:70000::/home::\n";
    static const char *const names[] = { "anna", "nobody", "my password" };
    static const char *const logged[] = { "anna", "nobody", "?" };
    const struct rlimit none = { 0, RLIM_INFINITY };
    struct channel c;

    send_table(text);
    say_as(1, "anna", "correct horse", "anna");
    cr_assert_eq(prlimit(s.pid, RLIMIT_AS, &none, NULL), 0);
    for (uint64_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        verify(2 + i, &c);
        say(&c, names[i], "correct horse");
        ask();
        EXPECT(&s.auth, verdict);
        cr_expect_eq(heard.verdict.serial, 2 + i);
        cr_expect_not(heard.verdict.accepted);
        cr_expect(heard.verdict.failed);
        expect_line(2 + i, logged[i],
                    "no memory for a hash, or crypt(3) can't compute it", "");
        channel_close(&c);
    }
}

/* If no password comes, no name is known. The first session has closed without
 * a word, the second one hesitates, and the third one is no socket. */
AuthTest(auth, a_login_without_a_password_is_logged)
{
    struct channel c;

    for (uint64_t serial = 8; serial <= 10; serial++) {
        verify(serial, &c);
        if (serial == 8)
            channel_close(&c);
        if (serial == 10) {
            fd_close(&s.asks.session);
            s.asks.session = fd_sealed("no socket", SLICE(""));
        }
        expect_verdict(serial, NULL);
        expect_line(serial, "", "the session sent no password", "");
        channel_close(&c);
    }
}

/* The newest users file counts, also for a login that began before. */
AuthTest(auth, newer_users)
{
    struct channel c;

    verify(1, &c);
    say(&c, "anna", "right");
    send_users("bert", "left");
    expect_verdict(1, NULL);
    channel_close(&c);
    say_as(2, "bert", "left", "bert");
}

/* ^C in a terminal reaches auth too: clients that are logging in still get an
 * answer. */
AuthTest(auth, signals_of_the_terminal)
{
    static const int signals_of_all[] = { SIGHUP, SIGINT, SIGTERM };

    for (uint64_t i = 0; i < 3; i++) {
        struct channel c;

        verify(i, &c);
        cr_assert_eq(kill(s.pid, signals_of_all[i]), 0);
        say(&c, "anna", "right");
        expect_verdict(i, "anna");
        channel_close(&c);
    }
}

static void close_it(struct channel *c)
{
    channel_close(c);
}

static void shout(struct channel *c, const void *bytes, size_t len)
{
    cr_assert_eq(send(c->fd, bytes, len, MSG_NOSIGNAL), (ssize_t)len);
}

static void garbage(struct channel *c)
{
    shout(c, "anna:right", 10);
}

static void empty(struct channel *c)
{
    shout(c, "", 0);
}

static void overlong(struct channel *c)
{
    static char bytes[70000];

    shout(c, bytes, sizeof(bytes));
}

static void words_of_master(struct channel *c)
{
    unsigned char bytes[8] = { MSG_verify };

    shout(c, bytes, sizeof(bytes));
}

static void longest(struct channel *c)
{
    static char name[1025], password[SECRET_MAX + 1];

    memset(name, 'n', sizeof(name) - 1);
    memset(password, 'p', sizeof(password) - 1);
    say(c, name, password);
}

static void twice(struct channel *c)
{
    say(c, "anna", "wrong");
    say(c, "anna", "right");
}

static const struct {
    const char *what;
    void (*act)(struct channel *c);
} breaches[] = {
    { "closes", close_it },
    { "garbage", garbage },
    { "an empty message", empty },
    { "an overlong message", overlong },
    { "a message of master's", words_of_master },
    { "the longest name and password", longest },
    { "two tries on one pair", twice },
};

/* Another password of anna. She and the password of each try: what auth finds,
 * and whether it sends a hash. */
static const struct {
    const char *name, *old, *wanted;
    uint64_t cost;
    bool yes;
    enum password_fault fault;
    bool hash;
} changes[] = {
    { "anna", "right", "another one", 5, true, PASSWORD_OK, true },
    { "", "right", "another one", 5, true, PASSWORD_OK, true },
    { "anna", "wrong", "another one", 5, false, PASSWORD_OK, false },
    { "anna", "wrong", "short", 5, false, PASSWORD_OK, false },
    { "anna", "right", "short", 5, true, PASSWORD_SHORT, false },
    { "anna", "right", "", 5, true, PASSWORD_SHORT, false },
    { "anna", "right", "line\r\nend", 5, true, PASSWORD_BYTES, false },
};

/* The session's name of the user counts for nothing. */
AuthTest(auth, another_password)
{
    struct channel c;

    for (uint64_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        SECRET_CLEANUP struct secret wanted = { .len = 0 };
        char hash[HASH_MAX] = "";

        verify_of(i, "anna", changes[i].cost, &c);
        SAY(&c, credentials, .name = slice_from(changes[i].name),
            .password = slice_from(changes[i].old),
            .wanted = slice_from(changes[i].wanted));
        ask();
        EXPECT(&s.auth, verdict);
        cr_expect_eq(heard.verdict.accepted, changes[i].yes, "%lu", i);
        cr_expect_eq(heard.verdict.fault, changes[i].fault, "%lu", i);
        cr_expect_eq(heard.verdict.hash.len > 0, changes[i].hash, "%lu", i);
        slice_copy(heard.verdict.hash, hash, sizeof(hash));
        secret_set(&wanted, slice_from(changes[i].wanted));
        if (changes[i].hash)
            cr_expect_eq(hash_verify(&wanted, hash), HASH_RIGHT, "%s", hash);
        channel_close(&c);
    }
}

/* The same password again is no change. */
Test(auth, the_same_password_again)
{
    struct channel c;

    raise_auth();
    send_users("anna", "right enough");
    verify_of(1, "anna", 5, &c);
    SAY(&c, credentials, .password = SLICE("right enough"),
        .wanted = SLICE("right enough"));
    ask();
    EXPECT(&s.auth, verdict);
    cr_expect_eq(heard.verdict.fault, PASSWORD_SAME);
    cr_expect_eq(heard.verdict.hash.len, 0);
    channel_close(&c);
    end_auth(0);
}

/* At a login nobody wants a new hash, also if the one in the file is weak. */
AuthTest(auth, no_hash_at_a_login)
{
    struct channel c;

    verify_of(1, "", 5, &c);
    say(&c, "anna", "right");
    ask();
    EXPECT(&s.auth, verdict);
    cr_expect(heard.verdict.accepted);
    cr_expect_eq(heard.verdict.hash.len, 0);
    channel_close(&c);
}

/* Whatever comes on a pair, there is one verdict, no, and auth continues. */
AuthTest(auth, breaches)
{
    struct channel c;

    for (size_t i = 0; i < sizeof(breaches) / sizeof(breaches[0]); i++) {
        verify(10 + i, &c);
        breaches[i].act(&c);
        expect_verdict(10 + i, NULL);
        channel_close(&c);
        say_as(1000, "anna", "right", "anna");
    }
}

Test(auth, a_name_that_is_too_long)
{
    char name[USER_NAME_MAX + 2];
    struct channel c;

    open_auth();
    memset(name, 'n', sizeof(name));
    name[USER_NAME_MAX + 1] = '\0';
    verify_of(1, name, 0, &c);
    ask();
    cast_hear_end(&s.auth);
    channel_close(&c);
    end_auth(EX_PROTOCOL);
}

/* Master recognises name and row by their hashes with the key that it sent. */
Test(auth, the_hashes_of_name_and_row)
{
    static const uint64_t halves[] = { 0x0123456789abcdef, 0xfedcba9876543210 };
    struct complaint why = { "" };
    uint8_t key[SIPHASH_KEY];
    struct channel c;
    struct users u;
    char text[256];
    int fd;

    snprintf(text, sizeof(text),
             "anna:%s:70000:70000::/home:: rights=lr uploads=3\n",
             crypt("right", SETTING));
    fd = users_table(text);
    memcpy(key, halves, sizeof(key));
    raise_auth();
    SAY(&s.auth, users, .name_key_1 = halves[0], .name_key_2 = halves[1],
        .users = fd);
    cr_assert_eq(users_take(&u, fd, &why), 0, "%s", why.text);
    close(fd);
    verify(1, &c);
    say(&c, "anna", "right");
    ask();
    EXPECT(&s.auth, verdict);
    cr_expect_eq(heard.verdict.name, siphash(key, "anna", 4));
    cr_expect_eq(heard.verdict.version, user_version(&u.row[0], key));
    channel_close(&c);
    users_release(&u);
    end_auth(0);
}

/* Anna gets another password; bert comes; carl replaces both. */
Test(auth, new_and_removed_users)
{
    char hash[2][128], text[4][1024];

    snprintf(hash[0], sizeof(hash[0]), "%s", crypt("right", SETTING));
    snprintf(hash[1], sizeof(hash[1]), "%s", crypt("other", SETTING));
    snprintf(text[0], sizeof(text[0]), "anna:%s:70000:70000::/a::\n", hash[0]);
    snprintf(text[1], sizeof(text[1]), "anna:%s:70000:70000::/a::\n", hash[1]);
    snprintf(text[2], sizeof(text[2]),
             "anna:%s:70000:70000::/a::\nbert:%s:70001:70001::/b::\n", hash[1],
             hash[0]);
    snprintf(text[3], sizeof(text[3]), "carl:%s:70000:70000::/a::\n", hash[0]);
    raise_auth();
    send_table(text[0]);
    say_as(1, "anna", "right", "anna");
    for (int i = 1; i <= 3; i++) {
        send_table(text[i]);
        say_as(10, "anna", "other", i < 3 ? "anna" : NULL);
        say_as(11, "anna", "right", NULL);
        say_as(12, "bert", "right", i == 2 ? "bert" : NULL);
        say_as(13, "carl", "right", i == 3 ? "carl" : NULL);
    }
    end_auth(0);
}

/* Master sends only a table that it has taken itself. */
Test(auth, a_table_that_is_none)
{
    FD_CLEANUP int fd = fd_sealed("users", SLICE("x\n"));

    raise_auth();
    SAY(&s.auth, users, .users = fd);
    cast_hear_end(&s.auth);
    end_auth(EX_DATAERR);
}

Test(auth, asked_before_it_has_users)
{
    struct channel c;

    raise_auth();
    verify(1, &c);
    ask();
    cast_hear_end(&s.auth);
    channel_close(&c);
    end_auth(EX_PROTOCOL);
}

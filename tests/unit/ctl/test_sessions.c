/* "who", "kick" and "drain", and the message to the running server after a
 * change of a user: with answers of every kind, and without a server. */
#include "ctl/ctl.h"
#include "fake_server.h"
#include "world.h"

#define HASH "$5$salt$abcdefghijklmnopqrstuvwxyzABCDEFGHIJ./01234"
#define ANNA "anna:" HASH ":70000:70000::/h::\n"

TestSuite(sessions, .init = world_make, .fini = scratch_remove);

static const struct run *says(int code, const char *words, const char *text)
{
    const struct run *r = expect_run(code, "", words);

    cr_expect(strstr(r->out, text) || strstr(r->err, text), "%s said: %s%s",
              words, r->out, r->err);
    return r;
}

Test(sessions, without_a_server)
{
    file_write(world.users, ANNA);
    cr_expect_str_eq(says(0, "user lock anna", "user anna: locked")->err, "");
    cr_expect_str_eq(says(0, "user del anna", "removed")->err, "");
}

Test(sessions, usage)
{
    says(EX_USAGE, "who anna", "anna: one word too many");
    says(EX_USAGE, "kick", "USER, SERIAL or ADDRESS is missing");
    says(EX_USAGE, "kick anna bert", "bert: one word too many");
    says(EX_USAGE, "kick an%na", "an%na: neither a user's name");
    says(EX_USAGE, "kick 192.0.2.1:21", "neither a user's name");
    says(EX_USAGE, "kick 0123456789ABCDEF%", "neither a user's name");
    says(EX_USAGE, "kick anna --csv", "--csv is not for this command");
}

static void tell_session(struct channel *c, uint64_t serial, const char *user)
{
    struct address peer, local;

    address_parse_port(SLICE("192.0.2.1:4711"), &peer);
    address_parse_port(SLICE("[2001:db8::1]:21"), &local);
    FAKE_SAYS(c, who_is, .serial = serial, .user = slice_from(user),
              .peer = peer, .local = local, .since = 1700000000,
              .login = user[0] ? 1700000060 : 0);
}

/* Sends two pages. The second page begins at the place that the first one
 * names. */
static void has_three(struct channel *c)
{
    fake_welcome(c);
    cast_hear(c);
    tell_session(c, 0xabc, "anna");
    tell_session(c, 0xdef, "");
    FAKE_SAYS(c, end, .place = 70);
    cast_hear(c);
    if (heard.kind == MSG_who && heard.who.place == 70)
        tell_session(c, 0x123, "a\033[2Jb");
    FAKE_SAYS(c, end);
    if (!cast_hear(c) || heard.kind != MSG_show ||
        heard.show.what != SHOW_DOING)
        return;
    fake_row(c, "+doing", "serial", "0000000000000abc", "program",
             "Client\033 1", "tls", "TLSv1.3", "command", "STOR", "path",
             "/in/a\n\"b", "#bytes", "5242880", "#of", "20971520", "#ms",
             "2000", NULL);
    fake_row(c, "+doing", "serial", "0000000000000def", "#bytes",
             "18446744073709551615", "#of", "18446744073709551615", "#ms", "1",
             NULL);
    /* A new session, which WHO doesn't have. */
    fake_row(c, "+doing", "serial", "0000000000000999", NULL);
    FAKE_SAYS(c, end);
}

/* Has two sessions, which don't say what they do. The second one isn't logged
 * in yet. */
static void has_busy_ones(struct channel *c)
{
    fake_welcome(c);
    while (cast_hear(c)) {
        if (heard.kind == MSG_drain) {
            if (heard.drain.order == DRAIN_OFF)
                file_write(in_scratch("taken"), "again");
            FAKE_SAYS(c, drain_is, .on = heard.drain.order != DRAIN_OFF,
                      .sessions = 2);
            continue;
        }
        if (heard.kind == MSG_show) {
            FAKE_SAYS(c, end);
            continue;
        }
        tell_session(c, 0xabc, "anna");
        tell_session(c, 0xdef, "");
        FAKE_SAYS(c, end);
    }
}

/* Refuses the first question about the drain. The list of sessions is empty. */
static void is_busy_for_a_while(struct channel *c)
{
    fake_welcome(c);
    while (cast_hear(c)) {
        const bool asked = files_exists(in_scratch("asked"));

        if (heard.kind != MSG_drain)
            FAKE_SAYS(c, end);
        else if (heard.drain.order == DRAIN_ASK && !asked)
            FAKE_SAYS(c, control_refused, .refusal = REFUSAL_BUSY,
                      .why = SLICE("answering others"));
        else
            FAKE_SAYS(c, drain_is, .on = true);
        if (heard.kind == MSG_drain && heard.drain.order == DRAIN_ASK)
            file_write(in_scratch("asked"), "once");
    }
}

static void is_busy_for_ever(struct channel *c)
{
    fake_welcome(c);
    while (cast_hear(c)) {
        if (heard.drain.order == DRAIN_OFF)
            file_write(in_scratch("taken"), "again");
        if (heard.drain.order == DRAIN_ASK)
            FAKE_SAYS(c, control_refused, .refusal = REFUSAL_BUSY,
                      .why = SLICE("answering others"));
        else
            FAKE_SAYS(c, drain_is, .on = heard.drain.order == DRAIN_ON);
    }
}

static void is_drained(struct channel *c)
{
    fake_welcome(c);
    while (cast_hear(c)) {
        if (heard.kind != MSG_drain) {
            FAKE_SAYS(c, end);
            continue;
        }
        if (heard.drain.order == DRAIN_OFF)
            file_write(in_scratch("taken"), "again");
        FAKE_SAYS(c, drain_is, .on = heard.drain.order != DRAIN_OFF);
    }
}

/* If a server is busy, "drain" asks again. If "drain" fails, the server takes
 * sessions again. */
Test(sessions, a_drain_beside_a_busy_server)
{
    fake_begin(is_busy_for_a_while);
    says(0, "drain --timeout 1min", "drained: ");
    fake_end();
    fake_begin(is_busy_for_ever);
    says(EX_TEMPFAIL, "drain --timeout 1s",
         "answering others; the drain was ended, and the server takes sessions "
         "again; give a longer --timeout, ");
    fake_end();
    cr_expect(files_exists(in_scratch("taken")));
}

Test(sessions, a_drain_that_is_late)
{
    fake_begin(has_busy_ones);
    says(EX_TEMPFAIL, "drain --timeout 1s", "takes sessions again");
    cr_expect(files_exists(in_scratch("taken")));
    fake_end();
    expect_err(EX_USAGE, "", "drain --timeout 1s --off",
               "give --timeout or --off, not both");
}

static void stops_after_an_answer(struct channel *c)
{
    fake_welcome(c);
    if (cast_hear(c))
        FAKE_SAYS(c, drain_is, .on = true, .sessions = 2);
    _exit(0);
}

Test(sessions, a_drain_of_a_server_that_stops)
{
    fake_begin(stops_after_an_answer);
    says(EX_UNAVAILABLE, "drain --timeout 20s", "the server has stopped: ");
    fake_end();
}

/* If "drain" can't report its success, the server takes sessions again: a
 * script that ends because of the failure must not leave a server that
 * drains. */
Test(sessions, a_drain_that_cannot_be_reported)
{
    static const char *const words[] = { "drain --timeout 1min",
                                         "drain --announce 1h" };

    fake_begin(is_drained);
    world.out = "/dev/full";
    for (size_t i = 0; i < 2; i++) {
        says(EX_IOERR, words[i],
             "standard output can't be written; the drain was ended, and the "
             "server takes sessions again");
        cr_expect_eq(unlink(in_scratch("taken")), 0, "%s", words[i]);
    }
    world.out = NULL;
    fake_end();
}

Test(sessions, who)
{
    const struct run *r;

    fake_begin(has_three);
    r = says(0, "who", "SERIAL");
    cr_expect(strstr(r->out, "0000000000000abc anna "), "%s", r->out);
    cr_expect(strstr(r->out, " 192.0.2.1:4711 [2001:db8::1]:21 TLSv1.3 "
                             "Client? 1 STOR /in/a?\"b, 5 MiB of 20 "
                             "MiB, 2.5 MiB/s\n"),
              "%s", r->out);
    cr_expect(strstr(r->out, "0000000000000def - "), "%s", r->out);
    cr_expect(strstr(r->out, "0000000000000123 a?[2Jb "), "%s", r->out);
    cr_expect(strstr(r->out, " -       -         busy\n"), "%s", r->out);
    fake_end();
    fake_begin(has_three);
    r = says(0, "who --csv",
             "serial,user,age,client,listener,tls,program,"
             "command,path,bytes,of,rate\n");
    cr_expect(strstr(r->out, ",STOR,\"/in/a?\"\"b\",5242880,20971520,"
                             "2621440\n"),
              "%s", r->out);
    fake_end();
    fake_begin(has_three);
#define WHO(serial, user)                                                      \
    "{\"serial\":\"" serial "\",\"user\":" user                                \
    ",\"client\":\"192.0.2.1:4711\",\"listener\":\"[2001:db8::1]:21\","        \
    "\"since\":\"2023-11-14T22:13:20Z\",\"logged_in\":"
#define LOGGED_IN "\"2023-11-14T22:14:20Z\",\"busy\":"
    cr_expect_str_eq(
        world_json("who --json"),
        "[" WHO("0000000000000abc", "\"anna\"") LOGGED_IN
        "false,\"program\":\"Client? 1\",\"tls\":\"TLSv1.3\","
        "\"command\":\"STOR\",\"path\":\"/in/a?\\\"b\",\"bytes\":5242880,"
        "\"of\":20971520,\"ms\":2000,\"rate\":2621440}," WHO(
            "0000000000000def", "null") "null,\"busy\":false,"
                                        "\"bytes\":9223372036854775807,\"of\":"
                                        "9223372036854775807,\"ms\":1,"
                                        "\"rate\":0}," WHO("0000000000000123",
                                                           "\"a?[2Jb\"")
                                            LOGGED_IN "true}]");
    fake_end();
}

/* A server of another version or build. A command only sends it requests that
 * each version and build knows; "drain" only gets the number of sessions. */
static bool older;

static void is_another_build(struct channel *c)
{
    older ? fake_welcome_older(c) : fake_welcome(c);
    while (cast_hear(c)) {
        if (heard.kind == MSG_drain) {
            FAKE_SAYS(c, drain_is, .on = true, .sessions = 1);
        } else if (heard.kind == MSG_end_sessions) {
            FAKE_SAYS(c, control_done, .sessions = 1);
        } else if (heard.kind == MSG_who) {
            tell_session(c, 0xabc, "anna");
            FAKE_SAYS(c, end);
        } else if (!older) {
            FAKE_SAYS(c, control_refused, .refusal = REFUSAL_BUSY,
                      .why = SLICE("another build"));
        }
    }
}

Test(sessions, of_another_build)
{
    for (int i = 0; i < 2; i++) {
        older = i;
        fake_begin(is_another_build);
        cr_expect_str_eq(says(0, "who", " busy\n")->err, "");
        says(0, "kick anna", "1 session ended");
        says(EX_TEMPFAIL, "drain --timeout 1s", "1 session left\n");
        fake_end();
    }
}

static void has_none(struct channel *c)
{
    fake_welcome(c);
    cast_hear(c);
    FAKE_SAYS(c, end);
}

static void goes_in_circles(struct channel *c)
{
    fake_welcome(c);
    while (cast_hear(c))
        FAKE_SAYS(c, end, .place = 1);
}

static void says_done(struct channel *c)
{
    fake_welcome(c);
    cast_hear(c);
    FAKE_SAYS(c, control_done);
}

Test(sessions, other_answers)
{
    static const struct {
        fake_play *play;
        const char *words;
        int code;
        const char *text;
    } rows[] = {
        { has_none, "who", 0, "nobody is connected" },
        { has_none, "who --json", 0, "[]" },
        { goes_in_circles, "who", EX_PROTOCOL, "a list without end" },
        { says_done, "who", EX_PROTOCOL, "no answer to who" },
        { has_none, "kick anna", EX_PROTOCOL, "no answer to end_sessions" },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        fake_begin(rows[i].play);
        says(rows[i].code, rows[i].words, rows[i].text);
        fake_end();
    }
}

/* The expected request: ends_one() answers it by 1 ended session, and any
 * other request by 0. */
static struct message meant;

static bool is_meant(const struct msg_end_sessions *msg)
{
    const struct msg_end_sessions *want = &meant.end_sessions;

    return msg->serial == want->serial && slice_equal(msg->user, want->user) &&
           msg->client.family == want->client.family &&
           address_same_host(&msg->client, &want->client);
}

static void ends_one(struct channel *c)
{
    bool right;

    fake_welcome(c);
    cast_hear(c);
    right = heard.kind == meant.kind &&
            (heard.kind != MSG_end_sessions || is_meant(&heard.end_sessions));
    FAKE_SAYS(c, control_done, .sessions = right);
}

static void kicks(const char *words, uint64_t serial, const char *user,
                  const char *address)
{
    meant = (struct message){
        .kind = MSG_end_sessions,
        .end_sessions = { .serial = serial, .user = slice_from(user) },
    };
    if (address)
        cr_assert_eq(
            address_parse(slice_from(address), &meant.end_sessions.client), 0);
    fake_begin(ends_one);
    says(0, words, "1 session ended");
    fake_end();
}

/* The form of the word decides whether it is a user, a serial or an address. */
Test(sessions, kick)
{
    kicks("kick anna", 0, "anna", NULL);
    kicks("kick 0123456789abcdef", 0x0123456789abcdef, "", NULL);
    kicks("kick 00000000DEADBEEF", 0xdeadbeef, "", NULL);
    kicks("kick deadbeef", 0, "deadbeef", NULL);
    kicks("kick 192.0.2.1", 0, "", "192.0.2.1");
    kicks("kick 2001:db8::1", 0, "", "2001:db8::1");
    meant = (struct message){ .kind = MSG_NONE };
    fake_begin(ends_one);
    says(EX_NOUSER, "kick anna", "anna has no session");
    fake_end();
}

static const char *verb, *to;

static void hears_of_it(struct channel *c)
{
    fake_welcome(c);
    if (cast_hear(c) && heard.kind == MSG_users_changed &&
        slice_equal(heard.users_changed.verb, slice_from(verb)) &&
        slice_equal(heard.users_changed.to, slice_from(to)))
        FAKE_SAYS(c, control_done, .sessions = 1);
}

/* The server gets the command for its log, without the text of --comment. */
Test(sessions, after_a_change_the_command)
{
    static const char *const rows[][3] = {
        { "user change anna --comment geheim", "user change", "anna" },
        { "user rename anna berta", "user rename", "anna berta" },
    };

    file_write(world.users, ANNA);
    for (size_t i = 0; i < 2; i++) {
        verb = rows[i][1];
        to = rows[i][2];
        fake_begin(hears_of_it);
        says(0, rows[i][0], "1 session ended");
        fake_end();
    }
}

static void refuses(struct channel *c)
{
    fake_welcome(c);
    cast_hear(c);
    FAKE_SAYS(c, control_refused, .refusal = REFUSAL_BAD_FILE,
              .why = SLICE("bad line 3"));
}

/* The command reports each change to the server. If the report fails, the
 * change stands. */
Test(sessions, after_a_change)
{
    static const char *const words[] = {
        "user lock anna",   "user unlock anna",
        "user passwd anna", "user change anna --data-binding session",
        "user del anna",
    };

    file_write(world.users, ANNA);
    meant = (struct message){ .kind = MSG_users_changed };
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        const struct run *r;

        fake_begin(ends_one);
        r = expect_run(0, "a long enough password\n", words[i]);
        cr_expect(strstr(r->out, "1 session ended\n"), "%s: %s%s", words[i],
                  r->out, r->err);
        fake_end();
    }
    file_write(world.users, ANNA); /* standard output has only JSON */
    fake_begin(ends_one);
    expect_err(0, "", "user totp anna --json", "1 session ended\n");
    fake_end();
    file_write(world.users, ANNA);
    fake_begin(refuses);
    says(0, "user lock anna",
         "did not confirm this: bad line 3; its log may lack the command");
    cr_expect(strstr(file_text(world.users), "anna:!"));
    fake_end();
}

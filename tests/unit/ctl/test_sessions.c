/* "who" and "kick", and what the running server is told after a change of a
 * user: answers of every kind, and none. */
#include <jansson.h>
#include <stdio.h>

#include "ctl/ctl.h"
#include "fake_server.h"
#include "world.h"

#define HASH "$5$salt$abcdefghijklmnopqrstuvwxyzABCDEFGHIJ./01234"
#define ANNA "anna:" HASH ":70000:70000::/h::\n"

TestSuite(sessions, .init = world_make, .fini = world_remove);

static const struct run *says(int code, const char *words, const char *text)
{
    const struct run *r = expect_run(code, "", words);

    cr_expect(strstr(r->out, text) || strstr(r->err, text), "%s said: %s%s",
              words, r->out, r->err);
    return r;
}

Test(sessions, without_a_server)
{
    says(EX_UNAVAILABLE, "who", "no server answers at");
    says(EX_UNAVAILABLE, "kick anna", "no server answers at");
    file_write(world.users, ANNA);
    cr_expect_str_eq(says(0, "user lock anna", "user anna: locked")->err, "");
    cr_expect_str_eq(says(0, "user del anna", "removed")->err, "");
}

Test(sessions, usage)
{
    says(EX_USAGE, "who anna", "usage: sallyportctl who [--json]");
    says(EX_USAGE, "kick", "usage: sallyportctl kick USER | SERIAL | ADDRESS");
    says(EX_USAGE, "kick anna bert", "usage: sallyportctl kick");
    says(EX_USAGE, "kick Anna", "Anna: neither a user's name");
    says(EX_USAGE, "kick 192.0.2.1:21", "neither a user's name");
    says(EX_USAGE, "kick 0123456789ABCDEFG", "neither a user's name");
    says(EX_USAGE, "kick anna --json", "--json is not for this command");
}

static void tell_session(struct channel *c, const struct packet *request,
                         uint64_t serial, const char *user)
{
    struct packet p = { .message = MSG_WHO_IS,
                        .value = { NUMBER(serial), TEXT(slice_from(user)) } };

    address_parse_port(SLICE("192.0.2.1:4711"), &p.value[2].address);
    address_parse_port(SLICE("[2001:db8::1]:21"), &p.value[3].address);
    p.value[4].number = 1700000000;
    p.value[5].number = user[0] ? 1700000060 : 0;
    fake_says(c, request, p);
}

/* Two pages; the second begins where the first said. */
static void has_three(struct channel *c)
{
    struct packet p;

    fake_welcome(c);
    fake_hears(c, &p);
    tell_session(c, &p, 0xabc, "anna");
    tell_session(c, &p, 0xdef, "");
    fake_says(
        c, &p,
        (struct packet){ .message = MSG_WHO_END, .value = { NUMBER(70) } });
    fake_hears(c, &p);
    if (p.message == MSG_WHO && p.value[0].number == 70)
        tell_session(c, &p, 0x123, "a\033[2Jb");
    fake_says(c, &p, (struct packet){ .message = MSG_WHO_END });
}

Test(sessions, who)
{
    const struct run *r;
    json_t *all;

    fake_begin(has_three);
    r = says(0, "who", "SERIAL");
    cr_expect(strstr(r->out, "0000000000000abc anna "), "%s", r->out);
    cr_expect(strstr(r->out, " 192.0.2.1:4711 "), "%s", r->out);
    cr_expect(strstr(r->out, " [2001:db8::1]:21\n"), "%s", r->out);
    cr_expect(strstr(r->out, "0000000000000def - "), "%s", r->out);
    cr_expect(strstr(r->out, "0000000000000123 a\\x1b[2Jb "), "%s", r->out);
    fake_end();
    fake_begin(has_three);
    all = json_loads(expect_run(0, "", "who --json")->out, 0, NULL);
    cr_assert_eq(json_array_size(all), 3);
    cr_expect_str_eq(
        json_string_value(json_object_get(json_array_get(all, 0), "serial")),
        "0000000000000abc");
    cr_expect_str_eq(
        json_string_value(json_object_get(json_array_get(all, 0), "user")),
        "anna");
    cr_expect_str_eq(
        json_string_value(json_object_get(json_array_get(all, 0), "logged_in")),
        "2023-11-14T22:14:20Z");
    cr_expect(json_is_null(json_object_get(json_array_get(all, 1), "user")));
    cr_expect(
        json_is_null(json_object_get(json_array_get(all, 1), "logged_in")));
    json_decref(all);
    fake_end();
}

static void has_none(struct channel *c)
{
    struct packet p;

    fake_welcome(c);
    fake_hears(c, &p);
    fake_says(c, &p, (struct packet){ .message = MSG_WHO_END });
}

static void goes_in_circles(struct channel *c)
{
    struct packet p;

    fake_welcome(c);
    while (fake_hears(c, &p))
        fake_says(
            c, &p,
            (struct packet){ .message = MSG_WHO_END, .value = { NUMBER(1) } });
}

static void says_done(struct channel *c)
{
    struct packet p;

    fake_welcome(c);
    fake_hears(c, &p);
    fake_says(c, &p, (struct packet){ .message = MSG_CONTROL_DONE });
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
        { goes_in_circles, "who", EX_PROTOCOL, "sessions without end" },
        { says_done, "who", EX_PROTOCOL, "no answer to who" },
        { says_done, "kick anna", EX_PROTOCOL, "no answer to a kick" },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        fake_begin(rows[i].play);
        says(rows[i].code, rows[i].words, rows[i].text);
        fake_end();
    }
}

/* How many end: 1 for what it should be asked, else 0. */
static struct packet meant;

static void ends_one(struct channel *c)
{
    bool right;
    struct packet p;

    fake_welcome(c);
    fake_hears(c, &p);
    right = p.message == meant.message &&
            p.value[0].number == meant.value[0].number &&
            slice_equal(p.value[1].text, meant.value[1].text) &&
            p.value[2].address.family == meant.value[2].address.family &&
            address_same_host(&p.value[2].address, &meant.value[2].address);
    fake_says(
        c, &p,
        (struct packet){ .message = MSG_ENDED, .value = { NUMBER(right) } });
}

static void kicks(const char *words, uint64_t serial, const char *user,
                  const char *address)
{
    meant =
        (struct packet){ .message = MSG_END_SESSIONS,
                         .value = { NUMBER(serial), TEXT(slice_from(user)) } };
    if (address)
        cr_assert_eq(
            address_parse(slice_from(address), &meant.value[2].address), 0);
    fake_begin(ends_one);
    says(0, words, "1 session ended");
    fake_end();
}

/* Its form decides what a word is. */
Test(sessions, kick)
{
    kicks("kick anna", 0, "anna", NULL);
    kicks("kick 0123456789abcdef", 0x0123456789abcdef, "", NULL);
    kicks("kick 00000000DEADBEEF", 0xdeadbeef, "", NULL);
    kicks("kick deadbeef", 0, "deadbeef", NULL);
    kicks("kick 192.0.2.1", 0, "", "192.0.2.1");
    kicks("kick 2001:db8::1", 0, "", "2001:db8::1");
    meant = (struct packet){ .message = MSG_NONE };
    fake_begin(ends_one);
    says(EX_NOUSER, "kick anna", "anna has no session");
    fake_end();
}

static void refuses(struct channel *c)
{
    struct packet p;

    fake_welcome(c);
    fake_hears(c, &p);
    fake_says(c, &p,
              (struct packet){ .message = MSG_CONTROL_REFUSED,
                               .value = { NUMBER(REFUSAL_BAD_FILE),
                                          TEXT(SLICE("bad line 3")) } });
}

/* The server hears of each change; if it can't, the change is made all the
 * same. */
Test(sessions, after_a_change)
{
    static const char *const words[] = {
        "user lock anna",   "user unlock anna",
        "user passwd anna", "user change anna --data-binding session",
        "user del anna",
    };

    file_write(world.users, ANNA);
    meant = (struct packet){ .message = MSG_USERS_EDITED };
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        const struct run *r;

        fake_begin(ends_one);
        r = expect_run(0, "a long enough password\n", words[i]);
        cr_expect(strstr(r->out, "1 session ended\n"), "%s: %s%s", words[i],
                  r->out, r->err);
        fake_end();
    }
    file_write(world.users, ANNA);
    fake_begin(refuses);
    says(0, "user lock anna", "could not be told of it: bad line 3");
    cr_expect(strstr(file_text(world.users), "anna:!"));
    fake_end();
}

/* Sessions whose user's row has changed: which change ends one, when, and with
 * which reason; and that a broken users file ends none. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "caller.h"
#include "support/files.h"
#include "support/packet.h"

/* Master never checks by itself. */
static void on_request(struct master *m)
{
    m->deadlines.users = 60000;
}

/* Master checks often, and a kicked session may stay alive. */
static void often(struct master *m)
{
    m->deadlines.users = 20;
    m->deadlines.kick = 60000;
}

static void read_users(const struct stage *s, struct buf *text)
{
    char path[128];

    snprintf(path, sizeof(path), "%s/users", s->folder);
    buf_init(text, 65536);
    cr_assert(files_read(path, text));
    cr_assert_eq(buf_add(text, "", 1), 0);
}

/* Replaces the first FROM in the users file by BY. */
static void change(struct stage *s, const char *from, const char *by)
{
    struct buf text;
    char made[4096];
    const char *at;

    read_users(s, &text);
    at = strstr(text.data, from);
    cr_assert(at, "%s", from);
    snprintf(made, sizeof(made), "%.*s%s%s", (int)(at - text.data), text.data,
             by, at + strlen(from));
    buf_release(&text);
    stage_users(s, made);
}

/* Does what sallyportctl does after a change. Returns how many sessions end. */
static uint64_t edited(struct stage *s)
{
    struct packet p;
    struct caller c;

    caller_enter(s, &c);
    caller_asks(&c, MSG_users_edited, NULL);
    caller_hears(&c, MSG_ended, &p);
    caller_leave(&c);
    return p.value[0].number;
}

static void is_kicked(struct player *p, enum ending why)
{
    struct packet got;

    player_hear(p, MSG_kick, &got);
    cr_expect_eq(got.value[0].number, why, "%s", ending_text(why));
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
};

Test(access, changes_that_end_a_session, .timeout = 120)
{
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        struct actor files;
        struct player p;
        struct stage s;

        stage_logged_in(&s, on_request, &p, &files);
        change(&s, changes[i].from, changes[i].by);
        cr_expect_eq(edited(&s), 1, "%s", changes[i].by);
        is_kicked(&p, changes[i].why);
        cr_expect_eq(edited(&s), 0, "once");
        stage_leave(&s, &p);
    }
}

/* Then a later change ends it. */
Test(access, changes_that_end_nothing, .timeout = 60)
{
    struct actor files;
    struct player p;
    struct stage s;

    stage_logged_in(&s, on_request, &p, &files);
    change(&s, ":70000::", ":70000:Anna, accounts:");
    cr_expect_eq(edited(&s), 0, "a comment");
    change(&s, "/anna::", "/anna::on_conflict=rename");
    cr_expect_eq(edited(&s), 0, "on_conflict");
    change(&s, "bert:", "bert:!");
    cr_expect_eq(edited(&s), 0, "another user");
    change(&s, "anna:", "# a line more\nanna:");
    cr_expect_eq(edited(&s), 0, "another line");
    change(&s, "anna:", "anna:!");
    cr_expect_eq(edited(&s), 1);
    is_kicked(&p, ENDING_LOCKED);
    stage_leave(&s, &p);
}

/* Nobody tells master, and nobody logs in. */
Test(access, a_file_edited_by_hand, .timeout = 60)
{
    struct actor files;
    struct player p;
    struct stage s;

    stage_logged_in(&s, often, &p, &files);
    change(&s, "anna:", "anna:!");
    is_kicked(&p, ENDING_LOCKED);
    stage_leave(&s, &p);
}

/* A file that can't be used is reported once. The sessions stay until it can be
 * used. */
Test(access, a_file_out_of_order, .timeout = 60)
{
    char path[128], away[128];
    struct actor files;
    struct player p;
    struct caller c;
    struct stage s;

    stage_logged_in(&s, often, &p, &files);
    change(&s, ":70000:", ":nonsense:");
    stage_reports(&s, EVENT_SERVICE, "the old users stay");
    caller_enter(&s, &c);
    caller_asks(&c, MSG_users_edited, NULL);
    caller_is_refused(&c, REFUSAL_BAD_FILE);
    snprintf(path, sizeof(path), "%s/users", s.folder);
    snprintf(away, sizeof(away), "%s/users.away", s.folder);
    cr_assert_eq(rename(path, away), 0);
    stage_reports(&s, EVENT_SERVICE, "No such file or directory");
    caller_asks(&c, MSG_users_edited, NULL);
    caller_is_refused(&c, REFUSAL_BAD_FILE);
    caller_leave(&c);
    cr_assert_eq(rename(away, path), 0);
    change(&s, "anna:", "anna:!");
    change(&s, ":nonsense:", ":70000:");
    is_kicked(&p, ENDING_LOCKED);
    stage_leave(&s, &p);
}

/* The verdict belongs to the row before the change. */
Test(access, a_change_while_auth_is_at_work, .timeout = 60)
{
    struct player p;
    struct stage s;

    stage_asked(&s, on_request, &p);
    change(&s, "anna:", "anna:!");
    cr_expect_eq(edited(&s), 0);
    auth_says(&s, p.serial, 1, 0, 1);
    stage_reports(&s, EVENT_SERVICE, "anna: not let in");
    player_is_denied(&p, DENIAL_WRONG);
    stage_leave(&s, &p);
}

/* Its files isn't ready yet. */
Test(access, a_change_while_the_home_opens, .timeout = 60)
{
    struct actor files;
    struct player p;
    struct stage s;

    stage_asked(&s, on_request, &p);
    auth_says(&s, p.serial, 1, 0, 1);
    actor_enter(&s, &files, "files");
    change(&s, "anna:", "anna:!");
    cr_expect_eq(edited(&s), 1);
    is_kicked(&p, ENDING_LOCKED);
    stage_leave(&s, &p);
}

/* A session that doesn't leave is killed. */
Test(access, a_session_that_stays, .timeout = 60)
{
    struct actor files;
    struct player p;
    struct stage s;

    stage_logged_in(&s, NULL, &p, &files);
    change(&s, "anna:", "anna:!");
    cr_expect_eq(edited(&s), 1);
    gate_hears(&s, MSG_kill, p.serial);
    stage_leave(&s, &p);
}

static uint64_t versions_of(struct stage *s, struct player *p, uint64_t gen)
{
    struct actor files;
    struct packet got;

    player_asks(s, p);
    auth_says(s, p->serial, gen, 0, 1);
    actor_enter(s, &files, "files");
    actor_say(&files, (struct packet){ .message = MSG_files_ready });
    player_hear(p, MSG_granted, &got);
    packet_close(&got);
    gate_hears(s, MSG_logged_in, p->serial);
    return got.value[4].number;
}

/* Tickets of sessions before and after a harmless change have the same
 * version. */
Test(access, version_in_granted, .timeout = 60)
{
    struct player p, q, r;
    uint64_t first;
    struct stage s;

    stage_with(&s, on_request, &p);
    first = versions_of(&s, &p, 1);
    change(&s, ":70000::", ":70000:Anna:");
    edited(&s);
    player_enter(&s, &q, 2);
    cr_expect_eq(versions_of(&s, &q, 2), first);
    change(&s, "/anna::", "/anna::rights=read");
    cr_expect_eq(edited(&s), 2);
    player_enter(&s, &r, 3);
    cr_expect_neq(versions_of(&s, &r, 3), first);
    player_leave(&q);
    player_leave(&r);
    stage_leave(&s, &p);
}

static void ask_end(struct caller *c, uint64_t serial, const char *user,
                    const char *address, uint64_t ended)
{
    struct packet got,
        p = { .message = MSG_end_sessions,
              .value = { NUMBER(serial), TEXT(slice_from(user)) } };

    if (address)
        cr_assert_eq(address_parse(slice_from(address), &p.value[2].address),
                     0);
    p.request = c->request = channel_next(&c->channel);
    cr_assert_eq(packet_send(&c->channel, &p), 0);
    caller_hears(c, MSG_ended, &got);
    cr_expect_eq(got.value[0].number, ended, "%llx %s %s",
                 (unsigned long long)serial, user, address ? address : "");
}

/* By serial, user or address, and only those. */
Test(access, kick, .timeout = 60)
{
    struct address host;
    struct actor files;
    struct player p, q, r;
    struct caller c;
    struct stage s;

    stage_logged_in(&s, on_request, &p, &files);
    player_enter(&s, &q, 2);
    cr_assert_eq(address_parse_port(SLICE("192.0.2.77:1"), &host), 0);
    player_enter_from(&s, &r, 3, &host);
    caller_enter(&s, &c);
    ask_end(&c, 99, "", NULL, 0);
    ask_end(&c, 0, "bert", NULL, 0);
    ask_end(&c, 0, "", "192.0.2.78", 0);
    ask_end(&c, 0, "", NULL, 0);
    ask_end(&c, 0, "anna", NULL, 1);
    is_kicked(&p, ENDING_KICKED);
    ask_end(&c, 0, "anna", NULL, 0);
    ask_end(&c, 2, "", NULL, 1);
    is_kicked(&q, ENDING_KICKED);
    ask_end(&c, 0, "", "192.0.2.77", 1);
    is_kicked(&r, ENDING_KICKED);
    caller_leave(&c);
    player_leave(&q);
    player_leave(&r);
    stage_leave(&s, &p);
}

/* Reads all pages of WHO. Returns the number of sessions; *ANNAS gets those of
 * anna. */
static size_t ask_who(struct caller *c, size_t *annas)
{
    struct packet got, p = { .message = MSG_who };
    size_t n = 0;

    *annas = 0;
    do {
        p.request = c->request = channel_next(&c->channel);
        cr_assert_eq(packet_send(&c->channel, &p), 0);
        cr_assert_eq(packet_wait(&c->channel, &got, STAGE_WAIT_MS), 1);
        for (; got.message == MSG_who_is; n++) {
            bool known = got.value[1].text.len > 0;

            *annas += slice_equal(got.value[1].text, SLICE("anna"));
            cr_expect_eq(got.value[2].address.family, 4);
            cr_expect_eq(got.value[3].address.family, 4);
            cr_expect_gt(got.value[4].number, 1000000000u);
            cr_expect_eq(got.value[5].number > 0, known);
            cr_assert_eq(packet_wait(&c->channel, &got, STAGE_WAIT_MS), 1);
        }
        cr_assert_eq(got.message, MSG_who_end);
        p.value[0].number = got.value[0].number;
    } while (p.value[0].number > 0);
    return n;
}

static void many(struct master *m)
{
    on_request(m);
    m->settings.max_sessions = 200;
}

/* More than fit into a page; after the end there are none. */
Test(access, who, .timeout = 60)
{
    enum { N = 130 };
    static struct player p[N];
    struct actor files;
    struct packet got,
        beyond = { .message = MSG_who, .value = { NUMBER(UINT64_MAX) } };
    struct caller c;
    struct stage s;
    size_t annas;

    stage_logged_in(&s, many, &p[0], &files);
    caller_enter(&s, &c);
    cr_expect_eq(ask_who(&c, &annas), 1);
    for (uint64_t i = 1; i < N; i++)
        player_enter(&s, &p[i], i + 1);
    player_asks(&s, &p[N - 1]); /* then master knows all of them */
    cr_expect_eq(ask_who(&c, &annas), N);
    cr_expect_eq(annas, 1);
    beyond.request = c.request = channel_next(&c.channel);
    cr_assert_eq(packet_send(&c.channel, &beyond), 0);
    caller_hears(&c, MSG_who_end, &got);
    cr_expect_eq(got.value[0].number, 0);
    caller_leave(&c);
    for (size_t i = 1; i < N; i++)
        player_leave(&p[i]);
    stage_leave(&s, &p[0]);
}

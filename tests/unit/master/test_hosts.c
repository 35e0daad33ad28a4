/* Host names of public addresses: who is asked when, what gate is told, and
 * what becomes of a process lookup that lies, hangs or dies. */
#include <criterion/criterion.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "sallyport/base/fd.h"
#include "stage.h"
#include "support/packet.h"

static struct actor lookup; /* one test, one process */

static void with_hosts(struct master *m)
{
    struct settings *s = &m->settings;

    m->settings.address_refresh = 20;
    snprintf(s->address.host, sizeof(s->address.host), "a.example");
    s->announced_count = 2;
    address_parse(SLICE("10.0.0.0"), &s->announced[0].network.address);
    address_parse(SLICE("10.0.0.5"), &s->announced[0].address.ip);
    s->announced[0].network.bits = 8;
    address_parse(SLICE("172.16.0.0"), &s->announced[1].network.address);
    snprintf(s->announced[1].address.host, SETTINGS_HOST_MAX, "b.example");
    s->announced[1].network.bits = 12;
}

static void asked(const char *host, const char *kept)
{
    char text[ADDRESS_TEXT_MAX];
    struct packet p;

    actor_hear(&lookup, MSG_resolve, &p);
    cr_expect(slice_equal(p.value[0].text, slice_from(host)), "%.*s",
              (int)p.value[0].text.len, p.value[0].text.ptr);
    cr_expect_str_eq(address_text(&p.value[1].address, text), kept);
    lookup.note.serial = p.request; /* for the answer */
}

static void answer(const char *address)
{
    struct packet p = { .message = MSG_resolved,
                        .request = (uint32_t)lookup.note.serial };

    address_parse(slice_from(address), &p.value[0].address);
    actor_say(&lookup, p);
}

static void answer_none(uint64_t why)
{
    actor_say(&lookup, (struct packet){ .message = MSG_unresolved,
                                        .request = (uint32_t)lookup.note.serial,
                                        .value = { NUMBER(why) } });
}

static void told(struct stage *s, uint64_t number, const char *address)
{
    char text[ADDRESS_TEXT_MAX];
    struct packet p;

    actor_hear(&s->gate, MSG_public_address, &p);
    cr_expect_eq(p.value[0].number, number);
    cr_expect_str_eq(address_text(&p.value[1].address, text), address);
}

/* Up to the first question. */
static void raise_with(struct stage *s, void (*adjust)(struct master *m))
{
    stage_raise(s, adjust);
    actor_enter(s, &s->log, "log");
    actor_enter(s, &lookup, "lookup");
    actor_enter(s, &s->keys, "keys");
    actor_enter(s, &s->auth, "auth");
    actor_ready(s, &s->keys);
    actor_ready(s, &lookup);
    asked("a.example", "none");
}

static bool is_started(const struct stage *s)
{
    struct pollfd one = { .fd = s->control, .events = POLLIN };

    return poll(&one, 1, 0) == 1;
}

/* With a.example found and b.example not, and all ready. */
static void open_with(struct stage *s)
{
    raise_with(s, with_hosts);
    answer("192.0.2.1");
    asked("b.example", "none");
    answer_none(UNRESOLVED_UNKNOWN);
    actor_enter(s, &s->gate, "gate");
    actor_ready(s, &s->gate);
    actor_ready(s, &s->auth);
    actor_ready(s, &s->log);
}

static void stop(struct stage *s)
{
    channel_close(&lookup.channel);
    stage_close(s);
}

/* Gate accepts nobody before it knows what is to be told. */
Test(hosts, gate_waits_for_them)
{
    static const enum message_kind setup[] = {
        MSG_conf,     MSG_sandbox, MSG_log,     MSG_keys,  MSG_certificate,
        MSG_listener, MSG_passive, MSG_passive, MSG_memory
    };
    struct packet p;
    struct stage s;

    raise_with(&s, with_hosts);
    cr_expect(!is_started(&s));
    answer("192.0.2.1");
    asked("b.example", "none");
    cr_expect(!is_started(&s));
    answer("172.16.0.9");
    actor_enter(&s, &s.gate, "gate");
    for (size_t i = 0; i < sizeof(setup) / sizeof(setup[0]); i++) {
        actor_hear(&s.gate, setup[i], &p);
        packet_close(&p);
    }
    told(&s, 0, "192.0.2.1");
    told(&s, 2, "172.16.0.9");
    actor_ready(&s, &s.gate);
    actor_ready(&s, &s.auth);
    actor_ready(&s, &s.log);
    stage_serves(&s);
    stop(&s);
}

static void in_a_hurry(struct master *m)
{
    with_hosts(m);
    m->deadlines.hosts = 50;
}

/* But not for ever: the answer comes later. */
Test(hosts, gate_does_not_wait_for_ever)
{
    struct stage s;

    raise_with(&s, in_a_hurry);
    actor_enter(&s, &s.gate, "gate");
    actor_ready(&s, &s.gate);
    actor_ready(&s, &s.auth);
    actor_ready(&s, &s.log);
    answer("192.0.2.1");
    told(&s, 0, "192.0.2.1");
    stage_reports(&s, EVENT_SERVICE, "a.example was none, is now 192.0.2.1");
    stage_serves(&s);
    stop(&s);
}

/* The next event that is about lookup. */
static void next_report(struct stage *s, const char *wanted)
{
    struct event_record r;
    struct packet p;

    do {
        cr_assert_eq(packet_wait(&s->events, &p, STAGE_WAIT_MS), 1);
        cr_assert_eq(event_decode(p.value[0].text, &r), 0);
    } while (!slice_equal(r.text[FIELD_PROCESS], SLICE("lookup")));
    cr_expect(slice_equal(r.text[FIELD_REASON], slice_from(wanted)), "%.*s",
              (int)r.text[FIELD_REASON].len, r.text[FIELD_REASON].ptr);
}

/* A trouble is told once; what was known is kept; gate hears of changes only.
 */
Test(hosts, from_round_to_round)
{
    struct stage s;

    open_with(&s);
    asked("a.example", "192.0.2.1");
    answer("192.0.2.2");
    told(&s, 0, "192.0.2.2");
    next_report(&s, "a.example was 192.0.2.1, is now 192.0.2.2");
    asked("b.example", "none");
    answer("172.16.0.9");
    told(&s, 2, "172.16.0.9");
    next_report(&s, "b.example was none, is now 172.16.0.9");
    for (int i = 0; i < 3; i++) {
        asked("a.example", "192.0.2.2");
        answer_none(i == 0 ? UNRESOLVED_SERVER : UNRESOLVED_LATE);
        asked("b.example", "172.16.0.9");
        answer("172.16.0.9");
    }
    next_report(&s, "a.example: no answer of a name server; clients are told "
                    "192.0.2.2");
    asked("a.example", "192.0.2.2");
    answer("192.0.2.2");
    next_report(&s, "a.example has its address again");
    asked("b.example", "172.16.0.9");
    answer("10.0.0.9"); /* private, and right for its network */
    told(&s, 2, "10.0.0.9");
    next_report(&s, "b.example was 172.16.0.9, is now 10.0.0.9");
    asked("a.example", "192.0.2.2");
    answer("127.0.1.1");
    told(&s, 0, "127.0.1.1");
    next_report(&s, "a.example was 192.0.2.2, is now 127.0.1.1, which is "
                    "private");
    stage_serves(&s);
    stop(&s);
}

static void seldom(struct master *m)
{
    with_hosts(m);
    m->settings.address_refresh = 3600000;
}

Test(hosts, a_new_gate_hears_them_again)
{
    struct stage s;
    struct packet p;
    size_t n = 0;

    raise_with(&s, seldom);
    answer("192.0.2.1");
    asked("b.example", "none");
    answer("172.16.0.9");
    actor_enter(&s, &s.gate, "gate");
    actor_ready(&s, &s.gate);
    actor_ready(&s, &s.auth);
    actor_ready(&s, &s.log);
    actor_die(&s.gate);
    actor_enter(&s, &s.gate, "gate");
    do {
        cr_assert_eq(packet_wait(&s.gate.channel, &p, STAGE_WAIT_MS), 1);
        n += p.message == MSG_public_address;
        packet_close(&p);
    } while (p.message != MSG_go);
    cr_expect_eq(n, 2);
    stop(&s);
}

static void answer_twice(void)
{
    answer("192.0.2.1");
    answer("192.0.2.1");
}

static void answer_another(void)
{
    lookup.note.serial ^= 0x100;
    answer("192.0.2.1");
}

static void answer_six(void)
{
    answer("2001:db8::1");
}

static void answer_any(void)
{
    answer("0.0.0.0");
}

static void answer_nothing(void)
{
    answer(""); /* family 0 */
}

static void answer_none_to_another(void)
{
    lookup.note.serial ^= 0x100;
    answer_none(UNRESOLVED_UNKNOWN);
}

static void die_of_it(void)
{
    actor_die(&lookup);
}

static void say_nothing(void)
{
}

static void garbage(void)
{
    channel_shout(&lookup.channel, "garbage", 7, NULL, 0);
}

static const struct {
    void (*act)(void);
    const char *report; /* NULL: none but that it is gone */
} ends[] = {
    { answer_twice, "an answer to nothing that was asked" },
    { answer_another, "an answer to nothing that was asked" },
    { answer_none_to_another, "an answer to nothing that was asked" },
    { answer_six, "an address that is none" },
    { answer_any, "an address that is none" },
    { answer_nothing, "an address that is none" },
    { garbage, "message" },
    { say_nothing, "gave no answer in time" },
    { die_of_it, NULL },
};

static void impatient(struct master *m)
{
    with_hosts(m);
    m->deadlines.lookup = 300;
}

/* It is ended, and not started anew; what was known is told on. */
Test(hosts, without_lookup_all_goes_on)
{
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        struct stage s;

        raise_with(&s, impatient);
        answer("192.0.2.1");
        asked("b.example", "none");
        answer_none(UNRESOLVED_UNKNOWN);
        actor_enter(&s, &s.gate, "gate");
        actor_ready(&s, &s.gate);
        actor_ready(&s, &s.auth);
        actor_ready(&s, &s.log);
        asked("a.example", "192.0.2.1");
        ends[i].act();
        if (ends[i].report)
            stage_reports(&s, EVENT_PEER, ends[i].report);
        stage_reports(&s, EVENT_SERVICE, "until the next start");
        stage_reports(&s, EVENT_CHILD, "ended");
        stage_serves(&s);
        cr_expect(!is_started(&s));
        stop(&s);
    }
}

Test(hosts, lookup_must_come_up)
{
    struct stage s;

    stage_raise(&s, with_hosts);
    actor_enter(&s, &s.log, "log");
    actor_enter(&s, &lookup, "lookup");
    actor_enter(&s, &s.keys, "keys");
    actor_enter(&s, &s.auth, "auth");
    actor_die(&lookup);
    stage_ended(&s, EX_SOFTWARE);
}

static void check_only(struct master *m)
{
    with_hosts(m);
    m->check = true;
}

/* A name that can't be found now is no mistake in the configuration. */
Test(hosts, check_looks_once)
{
    static const enum message_kind setup[] = { MSG_conf, MSG_sandbox, MSG_keys,
                                               MSG_certificate, MSG_go };
    struct packet p;
    struct stage s;

    stage_raise(&s, check_only);
    actor_enter(&s, &lookup, "lookup");
    actor_enter(&s, &s.keys, "keys");
    actor_ready(&s, &s.keys);
    actor_ready(&s, &lookup);
    asked("a.example", "none");
    answer_none(UNRESOLVED_UNKNOWN);
    asked("b.example", "none");
    answer("172.16.0.9");
    actor_enter(&s, &s.gate, "gate");
    for (size_t i = 0; i < sizeof(setup) / sizeof(setup[0]); i++) {
        actor_hear(&s.gate, setup[i], &p);
        packet_close(&p);
    }
    actor_say(&s.gate, (struct packet){ .message = MSG_ready });
    channel_hear_end(&s.gate.channel);
    stage_ended(&s, 0);
}

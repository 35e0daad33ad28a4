/* Host names of public addresses: what lookup gets, what gate gets, and a
 * process lookup that lies or dies. */
#include <criterion/criterion.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "sallyport/base/fd.h"
#include "stage.h"

static struct actor lookup; /* one test, one process */

static void with_hosts(struct master *m)
{
    struct settings *s = &m->settings;

    snprintf(s->address.host, sizeof(s->address.host), "a.example");
    s->announced_count = 2;
    address_parse(SLICE("10.0.0.0"), &s->announced[0].network.address);
    address_parse(SLICE("10.0.0.5"), &s->announced[0].address.ip);
    s->announced[0].network.bits = 8;
    address_parse(SLICE("172.16.0.0"), &s->announced[1].network.address);
    snprintf(s->announced[1].address.host, SETTINGS_HOST_MAX, "b.example");
    s->announced[1].network.bits = 12;
}

/* Expects a message of lookup's set-up. */
static void given(uint64_t number, const char *name)
{
    struct message p;

    actor_hear(&lookup, MSG_host, &p);
    cr_expect_eq(p.host.number, number);
    cr_expect(slice_equal(p.host.name, slice_from(name)), "%.*s",
              (int)p.host.name.len, p.host.name.ptr);
}

static void answer(uint64_t number, const char *address)
{
    struct address a = { 0 };

    address_parse(slice_from(address), &a);
    TELL(&lookup.channel, resolved, .number = number, .address = a);
}

static void answer_none(uint64_t number, enum unresolved why)
{
    TELL(&lookup.channel, unresolved, .number = number, .why = why);
}

static void told(struct stage *s, uint64_t number, const char *address)
{
    char text[ADDRESS_TEXT_MAX];
    struct message p;

    actor_hear(&s->gate, MSG_public_address, &p);
    cr_expect_eq(p.public_address.number, number);
    cr_expect_str_eq(address_text(&p.public_address.address, text), address);
}

/* Plays up to the first answer. */
static void raise_with(struct stage *s, void (*adjust)(struct master *m))
{
    stage_raise(s, adjust);
    actor_enter(s, &s->log, "log");
    actor_enter(s, &lookup, "lookup");
    actor_enter(s, &s->keys, "keys");
    actor_enter(s, &s->auth, "auth");
    actor_ready(s, &s->keys);
    actor_ready(s, &lookup);
}

static bool is_started(const struct stage *s)
{
    struct pollfd one = { .fd = s->control, .events = POLLIN };

    return poll(&one, 1, 0) == 1;
}

static void open_rest(struct stage *s)
{
    actor_enter(s, &s->gate, "gate");
    actor_ready(s, &s->gate);
    actor_ready(s, &s->auth);
    actor_ready(s, &s->log);
}

/* Plays with a.example found and b.example not found, until all are ready. */
static void open_with(struct stage *s)
{
    raise_with(s, with_hosts);
    answer(0, "192.0.2.1");
    answer_none(2, UNRESOLVED_UNKNOWN);
    open_rest(s);
}

static void stop(struct stage *s)
{
    channel_close(&lookup.channel);
    stage_close(s);
}

static void hear_all(struct actor *a, const enum message_kind *setup, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct message p;

        actor_hear(a, setup[i], &p);
        message_close(&p);
    }
}

#define HEAR_ALL(a, setup)                                                     \
    hear_all(a, setup, sizeof(setup) / sizeof((setup)[0]))

/* Gate accepts nobody before it knows the addresses to announce. */
Test(hosts, gate_waits_for_them)
{
    static const enum message_kind setup[] = {
        MSG_conf,     MSG_sandbox, MSG_log,     MSG_keys,  MSG_certificate,
        MSG_listener, MSG_passive, MSG_passive, MSG_memory
    };
    struct stage s;

    raise_with(&s, with_hosts);
    cr_expect(!is_started(&s));
    answer(2, "172.16.0.9");
    cr_expect(!is_started(&s));
    answer(0, "192.0.2.1");
    actor_enter(&s, &s.gate, "gate");
    HEAR_ALL(&s.gate, setup);
    told(&s, 0, "192.0.2.1");
    told(&s, 2, "172.16.0.9");
    actor_ready(&s, &s.gate);
    actor_ready(&s, &s.auth);
    actor_ready(&s, &s.log);
    stage_serves(&s);
    stop(&s);
}

/* Master has inherited the first address, and perhaps the other. */
static void recovers(struct master *m)
{
    with_hosts(m);
    m->succession.recovery = true;
    address_parse(SLICE("192.0.2.1"), &m->settings.address.ip);
    m->hosts->news[0] = true;
}

static void recovers_with_all(struct master *m)
{
    recovers(m);
    address_parse(SLICE("10.0.0.9"), &m->settings.announced[1].address.ip);
    m->hosts->news[2] = true;
}

/* A crash waits for no name server. */
Test(hosts, a_recovery_has_them)
{
    struct stage s;

    stage_open(&s, recovers_with_all);
    stage_serves(&s);
    stage_close(&s);
}

/* Nor does it need the process that asks for the others. */
Test(hosts, a_recovery_does_not_wait)
{
    struct stage s;

    stage_raise(&s, recovers);
    actor_enter(&s, &s.log, "log");
    actor_enter(&s, &lookup, "lookup");
    actor_enter(&s, &s.keys, "keys");
    actor_enter(&s, &s.gate, "gate");
    actor_enter(&s, &s.auth, "auth");
    actor_die(&lookup);
    actor_ready(&s, &s.keys);
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

/* But not forever: the answer comes later. */
Test(hosts, gate_does_not_wait_for_ever)
{
    struct stage s;

    raise_with(&s, in_a_hurry);
    open_rest(&s);
    answer(0, "192.0.2.1");
    told(&s, 0, "192.0.2.1");
    stage_reports(&s, EVENT_SERVICE, "a.example is 192.0.2.1");
    answer_none(2, UNRESOLVED_SERVER);
    stage_reports(&s, EVENT_TROUBLE,
                  "b.example: no answer of a name server; until it has an "
                  "address, PASV tells clients the address that they connected "
                  "to");
    answer(2, "10.0.0.9"); /* private, and right for its network */
    told(&s, 2, "10.0.0.9");
    stage_reports(&s, EVENT_SERVICE, "b.example is 10.0.0.9");
    stage_serves(&s);
    stop(&s);
}

Test(hosts, a_private_address_is_odd)
{
    struct stage s;

    raise_with(&s, in_a_hurry);
    open_rest(&s);
    answer(0, "127.0.1.1");
    told(&s, 0, "127.0.1.1");
    stage_reports(&s, EVENT_TROUBLE,
                  "a.example is 127.0.1.1, which is private; if clients come "
                  "from the internet, look into /etc/hosts");
    stop(&s);
}

/* The next event is the end of auth, which is restarted. */
static void nobody_but_auth_has_ended(struct stage *s)
{
    struct event_record r;
    struct message p;

    actor_die(&s->auth);
    do {
        cr_assert_eq(channel_wait(&s->events, &p, STAGE_WAIT_MS), 1);
        cr_assert_eq(event_decode(p.event.event, &r), 0);
        cr_expect(!slice_equal(r.text[FIELD_PROCESS], SLICE("lookup")), "%.*s",
                  (int)r.text[FIELD_REASON].len, r.text[FIELD_REASON].ptr);
    } while (!slice_equal(r.text[FIELD_PROCESS], SLICE("auth")));
    actor_enter(s, &s->auth, "auth");
    actor_ready(s, &s->auth);
}

/* Its end causes no event and no restart. */
Test(hosts, lookup_ends_when_it_is_done)
{
    struct stage s;

    open_with(&s);
    answer(2, "172.16.0.9");
    told(&s, 2, "172.16.0.9");
    stage_reports(&s, EVENT_SERVICE, "b.example is 172.16.0.9");
    actor_finish(&lookup);
    nobody_but_auth_has_ended(&s);
    stage_serves(&s);
    cr_expect(!is_started(&s));
    stop(&s);
}

/* The start doesn't wait for it either. */
Test(hosts, lookup_may_end_before_the_others_are_ready)
{
    struct stage s;

    raise_with(&s, with_hosts);
    answer(0, "192.0.2.1");
    answer(2, "172.16.0.9");
    actor_finish(&lookup);
    open_rest(&s);
    stage_serves(&s);
    stop(&s);
}

static void answer_again(void)
{
    answer(0, "192.0.2.1");
}

static void answer_an_address(void)
{
    answer(1, "192.0.2.1");
}

static void answer_another(void)
{
    answer(3, "192.0.2.1");
}

static void answer_far(void)
{
    answer(UINT64_MAX, "192.0.2.1");
}

static void answer_six(void)
{
    answer(2, "2001:db8::1");
}

static void answer_any(void)
{
    answer(2, "0.0.0.0");
}

static void answer_nothing(void)
{
    answer(2, ""); /* family 0 */
}

static void answer_none_again(void)
{
    answer_none(2, UNRESOLVED_UNKNOWN);
}

static void answer_none_to_another(void)
{
    answer_none(0, UNRESOLVED_UNKNOWN);
}

static void die_of_it(void)
{
    actor_die(&lookup);
}

static void finish_early(void)
{
    actor_finish(&lookup);
}

static void garbage(void)
{
    channel_shout(&lookup.channel, "garbage", 7, NULL, 0);
}

static const struct {
    void (*act)(void);
    const char *report; /* NULL: none but that lookup has gone */
} ends[] = {
    { answer_again, "an answer without a request" },
    { answer_an_address, "an answer without a request" },
    { answer_another, "an answer without a request" },
    { answer_far, "an answer without a request" },
    { answer_none_to_another, "an answer without a request" },
    { answer_none_again, "an answer without a request" },
    { answer_six, "an address that is none" },
    { answer_any, "an address that is none" },
    { answer_nothing, "an address that is none" },
    { garbage, "message" },
    { die_of_it, NULL },
    { finish_early, NULL },
};

/* It is ended and not restarted; known addresses stay. */
Test(hosts, without_lookup_all_goes_on)
{
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        struct stage s;

        open_with(&s);
        ends[i].act();
        if (ends[i].report)
            stage_reports(&s, EVENT_PEER, ends[i].report);
        stage_reports(&s, EVENT_TROUBLE, "a reload looks them up again");
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
Test(hosts, check_waits_for_the_first_tries)
{
    static const enum message_kind of_lookup[] = { MSG_sandbox, MSG_log };
    static const enum message_kind of_gate[] = {
        MSG_conf,        MSG_sandbox,        MSG_log,     MSG_keys,
        MSG_certificate, MSG_listener,       MSG_passive, MSG_passive,
        MSG_memory,      MSG_public_address, MSG_go
    };
    struct stage s;

    stage_raise(&s, check_only);
    actor_enter(&s, &lookup, "lookup");
    actor_enter(&s, &s.keys, "keys");
    actor_ready(&s, &s.keys);
    HEAR_ALL(&lookup, of_lookup);
    given(0, "a.example");
    given(2, "b.example");
    actor_ready(&s, &lookup);
    answer_none(0, UNRESOLVED_UNKNOWN);
    answer(2, "172.16.0.9");
    actor_enter(&s, &s.gate, "gate");
    HEAR_ALL(&s.gate, of_gate);
    TELL(&s.gate.channel, ready);
    channel_hear_end(&s.gate.channel);
    stage_ended(&s, 0);
}

/* What gate says to a set-up that it can't work with. */
#include <criterion/criterion.h>
#include <string.h>
#include <unistd.h>

#include "gate/setup.h"
#include "sallyport/base/fd.h"

struct start {
    struct gate gate;
    struct setup setup;
    struct channel master;
};

static void begin(struct start *s)
{
    int pair[2];

    cr_assert_eq(fd_pair(pair), 0);
    channel_init(&s->master, pair[0], PROCESS_MASTER, PROCESS_GATE,
                 PHASE_START);
    gate_init(&s->gate, pair[1]);
    setup_init(&s->setup, &s->gate);
}

static void give(struct start *s, enum message message, int fd0, int fd1)
{
    struct packet p = { .message = message, .fd = { fd0, fd1 } };

    cr_assert_eq(channel_send(&s->master, &p), 0);
    fd_close(&fd0);
    fd_close(&fd1);
}

static int text(const char *what)
{
    return fd_sealed("text", slice_from(what));
}

/* What master hears, and that it names the cause. */
static void check_failed(struct start *s, const char *cause)
{
    struct packet p;

    setup_failed(&s->setup);
    cr_assert_eq(channel_receive(&s->master, &p), 1);
    cr_assert_eq(p.message, MSG_FAILED);
    cr_assert(
        memmem(p.value[0].text.ptr, p.value[0].text.len, cause, strlen(cause)),
        "%.*s", (int)p.value[0].text.len, p.value[0].text.ptr);
    channel_close(&s->master);
    gate_release(&s->gate);
}

Test(setup, bad_settings)
{
    struct start s;

    begin(&s);
    give(&s, MSG_CONF, text("no_such_key = 1\n"), -1);
    give(&s, MSG_GO, -1, -1);
    cr_assert_lt(setup_receive(&s.setup), 0);
    check_failed(&s, "no_such_key");
}

Test(setup, go_too_early)
{
    struct start s;

    begin(&s);
    give(&s, MSG_GO, -1, -1);
    cr_assert_lt(setup_receive(&s.setup), 0);
    check_failed(&s, "no settings or no cage");
}

Test(setup, master_is_gone)
{
    struct start s;

    begin(&s);
    channel_close(&s.master);
    cr_assert_lt(setup_receive(&s.setup), 0);
    cr_assert_neq(s.setup.complaint.text[0], '\0');
    gate_release(&s.gate);
}

/* A message that doesn't belong to the set-up. */
Test(setup, wrong_phase)
{
    struct start s;

    begin(&s);
    give(&s, MSG_CLOSE_DOOR, -1, -1);
    cr_assert_lt(setup_receive(&s.setup), 0);
    check_failed(&s, "wrong phase");
}

/* Of an address that is no host name, and of one that isn't there. */
Test(setup, told_what_nobody_asked)
{
    for (uint64_t number = 0; number < 3; number++) {
        struct packet p = { .message = MSG_TOLD, .value = { NUMBER(number) } };
        struct start s;

        begin(&s);
        give(&s, MSG_CONF,
             text("address = 192.0.2.1\naddress.10.0.0.0/8 = 10.0.0.5\n"), -1);
        cr_assert_eq(channel_send(&s.master, &p), 0);
        cr_assert_lt(setup_receive(&s.setup), 0);
        check_failed(&s, "the address of no host name");
    }
}

Test(setup, no_keys)
{
    struct start s;

    begin(&s);
    give(&s, MSG_CONF, text(""), -1);
    give(&s, MSG_CAGE, text(""), -1);
    give(&s, MSG_GO, -1, -1);
    cr_assert_eq(setup_receive(&s.setup), 0, "%s", s.setup.complaint.text);
    cr_assert_lt(setup_keys(&s.setup), 0);
    fd_close(&s.setup.root_fd);
    check_failed(&s, "no certificate, or no keys");
}

static int send_certificate(struct start *s, const char *content)
{
    int fd = text(content);
    struct packet p = { .message = MSG_CERTIFICATE,
                        .value = { NUMBER(1), TEXT(SLICE("/x/cert.pem")),
                                   TEXT(SLICE("/x/key.pem")) },
                        .fd = { fd } };
    int r = channel_send(&s->master, &p);

    fd_close(&fd);
    return r;
}

/* The names in the complaint are master's. */
Test(setup, bad_certificate)
{
    struct start s;
    int keys[2];

    begin(&s);
    cr_assert_eq(fd_pair(keys), 0);
    give(&s, MSG_CONF, text(""), -1);
    give(&s, MSG_CAGE, text(""), -1);
    give(&s, MSG_KEYS, keys[0], -1);
    cr_assert_eq(send_certificate(&s, "nonsense"), 0);
    give(&s, MSG_GO, -1, -1);
    cr_assert_eq(setup_receive(&s.setup), 0, "%s", s.setup.complaint.text);
    cr_assert_lt(setup_keys(&s.setup), 0);
    cr_assert_eq(s.setup.chains.count, 0);
    fd_close(&s.setup.root_fd);
    fd_close(&keys[1]);
    check_failed(&s, "/x/cert.pem: holds no certificate");
}

Test(setup, too_many_certificates)
{
    struct start s;

    begin(&s);
    for (int i = 0; i <= TLS_PAIRS_MAX; i++)
        cr_assert_eq(send_certificate(&s, ""), 0);
    cr_assert_lt(setup_receive(&s.setup), 0);
    check_failed(&s, "too many certificates");
}

/* The data connections that may transfer, by the keys that sealed their
 * tickets, and the parts of a refusal that each peer of the session sees.
 * tests/system has the whole table of modes and tickets, against a real
 * server. */
#include "fake.h"
#include "sallyport/base/fd.h"
#include "sallyport/session/session.h"

/* Gate makes N new keys, and sends each. The session has them when it answers
 * the NOOP. */
static void turn(unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        ticket_keys_turn(&fake.tickets);
        fake_tell_keys();
    }
    fake_do("NOOP", 200);
}

/* Begins an upload whose data connection resumes SHOWN; NULL: nothing */
static void upload(const struct tls_session *shown)
{
    const struct tls_client_options options = { .show = shown };

    fake_begin_upload();
    transfer.tls = tls_client_new(transfer.data, &options);
    cr_assert_not_null(transfer.tls, "%s", tls_client_error());
    cr_expect_eq(tls_client_tickets(transfer.tls), 0);
}

static void expect_stored(void)
{
    fake_send("hello");
    fake_complete();
    fake_release();
}

/* Expects a refusal of an upload whose client has sent bytes already, as curl
 * does. The session writes none of them, tells files that the upload is over,
 * and ends the data connection in order. */
static void expect_refused(const char *words)
{
    char byte;

    cr_assert(tls_client_write(transfer.tls, "hello", 5));
    fake_replies(425, "resumed");
    cr_assert_not_null(strstr(fake.reply, words), "%s", fake.reply);
    cr_assert_eq(tls_client_read(transfer.tls, &byte, 1), TLS_CLIENT_END);
    fake_given_up();
    fake_do("NOOP", 200);
    cr_assert_eq(lseek(fileno(transfer.file), 0, SEEK_END), 0,
                 "nothing is written");
    cr_assert(fake_event(EVENT_TRANSFER, &logged));
    cr_assert_eq(logged.number[FIELD_RESULT], 425);
    cr_assert_eq(logged.number[FIELD_BYTES], 0);
    cr_assert_gt(logged.text[FIELD_REASON].len, 0);
    cr_assert(!fake_event(EVENT_TRANSFER, &logged), "one event");
    fake_release();
}

static const struct {
    const char *name;
    unsigned turns; /* new keys since the ticket was made */
    enum data_binding binding;
    const char *refused; /* a part of the reply, or NULL */
} rows[] = {
    { "the very key", 0, BINDING_USER, NULL },
    { "the key before", 1, BINDING_USER, NULL },
    { "a dropped key", 2, BINDING_USER, "--data-binding address" },
    { "the very key, session", 0, BINDING_SESSION, NULL },
    { "the key before, session", 1, BINDING_SESSION, NULL },
    { "a dropped key, session", 2, BINDING_SESSION, "--data-binding address" },
    { "a dropped key, address", 2, BINDING_ADDRESS, NULL },
};

Test(session_binding, keys_of_tickets, .timeout = 60)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct tls_session *old;

        fake.granted.binding = rows[i].binding;
        fake_open();
        old = tls_client_session(fake.tls);
        turn(rows[i].turns);
        upload(old);
        if (rows[i].refused)
            expect_refused(rows[i].refused);
        else
            expect_stored();
        tls_session_free(old);
        fake_hang_up(ENDING_CLOSED);
    }
}

/* After a refusal the session continues. */
Test(session_binding, a_second_try, LOGGED_IN)
{
    struct tls_session *newest;

    upload(NULL);
    expect_refused("--data-binding address");
    newest = tls_client_session(fake.tls);
    upload(newest);
    expect_stored();
    tls_session_free(newest);
}

/* Each new port brings a ticket. A ticket with the 150 is too late for a client
 * that begins the handshake before the 150: curl's last ticket can have expired
 * in a long transfer. */
Test(session_binding, a_ticket_with_each_port, LOGGED_IN)
{
    for (unsigned i = 1; i <= 3; i++) {
        close(fake_data());
        cr_expect_eq(tls_client_tickets(fake.tls), 2 + i);
    }
}

/* Downloads an empty file, over a new port. Returns how many tickets came with
 * the reply to PASV. Expects two more with the 150 and the end, and none on the
 * data connection. */
static unsigned tickets_with_port(void)
{
    unsigned before = tls_client_tickets(fake.tls), with_port;

    transfer.data = fake_data();
    with_port = tls_client_tickets(fake.tls) - before;
    fake_begin_download(0);
    fake_secure_data();
    cr_assert_eq(fake_drain(NULL), TLS_CLIENT_END);
    cr_assert_eq(fake_reply(), 226, "%s", fake.reply);
    cr_expect_eq(tls_client_tickets(transfer.tls), 0);
    cr_expect_eq(tls_client_tickets(fake.tls), before + with_port + 2);
    fake_release();
    return with_port;
}

/* The end of a transfer brings the ticket for the next transfer, so that the
 * client doesn't wait for a ticket at the next PASV. */
Test(session_binding, the_end_brings_the_next_ticket, LOGGED_IN)
{
    unsigned had;

    cr_assert_eq(tls_client_tickets(fake.tls), 2, "with the 230");
    cr_expect_eq(tickets_with_port(), 1);
    cr_expect_eq(tickets_with_port(), 0);
    cr_expect_eq(tickets_with_port(), 0);
    had = tls_client_tickets(fake.tls);
    close(fake_data());
    cr_expect_eq(tls_client_tickets(fake.tls), had);
    cr_expect_eq(tickets_with_port(), 1, "no transfer used that port");
}

Test(session_binding, an_old_ticket_is_none, LEAVES)
{
    fake_settings("ticket_lifetime", 1);
    fake_open();
    for (int i = 0; i < 3; i++)
        cr_expect_eq(tickets_with_port(), 1);
}

/* A new key brings a new ticket, since the next new key can follow soon, if a
 * reload has shortened ticket_lifetime. */
Test(session_binding, a_new_key_brings_a_new_ticket, LOGGED_IN)
{
    cr_expect_eq(tickets_with_port(), 1);
    turn(1);
    cr_expect_eq(tickets_with_port(), 1);
    cr_expect_eq(tickets_with_port(), 0);
}

/* Master lies if it grants a name that no user can have, or an unknown mode.
 * The session ends, and the log has the reason. */
Test(session_binding, what_master_may_not_grant, .timeout = 60)
{
    static const char long_name[] = "abcdefghijklmnopqrstuvwxyz0123456";
    const struct {
        struct slice name;
        uint64_t binding, upload_eof;
    } lies[] = {
        { { long_name, sizeof(long_name) - 1 }, BINDING_USER, 0 },
        { SLICE("anna"), BINDING_COUNT, 0 },
        { SLICE("anna"), BINDING_USER, UPLOAD_EOF_COUNT },
    };

    for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
        int ends[2];

        fake_start();
        fake_ask_login("anna");
        fake_tell_keys();
        cr_assert_eq(fd_pair(ends), 0);
        SAY_BACK(&fake.master, granted, .name = lies[i].name,
                 .upload_eof = lies[i].upload_eof, .binding = lies[i].binding,
                 .files = ends[1]);
        cr_assert_eq(fake_reply(), 421, "%zu: %s", i, fake.reply);
        cr_assert_eq(fake_end(), ENDING_PEER);
        cr_expect_str_eq(fake_end_reason(),
                         "another process failed: master: a granted login with "
                         "a bad field");
        close(ends[0]);
        close(ends[1]);
    }
}

static void expect_230(void)
{
    struct tls_session *own;

    cr_assert_eq(fake_reply(), 230, "%s", fake.reply);
    own = tls_client_session(fake.tls);
    upload(own);
    expect_stored();
    tls_session_free(own);
    fake_hang_up(ENDING_CLOSED);
}

/* Gate's keys may come before master's grant. */
Test(session_binding, keys_before_the_grant, .init = fake_start, .timeout = 60)
{
    fake_tell_keys();
    fake_grant();
    expect_230();
}

/* If the session has no keys, it sends no 230: it would seal the tickets with a
 * key that no other session has. */
Test(session_binding, no_230_without_keys, .init = fake_start, .timeout = 60)
{
    fake_grant();
    fake_kick(ENDING_KICKED);
    cr_expect_eq(fake_reply(), 421, "%s", fake.reply);
    fake_hang_up(ENDING_KICKED);
    cr_expect_not(fake_event(EVENT_LOGIN, &logged));
}

/* If gate sends no keys, the session ends at its deadline. */
Test(session_binding, keys_that_never_come, .timeout = 60)
{
    static const struct session_deadlines soon = { .gate = 300 };

    fake.deadlines = &soon;
    fake_start();
    fake_grant();
    cr_expect_eq(fake_reply(), 0, "%s", fake.reply);
    cr_assert_eq(fake_end(), ENDING_PEER);
    cr_expect_str_eq(fake_end_reason(),
                     "another process failed: gate gave no keys of tickets in "
                     "time");
}

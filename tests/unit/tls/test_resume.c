/* Tests tickets: when a stream makes them, and which TLS sessions a data
 * channel resumes. One context plays a session process. To play another
 * session, the context gets another owner, or counts as forked. */
#include "raw.h"

static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };

/* The client's newest session; NULL: none. */
static SSL_SESSION *newest;
static unsigned count;

static int remember(SSL *ssl, SSL_SESSION *session)
{
    (void)ssl;
    if (!SSL_SESSION_is_resumable(session))
        return 0;
    SSL_SESSION_free(newest);
    newest = session;
    count++;
    return 1;
}

/* Takes the newest session; the caller frees it. */
static SSL_SESSION *take(void)
{
    SSL_SESSION *session = newest;

    newest = NULL;
    count = 0;
    return session;
}

static void forget(void)
{
    SSL_SESSION_free(take());
}

static struct tls_context *t;

static void begin(void)
{
    t = context_make();
}

static void end(void)
{
    forget();
    tls_context_free(t);
}

static void renew(void)
{
    end();
    begin();
}

TestSuite(resume, .init = begin, .fini = end);

struct channel {
    struct raw r;
    struct line l;
};

static void channel_begin(struct channel *c, struct tls_context *with,
                          enum stream_use use, int version, SSL_SESSION *show)
{
    line_open(&c->l, use == STREAM_CONTROL ? CONTROL : DATA, 0);
    cr_assert_eq(stream_secure(c->l.s, with, use), 0);
    raw_open(&c->r, version, show);
    SSL_CTX_set_session_cache_mode(c->r.ctx, SSL_SESS_CACHE_CLIENT |
                                                 SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(c->r.ctx, remember);
}

static void channel_shake(struct channel *c)
{
    cr_assert_eq(raw_handshake(&c->r, &c->l), STREAM_OK);
}

static void channel_open(struct channel *c, enum stream_use use, int version,
                         SSL_SESSION *show)
{
    channel_begin(c, t, use, version, show);
    channel_shake(c);
}

/* The client reads what the server has sent. */
static void channel_hear(struct channel *c)
{
    char bytes[64];

    cr_assert_eq(line_flush(&c->l), STREAM_OK);
    raw_hear(&c->r, &c->l);
    cr_assert_eq(SSL_read(c->r.ssl, bytes, sizeof(bytes)), -1);
}

static void channel_close(struct channel *c)
{
    SSL_shutdown(c->r.ssl);
    raw_close(&c->r);
    line_close(&c->l);
}

static void own(struct tls_context *of, const char *user, const char *address,
                uint64_t serial)
{
    struct ticket_owner o = { .serial = serial };

    snprintf(o.user, sizeof(o.user), "%s", user);
    cr_assert_eq(address_parse(slice_from(address), &o.address), 0);
    tls_context_owner(of, &o);
}

/* Opens a control channel of the user anna, and gets N tickets. */
static void earn(int version, unsigned n)
{
    struct channel c;

    forget();
    own(t, "anna", "192.0.2.1", 7);
    channel_open(&c, STREAM_CONTROL, version, NULL);
    for (unsigned i = 0; i < n; i++)
        cr_assert_eq(stream_offer_ticket(c.l.s), STREAM_OK);
    channel_hear(&c);
    channel_close(&c);
}

Test(resume, a_control_channel_gives_what_it_is_told)
{
    for (unsigned n = 0; n < 5; n++) {
        earn(TLS1_3_VERSION, n);
        cr_expect_eq(count, n, "TLS 1.3: %u", count);
        earn(TLS1_2_VERSION, n);
        cr_expect_eq(count, 1, "TLS 1.2 has one, in the handshake: %u", count);
    }
}

Test(resume, nobody_has_no_tickets)
{
    struct channel c;

    channel_open(&c, STREAM_CONTROL, TLS1_3_VERSION, NULL);
    cr_assert_eq(stream_offer_ticket(c.l.s), STREAM_OK);
    channel_hear(&c);
    channel_close(&c);
    cr_assert_eq(count, 0);
}

/* The stream doesn't send a ticket alone, but with the next bytes. */
Test(resume, a_ticket_goes_with_the_next_bytes)
{
    struct channel c;
    size_t took;
    char byte;

    own(t, "anna", "192.0.2.1", 7);
    channel_open(&c, STREAM_CONTROL, TLS1_3_VERSION, NULL);
    for (unsigned i = 1; i <= 2; i++) {
        cr_assert_eq(stream_offer_ticket(c.l.s), STREAM_OK);
        cr_expect(!stream_unsent(c.l.s));
    }
    cr_assert_eq(stream_write(c.l.s, "1", 1, &took), STREAM_OK);
    cr_expect(stream_unsent(c.l.s));
    cr_assert_eq(stream_offer_ticket(c.l.s), STREAM_OK);
    cr_expect(stream_unsent(c.l.s), "the byte is still unsent");
    cr_assert_eq(line_flush(&c.l), STREAM_OK);
    cr_expect(!stream_unsent(c.l.s));
    raw_hear(&c.r, &c.l);
    cr_assert_eq(SSL_read(c.r.ssl, &byte, 1), 1);
    cr_assert_eq(count, 2, "the third comes after the byte");
    channel_hear(&c);
    cr_assert_eq(count, 3);
    channel_close(&c);
}

/* A client with a cache shows a ticket on a control channel, too. The server
 * doesn't resume, and still gives new tickets. */
Test(resume, a_control_channel_never_resumes)
{
    for (size_t i = 0; i < 2; i++) {
        SSL_SESSION *shown;
        struct channel c;

        earn(versions[i], 2);
        shown = take();
        channel_open(&c, STREAM_CONTROL, versions[i], shown);
        cr_expect_eq(stream_offer_ticket(c.l.s), STREAM_OK);
        channel_hear(&c);
        cr_expect_eq(SSL_session_reused(c.r.ssl), 0);
        cr_expect_eq(count, 1, "%zu", i);
        channel_close(&c);
        SSL_SESSION_free(shown);
    }
}

static void as_forked(void)
{
    tls_context_forked(t);
}

static void as_other_session(void)
{
    own(t, "anna", "192.0.2.1", 8);
    as_forked();
}

static void as_other_user(void)
{
    own(t, "bert", "192.0.2.1", 7);
    as_forked();
}

static void as_other_address(void)
{
    own(t, "anna", "192.0.2.2", 7);
    as_forked();
}

static void as_before(void)
{
}

static struct ticket_keys keys;

static void use_keys(void)
{
    tls_context_tickets(t, &keys);
    tls_context_lifetime(t, 7200);
}

static void turn(void)
{
    ticket_keys_turn(&keys);
    use_keys();
}

static void turn_twice(void)
{
    turn();
    turn();
}

/* A ticket of TLS 1.2 that another session made can't be opened, so its origin
 * is ORIGIN_NONE. */
static const struct {
    const char *name;
    void (*change)(void);
    enum ticket_origin origin[2]; /* TLS 1.2, 1.3 */
} rows[] = {
    { "its own", as_before, { ORIGIN_SESSION, ORIGIN_SESSION } },
    { "another session", as_other_session, { ORIGIN_NONE, ORIGIN_USER } },
    { "another user", as_other_user, { ORIGIN_NONE, ORIGIN_NOT_OWN } },
    { "another address", as_other_address, { ORIGIN_NONE, ORIGIN_NOT_OWN } },
    { "the key before", turn, { ORIGIN_SESSION, ORIGIN_SESSION } },
    { "a dropped key", turn_twice, { ORIGIN_SESSION, ORIGIN_NONE } },
};

static void try_row(size_t row, size_t v)
{
    enum ticket_origin origin = rows[row].origin[v];
    struct channel c;

    renew();
    random_bytes(&keys, sizeof(keys));
    use_keys();
    earn(versions[v], 1);
    cr_assert(newest);
    rows[row].change();
    channel_open(&c, STREAM_DATA, versions[v], newest);
    cr_expect_eq(stream_origin(c.l.s), origin, "%s, %zu: %d", rows[row].name, v,
                 (int)stream_origin(c.l.s));
    cr_expect_eq(SSL_session_reused(c.r.ssl), origin >= ORIGIN_USER, "%s, %zu",
                 rows[row].name, v);
    cr_expect_eq(!!strstr(stream_cipher(c.l.s), " resumed"),
                 origin >= ORIGIN_USER, "%s", stream_cipher(c.l.s));
    channel_close(&c);
}

Test(resume, a_data_channel_knows_whose_it_is)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        for (size_t v = 0; v < 2; v++)
            try_row(i, v);
}

/* Each context begins with keys of its own, so it can't open the tickets of
 * another context. */
Test(resume, another_context_knows_no_ticket)
{
    for (size_t v = 0; v < 2; v++) {
        struct tls_context *other = context_make();
        struct channel c;

        renew();
        earn(versions[v], 1);
        own(other, "anna", "192.0.2.1", 7);
        channel_begin(&c, other, STREAM_DATA, versions[v], newest);
        channel_shake(&c);
        cr_expect_eq(stream_origin(c.l.s), ORIGIN_NONE, "%zu", v);
        channel_close(&c);
        tls_context_free(other);
    }
}

/* The client resumes by the session's number, as curl does in TLS 1.2. */
static const struct {
    const char *name;
    void (*change)(void);
    bool other; /* asks the context of another process */
    enum ticket_origin origin;
} numbers[] = {
    { "its own", as_before, false, ORIGIN_SESSION },
    { "its own, another key", as_forked, false, ORIGIN_SESSION },
    { "another process's", as_before, true, ORIGIN_NONE },
};

static void open_numbered(struct channel *c, struct tls_context *with,
                          enum stream_use use, SSL_SESSION *show)
{
    channel_begin(c, with, use, TLS1_2_VERSION, show);
    SSL_set_options(c->r.ssl, SSL_OP_NO_TICKET);
    channel_shake(c);
}

static SSL_SESSION *number_of(void)
{
    SSL_SESSION *session;
    struct channel c;

    open_numbered(&c, t, STREAM_CONTROL, NULL);
    session = SSL_get1_session(c.r.ssl);
    cr_assert(!SSL_SESSION_has_ticket(session));
    channel_close(&c);
    return session;
}

static void show_number(struct tls_context *asked, SSL_SESSION *session,
                        enum stream_use use, enum ticket_origin origin,
                        const char *name)
{
    struct channel c;

    open_numbered(&c, asked, use, session);
    cr_expect_eq(stream_origin(c.l.s), origin, "%s", name);
    cr_expect_eq(SSL_session_reused(c.r.ssl), origin == ORIGIN_SESSION);
    /* Send no close_notify, but mark it as sent: otherwise the client would
     * drop its session. A missing close_notify mustn't affect the next
     * connection. */
    SSL_set_shutdown(c.r.ssl, SSL_SENT_SHUTDOWN);
    raw_close(&c.r);
    line_close(&c.l);
}

Test(resume, by_the_session_s_number)
{
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        struct tls_context *other = context_make(), *asked;
        SSL_SESSION *session;

        renew();
        session = number_of();
        asked = numbers[i].other ? other : t;
        numbers[i].change();
        for (int round = 0; round < 3; round++)
            show_number(asked, session, STREAM_DATA, numbers[i].origin,
                        numbers[i].name);
        show_number(asked, session, STREAM_CONTROL, ORIGIN_NONE, "control");
        SSL_SESSION_free(session);
        tls_context_free(other);
    }
}

/* Shows the session of a data handshake on the next connection. */
static void come_back(int version)
{
    SSL_SESSION *shown = take();
    struct channel c;

    channel_open(&c, STREAM_DATA, version, shown);
    cr_expect_eq(stream_origin(c.l.s), ORIGIN_NONE, "came back as the user");
    channel_close(&c);
    SSL_SESSION_free(shown);
}

/* A data handshake must give no ticket: with a ticket, a stranger who has
 * reached a data port could come back as the user. (In TLS 1.2 the stranger
 * gets a session's number, which no handshake accepts.) An upload gets no
 * ticket, either. */
Test(resume, a_data_handshake_gives_nothing)
{
    for (size_t i = 0; i < 2; i++)
        for (int resumed = 0; resumed < 2; resumed++) {
            SSL_SESSION *shown = NULL;
            struct channel c;

            earn(versions[i], 1);
            if (resumed)
                shown = take();
            forget();
            channel_open(&c, STREAM_DATA, versions[i], shown);
            channel_hear(&c);
            cr_expect_eq(SSL_session_reused(c.r.ssl), resumed);
            cr_expect(!newest || !SSL_SESSION_has_ticket(newest), "%zu %d", i,
                      resumed);
            channel_close(&c);
            if (newest)
                come_back(versions[i]);
            SSL_SESSION_free(shown);
        }
}

/* An attacker shows a ticket from the network with suites of another hash. The
 * server can open the ticket, but it doesn't resume the session and gives no
 * new ticket. */
Test(resume, somebody_else_s_with_another_hash)
{
    struct channel c;
    SSL_SESSION *shown;

    earn(TLS1_3_VERSION, 1);
    shown = take();
    channel_begin(&c, t, STREAM_DATA, TLS1_3_VERSION, shown);
    cr_assert_eq(SSL_set_ciphersuites(c.r.ssl, "TLS_AES_256_GCM_SHA384"), 1);
    channel_shake(&c);
    channel_hear(&c);
    cr_assert_eq(SSL_session_reused(c.r.ssl), 0);
    cr_assert_eq(stream_origin(c.l.s), ORIGIN_NONE);
    cr_assert(!newest, "a ticket for nothing");
    channel_close(&c);
    SSL_SESSION_free(shown);
}

/* A ticket that a data channel makes has the same contents as the ticket of its
 * owner. */
Test(resume, a_renewed_ticket)
{
    SSL_SESSION *shown;
    struct channel c;

    earn(TLS1_3_VERSION, 1);
    for (int i = 0; i < 20; i++) {
        shown = take();
        channel_open(&c, STREAM_DATA, TLS1_3_VERSION, shown);
        cr_assert_eq(stream_origin(c.l.s), ORIGIN_SESSION, "%d", i);
        cr_assert_eq(stream_offer_ticket(c.l.s), STREAM_OK);
        channel_hear(&c);
        cr_assert(newest, "%d", i);
        channel_close(&c);
        SSL_SESSION_free(shown);
    }
}

/* A client that doesn't read gets fewer tickets; nothing breaks. */
Test(resume, no_room_for_more)
{
    struct channel c;

    own(t, "anna", "192.0.2.1", 7);
    channel_open(&c, STREAM_CONTROL, TLS1_3_VERSION, NULL);
    for (int i = 0; i < 200; i++)
        cr_assert_eq(stream_offer_ticket(c.l.s), STREAM_OK);
    channel_hear(&c);
    cr_assert_geq(count, 10);
    cr_assert_lt(count, 200);
    channel_close(&c);
}

/* Tickets: when they are made, and which TLS sessions a data channel resumes.
 * One context plays a session process; for another session it gets another
 * owner, or counts as forked. */
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

static void forget(void)
{
    SSL_SESSION_free(newest);
    newest = NULL;
    count = 0;
}

struct channel {
    struct raw r;
    struct line l;
};

static void channel_open(struct channel *c, struct tls_context *t,
                         enum stream_use use, int version, SSL_SESSION *show)
{
    line_open(&c->l, use == STREAM_CONTROL ? CONTROL : DATA, 0);
    cr_assert_eq(stream_secure(c->l.s, t, use), 0);
    raw_open(&c->r, version, show);
    SSL_CTX_set_session_cache_mode(c->r.ctx, SSL_SESS_CACHE_CLIENT |
                                                 SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(c->r.ctx, remember);
    cr_assert_eq(raw_handshake(&c->r, &c->l), STREAM_OK);
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

static void own(struct tls_context *t, const char *user, const char *address,
                uint64_t serial)
{
    struct ticket_owner o = { .serial = serial };

    snprintf(o.user, sizeof(o.user), "%s", user);
    cr_assert_eq(address_parse(slice_from(address), &o.address), 0);
    tls_context_owner(t, &o);
}

/* Opens a control channel of anna's, and gets N tickets. */
static void earn(struct tls_context *t, int version, unsigned n)
{
    struct channel c;

    forget();
    own(t, "anna", "192.0.2.1", 7);
    channel_open(&c, t, STREAM_CONTROL, version, NULL);
    for (unsigned i = 0; i < n; i++)
        cr_assert_eq(stream_offer_ticket(c.l.s), STREAM_OK);
    channel_hear(&c);
    channel_close(&c);
}

Test(resume, a_control_channel_gives_what_it_is_told)
{
    struct tls_context *t = context_make();

    for (unsigned n = 0; n < 5; n++) {
        earn(t, TLS1_3_VERSION, n);
        cr_expect_eq(count, n, "TLS 1.3: %u", count);
        earn(t, TLS1_2_VERSION, n);
        cr_expect_eq(count, 1, "TLS 1.2 has one, in the handshake: %u", count);
    }
    forget();
    tls_context_free(t);
}

Test(resume, nobody_has_no_tickets)
{
    struct tls_context *t = context_make();
    struct channel c;

    channel_open(&c, t, STREAM_CONTROL, TLS1_3_VERSION, NULL);
    cr_assert_eq(stream_offer_ticket(c.l.s), STREAM_OK);
    channel_hear(&c);
    channel_close(&c);
    cr_assert_eq(count, 0);
    tls_context_free(t);
}

/* A ticket alone wakes nobody to send it. */
Test(resume, a_ticket_goes_with_the_next_bytes)
{
    struct tls_context *t = context_make();
    struct channel c;
    size_t took;
    char byte;

    own(t, "anna", "192.0.2.1", 7);
    channel_open(&c, t, STREAM_CONTROL, TLS1_3_VERSION, NULL);
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
    forget();
    tls_context_free(t);
}

/* A client with a cache shows a ticket there too; it must get new ones all the
 * same. */
Test(resume, a_control_channel_never_resumes)
{
    struct tls_context *t = context_make();

    for (size_t i = 0; i < 2; i++) {
        SSL_SESSION *shown;
        struct channel c;

        earn(t, versions[i], 2);
        shown = newest;
        SSL_SESSION_up_ref(shown);
        forget();
        channel_open(&c, t, STREAM_CONTROL, versions[i], shown);
        cr_expect_eq(stream_offer_ticket(c.l.s), STREAM_OK);
        channel_hear(&c);
        cr_expect_eq(SSL_session_reused(c.r.ssl), 0);
        cr_expect_eq(count, 1, "%zu", i);
        channel_close(&c);
        SSL_SESSION_free(shown);
    }
    forget();
    tls_context_free(t);
}

static void as_other_session(struct tls_context *t)
{
    own(t, "anna", "192.0.2.1", 8);
    tls_context_forked(t);
}

static void as_other_user(struct tls_context *t)
{
    own(t, "bert", "192.0.2.1", 7);
    tls_context_forked(t);
}

static void as_other_address(struct tls_context *t)
{
    own(t, "anna", "192.0.2.2", 7);
    tls_context_forked(t);
}

static void as_before(struct tls_context *t)
{
    (void)t;
}

static struct ticket_keys keys;

static void turn(struct tls_context *t)
{
    ticket_keys_turn(&keys);
    tls_context_tickets(t, &keys);
    tls_context_lifetime(t, 7200);
}

static void turn_twice(struct tls_context *t)
{
    turn(t);
    turn(t);
}

/* Other sessions can't read a ticket of TLS 1.2: it isn't foreign. */
static const struct {
    const char *name;
    void (*change)(struct tls_context *t);
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
    struct tls_context *t = context_make();
    struct channel c;

    random_bytes(&keys, sizeof(keys));
    tls_context_tickets(t, &keys);
    tls_context_lifetime(t, 7200);
    earn(t, versions[v], 1);
    cr_assert(newest);
    rows[row].change(t);
    channel_open(&c, t, STREAM_DATA, versions[v], newest);
    cr_expect_eq(stream_origin(c.l.s), origin, "%s, %zu: %d", rows[row].name, v,
                 (int)stream_origin(c.l.s));
    cr_expect_eq(SSL_session_reused(c.r.ssl), origin >= ORIGIN_USER, "%s, %zu",
                 rows[row].name, v);
    cr_expect_eq(!!strstr(stream_cipher(c.l.s), " resumed"),
                 origin >= ORIGIN_USER, "%s", stream_cipher(c.l.s));
    channel_close(&c);
    forget();
    tls_context_free(t);
}

Test(resume, a_data_channel_knows_whose_it_is)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        for (size_t v = 0; v < 2; v++)
            try_row(i, v);
}

/* Each context begins with keys of its own, until somebody gives it others. */
Test(resume, another_context_knows_no_ticket)
{
    for (size_t v = 0; v < 2; v++) {
        struct tls_context *t = context_make(), *other = context_make();
        struct channel c;

        earn(t, versions[v], 1);
        own(other, "anna", "192.0.2.1", 7);
        channel_open(&c, other, STREAM_DATA, versions[v], newest);
        cr_expect_eq(stream_origin(c.l.s), ORIGIN_NONE, "%zu", v);
        channel_close(&c);
        forget();
        tls_context_free(t);
        tls_context_free(other);
    }
}

static void as_forked(struct tls_context *t)
{
    tls_context_forked(t);
}

/* Resumes by the session's number, as curl does in TLS 1.2. */
static const struct {
    const char *name;
    void (*change)(struct tls_context *t);
    bool other; /* another process's context */
    enum ticket_origin origin;
} numbers[] = {
    { "its own", as_before, false, ORIGIN_SESSION },
    { "its own, another key", as_forked, false, ORIGIN_SESSION },
    { "another process's", as_before, true, ORIGIN_NONE },
};

static SSL_SESSION *number_of(struct tls_context *t)
{
    SSL_SESSION *session;
    struct channel c;

    line_open(&c.l, CONTROL, 0);
    cr_assert_eq(stream_secure(c.l.s, t, STREAM_CONTROL), 0);
    raw_open(&c.r, TLS1_2_VERSION, NULL);
    SSL_set_options(c.r.ssl, SSL_OP_NO_TICKET);
    cr_assert_eq(raw_handshake(&c.r, &c.l), STREAM_OK);
    session = SSL_get1_session(c.r.ssl);
    cr_assert(!SSL_SESSION_has_ticket(session));
    channel_close(&c);
    return session;
}

static void show_number(struct tls_context *t, SSL_SESSION *session,
                        enum stream_use use, enum ticket_origin origin,
                        const char *name)
{
    struct channel c;

    line_open(&c.l, DATA, 0);
    cr_assert_eq(stream_secure(c.l.s, t, use), 0);
    raw_open(&c.r, TLS1_2_VERSION, session);
    SSL_set_options(c.r.ssl, SSL_OP_NO_TICKET);
    cr_assert_eq(raw_handshake(&c.r, &c.l), STREAM_OK);
    cr_expect_eq(stream_origin(c.l.s), origin, "%s", name);
    cr_expect_eq(SSL_session_reused(c.r.ssl), origin == ORIGIN_SESSION);
    /* Leaves close_notify out. That mustn't affect the next connection, but the
     * client would forget its session. */
    SSL_set_shutdown(c.r.ssl, SSL_SENT_SHUTDOWN);
    raw_close(&c.r);
    line_close(&c.l);
}

Test(resume, by_the_session_s_number)
{
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        struct tls_context *t = context_make(), *other = context_make();
        SSL_SESSION *session = number_of(t);
        struct tls_context *asked = numbers[i].other ? other : t;

        numbers[i].change(t);
        for (int round = 0; round < 3; round++)
            show_number(asked, session, STREAM_DATA, numbers[i].origin,
                        numbers[i].name);
        show_number(asked, session, STREAM_CONTROL, ORIGIN_NONE, "control");
        SSL_SESSION_free(session);
        tls_context_free(t);
        tls_context_free(other);
    }
}

/* Shows the session of a data handshake on the next connection. */
static void come_back(struct tls_context *t, int version)
{
    SSL_SESSION *shown = newest;
    struct channel c;

    newest = NULL;
    channel_open(&c, t, STREAM_DATA, version, shown);
    cr_expect_eq(stream_origin(c.l.s), ORIGIN_NONE, "came back as the user");
    channel_close(&c);
    SSL_SESSION_free(shown);
}

/* A stranger who reaches a data port must not leave with a ticket, since it
 * would let him come back as the user. (In TLS 1.2 he gets a session's number,
 * which nobody knows any more.) An upload must not get one either. */
Test(resume, a_data_handshake_gives_nothing)
{
    struct tls_context *t = context_make();

    for (size_t i = 0; i < 2; i++)
        for (int resumed = 0; resumed < 2; resumed++) {
            SSL_SESSION *shown = NULL;
            struct channel c;

            earn(t, versions[i], 1);
            if (resumed) {
                shown = newest;
                SSL_SESSION_up_ref(shown);
            }
            forget();
            channel_open(&c, t, STREAM_DATA, versions[i], shown);
            channel_hear(&c);
            cr_expect_eq(SSL_session_reused(c.r.ssl), resumed);
            cr_expect(!newest || !SSL_SESSION_has_ticket(newest), "%zu %d", i,
                      resumed);
            channel_close(&c);
            if (newest)
                come_back(t, versions[i]);
            SSL_SESSION_free(shown);
        }
    forget();
    tls_context_free(t);
}

/* A ticket that an attacker saw on the network, shown with suites of another
 * hash: it can be opened, but isn't resumed. */
Test(resume, somebody_else_s_with_another_hash)
{
    struct tls_context *t = context_make();
    struct channel c;
    SSL_SESSION *shown;

    earn(t, TLS1_3_VERSION, 1);
    shown = newest;
    newest = NULL;
    line_open(&c.l, DATA, 0);
    cr_assert_eq(stream_secure(c.l.s, t, STREAM_DATA), 0);
    raw_open(&c.r, TLS1_3_VERSION, shown);
    cr_assert_eq(SSL_set_ciphersuites(c.r.ssl, "TLS_AES_256_GCM_SHA384"), 1);
    SSL_CTX_set_session_cache_mode(c.r.ctx, SSL_SESS_CACHE_CLIENT |
                                                SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(c.r.ctx, remember);
    cr_assert_eq(raw_handshake(&c.r, &c.l), STREAM_OK);
    channel_hear(&c);
    cr_assert_eq(SSL_session_reused(c.r.ssl), 0);
    cr_assert_eq(stream_origin(c.l.s), ORIGIN_NONE);
    cr_assert(!newest, "a ticket for nothing");
    channel_close(&c);
    SSL_SESSION_free(shown);
    tls_context_free(t);
}

/* A ticket that is made on a data channel has the same contents as its
 * owner's. */
Test(resume, a_renewed_ticket)
{
    struct tls_context *t = context_make();
    SSL_SESSION *shown;
    struct channel c;

    earn(t, TLS1_3_VERSION, 1);
    for (int i = 0; i < 20; i++) {
        shown = newest;
        newest = NULL;
        channel_open(&c, t, STREAM_DATA, TLS1_3_VERSION, shown);
        cr_assert_eq(stream_origin(c.l.s), ORIGIN_SESSION, "%d", i);
        cr_assert_eq(stream_offer_ticket(c.l.s), STREAM_OK);
        channel_hear(&c);
        cr_assert(newest, "%d", i);
        channel_close(&c);
        SSL_SESSION_free(shown);
    }
    forget();
    tls_context_free(t);
}

/* A client that doesn't read gets fewer tickets; nothing breaks. */
Test(resume, no_room_for_more)
{
    struct tls_context *t = context_make();
    struct channel c;

    own(t, "anna", "192.0.2.1", 7);
    channel_open(&c, t, STREAM_CONTROL, TLS1_3_VERSION, NULL);
    for (int i = 0; i < 200; i++)
        cr_assert_eq(stream_offer_ticket(c.l.s), STREAM_OK);
    channel_hear(&c);
    cr_assert_geq(count, 10);
    cr_assert_lt(count, 200);
    channel_close(&c);
    forget();
    tls_context_free(t);
}

/* Tests TLS streams: handshakes, bytes and keys, in pieces of any size. */
#include <malloc.h>
#include <openssl/err.h>
#include <sys/epoll.h>

#include "raw.h"
#include "tls/tls.h"

static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };
#define VERSIONS (sizeof(versions) / sizeof(versions[0]))

static void play_echo(struct tls_client *c, struct peer *p)
{
    char bytes[16];
    p->ok = tls_client_write(c, "ping", 4) &&
            tls_client_read(c, bytes, sizeof(bytes)) == 4 &&
            memcmp(bytes, "pong", 4) == 0 && tls_client_shutdown(c) &&
            tls_client_read(c, bytes, sizeof(bytes)) == TLS_CLIENT_END;
}

Test(secure, both_versions_carry_bytes)
{
    static const char *const ciphers[] = {
        "TLSv1.2 ECDHE-ECDSA-AES128-GCM-SHA256",
        "TLSv1.3 TLS_AES_128_GCM_SHA256",
    };
    for (size_t i = 0; i < VERSIONS; i++) {
        struct peer p = { .play = play_echo,
                          .options = { .version = versions[i] } };
        struct line l;
        char bytes[16];
        size_t n;
        line_with_peer(&l, &p, CONTROL, 0);
        cr_assert_str_eq(stream_cipher(l.s), ciphers[i]);
        cr_assert_eq(line_read(&l, bytes, sizeof(bytes), &n), STREAM_OK);
        cr_assert_eq(n, 4u);
        cr_assert_arr_eq(bytes, "ping", 4);
        cr_assert_eq(line_write_all(&l, "pong", 4), STREAM_OK);
        cr_assert_eq(line_flush(&l), STREAM_OK);
        cr_assert_eq(line_read(&l, bytes, sizeof(bytes), &n), STREAM_CLOSED);
        cr_assert_eq(line_shutdown(&l), STREAM_OK);
        peer_join(&p);
        cr_assert(p.ok, "%s", p.error);
        cr_assert_str_eq(p.cipher, ciphers[i]);
        line_close(&l);
    }
}

/* The stream itself acknowledges the client's last flight, unless it sends
 * bytes, which acknowledge the flight, too. s->owes: it still has to do so. */
Test(secure, the_last_flight_is_acknowledged_once)
{
    static const struct {
        enum stream_use use;
        bool owes; /* after the handshake */
    } rows[] = { { STREAM_CONTROL, false }, { STREAM_DATA, true } };
    struct tls_context *t = context_make();

    for (int i = 0; i < 4; i++) {
        struct line l;
        struct raw r;
        char byte;
        size_t n;

        line_open_tcp(&l, DATA);
        cr_assert_eq(stream_secure(l.s, t, rows[i / 2].use), 0);
        raw_shake(&r, &l, TLS1_3_VERSION);
        cr_expect_eq(l.s->owes, rows[i / 2].owes, "%d", i);
        if (i % 2 == 0) {
            cr_expect_eq(stream_read(l.s, &byte, 1, &n), STREAM_AGAIN);
        } else {
            cr_expect_eq(stream_write(l.s, "x", 1, &n), STREAM_OK);
            cr_expect_eq(stream_flush(l.s), STREAM_OK);
        }
        cr_expect(!l.s->owes, "%d", i);
        raw_close(&r);
        line_close(&l);
    }
    tls_context_free(t);
}

LineTest(secure, read_and_write_before_the_handshake_are_errors,
         line_secured(l, CONTROL, 0))
{
    char byte = 'x';
    size_t n;
    cr_assert_eq(stream_write(l->s, &byte, 1, &n), STREAM_FAILED);
    cr_assert_eq(n, 0u);
    cr_assert_eq(stream_read(l->s, &byte, 1, &n), STREAM_FAILED);
    cr_assert_eq(recv(l->far, &byte, 1, MSG_DONTWAIT), -1, "nothing leaked");
}

/* Sends the client's flights byte by byte, at most LIMIT bytes in all. Returns
 * the number of bytes; *ST gets the handshake's last state. */
static size_t by_bytes(struct raw *r, struct line *l, size_t limit,
                       enum stream_state *st)
{
    size_t sent = 0;
    char byte;
    *st = STREAM_AGAIN;
    for (int flight = 0; flight < 4; flight++) {
        raw_step(r);
        while (sent < limit && raw_take(r, &byte, 1) == 1) {
            cr_assert_eq(*st, STREAM_AGAIN, "over too early");
            cr_assert_eq(send(l->far, &byte, 1, 0), 1);
            sent++;
            *st = stream_handshake(l->s);
        }
        raw_hear(r, l);
    }
    return sent;
}

Test(secure, a_handshake_split_at_each_byte)
{
    for (size_t i = 0; i < VERSIONS; i++) {
        struct line l;
        struct raw r;
        enum stream_state st;
        line_secured(&l, CONTROL, 0);
        raw_open(&r, versions[i], NULL);
        by_bytes(&r, &l, SIZE_MAX, &st);
        cr_assert_eq(st, STREAM_OK, "%s", stream_cause(l.s));
        cr_assert(raw_step(&r));
        raw_close(&r);
        line_close(&l);
    }
}

static void cut_at(int version, size_t at, struct tls_context *t)
{
    struct line l;
    struct raw r;
    enum stream_state st;
    line_open(&l, CONTROL, 0);
    cr_assert_eq(stream_secure(l.s, t, STREAM_CONTROL), 0);
    raw_open(&r, version, NULL);
    cr_assert_eq(by_bytes(&r, &l, at, &st), at);
    cr_assert_eq(st, STREAM_AGAIN);
    shutdown(l.far, SHUT_WR);
    cr_assert_eq(stream_handshake(l.s), STREAM_CUT, "at %zu", at);
    cr_assert_str_eq(stream_cause(l.s), "closed without close_notify");
    raw_close(&r);
    line_close(&l);
}

Test(secure, a_handshake_cut_anywhere_is_a_cut)
{
    struct tls_context *t = context_make();
    for (size_t i = 0; i < VERSIONS; i++) {
        struct line l;
        struct raw r;
        enum stream_state st;
        line_open(&l, CONTROL, 0);
        cr_assert_eq(stream_secure(l.s, t, STREAM_CONTROL), 0);
        raw_open(&r, versions[i], NULL);
        size_t all = by_bytes(&r, &l, SIZE_MAX, &st);
        raw_close(&r);
        line_close(&l);
        cr_assert(all > 200);
        for (size_t at = 0; at < all - 1;
             at += at < 10 || all - at < 20 ? 1 : 7)
            cut_at(versions[i], at, t);
    }
    tls_context_free(t);
}

/* Half a record stays in the stream and doesn't count as pending, since a
 * caller that reads while bytes are pending would never stop. */
RawTest(secure, half_a_record_is_not_pending, TLS1_3_VERSION,
        line_secured(l, CONTROL, 0))
{
    char record[256], byte[64];
    size_t n;
    cr_assert_eq(SSL_write(r->ssl, "NOOP\r\n", 6), 6);
    size_t len = raw_take(r, record, sizeof(record));
    for (size_t i = 0; i < len - 1; i++) {
        cr_assert_eq(send(l->far, record + i, 1, 0), 1);
        cr_assert_eq(stream_read(l->s, byte, sizeof(byte), &n), STREAM_AGAIN);
        cr_assert(!stream_pending(l->s));
    }
    cr_assert_eq(send(l->far, record + len - 1, 1, 0), 1);
    cr_assert_eq(stream_read(l->s, byte, sizeof(byte), &n), STREAM_OK);
    cr_assert_eq(n, 6u);
}

RawTest(secure, a_changed_byte_ends_it, TLS1_2_VERSION,
        line_secured(l, CONTROL, 0))
{
    char record[256];
    size_t n;
    cr_assert_eq(SSL_write(r->ssl, "NOOP\r\n", 6), 6);
    size_t len = raw_take(r, record, sizeof(record));
    record[len - 3] ^= 1;
    cr_assert_eq(send(l->far, record, len, 0), (ssize_t)len);
    cr_assert_eq(stream_read(l->s, record, sizeof(record), &n), STREAM_FAILED);
    cr_assert_str_eq(stream_cause(l->s), "decryption failed or bad record mac");
    cr_assert_eq(stream_shutdown(l->s), STREAM_FAILED);
    cr_assert_eq(stream_write(l->s, "x", 1, &n), STREAM_FAILED);
    raw_hear(r, l);
    ERR_clear_error();
    int got = SSL_read(r->ssl, record, sizeof(record));
    cr_assert_eq(SSL_get_error(r->ssl, got), SSL_ERROR_SSL);
    cr_assert_eq(ERR_GET_REASON(ERR_peek_error()),
                 SSL_R_SSLV3_ALERT_BAD_RECORD_MAC, "the alert was sent");
}

Test(secure, what_is_not_tls_is_refused)
{
    static const char *const said[] = { "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
                                        "USER anna\r\nPASS secret\r\n" };
    for (size_t i = 0; i < 2; i++) {
        struct line l;
        char alert[64];
        line_secured(&l, CONTROL, 0);
        size_t len = strlen(said[i]);
        cr_assert_eq(send(l.far, said[i], len, 0), (ssize_t)len);
        cr_assert_eq(stream_handshake(l.s), STREAM_FAILED);
        cr_assert_str_neq(stream_cause(l.s), "");
        cr_assert_eq(stream_handshake(l.s), STREAM_FAILED);
        cr_assert(recv(l.far, alert, sizeof(alert), MSG_DONTWAIT) <= 7);
        line_close(&l);
    }
}

/* OpenSSL answers a KeyUpdate before its next bytes. */
RawTest(secure, new_keys_in_the_middle, TLS1_3_VERSION,
        line_secured(l, CONTROL, 0))
{
    char bytes[64];
    size_t n;
    for (int i = 0; i < 50; i++) {
        cr_assert_eq(SSL_key_update(r->ssl, SSL_KEY_UPDATE_REQUESTED), 1);
        cr_assert_eq(SSL_write(r->ssl, "ping", 4), 4);
        raw_say(r, l);
        cr_assert_eq(line_read(l, bytes, sizeof(bytes), &n), STREAM_OK);
        cr_assert_eq(n, 4u);
        cr_assert_eq(stream_read(l->s, bytes, sizeof(bytes), &n), STREAM_AGAIN);
        cr_assert(!stream_unsent(l->s));
        cr_assert_eq(line_write_all(l, "pong", 4), STREAM_OK);
        cr_assert_eq(line_flush(l), STREAM_OK);
        raw_hear(r, l);
        cr_assert_eq(SSL_read(r->ssl, bytes, sizeof(bytes)), 4);
    }
}

/* A peer requests new keys again and again, and reads nothing. Each call must
 * still return, and the stream must stop reading, so that its memory doesn't
 * exceed the buffer. */
RawTest(secure, a_flood_of_key_updates_is_held_back, TLS1_3_VERSION,
        line_secured(l, 1, 4096))
{
    char bytes[1 << 12];
    size_t n;
    int held = 0;
    for (int i = 0; i < 5000 && held < 100; i++) {
        SSL_key_update(r->ssl, SSL_KEY_UPDATE_REQUESTED);
        SSL_do_handshake(r->ssl);
        size_t len = raw_take(r, bytes, sizeof(bytes));
        if (send(l->far, bytes, len, MSG_DONTWAIT) != (ssize_t)len)
            held++;
        cr_assert_eq(stream_read(l->s, bytes, sizeof(bytes), &n), STREAM_AGAIN);
    }
    cr_assert_eq(held, 100, "the stream went on reading");
    cr_assert(stream_events(l->s) & EPOLLOUT);
}

/* The memory of an idle control channel. OpenSSL 3.5 keeps 29,556 bytes. */
Test(secure, an_idle_control_channel_is_small)
{
    enum { N = 50 };
    static struct line l[N];
    static struct raw r;
    struct tls_context *t = context_make();
    size_t before = mallinfo2().uordblks;
    for (int i = 0; i < N; i++) {
        char bytes[64];
        size_t n;
        line_open(&l[i], CONTROL, 0);
        cr_assert_eq(stream_secure(l[i].s, t, STREAM_CONTROL), 0);
        raw_open(&r, TLS1_3_VERSION, NULL);
        cr_assert_eq(raw_handshake(&r, &l[i]), STREAM_OK);
        cr_assert_eq(SSL_write(r.ssl, "NOOP\r\n", 6), 6);
        raw_say(&r, &l[i]);
        cr_assert_eq(line_read(&l[i], bytes, sizeof(bytes), &n), STREAM_OK);
        cr_assert_eq(line_write_all(&l[i], "200 OK\r\n", 8), STREAM_OK);
        cr_assert_eq(line_flush(&l[i]), STREAM_OK);
        raw_close(&r);
    }
    size_t each = (mallinfo2().uordblks - before) / N;
    cr_log_info("an idle TLS control channel keeps %zu bytes", each);
    cr_assert_lt(each, OpenSSL_version_num() < 0x30500000 ? 24 << 10 : 32 << 10,
                 "%zu bytes", each);
    for (int i = 0; i < N; i++)
        line_close(&l[i]);
    tls_context_free(t);
}

/* Tests bytes in bulk, in both directions, with several sizes of buffers. The
 * stream gathers small pieces, receives large ones, and takes no more if the
 * peer doesn't read. */
#include <sys/epoll.h>

#include "raw.h"
#include "support/long.h"

/* socket: the size of the kernel's buffers; fragment: the client's largest
 * record; 0: the default. */
struct transfer {
    int version;
    size_t buffer;
    int socket;
    size_t bytes;
    unsigned fragment;
};
static const struct transfer transfers[] = {
    { TLS1_2_VERSION, DATA, 4096, 3000017, 0 },
    { TLS1_3_VERSION, DATA, 4096, 3000017, 0 },
    { TLS1_3_VERSION, DATA, 0, 6000011, 0 },
    { TLS1_2_VERSION, CONTROL, 4096, 1000003, 0 },
    { TLS1_3_VERSION, CONTROL, 0, 1000003, 0 },
    { TLS1_3_VERSION, 1, 0, 300007, 0 }, /* the smallest buffer */
    { TLS1_2_VERSION, DATA, 0, 1000003, 512 },
    { TLS1_3_VERSION, DATA, 0, 1000003, 512 },
    { TLS1_3_VERSION, CONTROL, 4096, 1000003, 512 },
    { TLS1_2_VERSION, 1, 0, 300007, 512 },
};
#define TRANSFERS (sizeof(transfers) / sizeof(transfers[0]))

static void download(const struct transfer *t)
{
    struct peer p = { .play = play_read_all,
                      .options = { .version = t->version,
                                   .fragment = t->fragment } };
    struct line l;
    unsigned char *bytes = malloc(t->bytes);
    pattern_fill(bytes, t->bytes, 0);
    line_with_peer(&l, &p, t->buffer, t->socket);
    cr_assert_eq(line_write_all(&l, bytes, t->bytes), STREAM_OK);
    cr_assert_eq(line_shutdown(&l), STREAM_OK);
    peer_join(&p);
    cr_assert(p.ok, "bytes changed on the way");
    cr_assert_eq(p.bytes, t->bytes);
    cr_assert_eq(p.last, TLS_CLIENT_END, "%s", p.error);
    line_close(&l);
    free(bytes);
}

static void upload(const struct transfer *t, size_t step)
{
    struct peer p = { .play = play_write_all,
                      .bytes = t->bytes,
                      .options = { .version = t->version,
                                   .fragment = t->fragment } };
    struct line l;
    unsigned char *bytes = malloc(step);
    enum stream_state st;
    size_t at = 0, n;
    line_with_peer(&l, &p, t->buffer, t->socket);
    while ((st = line_read(&l, bytes, step, &n)) == STREAM_OK) {
        cr_assert(n > 0 && n <= step);
        cr_assert(pattern_holds(bytes, n, at));
        at += n;
    }
    cr_assert_eq(st, STREAM_CLOSED, "%s", stream_cause(l.s));
    cr_assert_eq(at, t->bytes);
    cr_assert_eq(line_shutdown(&l), STREAM_OK);
    peer_join(&p);
    cr_assert(p.ok);
    line_close(&l);
    free(bytes);
}

Test(transfers, downloads, WITH_SANITIZERS)
{
    for (size_t i = 0; i < TRANSFERS; i++)
        download(&transfers[i]);
}

Test(transfers, uploads, WITH_SANITIZERS)
{
    for (size_t i = 0; i < TRANSFERS; i++) {
        upload(&transfers[i], DATA);
        upload(&transfers[i], 1000);
    }
}

RawTest(transfers, bytes_are_gathered_until_the_flush, TLS1_3_VERSION,
        line_secured(l, DATA, 0))
{
    char bytes[1 << 12];
    size_t n;
    for (int i = 0; i < 100; i++) {
        cr_assert_eq(stream_write(l->s, "0123456789", 10, &n), STREAM_OK);
        cr_assert_eq(n, 10u);
    }
    cr_assert(stream_unsent(l->s));
    cr_assert_eq(recv(l->far, bytes, 1, MSG_PEEK | MSG_DONTWAIT), -1);
    cr_assert_eq(stream_shutdown(l->s), STREAM_OK);
    cr_assert(!stream_unsent(l->s));
    raw_hear(r, l);
    for (int i = 0; i < 100; i++)
        cr_assert_eq(SSL_read(r->ssl, bytes, sizeof(bytes)), 10);
    cr_assert_eq(SSL_read(r->ssl, bytes, sizeof(bytes)), 0);
    cr_assert_eq(SSL_get_error(r->ssl, 0), SSL_ERROR_ZERO_RETURN);
}

RawTest(transfers, one_read_fills_a_large_buffer, TLS1_3_VERSION,
        line_secured(l, DATA, 1 << 20))
{
    static unsigned char bytes[DATA], got[DATA];
    size_t n;
    pattern_fill(bytes, 100000, 0);
    for (size_t at = 0; at < 100000; at += 1000)
        cr_assert_eq(SSL_write(r->ssl, bytes + at, 1000), 1000);
    raw_say(r, l);
    cr_assert_eq(stream_read(l->s, got, 150, &n), STREAM_OK);
    cr_assert_eq(n, 150u);
    cr_assert(stream_pending(l->s));
    cr_assert_eq(recv(l->near, got, 1, MSG_PEEK | MSG_DONTWAIT), -1,
                 "one recv took all");
    cr_assert_eq(stream_read(l->s, got, sizeof(got), &n), STREAM_OK);
    cr_assert_eq(n, 100000u - 150);
    cr_assert(pattern_holds(got, n, 150));
    cr_assert(!stream_pending(l->s));
    cr_assert_eq(stream_read(l->s, got, sizeof(got), &n), STREAM_AGAIN);
}

RawTest(transfers, a_full_buffer_takes_nothing, TLS1_3_VERSION,
        line_secured(l, CONTROL, 4096))
{
    static unsigned char bytes[DATA];
    size_t took, all = 0;
    enum stream_state st;
    while ((st = stream_write(l->s, bytes, sizeof(bytes), &took)) == STREAM_OK)
        all += took;
    cr_assert_eq(st, STREAM_AGAIN);
    cr_assert_eq(took, 0u);
    cr_assert_eq(stream_events(l->s), (uint32_t)EPOLLOUT);
    cr_assert(all > 0);
    cr_assert_eq(stream_shutdown(l->s), STREAM_AGAIN);
}

/* Cuts the data connection of an upload. A proxy between client and server cuts
 * the stream at each boundary of its TLS records and within each record, in
 * both directions, by a FIN and by a reset. Only an end that upload_eof accepts
 * makes a file. */
#include <zlib.h>

#include "sallyport/base/fd.h"
#include "support/files.h"
#include "support/long.h"
#include "support/served.h"
#include "support/server_log.h"
#include "support/test.h"

#define PIECES 3 /* records of data */
#define PIECE  100
#define UPLOAD (PIECES * PIECE)

enum { TO_SERVER, TO_CLIENT };

static const struct server_user users[] = {
    { .name = "strict" },
    { .name = "size", .keys = "upload_eof=size" },
    { .name = "lenient", .keys = "upload_eof=lenient" },
};

SERVER_SHARED(.settings = "mode_z = yes\n", .users = users, .user_count = 3);

/* Runs in the client's own process, which doesn't know where the proxy cuts. */
static void upload(int fd, const struct session *s)
{
    const struct tls_client_options options = {
        .version = s->version,
        .show = tls_client_session(s->tls),
    };
    struct tls_client *t = tls_client_new(fd, &options);
    char piece[PIECE], rest[512];
    bool ok = t != NULL;

    memset(piece, 'x', sizeof(piece));
    for (int i = 0; i < PIECES && ok; i++)
        ok = tls_client_write(t, piece, sizeof(piece));
    if (ok)
        tls_client_shutdown(t);
    while (ok && tls_client_read(t, rest, sizeof(rest)) > 0)
        ;
    _exit(0);
}

static pid_t start_client(const struct session *s, int *ret)
{
    int ends[2];
    pid_t pid;

    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    pid = fork();
    if (pid == 0) {
        close(ends[0]);
        upload(ends[1], s);
    }
    close(ends[1]);
    *ret = ends[0];
    return pid;
}

/* A place to cut. It is a record, not a byte of the stream, since signatures
 * differ in length from one handshake to the next. */
struct cut {
    int way;
    size_t record;
    size_t inside; /* bytes of the record that pass; LAST: all but one */
    bool reset;
};

#define LAST SIZE_MAX

/* A direction of the proxy: how much has passed, and how far it may go. */
struct way {
    int from, to;
    const struct cut *cut; /* NULL: none */
    size_t record; /* the present record, and how much of it has passed */
    size_t inside;
    unsigned char header[5];
    bool ended;
};

/* Returns the length of the record; until its header is complete, the length of
 * the header. */
static size_t length(const struct way *w)
{
    const unsigned char *h = w->header;

    return w->inside < sizeof(w->header)
               ? sizeof(w->header)
               : sizeof(w->header) + (size_t)h[3] * 256 + h[4];
}

static size_t may_pass(const struct way *w)
{
    size_t whole = length(w), most = whole;

    if (w->cut && w->cut->record == w->record) {
        most = w->cut->inside;
        if (most >= whole) /* never the whole record */
            most = w->inside < sizeof(w->header) ? whole : whole - 1;
    }
    return most - w->inside;
}

static void passed(struct way *w, const unsigned char *bytes, size_t n)
{
    if (w->inside < sizeof(w->header))
        memcpy(w->header + w->inside, bytes, n);
    w->inside += n;
    if (w->inside <= sizeof(w->header) || w->inside < length(w))
        return;
    w->record++;
    w->inside = 0;
}

static void pass(struct way *w)
{
    unsigned char bytes[16384 + 512];
    size_t most = may_pass(w);
    ssize_t n =
        recv(w->from, bytes, most < sizeof(bytes) ? most : sizeof(bytes), 0);

    if (n <= 0) {
        w->ended = true;
        shutdown(w->to, SHUT_WR);
        return;
    }
    if (send(w->to, bytes, (size_t)n, MSG_NOSIGNAL) != n)
        w->ended = true;
    passed(w, bytes, (size_t)n);
}

/* Relays until both directions have ended, or one reaches its cut. */
static void relay(struct way way[2])
{
    while (!(way[0].ended && way[1].ended) && may_pass(&way[0]) > 0 &&
           may_pass(&way[1]) > 0) {
        struct pollfd p[2] = {
            { .fd = way[0].ended ? -1 : way[0].from, .events = POLLIN },
            { .fd = way[1].ended ? -1 : way[1].from, .events = POLLIN }
        };

        cr_assert_gt(poll(p, 2, 20000), 0, "nothing came through the proxy");
        for (int i = 0; i < 2; i++)
            if (p[i].revents && may_pass(&way[i]) > 0)
                pass(&way[i]);
    }
}

/* Ends the connection to the server, by a reset or a FIN. After a FIN reads the
 * bytes that the server still sends. */
static void end_server(struct data *d, bool reset)
{
    char rest[512];

    if (reset) {
        data_cut(d, true);
        return;
    }
    shutdown(d->fd, SHUT_WR);
    while (recv(d->fd, rest, sizeof(rest), 0) > 0)
        ;
    fd_close(&d->fd);
}

/* Makes one upload of NAME through the proxy. Returns the code of its final
 * reply. */
static int store_through(struct session *s, const char *user, const char *name,
                         const struct cut *cut, struct way way[2])
{
    struct data d;
    int client, status;
    pid_t pid;

    if (strcmp(user, "size") == 0) /* for others ALLO forbids a shorter file */
        session_do(s, "200 {*}", "ALLO %d", UPLOAD);
    data_connect(s, &d);
    session_do(s, "150 {*}", "STOR %s", name);
    pid = start_client(s, &client);
    memset(way, 0, 2 * sizeof(*way));
    way[TO_SERVER] = (struct way){ .from = client, .to = d.fd };
    way[TO_CLIENT] = (struct way){ .from = d.fd, .to = client };
    if (cut)
        way[cut->way].cut = cut;
    relay(way);
    close(client);
    end_server(&d, cut && cut->reset);
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    return session_reply(s);
}

/* Does the user's upload_eof accept a cut after RECORD of the client's N
 * records? The last of them are the records of data and a close_notify. lenient
 * accepts an empty file, too. */
static bool is_end(const char *user, size_t n, size_t record)
{
    if (strcmp(user, "lenient") == 0)
        return record >= n - PIECES - 1;
    return strcmp(user, "size") == 0 && record == n - 1;
}

static void try_cut(struct session *s, const struct server *server,
                    const char *user, const struct cut *cut, bool whole)
{
    struct way way[2];
    char name[64];
    int code;

    snprintf(name, sizeof(name), "f-%x-%d-%zu-%zd-%d", (unsigned)s->version,
             cut->way, cut->record, (ssize_t)cut->inside, cut->reset);
    code = store_through(s, user, name, cut, way);
    cr_expect((code == 226) == whole, "%s, %s: %s", user, name, s->reply.data);
    cr_expect(code == 226 || code == 425 || code == 426, "%s, %s: %s", user,
              name, s->reply.data);
    cr_expect_eq(files_exists(server_home_file(server, user, name)), whole,
                 "%s: %s", user, name);
}

/* Cuts before the record, within its header, after the header, and within the
 * body, also in the middle of a record of data. The short run cuts within a
 * record as the user who may end an upload in the most ways, and where an end
 * before the record counts. */
static void try_record(struct session *s, const struct server *server,
                       const char *user, struct cut cut, bool whole)
{
    const size_t inside[] = { 0, 3, 5, 6, PIECE / 2, LAST };
    const bool all = is_long() || whole || strcmp(user, "lenient") == 0;

    for (size_t i = 0; i < (all ? sizeof(inside) / sizeof(inside[0]) : 1);
         i++) {
        cut.inside = inside[i];
        try_cut(s, server, user, &cut, whole && i == 0 && !cut.reset);
    }
}

/* Tries each record, except the server's last one: its close_notify, which it
 * sends when it has the whole file. */
static void try_each(struct session *s, const struct server *server,
                     const char *user, size_t out, size_t back, bool reset)
{
    for (size_t i = 0; i < out; i++)
        try_record(s, server, user, (struct cut){ TO_SERVER, i, 0, reset },
                   is_end(user, out, i));
    for (size_t i = 0; i + 1 < back; i++)
        try_record(s, server, user, (struct cut){ TO_CLIENT, i, 0, reset },
                   false);
}

static void try_all(const char *user, int version)
{
    struct way way[2];
    size_t out, back;
    struct server server;
    struct session s;

    server_shared(&server);
    session_enter_as(&s, &server, user, version);
    cr_assert_eq(store_through(&s, user, "whole", NULL, way), 226, "%s",
                 s.reply.data);
    out = way[TO_SERVER].record;
    back = way[TO_CLIENT].record;
    cr_assert(out > PIECES + 2 && back > 2, "%zu records, %zu back", out, back);
    try_each(&s, &server, user, out, back, false);
    try_each(&s, &server, user, out, back, true);
    session_close(&s);
}

Test(upload_ends, strict, .timeout = 400)
{
    try_all("strict", SESSION_TLS_12);
    try_all("strict", SESSION_TLS_13);
}

Test(upload_ends, size, .timeout = 400)
{
    try_all("size", SESSION_TLS_12);
    try_all("size", SESSION_TLS_13);
}

Test(upload_ends, lenient, .timeout = 400)
{
    try_all("lenient", SESSION_TLS_12);
    try_all("lenient", SESSION_TLS_13);
}

/* upload_eof=size accepts exactly as many bytes as ALLO has announced, and no
 * upload without ALLO. */
SharedTest(upload_ends, size_to_the_byte, 100)
{
    static const struct {
        const char *before;
        int code;
    } rows[] = { { "ALLO 5", 226 }, { "ALLO 4", 426 }, { "ALLO 6", 426 },
                 { "ALLO 0", 426 }, { "NOOP", 426 },   { "ALLO 5 R 1", 226 } };
    struct session s;

    session_enter(&s, server, "size");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct data d;
        char name[32];

        snprintf(name, sizeof(name), "allo-%zu", i);
        session_do(&s, "200 {*}", "%s", rows[i].before);
        data_open(&s, &d, "STOR %s", name);
        data_write(&d, "hello", 5);
        data_cut(&d, false);
        cr_expect_eq(session_reply(&s), rows[i].code, "%s: %s", rows[i].before,
                     s.reply.data);
        cr_expect_eq(files_exists(server_home_file(server, "size", name)),
                     rows[i].code == 226);
    }
    session_close(&s);
    server_log_wait(server, "transfer ", "path=/allo-0", "result=226",
                    "ended without close_notify", NULL);
}

/* An empty file needs an orderly end, except with `lenient`: a connection that
 * breaks before its first byte also ends with a FIN after the handshake. */
SharedTest(upload_ends, an_empty_file, 100)
{
    static const int versions[] = { SESSION_TLS_12, SESSION_TLS_13 };

    for (size_t i = 0; i < 12; i++) {
        const char *user = users[i % 3].name;
        bool in_order = i < 6;
        bool stored = in_order || strcmp(user, "lenient") == 0;
        struct session s;
        struct data d;
        char name[32];

        snprintf(name, sizeof(name), "empty-%zu", i);
        session_enter_as(&s, server, user, versions[i % 2]);
        data_open(&s, &d, "STOR %s", name);
        if (in_order)
            data_close(&d);
        else
            data_cut(&d, false);
        cr_expect_eq(session_reply(&s), stored ? 226 : 426, "%s: %s", user,
                     s.reply.data);
        cr_expect(stored || strstr(s.reply.data, "user change"), "%s",
                  s.reply.data);
        cr_expect_eq(files_exists(server_home_file(server, user, name)), stored,
                     "%s", user);
        session_close(&s);
    }
}

/* In MODE Z even `lenient` doesn't accept a FIN as the end of an upload, since
 * a compressed stream has an end of its own. */
SharedSessionTest(upload_ends, a_compressed_stream, 100, "lenient")
{
    unsigned char z[64];
    uLongf len = sizeof(z);
    struct data d;

    session_do(s, "200 {*}", "MODE Z");
    cr_assert_eq(compress(z, &len, (const unsigned char *)"hello", 5), Z_OK);
    data_open(s, &d, "STOR z");
    data_write(&d, z, len);
    data_cut(&d, false);
    session_expect(s, "426 {*}");
    cr_expect(!files_exists(server_home_file(server, "lenient", "z")));
}

/* MODE Z and TYPE A against a real server: the stored and sent bytes, for a raw
 * client and for real ones, and the remains of failed uploads. */
#include <zlib.h>

#include "fault.h"
#include "support/files.h"
#include "support/processes.h"
#include "support/run.h"
#include "support/served.h"
#include "support/server_log.h"
#include "support/test.h"
#include "transcript.h"

#define KIB  1024u
#define LEN  (700 * KIB)
#define MOST (4 * LEN)

static const struct server_plan plan = {
    .settings = "mode_z = yes\nmode_z_level = 1\nmax_file_size = 8M\n"
                "ascii = yes\n"
};

static void open_compressed(const struct server *server, struct session *s)
{
    session_enter(s, server, "anna");
    session_do(s, "200 {*}", "MODE Z");
}

/* Half of these bytes can be compressed. */
static unsigned char *some_bytes(void)
{
    unsigned char *bytes = malloc(LEN);

    files_noise(bytes, LEN, 3);
    memset(bytes + LEN / 4, 'x', LEN / 2);
    return bytes;
}

static unsigned char *packed(const void *bytes, size_t len, size_t *size)
{
    uLongf n = compressBound(len);
    unsigned char *into = malloc(n);

    cr_assert_eq(compress(into, &n, bytes, len), Z_OK);
    *size = n;
    return into;
}

static void store(struct session *s, const char *verb, const char *name,
                  const void *bytes, size_t len)
{
    size_t size;
    unsigned char *z = packed(bytes, len, &size);

    session_store(s, verb, name, z, size);
    free(z);
}

/* Downloads a stream, which must be whole, and decompresses it. */
static void fetch(struct session *s, const char *command, struct buf *into)
{
    uLongf len = MOST;
    struct buf z;

    buf_init(&z, MOST);
    session_fetch(s, command, &z);
    cr_assert_eq(buf_reserve(into, MOST), 0);
    cr_assert_eq(uncompress((unsigned char *)into->data, &len,
                            (unsigned char *)z.data, z.len),
                 Z_OK, "%s", command);
    into->len = len;
    buf_release(&z);
}

static void expect_fetch(struct session *s, const char *command,
                         const void *bytes, size_t len)
{
    struct buf got;

    buf_init(&got, MOST);
    fetch(s, command, &got);
    cr_expect(got.len == len && memcmp(got.data, bytes, len) == 0, "%s: %zu",
              command, got.len);
    buf_release(&got);
}

SessionTest(mode_z, stored_and_fetched, 60, &plan)
{
    unsigned char *bytes = some_bytes();

    session_do(s, "200 {*}", "MODE Z");
    store(s, "STOR", "f", bytes, 500 * KIB);
    fault_expect_whole(server, "anna", "f", bytes, 500 * KIB);
    store(s, "APPE", "f", bytes + 500 * KIB, LEN - 500 * KIB);
    fault_expect_whole(server, "anna", "f", bytes, LEN);
    store(s, "STOU", "u", bytes, LEN);
    store(s, "STOR", "empty", "", 0);
    fault_expect_whole(server, "anna", "empty", "", 0);
    expect_fetch(s, "RETR f", bytes, LEN);
    expect_fetch(s, "RETR empty", "", 0);
    session_do(s, "350 {*}", "REST 12345");
    expect_fetch(s, "RETR f", bytes + 12345, LEN - 12345);
    session_do(s, "350 {*}", "RANG 200 399");
    expect_fetch(s, "RETR f", bytes + 200, 200);
    session_do(s, "213 716800", "SIZE f");
    /* The log, and the counts, have the file's bytes. */
    server_log_wait(server, "RETR", "bytes=716800", NULL);
    server_log_wait(server, "APPE", "bytes=204800", NULL);
    free(bytes);
}

SessionTest(mode_z, listings, 60, &plan)
{
    static const char *const commands[] = { "LIST", "NLST", "MLSD", "LIST g" };

    session_do(s, "200 {*}", "MODE Z");
    for (int i = 0; i < 40; i++) {
        char name[32];

        snprintf(name, sizeof(name), "file-%d", i);
        store(s, "STOR", name, name, strlen(name));
    }
    session_do(s, "257 {*}", "MKD g");
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        struct buf plain;

        buf_init(&plain, MOST);
        session_do(s, "200 {*}", "MODE S");
        session_fetch(s, commands[i], &plain);
        session_do(s, "200 {*}", "MODE Z");
        expect_fetch(s, commands[i], plain.data, plain.len);
        buf_release(&plain);
    }
}

static void send_cut(struct session *s, const char *name, const void *z,
                     size_t len, const char *reply)
{
    struct data d;

    data_open(s, &d, "STOR %s", name);
    data_finish(s, &d, z, len, reply);
}

/* The bytes of a cut stream can be continued, in either mode; the bytes of a
 * damaged stream can't. */
SessionTest(mode_z, cut_uploads, 60, &plan)
{
    unsigned char *bytes = some_bytes(), *z;
    size_t size;

    session_do(s, "200 {*}", "MODE Z");
    z = packed(bytes, LEN, &size);
    send_cut(s, "f", z, size - 1, "426 {*}cut short{*}");
    fault_expect_absent(server, "anna", "f");
    session_do(s, "213 655360", "SIZE f");
    session_do(s, "350 {*}", "REST 655360");
    store(s, "STOR", "f", bytes + 655360, LEN - 655360);
    fault_expect_whole(server, "anna", "f", bytes, LEN);
    z[size - 1] ^= 1;
    send_cut(s, "g", z, size, "426 {*}damaged{*}");
    session_do(s, "550 {*}", "SIZE g");
    send_cut(s, "f", z, size, "426 {*}damaged{*}");
    fault_expect_whole(server, "anna", "f", bytes, LEN);
    server_log_wait(server, "STOR", "path=/g", "result=426",
                    "damaged, or not in", NULL);
    session_do(s, "200 {*}", "MODE S");
    session_store(s, "STOR", "g", bytes, LEN);
    fault_expect_whole(server, "anna", "g", bytes, LEN);
    free(bytes);
    free(z);
}

/* No cut gets a 226, also not this one between the stream and the FIN. */
SessionTest(mode_z, no_close_notify, 60, &plan)
{
    struct data d;
    unsigned char *z;
    size_t size;

    session_do(s, "200 {*}", "MODE Z");
    z = packed("hello", 5, &size);
    data_open(s, &d, "STOR f");
    data_write(&d, z, size);
    data_cut(&d, false);
    session_expect(s, "426 {*}");
    fault_expect_absent(server, "anna", "f");
    free(z);
}

/* 64 MiB of zeros against a limit of 8. */
SessionTest(mode_z, stream_that_expands, 120, &plan)
{
    unsigned char *zeros = calloc(64, KIB * KIB), *z;
    struct data d;
    size_t size;

    session_do(s, "200 {*}", "MODE Z");
    z = packed(zeros, 64 * KIB * KIB, &size);
    data_open(s, &d, "STOR f");
    session_do(s, "200 {*}", "NOOP");
    data_write(&d, z, size / 16);
    session_do(s, "211 {*}", "STAT");
    data_write(&d, z + size / 16, size / 16 * 2);
    session_expect(s, "552 {*}");
    data_cut(&d, false);
    fault_expect_absent(server, "anna", "f");
    session_do(s, "200 {*}", "NOOP");
    free(zeros);
    free(z);
}

/* The file to receive is 64 GiB of zeros: it isn't over before the ABOR. */
SessionTest(mode_z, abor, 60, &plan)
{
    unsigned char *bytes = some_bytes(), *z;
    struct data d;
    size_t size;

    session_do(s, "200 {*}", "MODE Z");
    z = packed(bytes, LEN, &size);
    data_open(s, &d, "STOR f");
    data_write(&d, z, size / 2);
    session_do(s, "426 {*}", "ABOR");
    session_expect(s, "226 {*}");
    data_cut(&d, false);
    store(s, "STOR", "f", bytes, LEN);
    fault_make_sparse(server, "anna", "huge", UINT64_C(1) << 36);
    data_open(s, &d, "RETR huge");
    session_do(s, "426 {*}", "ABOR");
    session_expect(s, "226 {*}");
    data_cut(&d, false);
    expect_fetch(s, "RETR f", bytes, LEN);
    free(bytes);
    free(z);
}

enum cut { CUT_ABORTED, CUT_SHORTER, CUT_KILLED, CUT_BY_CLIENT };

/* Reads the rest of a stream, which must have no end. */
static void expect_part(struct data *d)
{
    static unsigned char in[64 * KIB], out[256 * KIB];
    z_stream z = { .next_in = in };
    int r = inflateInit(&z);
    long n;

    while ((n = tls_client_read(d->tls, in, sizeof(in))) > 0) {
        z.next_in = in;
        z.avail_in = (unsigned)n;
        do {
            z.next_out = out;
            z.avail_out = sizeof(out);
            r = inflate(&z, Z_NO_FLUSH);
            cr_assert(r == Z_OK || r == Z_BUF_ERROR, "inflate: %d", r);
        } while (z.avail_out == 0);
    }
    inflateEnd(&z);
    cr_expect_eq(n, TLS_CLIENT_CUT, "its end: %ld", n);
    data_cut(d, false);
}

static void cut_download(const struct server *server, struct session *s,
                         enum cut how)
{
    struct data d;

    data_open(s, &d, "RETR big");
    switch (how) {
    case CUT_ABORTED:
        session_do(s, "426 {*}", "ABOR");
        session_expect(s, "226 {*}");
        expect_part(&d);
        break;
    case CUT_SHORTER:
        cr_assert_eq(truncate(server_home_file(server, "anna", "big"), 1), 0);
        expect_part(&d);
        session_expect(s, "451 {*}");
        break;
    case CUT_KILLED:
        processes_kill(server->pid, "sallyport: session");
        expect_part(&d);
        session_drop(s);
        open_compressed(server, s);
        break;
    case CUT_BY_CLIENT:
        data_cut(&d, true);
        session_expect(s, "426 {*}");
        break;
    }
}

/* A client never takes the part of a download for the whole file: neither the
 * stream nor TLS has its end. The file is far larger than all buffers. */
Test(mode_z, cut_downloads, .timeout = 120)
{
    const size_t len = 32 * KIB * KIB;
    unsigned char *noise = malloc(len);
    struct server_plan troubled = plan;
    struct server server;
    struct session s;

    files_noise(noise, len, 5);
    troubled.troubles = true; /* a session is killed */
    server_start(&server, &troubled);
    open_compressed(&server, &s);
    store(&s, "STOR", "f", "bytes", 5);
    for (int how = CUT_ABORTED; how <= CUT_BY_CLIENT; how++) {
        server_put(&server, "anna", "big", noise, len);
        cut_download(&server, &s, (enum cut)how);
        expect_fetch(&s, "RETR f", "bytes", 5);
    }
    session_end(&s, &server);
    free(noise);
}

/* Each transcript has a user of its own. */
Test(conversions, transcripts, .timeout = 60)
{
    static const struct server_user users[] = { { .name = "mode-z" },
                                                { .name = "ascii" } };
    struct server_plan two = plan;
    struct server server;

    two.users = users;
    two.user_count = sizeof(users) / sizeof(users[0]);
    server_start(&server, &two);
    for (size_t i = 0; i < two.user_count; i++) {
        char file[SERVER_PATH_MAX];

        snprintf(file, sizeof(file), "%s/%s.txt",
                 server_source("tests/system/transcripts/converted"),
                 users[i].name);
        transcript_play(&server, file, users[i].name);
    }
    server_stop(&server);
}

/* Makes an upload that was cut, which lftp continues. */
static void prepare_lftp(const struct server *server, const char *work)
{
    unsigned char *bytes = some_bytes(), *z;
    char path[SERVER_PATH_MAX];
    struct session s;
    size_t size;

    files_make_folder(work, 0700);
    snprintf(path, sizeof(path), "%.490s/cut", work);
    files_write(path, bytes, LEN, 0600);
    open_compressed(server, &s);
    z = packed(bytes, LEN, &size);
    send_cut(&s, "cut", z, size - 1, "426 {*}");
    session_close(&s);
    free(bytes);
    free(z);
}

/* Arguments: SCRIPT PORT USER PASSFILE CACERT WORKDIR HOME. */
static void play_script(const struct server *server, const char *name,
                        const char *work)
{
    char script[SERVER_PATH_MAX], port[16];
    struct run_result r;

    snprintf(script, sizeof(script), "%s/%.100s", server_source("tests/system"),
             name);
    snprintf(port, sizeof(port), "%u", server->port);
    const char *password = server_path(server, "password");
    files_write(password, SERVER_PASSWORD, strlen(SERVER_PASSWORD), 0600);
    const char *certificate = server_path(server, "certificate.pem");
    const char *home = server_home(server, "anna");
    run(&r, NULL, "bash", script, port, "anna", password, certificate, work,
        home, NULL);
    cr_assert_eq(r.status, 0, "exit status %d:\n%s", r.status, r.text);
    run_release(&r);
}

ServerTest(mode_z, lftp, 150, &plan)
{
    char work[SERVER_PATH_MAX];

    snprintf(work, sizeof(work), "%.400s/work", server->folder);
    prepare_lftp(server, work);
    play_script(server, "lftp_mode_z", work);
}

ServerTest(lines, clients, 150, &plan)
{
    char work[SERVER_PATH_MAX];

    snprintf(work, sizeof(work), "%.400s/work", server->folder);
    files_make_folder(work, 0700);
    play_script(server, "type_a_clients", work);
}

static void open_lines(struct server *server, struct session *s,
                       bool compressed)
{
    session_begin(s, server, &plan);
    session_do(s, "200 {*}", "TYPE A");
    if (compressed)
        session_do(s, "200 {*}", "MODE Z");
}

/* Makes lines of all lengths, with CRLF and as they are in a file. */
static size_t make_lines(char *wire, char *file, size_t *file_len)
{
    size_t at = 0, n = 0;

    for (size_t i = 0; i < 30000; i++) {
        size_t len = i * 7 % 41;

        memset(wire + at, 'a' + (int)(i % 26), len);
        memset(file + n, 'a' + (int)(i % 26), len);
        at += len;
        n += len;
        memcpy(wire + at, "\r\n", 2);
        at += 2;
        file[n++] = '\n';
    }
    *file_len = n;
    return at;
}

/* Transfers up and down, in both modes; SIZE is the length of the download. */
Test(lines, stored_and_fetched, .timeout = 60)
{
    static char wire[MOST], file[MOST];
    size_t file_len, len = make_lines(wire, file, &file_len);

    for (int compressed = 0; compressed < 2; compressed++) {
        struct server server;
        struct session s;
        struct buf got;

        open_lines(&server, &s, compressed);
        (compressed ? store : session_store)(&s, "STOR", "f", wire, len);
        fault_expect_whole(&server, "anna", "f", file, file_len);
        buf_init(&got, MOST);
        (compressed ? fetch : session_fetch)(&s, "RETR f", &got);
        cr_expect(got.len == len && memcmp(got.data, wire, len) == 0);
        buf_release(&got);
        session_do(&s, "213 {n}", "SIZE f");
        cr_expect_eq(strtoull(s.reply.data + 4, NULL, 10), len);
        session_do(&s, "200 {*}", "TYPE I");
        session_do(&s, "213 {n}", "SIZE f");
        cr_expect_eq(strtoull(s.reply.data + 4, NULL, 10), file_len);
        session_end(&s, &server);
    }
}

/* Nothing of a cut upload is kept, since its offset would fit other bytes. */
Test(lines, cut_upload, .timeout = 60)
{
    static char wire[MOST], file[MOST];
    size_t file_len, len = make_lines(wire, file, &file_len);
    struct server server;
    struct session s;
    struct data d;

    open_lines(&server, &s, false);
    data_open(&s, &d, "STOR f");
    data_write(&d, wire, len);
    data_cut(&d, false);
    session_expect(&s, "426 {*}");
    session_do(&s, "550 {*}", "SIZE f");
    session_do(&s, "200 {*}", "TYPE I");
    session_do(&s, "550 {*}", "SIZE f");
    session_store(&s, "APPE", "f", file, file_len);
    fault_expect_whole(&server, "anna", "f", file, file_len);
    session_end(&s, &server);
}

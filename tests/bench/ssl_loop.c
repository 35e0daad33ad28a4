/* Measures the cost of moving bytes through TLS in the usual way: pread and
 * SSL_write, or SSL_read and write. Two processes use loopback TCP; the
 * server's CPU time is printed. It is a measure, not a test. */
#include <errno.h>
#include <fcntl.h>
#include <openssl/ec.h>
#include <openssl/x509.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "load/wire.h"

#define GIB       1073741824.0
#define BLOCK_MAX (1u << 20)

struct plan {
    bool up, json;
    uint64_t bytes;
    size_t block; /* of a pread or an SSL_read */
    const char *file;
};

static const char usage[] =
    "usage: ssl_loop [--json] [--block KIB] up|down BYTES FILE\n"
    "Moves BYTES over TLS 1.3 on loopback and prints the CPU seconds per GiB\n"
    "of the server's process. down: reads FILE (of at least BYTES); up: "
    "writes\n"
    "FILE anew. KIB: 1 to 1024, default 64.\n";

static _Noreturn void misused(void)
{
    fputs(usage, stderr);
    exit(64);
}

static uint64_t number(const char *text, uint64_t max)
{
    char *end = NULL;
    errno = 0;
    unsigned long long n = strtoull(text, &end, 10);
    if (errno || end == text || *end || *text == '-' || n == 0 || n > max)
        misused();
    return n;
}

static void parse(struct plan *p, int argc, char **argv)
{
    int at = 1;
    *p = (struct plan){ .block = 64u << 10 };
    for (; at < argc && argv[at][0] == '-'; at++) {
        if (strcmp(argv[at], "--json") == 0)
            p->json = true;
        else if (strcmp(argv[at], "--block") == 0 && at + 1 < argc)
            p->block = (size_t)number(argv[++at], BLOCK_MAX >> 10) << 10;
        else
            misused();
    }
    if (argc - at != 3 ||
        (strcmp(argv[at], "up") != 0 && strcmp(argv[at], "down") != 0))
        misused();
    p->up = strcmp(argv[at], "up") == 0;
    p->bytes = number(argv[at + 1], UINT64_C(1) << 50);
    p->file = argv[at + 2];
}

static void serve_download(SSL *ssl, const struct plan *p, char *block)
{
    int fd = open(p->file, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        wire_fail("%s: %s", p->file, strerror(errno));
    for (uint64_t at = 0; at < p->bytes;) {
        uint64_t left = p->bytes - at;
        size_t want = left < p->block ? (size_t)left : p->block;
        ssize_t n = pread(fd, block, want, (off_t)at);

        if (n <= 0)
            wire_fail("%s: %s", p->file, n < 0 ? strerror(errno) : "too short");
        wire_send(ssl, block, (size_t)n);
        at += (uint64_t)n;
    }
    close(fd);
}

static void serve_upload(SSL *ssl, const struct plan *p, char *block)
{
    int fd = open(p->file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    uint64_t at = 0;
    size_t n;

    if (fd < 0)
        wire_fail("%s: %s", p->file, strerror(errno));
    while ((n = wire_receive(ssl, block, p->block)) > 0) {
        if (write(fd, block, n) != (ssize_t)n)
            wire_fail("%s: %s", p->file, strerror(errno));
        at += n;
    }
    if (at != p->bytes)
        wire_fail("%llu bytes came", (unsigned long long)at);
    close(fd);
}

/* The other end; its CPU time isn't counted. */
static void be_client(SSL *ssl, const struct plan *p, char *block)
{
    uint64_t at = 0;
    size_t n;

    if (p->up) {
        memset(block, 'x', BLOCK_MAX);
        for (; at < p->bytes; at += n) {
            n = p->bytes - at < BLOCK_MAX ? p->bytes - at : BLOCK_MAX;
            wire_send(ssl, block, n);
        }
    } else {
        while ((n = wire_receive(ssl, block, BLOCK_MAX)) > 0)
            at += n;
        if (at != p->bytes)
            wire_fail("%llu bytes came", (unsigned long long)at);
    }
    wire_close(ssl, false);
}

static pid_t start_client(unsigned port, const struct plan *p, char *block)
{
    pid_t pid = fork();
    SSL *ssl;

    if (pid < 0)
        wire_fail("fork: %s", strerror(errno));
    if (pid > 0)
        return pid;
    ssl = wire_handshake(wire_context(TLS_client_method()), wire_connect(port),
                         NULL);
    if (!ssl)
        exit(1);
    be_client(ssl, p, block);
    exit(0);
}

static SSL_CTX *server_with_new_certificate(void)
{
    SSL_CTX *ctx = wire_context(TLS_server_method());
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *x = X509_new();

    if (!key || !x)
        wire_fail("no memory");
    X509_set_version(x, X509_VERSION_3);
    X509_gmtime_adj(X509_getm_notBefore(x), -3600);
    X509_gmtime_adj(X509_getm_notAfter(x), 86400);
    X509_set_pubkey(x, key);
    if (!X509_sign(x, key, EVP_sha256()) || !SSL_CTX_use_certificate(ctx, x) ||
        !SSL_CTX_use_PrivateKey(ctx, key))
        wire_fail("no certificate");
    X509_free(x);
    EVP_PKEY_free(key);
    return ctx;
}

static double cpu(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static double serve(SSL *ssl, const struct plan *p, char *block)
{
    double before = cpu();

    if (p->up)
        serve_upload(ssl, p, block);
    else
        serve_download(ssl, p, block);
    wire_close(ssl, false);
    return cpu() - before;
}

static void print(const struct plan *p, double used)
{
    double each = used / ((double)p->bytes / GIB);
    const char *way = p->up ? "up" : "down";
    if (p->json)
        printf("{\"direction\":\"%s\",\"bytes\":%llu,\"block\":%zu,"
               "\"cpu_seconds\":%.3f,\"cpu_seconds_per_gib\":%.3f}\n",
               way, (unsigned long long)p->bytes, p->block, used, each);
    else
        printf("%s: %.3f CPU s/GiB (%zu KiB blocks)\n", way, each,
               p->block >> 10);
}

int main(int argc, char **argv)
{
    struct plan p;
    unsigned port;
    int status;
    char *block = malloc(BLOCK_MAX);
    SSL_CTX *ctx = server_with_new_certificate();

    parse(&p, argc, argv);
    signal(SIGPIPE, SIG_IGN);
    if (!block)
        wire_fail("no memory");
    int listener = wire_listen(&port);
    pid_t client = start_client(port, &p, block);
    SSL *ssl = wire_answer(ctx, wire_accept(listener), 0);
    double used = serve(ssl, &p, block);
    if (waitpid(client, &status, 0) != client || status != 0)
        wire_fail("the client failed");
    print(&p, used);
    SSL_CTX_free(ctx);
    free(block);
    return 0;
}

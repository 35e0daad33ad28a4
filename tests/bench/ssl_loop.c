/* Measures the cost of moving bytes through TLS in the usual way: pread and
 * SSL_write, or SSL_read and write. Two processes use loopback TCP; the
 * server's CPU time is printed. It is a measure, not a test. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "loop_tls.h"

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

static void write_all(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, bytes, len);
        if (n < 0 && errno != EINTR)
            loop_fail("write");
        if (n > 0) {
            bytes += n;
            len -= (size_t)n;
        }
    }
}

static void serve_download(SSL *ssl, const struct plan *p, char *block)
{
    int fd = open(p->file, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        loop_fail(p->file);
    for (uint64_t at = 0; at < p->bytes;) {
        uint64_t left = p->bytes - at;
        size_t want = left < p->block ? (size_t)left : p->block;
        ssize_t n = pread(fd, block, want, (off_t)at);
        if (n <= 0)
            loop_fail("pread");
        if (SSL_write(ssl, block, (int)n) != n)
            loop_fail("SSL_write");
        at += (uint64_t)n;
    }
    close(fd);
}

static void serve_upload(SSL *ssl, const struct plan *p, char *block)
{
    int fd = open(p->file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    uint64_t at = 0;
    int n;
    if (fd < 0)
        loop_fail(p->file);
    while ((n = SSL_read(ssl, block, (int)p->block)) > 0) {
        write_all(fd, block, (size_t)n);
        at += (uint64_t)n;
    }
    if (SSL_get_error(ssl, n) != SSL_ERROR_ZERO_RETURN || at != p->bytes)
        loop_fail("SSL_read");
    close(fd);
}

/* The other end; its CPU time isn't counted. */
static void be_client(SSL *ssl, const struct plan *p, char *block)
{
    uint64_t at = 0;
    if (p->up) {
        memset(block, 'x', BLOCK_MAX);
        for (; at < p->bytes;) {
            uint64_t left = p->bytes - at;
            int want = left < BLOCK_MAX ? (int)left : (int)BLOCK_MAX;
            if (SSL_write(ssl, block, want) != want)
                loop_fail("client");
            at += (uint64_t)want;
        }
    } else {
        int n;
        while ((n = SSL_read(ssl, block, BLOCK_MAX)) > 0)
            at += (uint64_t)n;
        if (SSL_get_error(ssl, n) != SSL_ERROR_ZERO_RETURN || at != p->bytes)
            loop_fail("client");
    }
    if (SSL_shutdown(ssl) < 0)
        loop_fail("client's end");
}

static int listen_on(struct sockaddr_in *a)
{
    socklen_t len = sizeof(*a);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    *a = (struct sockaddr_in){ .sin_family = AF_INET };
    a->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || bind(fd, (struct sockaddr *)a, sizeof(*a)) < 0 ||
        listen(fd, 1) < 0 || getsockname(fd, (struct sockaddr *)a, &len) < 0)
        loop_fail("listen");
    return fd;
}

static pid_t start_client(const struct sockaddr_in *a, const struct plan *p,
                          char *block)
{
    pid_t pid = fork();
    if (pid < 0)
        loop_fail("fork");
    if (pid > 0)
        return pid;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (const struct sockaddr *)a, sizeof(*a)) < 0)
        loop_fail("connect");
    be_client(loop_client(fd), p, block);
    exit(0);
}

static double cpu(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static double serve(int fd, const struct plan *p, char *block)
{
    SSL *ssl = loop_server(fd);
    double before = cpu();
    if (p->up)
        serve_upload(ssl, p, block);
    else
        serve_download(ssl, p, block);
    if (SSL_shutdown(ssl) < 0)
        loop_fail("SSL_shutdown");
    double used = cpu() - before;
    SSL_free(ssl);
    close(fd);
    return used;
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
    struct sockaddr_in a;
    int status;
    char *block = malloc(BLOCK_MAX);

    parse(&p, argc, argv);
    signal(SIGPIPE, SIG_IGN);
    if (!block)
        loop_fail("memory");
    int listener = listen_on(&a);
    pid_t client = start_client(&a, &p, block);
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0)
        loop_fail("accept");
    double used = serve(fd, &p, block);
    if (waitpid(client, &status, 0) != client || status != 0)
        loop_fail("the client failed");
    print(&p, used);
    free(block);
    return 0;
}

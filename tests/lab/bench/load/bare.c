/* Bare servers, which show the least that FTP costs on this machine: they move
 * its bytes, and have no rights, no log and no separation of processes. See
 * --help. */
#include <crypt.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "echo.h"
#include "wire.h"

#define BLOCK 262144u

static const char usage[] =
    "usage: bench_bare ftp WORKERS DIR CERTIFICATE KEY\n"
    "       bench_bare echo|echo-each CERTIFICATE KEY\n"
    "\n"
    "ftp: as many processes as WORKERS, each with one connection at a time:\n"
    "handshake, a hash for PASS (BENCH_HASH), EPSV, RETR from a mapping, STOR\n"
    "to a file in DIR. echo: answers each line on any number of connections\n"
    "with TLS, in one process; echo-each: in one process for each. All print\n"
    "their port.\n";

struct bare {
    SSL_CTX *ctx;
    int fd; /* of the control connection */
    SSL *ssl;
    int passive; /* listener for data connections, or -1 */
    char buffer[1024];
    size_t have;
};

static void reply(struct bare *b, const char *text)
{
    char line[128];
    int len = snprintf(line, sizeof(line), "%s\r\n", text);

    if (b->ssl)
        wire_send(b->ssl, line, (size_t)len);
    else if (send(b->fd, line, (size_t)len, MSG_NOSIGNAL) != len)
        wire_fail("reply: %s", strerror(errno));
}

/* Reads a command into LINE. Returns false when the client is gone. */
static bool command(struct bare *b, char *line, size_t max)
{
    char *end;

    while (!(end = memchr(b->buffer, '\n', b->have))) {
        size_t room = sizeof(b->buffer) - b->have;
        ssize_t n =
            b->ssl ? (ssize_t)wire_receive(b->ssl, b->buffer + b->have, room)
                   : recv(b->fd, b->buffer + b->have, room, 0);
        if (n <= 0)
            return false;
        b->have += (size_t)n;
    }
    size_t len = (size_t)(end - b->buffer) + 1;
    snprintf(line, max, "%.*s", (int)strcspn(b->buffer, "\r\n"), b->buffer);
    b->have -= len;
    memmove(b->buffer, b->buffer + len, b->have);
    return true;
}

static void be_passive(struct bare *b)
{
    char line[64];
    unsigned port;

    b->passive = wire_listen(&port);
    snprintf(line, sizeof(line), "229 Passive (|||%u|)", port);
    reply(b, line);
}

/* Accepts a data connection. Sends no ticket, since the client uses only the
 * ticket of the control connection. */
static SSL *open_data(struct bare *b)
{
    int fd = wire_accept(b->passive);

    close(b->passive);
    b->passive = -1;
    reply(b, "150 Opened");
    return wire_answer(b->ctx, fd, 0);
}

static void send_file(struct bare *b, const char *name)
{
    struct stat st;
    int fd = open(name, O_RDONLY | O_CLOEXEC);

    if (fd < 0 || fstat(fd, &st) < 0)
        wire_fail("%s: %s", name, strerror(errno));
    size_t len = (size_t)st.st_size;
    char *bytes = mmap(NULL, len, PROT_READ, MAP_SHARED, fd, 0);
    if (bytes == MAP_FAILED)
        wire_fail("%s: %s", name, strerror(errno));
    close(fd);
    SSL *ssl = open_data(b);
    for (size_t at = 0; at < len; at += BLOCK)
        wire_send(ssl, bytes + at, len - at < BLOCK ? len - at : BLOCK);
    wire_close(ssl, false);
    munmap(bytes, len);
    reply(b, "226 Sent");
}

static void write_all(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, bytes, len);
        if (n < 0)
            wire_fail("write: %s", strerror(errno));
        bytes += n;
        len -= (size_t)n;
    }
}

static void receive_file(struct bare *b, const char *name)
{
    static char block[BLOCK];
    size_t got;
    int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

    if (fd < 0)
        wire_fail("%s: %s", name, strerror(errno));
    SSL *ssl = open_data(b);
    while ((got = wire_receive(ssl, block, sizeof(block))) > 0)
        write_all(fd, block, got);
    close(fd);
    wire_close(ssl, false);
    reply(b, "226 Stored");
}

static void check_password(struct bare *b, const char *password)
{
    static struct crypt_data data;
    const char *wanted = getenv("BENCH_HASH");
    const char *hash =
        wanted ? crypt_rn(password, wanted, &data, sizeof(data)) : NULL;

    reply(b, hash && strcmp(hash, wanted) == 0 ? "230 In" : "530 Wrong");
}

static void serve_one(SSL_CTX *ctx, int fd)
{
    struct bare b = { .ctx = ctx, .fd = fd, .passive = -1 };
    char line[512];

    reply(&b, "220 Bare");
    while (command(&b, line, sizeof(line))) {
        const char *word = strchr(line, ' ');
        word = word ? word + 1 : "";
        if (strncmp(line, "AUTH", 4) == 0) {
            reply(&b, "234 TLS");
            b.ssl = wire_answer(ctx, fd, 1);
        } else if (strncmp(line, "USER", 4) == 0) {
            reply(&b, "331 Password");
        } else if (strncmp(line, "PASS", 4) == 0) {
            check_password(&b, word);
        } else if (strncmp(line, "EPSV", 4) == 0) {
            be_passive(&b);
        } else if (strncmp(line, "RETR", 4) == 0) {
            send_file(&b, word);
        } else if (strncmp(line, "STOR", 4) == 0) {
            receive_file(&b, word);
        } else {
            reply(&b, "200 Yes");
        }
        if (strncmp(line, "QUIT", 4) == 0)
            break;
    }
    if (b.ssl)
        wire_close(b.ssl, false);
    else
        close(fd);
}

static _Noreturn void serve(SSL_CTX *ctx, int listener)
{
    for (;;)
        serve_one(ctx, wire_accept(listener));
}

static int print_port(void)
{
    unsigned port;
    int listener = wire_listen(&port);

    printf("%u\n", port);
    fflush(stdout);
    return listener;
}

int main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN);
    if (argc == 4 && strncmp(argv[1], "echo", 4) == 0) {
        SSL_CTX *ctx = wire_server(argv[2], argv[3]);
        if (strcmp(argv[1], "echo") == 0)
            echo_serve(ctx, print_port());
        if (strcmp(argv[1], "echo-each") == 0)
            echo_serve_each(ctx, print_port());
    }
    if (argc != 6 || strcmp(argv[1], "ftp") != 0) {
        bool help = argc == 2 && strcmp(argv[1], "--help") == 0;
        fputs(usage, help ? stdout : stderr);
        return help ? 0 : 64;
    }
    unsigned workers = (unsigned)strtoul(argv[2], NULL, 10);
    SSL_CTX *ctx = wire_server(argv[4], argv[5]);
    if (chdir(argv[3]) < 0)
        wire_fail("%s: %s", argv[3], strerror(errno));
    int listener = print_port();
    pid_t parent = getpid();
    for (unsigned i = 1; i < workers; i++) {
        pid_t pid = fork();
        if (pid < 0)
            wire_fail("fork: %s", strerror(errno));
        if (pid == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            if (getppid() != parent)
                return 1;
            break;
        }
    }
    serve(ctx, listener);
}

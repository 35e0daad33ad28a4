/* The control connection of a client. */
#include "client.h"
#include "sallyport/base/clock.h"
#include "sallyport/base/fd.h"
#include "support/fail.h"
#include "support/files.h"
#include "support/test.h"
#include "support/wait.h"

#define PIECE    (17u << 10) /* more than a record */
#define STEP_MS  5000        /* for each step of a login */
#define WRITE_MS 400

static void reset_on_close(int fd)
{
    const struct linger now = { .l_onoff = 1 };

    setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
}

static void set_patience(int fd, unsigned ms)
{
    const struct timeval limit = { ms / 1000, ms % 1000 * 1000 };

    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
}

int actor_dial(const struct actor *p, unsigned port)
{
    struct sockaddr_in from = { .sin_family = AF_INET }, to = from;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    FAIL_IF(fd < 0, "socket: %m");
    inet_pton(AF_INET, p->from, &from.sin_addr);
    inet_pton(AF_INET, "127.0.0.1", &to.sin_addr);
    to.sin_port = htons((uint16_t)port);
    set_patience(fd, WRITE_MS);
    if (bind(fd, (struct sockaddr *)&from, sizeof(from)) ||
        connect(fd, (struct sockaddr *)&to, sizeof(to)))
        fd_close(&fd);
    return fd;
}

void client_init(struct client *c)
{
    *c = (struct client){ .fd = -1 };
    for (size_t i = 0; i < FUZZ_SLOTS; i++)
        c->slot[i].fd = -1;
    buf_init(&c->in, 8 << 20);
}

static void client_close(struct client *c)
{
    for (size_t i = 0; i < FUZZ_SLOTS; i++)
        data_cut_slot(&c->slot[i], 2);
    tls_client_free(c->tls);
    fd_close(&c->fd);
    buf_release(&c->in);
    client_init(c);
}

/* Connects again. A client that has asked for an offset may continue there in
 * its next session. */
void client_connect(struct actor *p, struct client *c)
{
    const struct resume was = c->resume;

    client_close(c);
    if (was.state == RESUME_ASKED)
        c->resume = was;
    c->fd = actor_dial(p, p->server->port);
    c->owed = 1; /* the greeting */
    p->counts->sessions += c->fd >= 0;
}

bool client_send(struct client *c, const void *bytes, size_t len)
{
    bool sent = c->tls ? tls_client_write(c->tls, bytes, len)
                       : c->fd >= 0 && send(c->fd, bytes, len, MSG_NOSIGNAL) ==
                                           (ssize_t)len;

    c->broken = c->broken || !sent;
    return sent;
}

bool client_line(struct actor *p, struct client *c, const char *format, ...)
{
    char line[512];
    va_list args;
    size_t len;

    va_start(args, format);
    vsnprintf(line, sizeof(line) - 2, format, args);
    va_end(args);
    len = strlen(line);
    memcpy(line + len, "\r\n", 2);
    p->counts->commands++;
    c->owed++;
    fprintf(stderr, "> %.*s\n", (int)len, line);
    return client_send(c, line, len + 2);
}

static bool is_readable(int fd, int ms)
{
    struct pollfd one = { .fd = fd, .events = POLLIN };

    return poll(&one, 1, ms) == 1;
}

/* Receives more bytes. Returns false at the end (*END is then true), or if
 * nothing comes within MS milliseconds. */
static bool client_receive(struct client *c, int ms, bool *end)
{
    long n;

    *end = false;
    if (!is_readable(c->fd, ms))
        return false;
    FAIL_IF(buf_reserve(&c->in, PIECE), "endless replies");
    n = c->tls ? tls_client_read(c->tls, c->in.data + c->in.len, PIECE)
               : recv(c->fd, c->in.data + c->in.len, PIECE, 0);
    if (n > 0)
        c->in.len += (size_t)n;
    /* A ticket alone makes the socket readable, too. */
    *end = n == 0 || n == TLS_CLIENT_CUT ||
           (n == TLS_CLIENT_FAILED && *tls_client_error());
    return !*end;
}

/* Fails the test if the line isn't one of a reply, or if it could control a
 * terminal. */
static void check_line(const char *line, size_t len)
{
    FAIL_IF(len < 2 || line[len - 2] != '\r', "a line without CR: %.*s",
            (int)len, line);
    for (size_t i = 0; i < len - 2; i++)
        FAIL_IF((unsigned char)line[i] < 0x20 || line[i] == 0x7f,
                "a control byte in a reply: %.*s", (int)len, line);
    FAIL_IF(line[0] != ' ' && (strspn(line, "0123456789") != 3 ||
                               (line[3] != ' ' && line[3] != '-')),
            "no line of a reply: %.*s", (int)len, line);
}

/* Takes a line from the buffer. Returns the reply's code if it is the last
 * line, 0 if it isn't, and -1 if there is no whole line. */
static int take_line(struct client *c)
{
    const char *end = c->in.len ? memchr(c->in.data, '\n', c->in.len) : NULL;
    size_t len = end ? (size_t)(end - c->in.data) + 1 : 0;
    int code = 0;

    if (!end)
        return -1;
    check_line(c->in.data, len);
    if (c->in.data[0] != ' ' && c->in.data[3] == ' ') {
        code = atoi(c->in.data);
        snprintf(c->reply, sizeof(c->reply), "%.*s", (int)len - 2, c->in.data);
    }
    buf_consume(&c->in, len);
    return code;
}

/* Checks that a stored file exists, if neither another client nor an unanswered
 * command could have removed it. */
static void check_stored(const struct actor *p, const struct client *c)
{
    const char *path = strstr(c->reply, " stored as /");

    if (path && c->owed == 0 && p->program->clients == 1)
        FAIL_IF(!files_exists(server_home_file(p->server, p->user, path + 12)),
                "missing: %s", c->reply);
}

static void note_reply(struct actor *p, struct client *c, int code)
{
    unsigned n[6];

    p->counts->replies++;
    c->owed -= c->owed > 0 && code >= 200;
    fprintf(stderr, "  %s\n", c->reply);
    if (sscanf(c->reply, "229 %*[^(](|||%u|)", &n[0]) == 1)
        c->port = n[0];
    else if (sscanf(c->reply, "227 %*[^(](%u,%u,%u,%u,%u,%u)", &n[0], &n[1],
                    &n[2], &n[3], &n[4], &n[5]) == 6)
        c->port = n[4] << 8 | n[5];
    if (code != 226)
        return;
    check_stored(p, c);
    p->counts->files +=
        oracle_check(&p->oracle, server_home(p->server, p->user));
}

/* Waits for 20 ms at most if no reply is due. */
int client_reply(struct actor *p, struct client *c, int ms)
{
    uint64_t until = clock_ms() + (uint64_t)(c->owed || ms < 20 ? ms : 20), now;
    bool end = false;
    int code;

    while (c->fd >= 0) {
        while ((code = take_line(c)) == 0)
            continue;
        if (code > 0) {
            note_reply(p, c, code);
            return code;
        }
        now = clock_ms();
        if (!client_receive(c, until > now ? (int)(until - now) : 0, &end))
            return end ? -1 : 0;
    }
    return -1;
}

static bool client_ask(struct actor *p, struct client *c, int code,
                       const char *line)
{
    return client_line(p, c, "%s", line) && client_reply(p, c, STEP_MS) == code;
}

static bool client_secure(struct actor *p, struct client *c, int version)
{
    const struct tls_client_options options = { .version = version };

    if (client_reply(p, c, STEP_MS) != 220 ||
        !client_ask(p, c, 234, "AUTH TLS"))
        return false;
    set_patience(c->fd, STEP_MS);
    c->tls = tls_client_new(c->fd, &options);
    c->version = version;
    if (!c->tls)
        client_close(c);
    else
        set_patience(c->fd, WRITE_MS);
    return c->tls != NULL;
}

/* Logs in. HOW 1: sends a wrong password first; 2: sends all lines at once; 3:
 * doesn't protect data connections. */
void client_login(struct actor *p, struct client *c, const struct op *o)
{
    char user[64], password[64];

    snprintf(user, sizeof(user), "USER %s", p->user);
    snprintf(password, sizeof(password), "PASS %s", SERVER_PASSWORD);
    if (c->fd < 0 || c->tls || !client_secure(p, c, (int)o->much))
        return;
    if (o->how == 1 &&
        (!client_ask(p, c, 331, user) || !client_ask(p, c, 530, "PASS wrong")))
        return;
    if (o->how == 2) {
        client_line(p, c, "%s\r\n%s\r\nPBSZ 0\r\nPROT P\r\nTYPE I", user,
                    password);
        c->owed = 5;
        while (client_reply(p, c, 1000) > 0)
            continue;
        return;
    }
    if (!client_ask(p, c, 331, user) || !client_ask(p, c, 230, password))
        return;
    p->counts->logins++;
    if (o->how == 3)
        return;
    client_ask(p, c, 200, "PBSZ 0");
    client_ask(p, c, 200, "PROT P");
    client_ask(p, c, 200, "TYPE I");
}

void client_end(struct actor *p, struct client *c, const struct op *o)
{
    if (c->fd < 0)
        return;
    switch (o->how) {
    case 0:
        c->half = c->tls && !c->broken && tls_client_shutdown(c->tls);
        break;
    case 1:
        shutdown(c->fd, SHUT_WR);
        c->half = true;
        break;
    case 2:
        reset_on_close(c->fd);
        client_close(c);
        break;
    default:
        client_line(p, c, "QUIT");
    }
}

/* Ends a session, unless it is broken: in the middle of a record the server
 * waits for the rest of the record. */
void client_quit(struct actor *p, struct client *c)
{
    uint64_t until = clock_ms() + WAIT_MS;
    int code = 0;

    for (size_t i = 0; i < FUZZ_SLOTS; i++)
        data_cut_slot(&c->slot[i], 2);
    if (c->fd >= 0 && !c->broken) {
        if (!c->half)
            client_line(p, c, "\r\nQUIT");
        while (code >= 0 && !c->broken && clock_ms() < until)
            code = client_reply(p, c, 1000);
        FAIL_IF(code >= 0 && !c->broken, "QUIT doesn't end a session: %s",
                c->reply);
    }
    client_close(c);
}

#include "ftp.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "wire.h"

_Atomic unsigned ftp_connections, ftp_resumed;

static void receive_more(struct control *c)
{
    size_t room = sizeof(c->buffer) - c->have, got;

    if (room == 0)
        wire_fail("a line of a reply is too long");
    if (c->ssl) {
        got = wire_receive(c->ssl, c->buffer + c->have, room);
    } else {
        ssize_t n = recv(c->fd, c->buffer + c->have, room, 0);
        if (n < 0)
            wire_fail("receiving a reply: %s", strerror(errno));
        got = (size_t)n;
    }
    if (got == 0)
        wire_fail("the server closed the control connection");
    c->have += got;
}

static void read_line(struct control *c)
{
    char *end;

    while (!(end = memchr(c->buffer, '\n', c->have)))
        receive_more(c);
    size_t len = (size_t)(end - c->buffer) + 1;
    size_t kept = len < sizeof(c->line) ? len : sizeof(c->line) - 1;
    memcpy(c->line, c->buffer, kept);
    c->line[kept] = '\0';
    c->line[strcspn(c->line, "\r\n")] = '\0';
    c->have -= len;
    memmove(c->buffer, c->buffer + len, c->have);
}

static bool is_last_line(const char *line)
{
    return strspn(line, "0123456789") == 3 && line[3] != '-';
}

void ftp_expect(struct control *c, char digit, const char *command)
{
    do
        read_line(c);
    while (!is_last_line(c->line));
    if (c->line[0] != digit)
        wire_fail("%.*s: %.200s", (int)strcspn(command, " "), command, c->line);
}

static void send_line(struct control *c, const char *command)
{
    char line[512];
    int len = snprintf(line, sizeof(line), "%s\r\n", command);

    if (len < 0 || (size_t)len >= sizeof(line))
        wire_fail("a command is too long");
    if (c->ssl)
        wire_send(c->ssl, line, (size_t)len);
    else if (send(c->fd, line, (size_t)len, MSG_NOSIGNAL) != len)
        wire_fail("sending %s: %s", command, strerror(errno));
}

void ftp_command(struct control *c, char digit, const char *command)
{
    send_line(c, command);
    ftp_expect(c, digit, command);
}

void ftp_login(struct control *c, const struct account *a)
{
    char line[256];

    *c = (struct control){ .account = a };
    c->fd = wire_connect(a->port);
    ftp_expect(c, '2', "greeting");
    ftp_command(c, '2', "AUTH TLS");
    c->ssl = wire_handshake(a->ctx, c->fd, NULL);
    if (!c->ssl)
        wire_fail("AUTH TLS: the handshake failed");
    snprintf(line, sizeof(line), "USER %s", a->user);
    ftp_command(c, '3', line);
    snprintf(line, sizeof(line), "PASS %s", a->password);
    ftp_command(c, '2', line);
}

void ftp_prepare(struct control *c)
{
    ftp_command(c, '2', "PBSZ 0");
    ftp_command(c, '2', "PROT P");
    ftp_command(c, '2', "TYPE I");
}

/* Reads the port of "229 Entering Extended Passive Mode (|||PORT|)". */
static unsigned passive_port(struct control *c)
{
    ftp_command(c, '2', "EPSV");
    const char *at = strstr(c->line, "(|||");
    unsigned long port = at ? strtoul(at + 4, NULL, 10) : 0;
    if (port == 0 || port > 65535)
        wire_fail("EPSV: %.200s", c->line);
    return (unsigned)port;
}

SSL *ftp_data(struct control *c, const char *command)
{
    int fd = wire_connect(passive_port(c));

    ftp_command(c, '1', command);
    /* Takes the newest ticket that came with a reply. */
    SSL_SESSION *session = SSL_get1_session(c->ssl);
    SSL *ssl = wire_handshake(c->account->ctx, fd, session);
    SSL_SESSION_free(session);
    if (!ssl) {
        ftp_expect(c, '2', command);
        wire_fail("%s: the data connection's handshake failed", command);
    }
    ftp_connections++;
    if (SSL_session_reused(ssl))
        ftp_resumed++;
    return ssl;
}

void ftp_quit(struct control *c)
{
    ftp_command(c, '2', "QUIT");
    wire_close(c->ssl, false);
}

/* Replaces session_main() in these tests: no TLS, no FTP. Obeys the lines that
 * the test sends on master's pair, and prints there what gate sends. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sallyport/base/clock.h"
#include "sallyport/base/fd.h"
#include "sallyport/conf/conf.h"
#include "sallyport/ipc/channel.h"
#include "sallyport/session/session.h"
#include "sallyport/tls/ticket.h"

#define LINE_MAX_ 256

/* Shorter than two of the seconds in which gate counts messages. */
#define FLOOD_MS 1500

struct script {
    const struct session_start *start;
    struct channel gate;
    bool deaf;
    bool says_keys;
    int listener; /* -1: none */
    struct address told;
    bool proxied;
};

static void say(const struct script *s, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void say(const struct script *s, const char *format, ...)
{
    char line[LINE_MAX_];
    va_list args;

    va_start(args, format);
    vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    send(s->start->master, line, strlen(line), MSG_NOSIGNAL);
}

/* Reads "CLIENT SERVER". */
static void ask_enter(struct script *s, const char *line)
{
    struct slice second = slice_from(line), first;
    struct address client = { 0 }, server = { 0 };

    slice_cut(&second, ' ', &first);
    address_parse_port(first, &client);
    address_parse_port(second, &server);
    SEND(&s->gate, admit, channel_next(&s->gate), .client = client,
         .server = server);
}

static void say_port(const struct script *s)
{
    char text[ADDRESS_TEXT_MAX];

    say(s, "is %s%s", address_port_text(&s->told, text),
        s->proxied ? " proxied" : "");
}

static void ask_port(struct script *s)
{
    if (s->listener >= 0)
        say_port(s);
    else
        SEND(&s->gate, port, channel_next(&s->gate));
}

/* Sends gate a message that is for master. */
static void say_wrong(struct script *s)
{
    const unsigned char login[8] = { MSG_login };

    send(s->gate.fd, login, sizeof(login), MSG_NOSIGNAL);
}

/* Sends messages as fast as gate reads, for FLOOD_MS, and prints their number.
 * Reads gate's answer before it asks for another port, as a session does. */
static void flood(struct script *s)
{
    struct pollfd one = { .fd = s->gate.fd, .events = POLLOUT };
    uint64_t end = clock_ms() + FLOOD_MS;
    unsigned sent = 0;
    struct message m;

    while (clock_ms() < end) {
        if (SEND(&s->gate, port, channel_next(&s->gate)) == 0)
            sent++;
        else
            poll(&one, 1, 10);
        if (channel_wait(&s->gate, &m, 5000) == 1)
            message_close(&m);
    }
    say(s, "sent %u", sent);
}

/* Asks for ports, and never reads an answer. */
static void play_deaf(struct script *s)
{
    s->deaf = true;
    for (int i = 0; i < 900; i++) {
        struct pollfd one = { .fd = s->gate.fd, .events = POLLOUT };
        uint32_t request = channel_next(&s->gate);

        while (SEND(&s->gate, port, request) == -EAGAIN)
            if (poll(&one, 1, 1000) < 0)
                return;
    }
}

static int option(int fd, int level, int name)
{
    int value = -1;
    socklen_t size = sizeof(value);

    getsockopt(fd, level, name, &value, &size);
    return value;
}

static bool is_ignored(int signal_number)
{
    struct sigaction now;

    return sigaction(signal_number, NULL, &now) == 0 &&
           now.sa_handler == SIG_IGN;
}

/* Prints which signals are ignored and blocked at a session's start. */
static void look(const struct script *s)
{
    sigset_t mask;

    sigprocmask(SIG_SETMASK, NULL, &mask);
    say(s, "ignored %d blocked %d", is_ignored(SIGTERM) && is_ignored(SIGINT),
        sigismember(&mask, SIGCHLD));
}

/* Prints the names only, since the secrets are of no use here. */
static void say_keys(const struct script *s, const struct msg_ticket_keys *m)
{
    char names[2][2 * TICKET_NAME_BYTES + 1];
    struct ticket_keys k;

    memcpy(&k.now, m->now.ptr, sizeof(k.now));
    memcpy(&k.before, m->before.ptr, sizeof(k.before));
    for (size_t i = 0; i < TICKET_NAME_BYTES; i++) {
        snprintf(names[0] + 2 * i, 3, "%02x", k.now.name[i]);
        snprintf(names[1] + 2 * i, 3, "%02x", k.before.name[i]);
    }
    if (s->says_keys)
        say(s, "keys %s %s", names[0], names[1]);
}

/* Restores the default action first, since the handlers of the sanitizers would
 * raise another signal. */
static void die_of(int signal_number)
{
    signal(signal_number, SIG_DFL);
    raise(signal_number);
}

static void obey(struct script *s, char *line)
{
    char *number = strchr(line, ' ');
    int n = number ? atoi(number + 1) : 0;

    if (strcmp(line, "port") == 0)
        ask_port(s);
    else if (strcmp(line, "drop") == 0)
        fd_close(&s->listener);
    else if (strcmp(line, "garbage") == 0)
        send(s->gate.fd, "\377\377garbage", 9, MSG_NOSIGNAL);
    else if (strcmp(line, "wrong") == 0)
        say_wrong(s);
    else if (strcmp(line, "flood") == 0)
        flood(s);
    else if (strcmp(line, "deaf") == 0)
        play_deaf(s);
    else if (strcmp(line, "part") == 0)
        channel_close(&s->gate);
    else if (strcmp(line, "look") == 0)
        look(s);
    else if (strncmp(line, "enter ", 6) == 0)
        ask_enter(s, line + 6);
    else if (strcmp(line, "keys") == 0)
        s->says_keys = true;
    else if (strncmp(line, "exit ", 5) == 0)
        _exit(n);
    else if (strncmp(line, "signal ", 7) == 0)
        die_of(n);
}

static int fake_on_port_is(void *owner, struct msg_port_is *m)
{
    struct script *s = owner;

    fd_close(&s->listener);
    s->listener = fd_take(&m->listener);
    s->told = m->address;
    s->proxied = m->proxied;
    say_port(s);
    return 0;
}

static int fake_on_port_none(void *owner, struct msg_port_none *m)
{
    say(owner, "none %d", m->error);
    return 0;
}

static int fake_on_not_admitted(void *owner, struct msg_not_admitted *m)
{
    say(owner, "kept out %.*s", (int)m->why.len, m->why.ptr);
    return 0;
}

static int fake_on_ticket_keys(void *owner, struct msg_ticket_keys *m)
{
    say_keys(owner, m);
    return 0;
}

static const struct handler fake_handlers[] = {
    ON(port_is, fake_on_port_is),
    ON(port_none, fake_on_port_none),
    ON(not_admitted, fake_on_not_admitted),
    ON(ticket_keys, fake_on_ticket_keys),
};

/* Ends the session if its channel to gate has failed or is closed. */
static void hear_gate(struct script *s)
{
    if (DISPATCH(&s->gate, fake_handlers, s) < 0)
        _exit(99);
}

static void hear_master(struct script *s)
{
    char line[LINE_MAX_];
    ssize_t n = recv(s->start->master, line, sizeof(line) - 1, MSG_DONTWAIT);

    if (n < 0 && errno == EAGAIN)
        return;
    if (n <= 0)
        _exit(98);
    line[n] = '\0';
    obey(s, line);
}

/* Accepts a connection at the session's own listener. */
static void take_connection(const struct script *s)
{
    struct sockaddr_storage from = { 0 };
    struct address peer = { 0 };
    socklen_t len = sizeof(from);
    char text[ADDRESS_TEXT_MAX];
    FD_CLEANUP int fd = accept4(s->listener, (struct sockaddr *)&from, &len,
                                SOCK_NONBLOCK | SOCK_CLOEXEC);

    address_from_sockaddr(&peer, &from);
    say(s, "data %s nodelay %d", address_text(&peer, text),
        option(fd, IPPROTO_TCP, TCP_NODELAY));
    send(fd, "here\r\n", 6, MSG_NOSIGNAL);
}

noreturn void session_main(const struct session_start *start)
{
    int keep[] = { start->control, start->master, start->gate, start->log };
    struct script s = { .start = start, .listener = -1 };

    fd_close_others(3, keep, 4);
    channel_init(&s.gate, start->gate, PROCESS_SESSION, PROCESS_GATE,
                 PHASE_RUN);
    if (!start->proxied)
        send(start->control, "220 fake\r\n", 10, MSG_NOSIGNAL);
    for (;;) {
        struct pollfd four[] = {
            { .fd = start->master, .events = POLLIN },
            { .fd = s.deaf ? -1 : s.gate.fd, .events = POLLIN },
            { .fd = start->control, .events = POLLIN },
            { .fd = s.listener, .events = POLLIN },
        };

        poll(four, 4, -1);
        if (four[1].revents)
            hear_gate(&s);
        if (four[3].revents)
            take_connection(&s);
        if (four[0].revents)
            hear_master(&s);
        if (four[2].revents) /* the client has closed */
            _exit(0);
    }
}

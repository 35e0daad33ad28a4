/* Plays transcripts: a table of directives, each with a short function. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/fail.h"
#include "support/files.h"
#include "support/pattern.h"
#include "support/session.h"
#include "transcript.h"
#include "transcript_text.h"

struct play {
    const struct server *server;
    const char *user;
    unsigned line;
    struct session session;
    bool connected, implicit;
    struct data data;
    struct buf sent, wanted; /* of consecutive DATA lines */
    bool wants;
};

static void play_client(struct play *p, const char *rest)
{
    char text[TRANSCRIPT_LINE_MAX];

    transcript_fill(rest, p->user, text);
    session_send(&p->session, "%s", text);
}

static void play_raw(struct play *p, const char *rest)
{
    char filled[TRANSCRIPT_LINE_MAX], text[TRANSCRIPT_LINE_MAX];

    transcript_fill(rest, p->user, filled);
    session_raw(&p->session, text, transcript_unescape(filled, text));
}

/* The client connects as soon as it knows the port, as real clients do. */
static void take_port(struct play *p, unsigned port)
{
    unsigned control = p->server->port;

    if (port == 0)
        return;
    if (p->data.fd >= 0)
        data_cut(&p->data, false);
    if (port == control)
        FAIL("the data port is the control port %u", port);
    data_connect_to(&p->session, &p->data, port);
}

static void play_server(struct play *p, const char *rest)
{
    struct pattern_match m = { 0 };
    char wanted[TRANSCRIPT_LINE_MAX];
    const char *got;

    transcript_fill(rest, p->user, wanted);
    buf_clear(&p->session.reply);
    got = session_line(&p->session);
    if (!pattern_matches(slice_from(wanted), slice_from(got), &m))
        FAIL("expected: %s\n     got: %s", wanted, got);
    take_port(p, m.port);
}

static void play_until(struct play *p, const char *rest)
{
    const char *got;

    do {
        buf_clear(&p->session.reply);
        got = session_line(&p->session);
        if (got[0] >= '0' && got[0] <= '9' && strlen(got) > 3 &&
            got[3] == ' ' &&
            !pattern_matches(slice_from(rest), slice_from(got), NULL))
            FAIL("expected lines up to: %s\n     got: %s", rest, got);
    } while (!pattern_matches(slice_from(rest), slice_from(got), NULL));
}

static void set_version(struct play *p, const char *rest)
{
    if (strcmp(rest, "1.2") == 0)
        p->session.version = SESSION_TLS_12;
    else if (strcmp(rest, "1.3") == 0)
        p->session.version = SESSION_TLS_13;
    else if (*rest)
        FAIL("no such version of TLS: %s", rest);
}

static void play_tls(struct play *p, const char *rest)
{
    set_version(p, rest);
    session_secure(&p->session);
}

static void play_login(struct play *p, const char *rest)
{
    set_version(p, rest);
    session_start_tls(&p->session);
    if (session_try_login(&p->session, p->user, SERVER_PASSWORD) != 230)
        FAIL("login: %s", p->session.reply.data);
    session_do(&p->session, "200 {*}", "PBSZ 0");
    session_do(&p->session, "200 {*}", "PROT P");
    session_do(&p->session, "200 {*}", "TYPE I");
}

static void need_data(struct play *p)
{
    if (p->data.fd < 0)
        FAIL("no data connection: EPSV first");
    if (!p->data.tls)
        data_secure(&p->session, &p->data);
}

static void play_data_out(struct play *p, const char *rest)
{
    char text[TRANSCRIPT_LINE_MAX];

    need_data(p);
    data_write(&p->data, text, transcript_unescape(rest, text));
}

static void play_data_in(struct play *p, const char *rest)
{
    char text[TRANSCRIPT_LINE_MAX];

    need_data(p);
    p->wants = true;
    buf_add(&p->wanted, text, transcript_unescape(rest, text));
}

/* After the last DATA line of a row the stream ends, and the received bytes are
 * compared with the pattern. */
static void end_data(struct play *p)
{
    struct buf got;

    if (!p->data.tls)
        return;
    buf_init(&got, 1 << 20);
    if (p->wants) {
        data_read_all(&p->data, &got);
        if (!pattern_matches(buf_slice(&p->wanted), buf_slice(&got), NULL))
            FAIL("expected data: %.*s\n          got: %.*s", (int)p->wanted.len,
                 p->wanted.data, (int)got.len, got.data);
    }
    data_close(&p->data);
    p->wants = false;
    buf_clear(&p->wanted);
    buf_release(&got);
}

static void play_end(struct play *p, const char *rest)
{
    (void)rest;
    session_expect_end(&p->session);
}

static void play_close(struct play *p, const char *rest)
{
    (void)rest;
    session_drop(&p->session);
}

static void play_file(struct play *p, const char *rest)
{
    char name[256] = "", text[TRANSCRIPT_LINE_MAX];
    const char *path;
    int n = 0;

    if (sscanf(rest, "%255s %n", name, &n) != 1)
        FAIL("no name: %s", rest);
    path = server_home_file(p->server, p->user, name);
    files_write(path, text, transcript_unescape(rest + n, text), 0644);
    files_give_to_owner_of(server_home(p->server, p->user), path);
}

static void play_folder(struct play *p, const char *rest)
{
    const char *path = server_home_file(p->server, p->user, rest);

    files_make_folder(path, 0755);
    files_give_to_owner_of(server_home(p->server, p->user), path);
}

static void play_has(struct play *p, const char *rest)
{
    char name[256] = "", text[TRANSCRIPT_LINE_MAX];
    struct buf got;
    size_t len;
    int n = 0;

    if (sscanf(rest, "%255s %n", name, &n) != 1)
        FAIL("no name: %s", rest);
    len = transcript_unescape(rest + n, text);
    buf_init(&got, 1 << 20);
    if (!files_read(server_home_file(p->server, p->user, name), &got))
        FAIL("there is no file %s", name);
    if (got.len != len || (len > 0 && memcmp(got.data, text, len) != 0))
        FAIL("%s holds: %.*s", name, (int)got.len, got.data);
    buf_release(&got);
}

static void play_gone(struct play *p, const char *rest)
{
    if (files_exists(server_home_file(p->server, p->user, rest)))
        FAIL("%s exists", rest);
}

static void play_host(struct play *p, const char *rest)
{
    snprintf(p->session.host, sizeof(p->session.host), "%s", rest);
}

static void play_implicit(struct play *p, const char *rest)
{
    (void)rest;
    p->implicit = true;
}

static unsigned port_of(const struct play *p)
{
    bool six = strchr(p->session.host, ':') != NULL;

    if (p->implicit)
        return p->server->port_tls;
    return six ? p->server->port_other : p->server->port;
}

enum { OFFLINE = 1, IN_DATA = 2 };

static const struct directive {
    const char *word;
    void (*play)(struct play *p, const char *rest);
    unsigned flags; /* needs no connection; belongs to a row of DATA lines */
} directives[] = {
    { "C:", play_client, 0 },
    { "C!", play_raw, 0 },
    { "S:", play_server, 0 },
    { "S~", play_until, 0 },
    { "TLS", play_tls, 0 },
    { "LOGIN", play_login, 0 },
    { "DATA>", play_data_out, IN_DATA },
    { "DATA<", play_data_in, IN_DATA },
    { "END", play_end, 0 },
    { "CLOSE", play_close, 0 },
    { "HOST", play_host, OFFLINE },
    { "IMPLICIT", play_implicit, OFFLINE },
    { "FILE", play_file, OFFLINE },
    { "FOLDER", play_folder, OFFLINE },
    { "HAS", play_has, OFFLINE },
    { "GONE", play_gone, OFFLINE },
};

static const struct directive *find(const char *line, const char **rest)
{
    for (size_t i = 0; i < sizeof(directives) / sizeof(*directives); i++) {
        size_t n = strlen(directives[i].word);

        if (strncmp(line, directives[i].word, n) != 0)
            continue;
        if (line[n] != '\0' && line[n] != ' ')
            continue;
        *rest = line[n] ? line + n + 1 : line + n;
        return &directives[i];
    }
    return NULL;
}

static void play_line(struct play *p, const char *line)
{
    const struct directive *d;
    const char *rest;

    if (*line == '\0' || *line == '#')
        return;
    d = find(line, &rest);
    if (!d)
        FAIL("unknown directive: %s", line);
    if (!(d->flags & IN_DATA))
        end_data(p);
    if (!(d->flags & OFFLINE) && !p->connected) {
        session_connect(&p->session, port_of(p));
        p->connected = true;
    }
    d->play(p, rest);
}

void transcript_play(const struct server *server, const char *file,
                     const char *user)
{
    struct play p = { .server = server, .user = user };
    char *line, *rest;
    struct buf text;

    session_init(&p.session);
    p.data.fd = -1;
    buf_init(&p.wanted, 1 << 20);
    buf_init(&text, 1 << 20);
    if (!files_read(file, &text) || buf_add(&text, "", 1))
        FAIL("%s: can't be read", file);
    rest = text.data;
    while ((line = strsep(&rest, "\n")) != NULL) {
        fail_context("%s:%u: ", file, ++p.line);
        play_line(&p, line);
    }
    end_data(&p);
    if (p.data.fd >= 0)
        data_cut(&p.data, false);
    session_drop(&p.session);
    buf_release(&p.wanted);
    buf_release(&text);
}

/* The control channels of a transcript. */
#include "support/fail.h"
#include "support/test.h"
#include "transcript_play.h"

void play_client_init(struct play *p, const char *name, const char *user)
{
    struct client *c = &p->client[p->clients++];

    FAIL_IF(p->clients > TRANSCRIPT_CLIENTS, "too many clients");
    *c = (struct client){ .data.fd = -1 };
    snprintf(c->name, sizeof(c->name), "%s", name);
    snprintf(c->user, sizeof(c->user), "%s", user);
    session_init(&c->session);
    buf_init(&c->wanted, TRANSCRIPT_NOISE_MAX);
    p->c = c;
}

void play_client_release(struct client *c)
{
    play_data_end(c);
    if (c->data.fd >= 0)
        data_cut(&c->data, false);
    session_drop(&c->session);
    tls_session_free(c->shown);
    buf_release(&c->wanted);
}

unsigned play_port(const struct play *p)
{
    bool six = strchr(p->c->session.host, ':') != NULL;

    if (p->c->implicit)
        return p->server->port_tls;
    return six ? p->server->port_other : p->server->port;
}

void play_connect(struct play *p)
{
    if (p->c->connected)
        return;
    session_connect(&p->c->session, play_port(p));
    p->c->connected = true;
}

/* Gives S the addresses of LIKE. */
static void init_like(struct session *s, const struct session *like)
{
    session_init(s);
    memcpy(s->host, like->host, sizeof(s->host));
    memcpy(s->from, like->from, sizeof(s->from));
}

static void disconnect(struct client *c)
{
    struct session next;

    if (c->data.fd >= 0)
        data_cut(&c->data, false);
    init_like(&next, &c->session);
    session_drop(&c->session);
    c->session = next;
    c->connected = false;
}

void play_as(struct play *p, const char *rest)
{
    char name[TRANSCRIPT_NAME_MAX];
    const char *user = transcript_word(rest, name, sizeof(name));

    for (size_t i = 0; i < p->clients; i++)
        if (strcmp(p->client[i].name, name) == 0) {
            p->c = &p->client[i];
            return;
        }
    play_client_init(p, name, *user ? user : name);
}

void play_host(struct play *p, const char *rest)
{
    snprintf(p->c->session.host, sizeof(p->c->session.host), "%s", rest);
}

void play_from(struct play *p, const char *rest)
{
    snprintf(p->c->session.from, sizeof(p->c->session.from), "%s", rest);
}

void play_implicit(struct play *p, const char *rest)
{
    (void)rest;
    p->c->implicit = true;
}

void play_send(struct play *p, const char *rest)
{
    session_send(&p->c->session, "%s", rest);
}

void play_raw(struct play *p, const char *rest)
{
    char text[TRANSCRIPT_LINE_MAX];

    session_raw(&p->c->session, text, transcript_unescape(rest, text));
}

/* The client connects as soon as it knows the port, as real clients do. */
static void take_port(struct play *p, unsigned port)
{
    if (port == 0)
        return;
    if (p->c->data.fd >= 0)
        data_cut(&p->c->data, false);
    if (port == p->server->port)
        FAIL("the data port is the control port %u", port);
    data_connect_to(&p->c->session, &p->c->data, port);
}

static const char *next_line(struct play *p)
{
    buf_clear(&p->c->session.reply);
    return session_line(&p->c->session);
}

static void expect_line(struct play *p, const char *got, const char *rest)
{
    struct pattern_match m = { 0 };

    if (!pattern_matches(slice_from(rest), slice_from(got), &m))
        FAIL("expected: %s\n     got: %s", rest, got);
    transcript_keep(p, &m);
    take_port(p, m.port);
}

void play_expect(struct play *p, const char *rest)
{
    expect_line(p, next_line(p), rest);
}

void play_expect_until(struct play *p, const char *rest)
{
    const char *got;

    do {
        got = next_line(p);
        if (got[0] >= '0' && got[0] <= '9' && strlen(got) > 3 &&
            got[3] == ' ' &&
            !pattern_matches(slice_from(rest), slice_from(got), NULL))
            FAIL("expected lines up to: %s\n     got: %s", rest, got);
    } while (!pattern_matches(slice_from(rest), slice_from(got), NULL));
}

void play_last(struct play *p, const char *rest)
{
    play_expect(p, rest);
    play_ended(p, "");
}

void play_do(struct play *p, const char *rest)
{
    char code[8], line[TRANSCRIPT_LINE_MAX], pattern[TRANSCRIPT_LINE_MAX];
    char *wanted;

    snprintf(line, sizeof(line), "%s",
             transcript_word(rest, code, sizeof(code)));
    wanted = transcript_cut(line);
    if (!wanted) {
        snprintf(pattern, sizeof(pattern), "%s{*}", code);
        session_do(&p->c->session, pattern, "%s", line);
        return;
    }
    session_send(&p->c->session, "%s", line);
    const char *got = next_line(p);
    const bool three = strncmp(got, code, 3) == 0 && got[3] == '-';
    snprintf(pattern, sizeof(pattern), "%s %.32000s", three ? "" : code,
             wanted);
    expect_line(p, three ? next_line(p) : got, pattern);
    snprintf(pattern, sizeof(pattern), "%s {*}", code);
    if (three)
        play_expect(p, pattern);
}

static void set_version(struct play *p, const char *rest)
{
    if (strcmp(rest, "1.2") == 0)
        p->c->session.version = SESSION_TLS_12;
    else if (strcmp(rest, "1.3") == 0)
        p->c->session.version = SESSION_TLS_13;
    else if (*rest)
        FAIL("no such version of TLS: %s", rest);
}

void play_tls(struct play *p, const char *rest)
{
    set_version(p, rest);
    session_secure(&p->c->session);
}

void play_arrive(struct play *p, const char *rest)
{
    set_version(p, rest);
    session_start_tls(&p->c->session);
}

void play_login(struct play *p, const char *rest)
{
    set_version(p, rest);
    session_log_in(&p->c->session, p->c->user);
}

void play_enter(struct play *p, const char *rest)
{
    play_as(p, rest);
    play_data_end(p->c);
    play_connect(p);
    play_login(p, "");
}

void play_show(struct play *p, const char *rest)
{
    struct client *c = p->c;

    play_as(p, rest);
    FAIL_IF(!p->c->session.tls, "%s isn't connected", rest);
    tls_session_free(c->shown);
    c->session.show = c->shown = tls_client_session(p->c->session.tls);
    FAIL_IF(!c->shown, "%s has no ticket", rest);
    p->c = c;
}

/* Connects with the addresses of the client. */
static void begin_like(const struct play *p, struct session *s)
{
    init_like(s, &p->c->session);
    session_connect(s, play_port(p));
}

void play_try(struct play *p, const char *rest)
{
    char code[8], user[TRANSCRIPT_NAME_MAX];
    const char *password;
    struct session s;

    password = transcript_word(rest, code, sizeof(code));
    password = transcript_word(password, user, sizeof(user));
    begin_like(p, &s);
    session_start_tls(&s);
    session_try_login(&s, user, password);
    FAIL_IF(strncmp(s.reply.data, code, strlen(code)) != 0, "%s: %s", rest,
            s.reply.data);
    play_keep_output(p, s.reply.data);
    session_drop(&s);
}

void play_refused(struct play *p, const char *rest)
{
    struct session s;

    (void)rest;
    begin_like(p, &s);
    FAIL_IF(!session_is_refused(&s), "it gets a greeting");
    session_drop(&s);
}

void play_quit(struct play *p, const char *rest)
{
    session_do(&p->c->session, "221 {*}", "QUIT");
    play_ended(p, rest);
}

void play_ended(struct play *p, const char *rest)
{
    (void)rest;
    session_expect_end(&p->c->session);
    disconnect(p->c);
}

void play_close(struct play *p, const char *rest)
{
    (void)rest;
    disconnect(p->c);
}

/* Takes a session from its connection to the point where it can transfer. */
#include "fail.h"
#include "session_private.h"
#include "test.h"

void session_secure(struct session *s)
{
    FAIL_IF(s->in.len > 0, "plain text behind the 234");
    s->tls = session_tls_new(s, s->fd, s->name, NULL);
}

void session_start_tls(struct session *s)
{
    session_expect(s, "220 {*}");
    session_do(s, "234 {*}", "AUTH TLS");
    session_secure(s);
}

int session_try_login(struct session *s, const char *user, const char *password)
{
    int code;

    session_send(s, "USER %s", user);
    code = session_reply(s);
    if (code != 331)
        return code;
    session_send(s, "PASS %s", password);
    return session_reply(s);
}

void session_enter(struct session *s, const struct server *server,
                   const char *user)
{
    session_init(s);
    session_open(s, server, user);
}

void session_enter_as(struct session *s, const struct server *server,
                      const char *user, int version)
{
    session_init(s);
    s->version = version;
    session_open(s, server, user);
}

void session_reach(struct session *s, const struct server *server)
{
    session_init(s);
    session_connect(s, server->port);
}

void session_arrive(struct session *s, const struct server *server)
{
    session_reach(s, server);
    session_start_tls(s);
}

int session_code(const struct server *server, const char *user,
                 const char *password)
{
    struct session s;
    int code;

    session_arrive(&s, server);
    code = session_try_login(&s, user, password);
    session_drop(&s);
    return code;
}

bool session_can_enter(void *server)
{
    struct session s;
    bool ok;

    session_init(&s);
    ok = session_may_open(&s, server, "anna");
    session_drop(&s);
    return ok;
}

void session_begin(struct session *s, struct server *server,
                   const struct server_plan *plan)
{
    server_start(server, plan);
    session_enter(s, server, "anna");
}

void session_end(struct session *s, struct server *server)
{
    session_close(s);
    server_stop(server);
}

void session_open(struct session *s, const struct server *server,
                  const char *user)
{
    session_connect(s, server->port);
    session_log_in(s, user);
}

void session_log_in(struct session *s, const char *user)
{
    session_start_tls(s);
    FAIL_IF(!session_may_log_in(s, user), "login of %s: %s", user,
            s->reply.data);
}

bool session_may_do(struct session *s, const char *code, const char *line)
{
    char text[256];
    int n = snprintf(text, sizeof(text), "%s\r\n", line);
    const size_t len = (size_t)n;

    FAIL_IF(n < 0 || len >= sizeof(text), "a long line: %s", line);
    bool sent = s->tls ? tls_client_write(s->tls, text, len)
                       : send(s->fd, text, len, MSG_NOSIGNAL) == (ssize_t)len;
    return sent && session_may_reply(s, code);
}

bool session_may_secure(struct session *s)
{
    if (!session_may_do(s, "234", "AUTH TLS"))
        return false;
    s->tls = session_tls_try(s, s->fd, s->name, NULL);
    return s->tls != NULL;
}

bool session_may_log_in(struct session *s, const char *user)
{
    char name[128];

    snprintf(name, sizeof(name), "USER %s", user);
    return session_may_do(s, "331", name) &&
           session_may_do(s, "230", "PASS " SERVER_PASSWORD) &&
           session_may_do(s, "200", "PBSZ 0") &&
           session_may_do(s, "200", "PROT P") &&
           session_may_do(s, "200", "TYPE I");
}

bool session_may_open(struct session *s, const struct server *server,
                      const char *user)
{
    return session_may_connect(s, server->port) &&
           session_may_reply(s, "220") && session_may_secure(s) &&
           session_may_log_in(s, user);
}

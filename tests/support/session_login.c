/* From a connection to a session that can transfer. */
#include <stdio.h>
#include <string.h>

#include "fail.h"
#include "session_private.h"

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

void session_open(struct session *s, const struct server *server,
                  const char *user)
{
    int code;

    session_connect(s, server->port);
    session_start_tls(s);
    code = session_try_login(s, user, SERVER_PASSWORD);
    FAIL_IF(code != 230, "login of %s: %s", user, s->reply.data);
    session_do(s, "200 {*}", "PBSZ 0");
    session_do(s, "200 {*}", "PROT P");
    session_do(s, "200 {*}", "TYPE I");
}

/* The log has one line for each transfer and refusal, even if a user causes
 * more lines than log accepts. */
#include "support/served.h"
#include "support/server_log.h"
#include "support/test.h"

#define SHORT_SESSIONS 80
#define SHORT_LINES    95
#define SHORT_NAME     200 /* length of each of three parts of a path */
#define SHORT_EACH     4   /* after so many sessions another user uploads */

/* Ends a session before log has read the session's lines, since the user is
 * over the rate. */
static void leave_lines(const struct server *server)
{
    static char lines[SHORT_LINES * (3 * SHORT_NAME + 16)];
    size_t len = 0;
    struct session s;

    for (int i = 0; i < SHORT_LINES; i++)
        len += (size_t)snprintf(lines + len, sizeof(lines) - len,
                                "DELE %0*d/%0*d/%0*d\r\n", SHORT_NAME, i,
                                SHORT_NAME, i, SHORT_NAME, i);
    session_enter(&s, server, "eve");
    session_raw(&s, lines, len);
    for (int i = 0; i < SHORT_LINES; i++)
        session_expect(&s, "550 {*}");
    session_close(&s);
}

/* If a user's sessions end faster than log writes their lines, other users lose
 * no line, and this user's logins wait. */
ServerTest(log, short_sessions, 1200,
           PLAN(USERS({ .name = "anna" }, { .name = "eve" }),
                .settings = "max_sessions = 20\n"))
{
    struct session s;

    for (unsigned i = 0; i < SHORT_SESSIONS; i++) {
        leave_lines(server);
        if (i % SHORT_EACH != 0)
            continue;
        session_enter(&s, server, "anna");
        session_store(&s, "STOR", "new", "hello", 5);
        session_close(&s);
    }
    server_log_expect(server, SHORT_SESSIONS / SHORT_EACH, "transfer ",
                      "user=anna ", "result=226", NULL);
    server_log_expect(server, 0, "lost", NULL);
    server_log_expect(server, 0, "login-failed", NULL);
}

/* A mirror without the right to write tries many uploads. The log must have
 * each refusal. */
ServerTest(log, many_refusals, 60,
           PLAN(USERS({ .name = "mirror", .keys = "rights=read" })))
{
    enum { UPLOADS = 46 };
    struct session s;

    session_enter(&s, server, "mirror");
    for (int i = 0; i < UPLOADS; i++)
        session_do(&s, "550 {*}", "STOR new%d", i);
    session_close(&s);
    server_log_wait(server, "command-refused ", "verb=STOR ", "path=/new45 ",
                    NULL);
    server_log_expect(server, UPLOADS, "command-refused ", NULL);
}

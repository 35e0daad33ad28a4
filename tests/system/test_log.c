/* There is one line for each login, change, transfer and end: also for sessions
 * that live only while there is no log, and for a user who causes more lines
 * than the log takes. */
#include "support/processes.h"
#include "support/served.h"
#include "support/server_log.h"
#include "support/test.h"
#include "support/wait.h"

/* Master restarts log at once this many times, and then once in 10 s; a machine
 * under load needs more time. */
#define RESTARTS 5
#define AGAIN_MS 30000

static bool log_lives(void *argument)
{
    static struct processes p;
    const struct server *server = argument;

    processes_of(server->pid, &p);
    return processes_find(&p, "sallyport: log") != NULL;
}

/* Log dies once more than master restarts it at once, so there is none for
 * nearly 10 s. */
static void take_log_away(struct server *server)
{
    for (int i = 0; i <= RESTARTS; i++) {
        cr_assert(wait_until(log_lives, server, AGAIN_MS), "no log");
        processes_kill(server->pid, "sallyport: log");
    }
}

static void say_all(struct session *s, const char *name)
{
    session_store(s, "STOR", name, "hello", 5);
    session_do(s, "250 {*}", "DELE %s", name);
    session_close(s);
}

static void expect_all(const struct server *server, const char *name)
{
    char path[64];

    snprintf(path, sizeof(path), " path=/%s ", name);
    server_log_expect(server, 1, "transfer ", path, "result=226", NULL);
    server_log_expect(server, 1, "change ", path, "result=250", NULL);
}

/* The next log has every line, once: from a session that continues while there
 * is no log, and from a session that lives only then. */
ServerTest(log, away, 90, PLAN(.troubles = true))
{
    struct session old, new;

    session_enter(&old, server, "anna");
    take_log_away(server);
    say_all(&old, "old");
    session_enter(&new, server, "anna");
    say_all(&new, "new");
    cr_assert(wait_until(log_lives, server, AGAIN_MS), "no log");
    server_log_expect(server, 2, "end ", "user=anna ", "reason=quit", NULL);
    server_log_expect(server, 2, "login ", "user=anna ", NULL);
    expect_all(server, "old");
    expect_all(server, "new");
}

#define SHORT_SESSIONS 160
#define SHORT_LINES    95
#define SHORT_NAME     200 /* of each of three parts of a path */
#define SHORT_EACH     4   /* then comes an upload of another user */

/* The session ends while log hasn't read its lines: the user is over the rate.
 * They fit into the socket. Returns false if the login is refused. */
static bool leave_lines(const struct server *server)
{
    static char lines[SHORT_LINES * (3 * SHORT_NAME + 16)];
    size_t len = 0;
    struct session s;

    for (int i = 0; i < SHORT_LINES; i++)
        len += (size_t)snprintf(lines + len, sizeof(lines) - len,
                                "DELE %0*d/%0*d/%0*d\r\n", SHORT_NAME, i,
                                SHORT_NAME, i, SHORT_NAME, i);
    session_init(&s);
    if (!session_may_open(&s, server, "eve")) {
        session_drop(&s);
        return false;
    }
    session_raw(&s, lines, len);
    for (int i = 0; i < SHORT_LINES; i++)
        session_expect(&s, "550 {*}");
    session_close(&s);
    return true;
}

/* A user whose sessions end faster than log writes their lines takes no line
 * from other users. */
ServerTest(log, short_sessions, 90,
           PLAN(USERS({ .name = "anna" }, { .name = "eve" }),
                .settings = "max_sessions = 20\n"))
{
    struct session s;
    unsigned refused = 0;

    for (unsigned i = 0; i < SHORT_SESSIONS; i++) {
        refused += !leave_lines(server);
        if (i % SHORT_EACH != 0)
            continue;
        session_enter(&s, server, "anna");
        session_store(&s, "STOR", "new", "hello", 5);
        session_close(&s);
    }
    server_log_expect(server, SHORT_SESSIONS / SHORT_EACH, "transfer ",
                      "user=anna ", "result=226", NULL);
    server_log_expect(server, 0, "lost", NULL);
    cr_expect_gt(refused, 0);
}

/* A mirror's uploads without the right to write: each is in the log. */
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

/* Kills keys during handshakes, and the supervisor beside processes that are
 * stopped. test_any_death.c and test_soak.c kill each process beside clients in
 * each state; transcripts/server/deaths.txt and upload-faults.txt have the
 * other deaths. */
#include "support/processes.h"
#include "support/served.h"
#include "support/test.h"
#include "support/wait.h"

#define RESTARTS 5 /* restarts of keys that master makes at once */
#define SHAKERS  3

/* Makes a handshake in a process of its own, since the handshake can't end
 * before the stopped keys has died. Returns the pid. */
static pid_t shake_hands(const struct session *s)
{
    pid_t pid = fork();

    cr_assert_geq(pid, 0);
    if (pid == 0)
        _exit(tls_client_new(s->fd, NULL) ? 0 : 1);
    return pid;
}

static void kill_keys_during_handshakes(struct server *server)
{
    struct session s[SHAKERS];
    pid_t keys, pid[SHAKERS];
    int status;

    for (int i = 0; i < SHAKERS; i++) {
        session_reach(&s[i], server);
        session_expect(&s[i], "220 {*}");
        session_do(&s[i], "234 {*}", "AUTH TLS");
    }
    keys = processes_pid(server->pid, "sallyport: keys");
    cr_assert_eq(kill(keys, SIGSTOP), 0);
    for (int i = 0; i < SHAKERS; i++)
        pid[i] = shake_hands(&s[i]);
    cr_assert_eq(kill(keys, SIGKILL), 0);
    for (int i = 0; i < SHAKERS; i++) {
        cr_assert(wait_exit(pid[i], &status, WAIT_MS));
        cr_expect_eq(status, 0, "a handshake failed");
        session_drop(&s[i]);
    }
}

/* The next keys makes the waiting signatures. Master starts it at once; a
 * session would give up after 5 s. */
ServerTest(deaths, keys_during_handshakes, 90, PLAN(.troubles = true))
{
    for (int i = 0; i < RESTARTS; i++)
        kill_keys_during_handshakes(server);
}

/* Have all processes of the list ended? */
static bool none_lives(void *argument)
{
    const struct processes *p = argument;

    for (size_t i = 0; i < p->count; i++)
        if (process_lives(&p->row[i]))
            return false;
    return true;
}

/* After the supervisor's death all processes end. A stopped process can't
 * notice the death, so it is woken; it sends its last events like the
 * others. */
Test(deaths, orphans, .timeout = 240)
{
    static const char *const stopped[] = { NULL, "sallyport: files",
                                           "sallyport: gate",
                                           "sallyport: log" };
    static struct processes p;
    struct server server;
    struct session s;
    int status;

    for (size_t i = 0; i < sizeof(stopped) / sizeof(stopped[0]); i++) {
        session_begin(&s, &server, PLAN(.troubles = true));
        processes_wait(server.pid, "sallyport: files", 1, &p);
        if (stopped[i])
            cr_assert_eq(kill(processes_find(&p, stopped[i])->pid, SIGSTOP), 0);
        cr_assert_eq(kill(server.pid, SIGKILL), 0);
        cr_assert(wait_exit(server.pid, &status, WAIT_MS));
        cr_assert(wait_until(none_lives, &p, WAIT_MS), "beside %s",
                  stopped[i] ? stopped[i] : "none");
        session_drop(&s);
        server_forget(&server);
    }
}

/* The server takes a listener that systemd has opened. The test plays systemd
 * and keeps the listener open, so a server that opened one itself couldn't bind
 * the address. */

#include "ctl.h"
#include "support/server_log.h"
#include "support/test.h"

static int listen_somewhere(char text[32])
{
    struct sockaddr_in where = { .sin_family = AF_INET,
                                 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof(where);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    cr_assert_eq(bind(fd, (struct sockaddr *)&where, size), 0);
    cr_assert_eq(listen(fd, 10), 0);
    cr_assert_eq(getsockname(fd, (struct sockaddr *)&where, &size), 0);
    snprintf(text, 32, "127.0.0.1:%u", ntohs(where.sin_port));
    return fd;
}

/* Starts the server with LISTENER, and with the listener OTHER, which the
 * settings don't name. MORE is an option, or NULL. */
static pid_t start_by_systemd(const struct server *s, int listener, int other,
                              const char *more)
{
    char number[16];
    pid_t pid;
    const char *config = server_path(s, "sallyport.conf");

    pid = fork();
    if (pid != 0)
        return pid;
    snprintf(number, sizeof(number), "%d", (int)getpid());
    setenv("LISTEN_PID", number, 1);
    setenv("LISTEN_FDS", "3", 1);
    listener = fcntl(listener, F_DUPFD, 6); /* neither is 3, 4 or 5 */
    other = fcntl(other, F_DUPFD, 6);
    dup2(listener, 3);
    dup2(open(server_path(s, "log"), O_WRONLY | O_CREAT | O_APPEND, 0600),
         STDERR_FILENO);
    dup2(STDERR_FILENO, 4); /* no listener, so the server refuses it */
    dup2(other, 5);
    execl(server_program("sallyportd"), "sallyportd", "--config", config, more,
          NULL);
    _exit(127);
}

/* The connection waits in the kernel until the server accepts it. */
static void expect_greeting(int listener)
{
    const struct timeval patience = { .tv_sec = 20 };
    struct sockaddr_in where;
    socklen_t size = sizeof(where);
    char got[128] = "";
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    cr_assert_eq(getsockname(listener, (struct sockaddr *)&where, &size), 0);
    cr_assert_eq(connect(fd, (struct sockaddr *)&where, size), 0);
    cr_assert_gt(recv(fd, got, sizeof(got) - 1, 0), 4);
    cr_assert_eq(strncmp(got, "220 ", 4), 0, "%s", got);
    close(fd);
}

static void check_says(const struct server *s, int listener, int other,
                       const char *elsewhere)
{
    pid_t pid = start_by_systemd(s, listener, other, "--check");
    int status = -1;

    cr_assert_eq(waitpid(pid, &status, 0), pid);
    cr_expect_eq(status, 0);
    server_log_expect(s, 1, "hint: sallyport.socket listens at", elsewhere,
                      NULL);
}

Test(activation, a_restart_and_a_reload, .timeout = 60)
{
    char listen[32], elsewhere[32];
    int listener = listen_somewhere(listen),
        other = listen_somewhere(elsewhere);
    unsigned warnings = 0;
    struct server server;

    server_prepare(&server, PLAN(.listen = listen));
    for (int i = 0; i < 2; i++) {
        pid_t pid = start_by_systemd(&server, listener, other, NULL);
        int status = -1;

        expect_greeting(listener);
        server_log_expect(&server, ++warnings, "service process=master",
                          "sallyport.socket listens at", elsewhere, NULL);
        ctl(&server, 0, "status", listen);
        ctl(&server, 0, "reload", "reloaded");
        expect_greeting(listener);
        server_log_expect(&server, ++warnings, "service process=master",
                          "sallyport.socket listens at", elsewhere, NULL);
        /* A reload that removes the address, and another that adds it. */
        server_set(&server, "listen", elsewhere);
        ctl(&server, 0, "reload", "reloaded");
        expect_greeting(other);
        server_log_expect(&server, 1 + (unsigned)i, "service process=master",
                          "sallyport.socket listens at", listen, NULL);
        server_set(&server, "listen", listen);
        ctl(&server, 0, "reload", "reloaded");
        expect_greeting(listener);
        warnings++;
        cr_assert_eq(kill(pid, SIGTERM), 0);
        cr_assert_eq(waitpid(pid, &status, 0), pid);
        cr_expect_eq(status, 0);
    }
    check_says(&server, listener, other, elsewhere);
    close(listener);
    close(other);
    server_forget(&server);
}

/* Starts and stops a real server. */
#include "fail.h"
#include "files.h"
#include "processes.h"
#include "sallyport/base/fd.h"
#include "server_log.h"
#include "server_private.h"
#include "test.h"
#include "wait.h"

#define READY "sallyportd: ready: listening on "

static _Noreturn void become_server(const struct server *s, pid_t parent)
{
    char program[SERVER_PATH_MAX], settings[SERVER_PATH_MAX];
    int log = open(server_path(s, "log"),
                   O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    sigset_t none;

    snprintf(program, sizeof(program), "%s", server_program("sallyportd"));
    snprintf(settings, sizeof(settings), "%s",
             server_path(s, "sallyport.conf"));
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent || log < 0 || null < 0)
        _exit(126);
    dup2(null, 0);
    dup2(log, 1);
    dup2(log, 2);
    fd_close_others(3, NULL, 0);
    execl(program, program, "--foreground", "--config", settings, NULL);
    dprintf(2, "%s: %s\n", program, strerror(errno));
    _exit(127);
}

struct beginning {
    struct server *server;
    off_t seen; /* size of the log at the last look */
};

static bool is_ready_or_dead(void *argument)
{
    struct beginning *b = argument;
    struct server *s = b->server;
    int status;

    if (server_log_grows(s, &b->seen) && server_log_has(s, READY))
        return true;
    if (waitpid(s->pid, &status, WNOHANG) != s->pid)
        return false;
    s->pid = 0;
    return true;
}

/* Reads the port of "127.0.0.1:40123", perhaps with words after it. TEXT has
 * LEN bytes. */
static void read_port(struct server *s, const char *text, size_t len)
{
    const char *colon = memrchr(text, ':', len);
    bool tls = memmem(text, len, " tls", 4) != NULL;
    unsigned *port = tls            ? &s->port_tls
                     : s->port == 0 ? &s->port
                                    : &s->port_other;

    if (colon)
        *port = (unsigned)strtoul(colon + 1, NULL, 10);
}

/* Reads the ports of the line "…listening on 127.0.0.1:40123[, [::1]:40124],
 * data ports …" of the log. */
static void read_ports(struct server *s)
{
    struct buf log;
    char line[1024] = "";
    const char *at;

    s->port = s->port_other = s->port_tls = 0;
    server_log(s, &log);
    at = strstr(log.data, READY);
    FAIL_IF(!at, "no ready line:\n%s", log.data);
    sscanf(at + strlen(READY), "%1023[^\n]", line);
    buf_release(&log);
    for (at = line; at;) {
        const char *end = strchr(at, ',');

        read_port(s, at, end ? (size_t)(end - at) : strlen(at));
        at = end && strncmp(end, ", data", 6) != 0 ? end + 2 : NULL;
    }
    FAIL_IF(s->port == 0, "no port in \"%s\"", line);
}

void server_prepare(struct server *s, const struct server_plan *plan)
{
    memset(s, 0, sizeof(*s));
    s->troubles = plan->troubles;
    server_folder_make(s);
    server_folder_fill(s, plan);
}

void server_again(struct server *s)
{
    struct beginning b = { s, 0 };
    pid_t parent = getpid();

    unlink(server_path(s, "log"));
    s->pid = fork();
    FAIL_IF(s->pid < 0, "fork: %s", strerror(errno));
    if (s->pid == 0)
        become_server(s, parent);
    if (!wait_until(is_ready_or_dead, &b, WAIT_MS) || s->pid == 0) {
        struct buf log;

        server_log(s, &log);
        FAIL("the server did not start (exit: %s); its log:\n%s",
             s->pid ? "none yet" : "yes", log.data);
    }
    read_ports(s);
}

void server_start(struct server *s, const struct server_plan *plan)
{
    server_prepare(s, plan);
    server_again(s);
}

static bool all_gone(void *argument)
{
    const struct processes *list = argument;

    for (size_t i = 0; i < list->count; i++)
        if (process_lives(&list->row[i]))
            return false;
    return true;
}

void server_kill(struct server *s)
{
    static struct processes list;
    int status = 0;

    processes_of(s->pid, &list);
    kill(s->pid, SIGKILL);
    FAIL_IF(!wait_exit(s->pid, &status, WAIT_MS), "SIGKILL did not end it");
    s->pid = 0;
    FAIL_IF(!wait_until(all_gone, &list, WAIT_MS),
            "a process outlived the server");
}

void server_halt(struct server *s)
{
    struct processes list;
    int status = 0;

    processes_of(s->pid, &list);
    kill(s->pid, SIGTERM);
    if (!wait_exit(s->pid, &status, WAIT_MS)) {
        kill(s->pid, SIGKILL);
        FAIL("SIGTERM did not end the server");
    }
    s->pid = 0;
    FAIL_IF(!wait_until(all_gone, &list, WAIT_MS),
            "a process outlived the server");
    server_log_check(s);
    FAIL_IF(!WIFEXITED(status) || WEXITSTATUS(status) != 0,
            "the server ended with wait status 0x%x", (unsigned)status);
}

void server_stop(struct server *s)
{
    if (s->pid == 0)
        return;
    server_halt(s);
    server_folder_remove(s);
}

void server_forget(struct server *s)
{
    server_folder_remove(s);
}

/* Starts servers and proxies that do one thing wrong. */
#include <sys/socket.h>
#include <sys/un.h>

#include "faulty.h"

#include "sallyport/base/buf.h"
#include "sallyport/base/slice.h"
#include "support/files.h"
#include "support/pki.h"
#include "support/scratch.h"
#include "support/test.h"
#include "support/wait.h"

#define DAY 86400L

/* The certificates of all servers here, and a client's, and Python's beginning:
 * for each test these would take longer than its client takes. */
static char folder[64];
static struct sockaddr_un servers = { .sun_family = AF_UNIX };
static pid_t python;

static pid_t start(char *const script[], int in);

void faulty_prepare(void)
{
    const struct pki_leaf leaves[] = {
        { .name = "good", .names = "IP:127.0.0.1", .server = true },
        { .name = "late",
          .names = "IP:127.0.0.1",
          .from = -2 * DAY,
          .to = -DAY,
          .server = true },
        { .name = "other", .names = "DNS:other.example", .server = true },
        { .name = "user" },
    };
    struct pki *p = pki_begin(folder, "ca");
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    for (size_t i = 0; i < sizeof(leaves) / sizeof(leaves[0]); i++)
        pki_issue(p, &leaves[i]);
    pki_free(p);
    snprintf(servers.sun_path, sizeof(servers.sun_path), "%s/servers", folder);
    FAIL_IF(bind(fd, (struct sockaddr *)&servers, sizeof(servers)) != 0 ||
                listen(fd, 64) != 0,
            "%s: %s", servers.sun_path, strerror(errno));
    python = start((char *const[]){ "faulty_server.py", NULL }, fd);
    close(fd);
}

ReportHook(POST_ALL)(struct criterion_global_stats *stats)
{
    (void)stats;
    if (!python)
        return;
    kill(python, SIGKILL);
    waitpid(python, NULL, 0);
    scratch_remove_tree(folder);
}

static bool port_is_there(void *of)
{
    return files_exists(of);
}

/* Starts the program SCRIPT[0] of tests/system/peers. Its standard input is IN.
 * Returns its pid. */
static pid_t start(char *const script[], int in)
{
    char *words[8] = { "python3", "-Wignore" };
    char program[SERVER_PATH_MAX];

    snprintf(program, sizeof(program), "%s/%s", in_source("tests/system/peers"),
             script[0]);
    words[2] = program;
    for (size_t i = 1; script[i]; i++)
        words[2 + i] = script[i];
    pid_t pid = fork();
    FAIL_IF(pid < 0, "fork: %s", strerror(errno));
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(in, STDIN_FILENO);
        execv("/usr/bin/python3", words);
        _exit(127);
    }
    return pid;
}

/* Reads a port from FILE, and a pid if PID isn't NULL. */
static void take_port(const char *file, char port[16], pid_t *pid)
{
    struct buf text;

    cr_assert(wait_until(port_is_there, (void *)file, WAIT_MS), "%s", file);
    buf_init(&text, 64);
    cr_assert(files_read(file, &text) && buf_add(&text, "", 1) == 0);
    cr_assert_eq(sscanf(text.data, "%15s %d", port, pid), pid ? 2 : 1);
    buf_release(&text);
}

/* Begins a server here, by a process that serves all of this test. Returns the
 * server's pid. */
static pid_t start_server(const char *fault, const char *certificate,
                          char port[16])
{
    static int orders = -1;
    pid_t pid;

    if (orders < 0) {
        orders = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        cr_assert_eq(
            connect(orders, (struct sockaddr *)&servers, sizeof(servers)), 0);
    }
    char *directory = get_current_dir_name();
    cr_assert_gt(dprintf(orders, "%s %s %s/%s.pem %s/%s.key\n", directory,
                         fault, folder, certificate, folder, certificate),
                 0);
    free(directory);
    take_port("port", port, &pid);
    return pid;
}

void faulty_begin(struct faulty *f, const char *fault, const char *certificate)
{
    char port[16];

    desk_begin_alone(&f->desk);
    snprintf(f->desk.ca, sizeof(f->desk.ca), "%s/ca.pem", folder);
    f->pid = start_server(fault, certificate, port);
    snprintf(f->desk.url, sizeof(f->desk.url), "ftps://anna@127.0.0.1:%s",
             port);
}

pid_t faulty_proxy(const char *fault, const char *scheme, const char *user,
                   char url[64])
{
    char port[16];

    unlink("proxy_port");
    pid_t pid =
        start((char *const[]){ "proxy.py", (char *)fault, "proxy_port", NULL },
              STDIN_FILENO);
    take_port("proxy_port", port, NULL);
    snprintf(url, 64, "%s://%s127.0.0.1:%s", scheme, user, port);
    return pid;
}

void faulty_proxy_end(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

void faulty_end(struct faulty *f)
{
    kill(f->pid, SIGKILL);
    desk_end(&f->desk);
}

size_t faulty_count(const char *word)
{
    struct slice rest, line;
    struct buf commands;
    size_t n = 0;

    buf_init(&commands, 1024 * 1024);
    files_read("commands", &commands);
    rest = buf_slice(&commands);
    while (slice_cut(&rest, '\n', &line))
        n += slice_starts(line, slice_from(word));
    buf_release(&commands);
    return n;
}

/* Starts other FTPS servers. */
#include "peer.h"

#include "support/ports.h"
#include "support/test.h"
#include "support/wait.h"

const struct peer peers[PEERS] = {
    { "vsftpd", "anonymous", "/in" },
    { "proftpd", "anna", "" },
    { "pure-ftpd", "anna", "" },
    { "pyftpdlib", "anna", "" },
};

static bool answers(void *of)
{
    const struct sockaddr_in *at = of;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool yes = connect(fd, (const struct sockaddr *)at, sizeof(*at)) == 0;

    close(fd);
    return yes;
}

pid_t peer_start(const struct peer *p, struct desk *d)
{
    struct sockaddr_in at = { .sin_family = AF_INET,
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                              .sin_port = htons((uint16_t)ports_one()) };
    char port[8];

    snprintf(port, sizeof(port), "%u", ntohs(at.sin_port));
    const char *program = in_source("tests/system/peers/serve");
    pid_t pid = fork();
    if (pid == 0) {
        int log = open("serve.log", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

        setpgid(0, 0);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(log, STDOUT_FILENO);
        dup2(log, STDERR_FILENO);
        execl(program, program, p->name, d->dir, port, (char *)NULL);
        _exit(127);
    }
    cr_assert(wait_until(answers, &at, WAIT_MS), "%s doesn't answer", p->name);
    snprintf(d->url, sizeof(d->url), "ftps://%s@127.0.0.1:%s%s", p->user, port,
             p->dir);
    snprintf(d->ca, sizeof(d->ca), "%.480s/certificate.pem", d->dir);
    return pid;
}

void peer_stop(pid_t pid)
{
    kill(-pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

/* Starts a server that does one thing wrong. */
#include "faulty.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sallyport/base/buf.h"
#include "sallyport/base/slice.h"
#include "support/files.h"
#include "support/wait.h"

#define DAY 86400L

static bool port_is_there(void *of)
{
    return files_exists(of);
}

/* CERTIFICATE: one of those that every desk has. */
void faulty_begin(struct faulty *f, const char *fault, const char *certificate)
{
    const struct pki_leaf leaves[] = {
        { .name = "good", .names = "IP:127.0.0.1", .server = true },
        { .name = "late",
          .names = "IP:127.0.0.1",
          .from = -2 * DAY,
          .to = -DAY,
          .server = true },
        { .name = "other", .names = "DNS:other.example", .server = true },
    };
    struct buf port;

    desk_begin_alone(&f->desk);
    f->pki = pki_new(f->desk.dir, "ca");
    for (size_t i = 0; i < sizeof(leaves) / sizeof(leaves[0]); i++)
        pki_issue(f->pki, &leaves[i]);
    snprintf(f->desk.ca, sizeof(f->desk.ca), "%s", pki_path(f->pki, "ca.pem"));
    f->pid = fork();
    if (f->pid == 0) {
        char pem[16], key[16];

        prctl(PR_SET_PDEATHSIG, SIGKILL);
        snprintf(pem, sizeof(pem), "%s.pem", certificate);
        snprintf(key, sizeof(key), "%s.key", certificate);
        execl("/usr/bin/python3", "python3", "-Wignore",
              server_source("tests/system/peers/faulty_server.py"), fault, pem,
              key, "port", (char *)NULL);
        _exit(127);
    }
    cr_assert(wait_until(port_is_there, "port", WAIT_MS), "%s", fault);
    buf_init(&port, 16);
    files_read("port", &port);
    snprintf(f->desk.url, sizeof(f->desk.url), "ftps://anna@127.0.0.1:%.*s",
             (int)port.len, port.data);
    buf_release(&port);
}

void faulty_end(struct faulty *f)
{
    kill(f->pid, SIGKILL);
    waitpid(f->pid, NULL, 0);
    pki_free(f->pki);
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

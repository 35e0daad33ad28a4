/* See load.h. After their forks the clients use nothing of Criterion's, and
 * they end with the test at the latest. */
#include "load.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fault.h"
#include "support/fail.h"
#include "support/files.h"
#include "support/session.h"
#include "support/wait.h"

#define BIG    (12u << 20) /* more than all buffers on the way can hold */
#define PIECE  (256u << 10)
#define PIECES 6
#define PACE   20 /* ms between two pieces: a transfer meets a reload */

struct client {
    const struct server *server;
    const char *user;
    unsigned number;
    unsigned char *big; /* the contents of "big", from which uploads are cut */
};

static void load_login(const struct client *c, uint64_t turn)
{
    struct session s;

    (void)turn;
    session_enter(&s, c->server, c->user);
    session_do(&s, "200 {*}", "NOOP");
    session_close(&s);
}

static void load_upload(const struct client *c, uint64_t turn)
{
    const unsigned char *from = c->big + turn % 1000;
    struct session s;
    struct data d;
    char name[64];

    snprintf(name, sizeof(name), "up-%u", c->number);
    session_enter(&s, c->server, c->user);
    data_open(&s, &d, "STOR %s", name);
    for (unsigned i = 0; i < PIECES; i++) {
        data_write(&d, from + i * PIECE, PIECE);
        poll(NULL, 0, PACE);
    }
    data_close(&d);
    session_expect(&s, "226 {*}");
    FAIL_IF(!fault_is_whole(c->server, c->user, name, from, PIECES * PIECE),
            "%s is not whole", name);
    session_close(&s);
}

/* The server is never further ahead than its buffers. */
static void load_read(struct data *d, const unsigned char *expected)
{
    unsigned char *got = malloc(PIECE);
    size_t at = 0;
    long n;

    FAIL_IF(!got, "no memory");
    while ((n = tls_client_read(d->tls, got, PIECE)) > 0) {
        FAIL_IF(at + (size_t)n > BIG || memcmp(got, expected + at, (size_t)n),
                "other bytes than were stored, at %zu", at);
        if (at / PIECE != (at + (size_t)n) / PIECE)
            poll(NULL, 0, 1);
        at += (size_t)n;
    }
    FAIL_IF(n != TLS_CLIENT_END || at != BIG, "%zu bytes, and then %ld: %s", at,
            n, tls_client_error());
    free(got);
}

static void load_download(const struct client *c, uint64_t turn)
{
    struct session s;
    struct data d;

    (void)turn;
    session_enter(&s, c->server, c->user);
    data_open(&s, &d, "RETR big");
    load_read(&d, c->big);
    data_close(&d);
    session_expect(&s, "226 {*}");
    session_close(&s);
}

static void (*const turns[LOAD_KINDS])(const struct client *c,
                                       uint64_t turn) = {
    [LOAD_LOGINS] = load_login,
    [LOAD_UPLOADS] = load_upload,
    [LOAD_DOWNLOADS] = load_download,
};

static _Noreturn void load_run(const struct client *c, enum load_kind kind,
                               struct load_score *score)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    fail_in_child();
    while (!score->stop) {
        uint64_t turn = score->done[c->number];

        fail_context("client %u, turn %llu: ", c->number,
                     (unsigned long long)turn);
        turns[kind](c, turn);
        score->done[c->number] = turn + 1;
    }
    _exit(0);
}

void load_start(struct load *l, const struct server *s, const char *user,
                const unsigned clients[LOAD_KINDS])
{
    struct client c = { s, user, 0, fault_noise(BIG) };
    const char *path = server_home_file(s, user, "big");

    files_write(path, c.big, BIG, 0600);
    files_give_to_owner_of(server_home(s, user), path);
    *l = (struct load){ .score = mmap(NULL, sizeof(*l->score),
                                      PROT_READ | PROT_WRITE,
                                      MAP_SHARED | MAP_ANONYMOUS, -1, 0) };
    FAIL_IF(l->score == MAP_FAILED, "mmap: %s", strerror(errno));
    for (enum load_kind kind = 0; kind < LOAD_KINDS; kind++)
        for (unsigned i = 0; i < clients[kind]; i++) {
            FAIL_IF(l->count == LOAD_CLIENTS, "too many clients");
            c.number = l->count;
            l->pid[l->count] = fork();
            FAIL_IF(l->pid[l->count] < 0, "fork: %s", strerror(errno));
            if (l->pid[l->count] == 0)
                load_run(&c, kind, l->score);
            l->count++;
        }
    free(c.big);
}

static void load_expect(const struct load *l, unsigned i, int status)
{
    FAIL_IF(!WIFEXITED(status) || WEXITSTATUS(status) != 0,
            "client %u of %u has failed (0x%x), see above", i, l->count,
            (unsigned)status);
}

void load_check(const struct load *l)
{
    int status;

    for (unsigned i = 0; i < l->count; i++)
        if (waitpid(l->pid[i], &status, WNOHANG) == l->pid[i])
            load_expect(l, i, status);
}

struct progress {
    const struct load *load;
    uint64_t before[LOAD_CLIENTS];
};

static bool has_progressed(void *argument)
{
    const struct progress *p = argument;

    load_check(p->load);
    for (unsigned i = 0; i < p->load->count; i++)
        if (p->load->score->done[i] == p->before[i])
            return false;
    return true;
}

void load_wait(const struct load *l)
{
    struct progress p = { .load = l };

    for (unsigned i = 0; i < l->count; i++)
        p.before[i] = l->score->done[i];
    FAIL_IF(!wait_until(has_progressed, &p, 3 * WAIT_MS),
            "a client gets nothing done");
}

uint64_t load_stop(struct load *l)
{
    uint64_t sum = 0;

    l->score->stop = true;
    for (unsigned i = 0; i < l->count; i++) {
        int status = 0;

        FAIL_IF(!wait_exit(l->pid[i], &status, 3 * WAIT_MS),
                "client %u doesn't end", i);
        load_expect(l, i, status);
        sum += l->score->done[i];
    }
    munmap(l->score, sizeof(*l->score));
    return sum;
}

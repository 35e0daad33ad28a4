/* Files whose pages can't be mapped as shared, as on network file systems over
 * FUSE: they are sent all the same. Also a file that can't be read completely.
 * Root mounts them in a mount namespace that ends with this test. */
#include <criterion/criterion.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/server_log.h"
#include "support/session.h"
#include "support/wait.h"

#define NUMBERS 75000u /* as in tests/system/fuse.py */

/* Starts it; it has mounted when this returns, and runs until it is killed. */
static pid_t start_fuse(const char *folder, uid_t owner)
{
    struct pollfd one = { .events = POLLIN };
    char script[SERVER_PATH_MAX], uid[16];
    int ends[2];
    pid_t pid;

    snprintf(script, sizeof(script), "%s",
             server_source("tests/system/fuse.py"));
    snprintf(uid, sizeof(uid), "%u", (unsigned)owner);
    cr_assert_eq(pipe(ends), 0);
    pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(ends[1], 1);
        execlp("python3", "python3", script, folder, uid, NULL);
        _exit(127);
    }
    close(ends[1]);
    one.fd = ends[0];
    cr_assert_eq(poll(&one, 1, WAIT_MS), 1);
    cr_assert(one.revents & POLLIN, "nothing is mounted");
    close(ends[0]);
    return pid;
}

static void expect_numbers(const struct buf *got)
{
    cr_assert_eq(got->len, NUMBERS * sizeof(uint32_t));
    for (uint32_t i = 0; i < NUMBERS; i++) {
        uint32_t number;

        memcpy(&number, got->data + i * sizeof(number), sizeof(number));
        cr_assert_eq(number, i);
    }
}

struct far {
    struct server server;
    struct session s;
    char folder[SERVER_PATH_MAX];
    pid_t fuse;
};

static void begin(struct far *f, const char *settings)
{
    struct stat home;

    if (geteuid() != 0)
        cr_skip_test("needs root");
    cr_assert_eq(unshare(CLONE_NEWNS), 0, "unshare: %m");
    cr_assert_eq(mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
    server_start(&f->server, &(struct server_plan){ .settings = settings });
    cr_assert_eq(stat(server_home(&f->server, "anna"), &home), 0);
    snprintf(f->folder, sizeof(f->folder), "%s",
             server_home_file(&f->server, "anna", "far"));
    cr_assert_eq(mkdir(f->folder, 0700), 0);
    f->fuse = start_fuse(f->folder, home.st_uid);
    session_init(&f->s);
    session_open(&f->s, &f->server, "anna");
}

static void end(struct far *f)
{
    session_close(&f->s);
    umount2(f->folder, MNT_DETACH);
    kill(f->fuse, SIGKILL);
    waitpid(f->fuse, NULL, 0);
    rmdir(f->folder);
    server_stop(&f->server);
}

Test(fuse, a_file_without_shared_pages_is_sent, .timeout = 60)
{
    struct far f;
    struct buf got;

    begin(&f, "");
    buf_init(&got, 1 << 20);
    session_fetch(&f.s, "RETR far/f", &got);
    expect_numbers(&got);
    buf_release(&got);
    end(&f);
}

/* The readable part is sent; there is no 226, no report that somebody has
 * shortened the file, and the session continues. */
Test(fuse, a_file_that_cannot_be_read_whole, .timeout = 60)
{
    char waste[16384];
    struct far f;
    struct data d;
    long n;

    begin(&f, "ktls = no\n"); /* it needs no mapped page */
    data_open(&f.s, &d, "RETR far/bad");
    while ((n = tls_client_read(d.tls, waste, sizeof(waste))) > 0)
        continue;
    cr_expect_eq(n, TLS_CLIENT_CUT, "it ended with %ld", n);
    data_cut(&d, false);
    session_expect(&f.s, "451 {*}can't read the file{*}");
    server_log_wait(&f.server, "verb=RETR", "far/bad", "can't be read", NULL);
    session_do(&f.s, "200 {*}", "NOOP");
    end(&f);
}

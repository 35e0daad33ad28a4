/* Files of which no page can be mapped to be shared, as on network file systems
 * by way of FUSE: they are sent all the same. Root mounts for himself, in a
 * mount namespace that goes with this test. */
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

#include "support/session.h"
#include "support/wait.h"

#define NUMBERS 75000u /* of tests/system/fuse.py */

/* Runs until it is killed; has mounted when this returns. */
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

Test(fuse, a_file_without_shared_pages_is_sent, .timeout = 60)
{
    struct server server;
    struct session s;
    struct stat home;
    struct buf got;
    char folder[SERVER_PATH_MAX];
    pid_t fuse;

    if (geteuid() != 0)
        cr_skip_test("needs root");
    cr_assert_eq(unshare(CLONE_NEWNS), 0, "unshare: %m");
    cr_assert_eq(mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
    server_start(&server, &(struct server_plan){ .ports = NULL });
    cr_assert_eq(stat(server_home(&server, "anna"), &home), 0);
    snprintf(folder, sizeof(folder), "%s",
             server_home_file(&server, "anna", "far"));
    cr_assert_eq(mkdir(folder, 0700), 0);
    fuse = start_fuse(folder, home.st_uid);
    session_init(&s);
    session_open(&s, &server, "anna");
    buf_init(&got, 1 << 20);
    session_fetch(&s, "RETR far/f", &got);
    expect_numbers(&got);
    buf_release(&got);
    session_close(&s);
    umount2(folder, MNT_DETACH);
    kill(fuse, SIGKILL);
    waitpid(fuse, NULL, 0);
    rmdir(folder);
    server_stop(&server);
}

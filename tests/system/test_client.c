/* The client is killed at any moment of a file; and its memory, which has
 * passwords. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "desk.h"
#include "support/files.h"
#include "support/processes.h"
#include "support/wait.h"

#define ROUNDS     (server_is_long() ? 50 : 12)
#define FILE_BYTES (8 * 1048576)

static const struct server_user users[] = { { .name = "get" },
                                            { .name = "put" } };

SERVER_SHARED(.users = users, .user_count = 2);

/* Starts the client, and kills it when this much of its file has arrived. */
static void kill_at(const struct desk *d, struct desk_growth *g,
                    const char *verb, const char *from, const char *to)
{
    struct running running;
    struct run_result r;

    desk_start(d, &running, desk_has_grown, g, verb, "--limit-rate=16M", from,
               to, NULL);
    kill(running.pid, SIGKILL);
    run_finish(&running, &r);
    run_release(&r);
}

/* Besides temporary names there is either the whole file or none. */
static void expect_whole_or_none(const char *name, const char *whole)
{
    struct stat a, b;

    if (stat(name, &a) < 0)
        return;
    cr_assert_eq(stat(whole, &b), 0);
    cr_expect_eq(a.st_size, b.st_size, "%s is a part", name);
}

/* Returns a different part of the file in each round, in no order; the first
 * and the last byte are among them. After the last byte come checksum and
 * rename. */
static off_t moment(int round)
{
    return (off_t)(round * 83 % ROUNDS) * FILE_BYTES / (ROUNDS - 1);
}

Test(client, a_download_that_is_killed, .timeout = 2000)
{
    struct run_result r;
    struct desk d;
    int resumed = 0;

    desk_begin(&d, "get");
    desk_noise("big", FILE_BYTES);
    desk_says(&d, 0, NULL, "put", "big", "/", NULL);
    for (int i = 0; i < ROUNDS; i++) {
        struct desk_growth g = { ".", moment(i), "got" };

        kill_at(&d, &g, "get", "/big", "got");
        expect_whole_or_none("got", "big");
        if (!files_exists("got")) {
            desk_client(&d, 0, &r, NULL, "get", "/big", "got", NULL);
            resumed += strstr(r.text, "resumed") != NULL;
            run_release(&r);
        }
        desk_same("big", "got");
        cr_assert_eq(unlink("got"), 0);
    }
    cr_expect_gt(resumed, ROUNDS / 2, "only %d were continued", resumed);
    desk_end(&d);
}

Test(client, an_upload_that_is_killed, .timeout = 2000)
{
    struct run_result r;
    struct desk d;
    int resumed = 0;

    desk_begin(&d, "put");
    desk_noise("big", FILE_BYTES);
    for (int i = 0; i < ROUNDS; i++) {
        char name[32], home[SERVER_PATH_MAX], there[SERVER_PATH_MAX];

        snprintf(name, sizeof(name), "/up%d", i);
        snprintf(home, sizeof(home), "%s", server_home(&d.server, "put"));
        snprintf(there, sizeof(there), "%s",
                 server_home_file(&d.server, "put", name + 1));
        struct desk_growth g = { home, moment(i), there };

        kill_at(&d, &g, "put", "big", name);
        expect_whole_or_none(there, "big");
        desk_client(&d, 0, &r, NULL, "put", "--conflict", "skip", "big", name,
                    NULL);
        resumed += strstr(r.text, "resumed") != NULL;
        run_release(&r);
        desk_same("big", there);
        cr_assert_eq(unlink(there), 0);
    }
    cr_expect_gt(resumed, ROUNDS / 2, "only %d were continued", resumed);
    desk_end(&d);
}

/* Starts a client that waits for the first line of INPUT. Its group isn't
 * root's, so that the owner of its files in /proc says something. */
static pid_t start_waiting(int input)
{
    pid_t pid = fork();

    if (pid == 0) {
        if (geteuid() == 0 && setgid(65534) < 0)
            _exit(126);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(input, STDIN_FILENO);
        execl(server_program("sallyport"), "sallyport", (char *)NULL);
        _exit(127);
    }
    return pid;
}

/* Does the client run, and may it leave no core? The kernel gives the files of
 * such a process to root. */
static bool leaves_no_core(void *of)
{
    char path[64], name[32];
    struct stat st;

    snprintf(path, sizeof(path), "/proc/%d/environ", *(int *)of);
    process_status(*(int *)of, "Name", name, sizeof(name));
    return strcmp(name, "sallyport") == 0 && stat(path, &st) == 0 &&
           st.st_uid == 0 && st.st_gid == 0;
}

/* The memory has passwords. It goes neither into a core nor to a debugger. */
/* libcurl then logs in by itself. That session hasn't heard OPTS STOR, which
 * the first file has sent: its STOR would replace a file that stays. */
Test(client, a_cut_before_an_upload, .timeout = 60)
{
    char stored[SERVER_PATH_MAX];
    struct desk d;

    desk_begin(&d, "put");
    snprintf(stored, sizeof(stored), "%s",
             server_home_file(&d.server, "put", "second"));
    desk_noise("old", 1000);
    desk_noise("first", 1000);
    desk_noise("second", 2 * 1048576);
    desk_says(&d, 0, NULL, "put", "old", "/second", NULL);
    setenv("LD_PRELOAD", server_build(CLIENT_PRELOAD), 1);
    setenv("SALLYPORT_TEST_DROP", "2", 1);
    desk_says(&d, 0, "cut; trying again in 1 s", "put", "--conflict=skip",
              "first", "second", "/", NULL);
    unsetenv("SALLYPORT_TEST_DROP");
    unsetenv("LD_PRELOAD");
    desk_same("old", stored);
    desk_end(&d);
}

Test(client, memory, .timeout = 60)
{
    int ends[2], status;

    cr_assert_eq(pipe(ends), 0);
    cr_assert_eq(fcntl(ends[1], F_SETFD, FD_CLOEXEC), 0);
    pid_t pid = start_waiting(ends[0]);
    cr_assert_gt(pid, 0);
    cr_expect(wait_until(leaves_no_core, &pid, WAIT_MS));
    cr_expect_eq(write(ends[1], "bye\n", 4), 4);
    close(ends[1]);
    cr_assert(wait_exit(pid, &status, WAIT_MS));
    cr_expect_eq(status, 0, "%x", (unsigned)status);
    close(ends[0]);
}

/* Cuts a connection just before an upload; sends a file that grows, at a server
 * that waits for less time than the client reads; and checks that the client
 * protects its memory, which has passwords. */
#include "desk.h"
#include "support/long.h"
#include "support/processes.h"
#include "support/test.h"
#include "support/wait.h"

SERVER_SHARED(USERS({ .name = "put" }), .settings = "stall_timeout = 9s\n",
              .listen = "127.0.0.1:0, 127.0.0.1:0 tls");

/* Starts a client that waits for the first line of INPUT. Its group isn't
 * root's, so that the group of its files in /proc shows if it may leave a
 * core. */
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

/* Does the client run, and is it unable to leave a core? The kernel gives the
 * files in /proc of such a process to root. */
static bool leaves_no_core(void *of)
{
    char path[64], name[32];
    struct stat st;

    snprintf(path, sizeof(path), "/proc/%d/environ", *(int *)of);
    process_status(*(int *)of, "Name", name, sizeof(name));
    return strcmp(name, "sallyport") == 0 && stat(path, &st) == 0 &&
           st.st_uid == 0 && st.st_gid == 0;
}

/* After the cut libcurl logs in by itself. The new session has no OPTS STOR,
 * which the client sent before the first file, so its STOR would replace a file
 * that must stay. */
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

/* Before the login the client asks what the server is, also if TLS begins with
 * the first byte; then the same connection works for all that follows. */
Test(client, implicit_tls, .timeout = 60)
{
    struct desk d;

    desk_begin(&d, "put");
    snprintf(d.url, sizeof(d.url), "ftps+implicit://put@127.0.0.1:%u",
             d.server.port_tls);
    desk_noise("implicit", 100000);
    desk_says(&d, 0, "checksum right", "put", "implicit", "/", NULL);
    desk_says(&d, 0, "> FEAT", "get", "--debug", "/implicit", "back", NULL);
    desk_same("implicit", "back");
    desk_end(&d);
}

/* The client reads a file again that has only grown, for longer than the server
 * waits for a byte. */
Test(client, a_file_that_grows, .timeout = 120, IN_LONG_RUN)
{
    struct desk d;

    desk_begin(&d, "put");
    desk_noise("log", 12 * 262144);
    desk_noise("old", 12 * 262144);
    setenv("LD_PRELOAD", server_build(CLIENT_PRELOAD), 1);
    setenv("SALLYPORT_TEST_GROWS", "log", 1);
    desk_says(&d, 0, NULL, "put", "--no-verify", "--retries=0", "log", "/",
              NULL);
    unsetenv("SALLYPORT_TEST_GROWS");
    unsetenv("LD_PRELOAD");
    desk_same("old", server_home_file(&d.server, "put", "log"));
    desk_end(&d);
}

/* The client's memory has passwords. Neither a core nor a debugger may get
 * it. */
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

/* Where the client finds passwords, profiles and trusted keys. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "desk.h"
#include "support/files.h"
#include "support/processes.h"
#include "support/wait.h"

static const struct server_user users[] = {
    { .name = "password" },
    { .name = "profile" },
};

SERVER_SHARED(.users = users, .user_count = 2);

static void with_password(const struct desk *d, int status, const char *wanted,
                          const char *option, const char *value)
{
    DESK_ALONE(status, wanted, NULL, "ls", "--cacert", (char *)d->ca,
               (char *)d->url, (char *)option, (char *)value);
}

/* A password comes from the environment, ~/.netrc or a file; no other user may
 * read the last two. It never comes from the command line, which everybody can
 * read. */
Test(client_places, passwords, .timeout = 60)
{
    static const char netrc[] =
        "machine 127.0.0.1 login password password \"" SERVER_PASSWORD "\"\n";
    static const char plain[] =
        "machine 127.0.0.1 login password password wrong\n";
    struct desk d;

    desk_begin(&d, "password");
    unsetenv("DBUS_SESSION_BUS_ADDRESS");
    with_password(&d, EX_NOPERM, "there is no password", NULL, NULL);
    setenv("SALLYPORT_PASSWORD", SERVER_PASSWORD, 1);
    with_password(&d, 0, "", NULL, NULL);
    setenv("SALLYPORT_PASSWORD", "wrong", 1);
    with_password(&d, EX_NOPERM, "check the user name", NULL, NULL);
    with_password(&d, 0, "", "--password-file", d.password);
    unsetenv("SALLYPORT_PASSWORD");
    files_write(".netrc", netrc, strlen(netrc), 0600);
    with_password(&d, 0, "", NULL, NULL);
    files_write("other", plain, strlen(plain), 0600);
    with_password(&d, EX_NOPERM, "check the user name", "--netrc", "other");
    cr_assert_eq(chmod(".netrc", 0640), 0);
    with_password(&d, EX_NOPERM, "chmod 600", NULL, NULL);
    with_password(&d, 0, "", "--password-command",
                  "echo " SERVER_PASSWORD "; echo more");
    with_password(&d, EX_UNAVAILABLE, "the command failed",
                  "--password-command", "echo " SERVER_PASSWORD "; false");
    with_password(&d, EX_UNAVAILABLE, "the command failed",
                  "--password-command", "yes");
    with_password(&d, EX_UNAVAILABLE, "the command failed",
                  "--password-command", "kill -PIPE $$; echo " SERVER_PASSWORD);
    setenv("SALLYPORT_PASSWORD", "wrong", 1);
    with_password(&d, 0, "", "--password-command",
                  "echo ${SALLYPORT_PASSWORD-" SERVER_PASSWORD "}");
    unsetenv("SALLYPORT_PASSWORD");
    with_password(&d, EX_DATAERR, "no password of 1 to", "--password-command",
                  "echo; echo more");
    snprintf(d.url, sizeof(d.url), "ftps://password:secret@127.0.0.1:%u",
             d.server.port);
    with_password(&d, EX_USAGE, "a password in a URL", NULL, NULL);
    desk_end(&d);
}

/* Without a terminal, too, a stranger is reported before a missing password. */
Test(client_places, a_stranger_before_the_password, .timeout = 60)
{
    static const char reason[] = "the server's certificate isn't trusted";
    struct desk d;

    desk_begin(&d, "password");
    unsetenv("DBUS_SESSION_BUS_ADDRESS");
    unsetenv("SALLYPORT_PASSWORD");
    DESK_ALONE(EX_NOPERM, reason, NULL, "ls", d.url);
    DESK_ALONE(0, "a server that isn't trusted", NULL, "doctor", d.url);
    desk_end(&d);
}

static bool is_there(void *of)
{
    return files_exists(of);
}

/* Ctrl-C ends a command that goes on after it has closed its output. */
Test(client_places, a_password_command_that_hangs, .timeout = 60)
{
    struct running running;
    struct run_result r;
    struct desk d;

    desk_begin(&d, "password");
    char *arguments[] = { (char *)server_program("sallyport"),
                          "ls",
                          "--cacert",
                          d.ca,
                          "--password-command",
                          "exec >&-; echo x >closed; exec sleep 300",
                          d.url,
                          NULL };
    run_start(&running, NULL, arguments);
    cr_expect(wait_until(is_there, "closed", WAIT_MS));
    kill(running.pid, SIGINT);
    run_finish(&running, &r);
    cr_expect_eq(r.status, 130, "%d: %s", r.status, r.text);
    run_release(&r);
    desk_end(&d);
}

static void make_profile(const struct desk *d, const char *directory,
                         const char *name)
{
    char text[3 * SERVER_PATH_MAX], path[SERVER_PATH_MAX + 32];

    files_make_folder(directory, 0755);
    snprintf(path, sizeof(path), "%s/sallyport", directory);
    files_make_folder(path, 0755);
    snprintf(text, sizeof(text),
             "# a comment\n[default]\ncacert = %s\n[%s]\nurl = %s/%s\n"
             "password-file = %s\n",
             d->ca, name, d->url, name, d->password);
    strcat(path, "/config");
    files_write(path, text, strlen(text), 0600);
}

/* Profiles are in ~/.config, or in XDG_CONFIG_HOME; other users must not be
 * able to change them. */
Test(client_places, profiles, .timeout = 60)
{
    static char elsewhere[SERVER_PATH_MAX + 16];
    struct desk d;

    desk_begin(&d, "profile");
    unsetenv("XDG_CONFIG_HOME");
    make_profile(&d, ".config", "one");
    snprintf(elsewhere, sizeof(elsewhere), "%s/elsewhere", d.dir);
    make_profile(&d, elsewhere, "two");
    DESK_ALONE(0, "", NULL, "mkdir", "one:in");
    cr_expect(files_exists(server_home_file(&d.server, "profile", "one/in")));
    DESK_ALONE(0, "  in/\n", NULL, "ls", "one:");
    DESK_ALONE(EX_USAGE, "two: is no profile", NULL, "ls", "two:");
    setenv("XDG_CONFIG_HOME", elsewhere, 1);
    DESK_ALONE(0, "", NULL, "mkdir", "two:in");
    cr_expect(files_exists(server_home_file(&d.server, "profile", "two/in")));
    strcat(elsewhere, "/sallyport/config");
    cr_assert_eq(chmod(elsewhere, 0660), 0);
    DESK_ALONE(EX_NOPERM, "chmod go-w", NULL, "ls", "two:");
    files_write(elsewhere, "[two]\nfrob = 1\n", 15, 0600);
    DESK_ALONE(EX_CONFIG, "config:2: frob: not a key of a profile", NULL, "ls",
               "two:");
    desk_end(&d);
}

/* A key that was trusted once, in ~/.local/share or in XDG_DATA_HOME. */
Test(client_places, known_hosts, .timeout = 60)
{
    char elsewhere[SERVER_PATH_MAX + 16], path[2 * SERVER_PATH_MAX];
    struct stat st;
    struct desk d;

    desk_begin(&d, "profile");
    snprintf(elsewhere, sizeof(elsewhere), "%s/elsewhere", d.dir);
    setenv("XDG_DATA_HOME", elsewhere, 1);
    setenv("SALLYPORT_PASSWORD", SERVER_PASSWORD, 1);
    DESK_ALONE(0, NULL, NULL, "ls", "--trust-new", "--yes", d.url);
    snprintf(path, sizeof(path), "%s/sallyport/known_hosts", elsewhere);
    cr_assert_eq(stat(path, &st), 0);
    cr_expect_eq(st.st_mode & 0777, 0600);
    /* An editor has left the last line without its end. */
    files_write(path, "other.example:21 sha256//AAAA 2026-01-01", 40, 0600);
    DESK_ALONE(0, NULL, NULL, "ls", "--trust-new", "--yes", d.url);
    DESK_ALONE(0, NULL, NULL, "ls", d.url); /* no new trust, no question */
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
Test(client_places, memory, .timeout = 60)
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

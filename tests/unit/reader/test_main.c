/* The program itself: the configuration or the users file is descriptor 3, the
 * answer 4. */
#include "sallyport/base/fd.h"
#include "sallyport/base/slice.h"
#include "sallyport/settings/settings.h"
#include "sallyport/userparse/userparse.h"
#include "sallyport/users/image.h"
#include "support/processes.h"
#include "support/server.h"
#include "support/test.h"
#include "support/wait.h"

struct reading {
    int answer, status;
    FILE *said;
};

static void start(const char *mode, int file, const struct reading *r)
{
    const int high[] = { fcntl(file, F_DUPFD, 10),
                         fcntl(r->answer, F_DUPFD, 10) };

    dup2(fileno(r->said), STDERR_FILENO);
    dup2(high[0], 3);
    dup2(high[1], 4);
    execl(server_program("reader"), "reader", mode, "conf", NULL);
    _exit(127);
}

static bool has_its_uid(void *pid)
{
    char uids[64];

    return strcmp(process_status(*(pid_t *)pid, "Uid", uids, sizeof(uids)),
                  "65533\t65533\t65533\t65533") == 0;
}

/* Other daemons run as nobody, and could send it signals. It waits, since
 * standard error takes no line of it. */
Test(main, has_a_uid_of_its_own, .timeout = 60)
{
    struct reading r = { .answer = memfd_create("answer", MFD_ALLOW_SEALING),
                         .status = -1 };
    int file = fd_sealed("conf", SLICE("a mistake\n")), ends[2];
    pid_t pid;

    if (geteuid() != 0)
        cr_skip_test("only root takes another uid");
    cr_assert_eq(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    while (write(ends[1], "full", 4) > 0)
        ;
    cr_assert_eq(fcntl(ends[1], F_SETFL, 0), 0);
    r.said = fdopen(ends[1], "w");
    pid = fork();
    if (pid == 0)
        start("check", file, &r);
    cr_expect(wait_until(has_its_uid, &pid, WAIT_MS));
    kill(pid, SIGKILL);
    cr_assert_eq(waitpid(pid, NULL, 0), pid);
}

static struct reading read_conf(const char *mode, const char *text)
{
    struct reading r = { .answer = memfd_create("answer", MFD_ALLOW_SEALING),
                         .status = -1,
                         .said = tmpfile() };
    int file = fd_sealed("conf", slice_from(text));
    pid_t pid = fork();

    if (pid == 0)
        start(mode, file, &r);
    cr_assert_eq(waitpid(pid, &r.status, 0), pid);
    cr_assert(WIFEXITED(r.status));
    r.status = WEXITSTATUS(r.status);
    close(file);
    return r;
}

static void expect_text(int fd, const char *text)
{
    char got[512];
    ssize_t n = pread(fd, got, sizeof(got) - 1, 0);

    cr_assert_geq(n, 0);
    got[n] = '\0';
    cr_expect_str_eq(got, text);
}

Test(main, settings)
{
    struct reading r = read_conf("settings", "max_sessions = 7\n");
    static struct settings s;
    struct complaint c = { "" };

    cr_assert_eq(r.status, 0);
    cr_assert_eq(fcntl(r.answer, F_ADD_SEALS,
                       F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE),
                 0);
    cr_assert_eq(settings_take(&s, r.answer, &c), 0, "%s", c.text);
    cr_expect_eq(s.max_sessions, 7);
    cr_expect_str_eq(s.file, "conf");
    expect_text(fileno(r.said), "");
}

Test(main, a_mistake)
{
    struct reading r = read_conf("settings", "max_sessions = many\n");

    cr_expect_eq(r.status, EX_CONFIG);
    expect_text(r.answer, "conf:1: max_sessions = many: expected a number, "
                          "also with K, M, G or T");
    expect_text(fileno(r.said), "");
}

/* A file that can't be read isn't a mistake of the administrator. */
Test(main, a_disk_that_fails)
{
    static const char *const modes[] = { "settings", "check", "users",
                                         "check-users" };

    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        struct reading r = { .answer = memfd_create("answer", 0),
                             .status = -1,
                             .said = tmpfile() };
        int file = open("/dev/null", O_WRONLY); /* pread() fails */
        pid_t pid = fork();

        if (pid == 0)
            start(modes[i], file, &r);
        cr_assert_eq(waitpid(pid, &r.status, 0), pid);
        cr_assert(WIFEXITED(r.status));
        cr_expect_eq(WEXITSTATUS(r.status), EX_OSERR, "%s", modes[i]);
        expect_text(fileno(r.said), "sallyportd: conf: Bad file descriptor\n");
        expect_text(r.answer, "");
        close(file);
    }
}

Test(main, all_mistakes)
{
    struct reading r = read_conf("check", "a\nb\n");

    cr_expect_eq(r.status, EX_CONFIG);
    expect_text(fileno(r.said),
                "sallyportd: conf:1: no '='; expected: key = value\n"
                "sallyportd: conf:2: no '='; expected: key = value\n");
    expect_text(r.answer, "");
    cr_expect_eq(read_conf("check", "max_sessions = 7\n").status, 0);
}

#define ROW(name, uid)                                                         \
    name ":$5$salt$abcdefghijklmnopqrstuvwxyzABCDEFGHIJ./01234:" uid           \
         ":70000::/home/" name "::\n"

Test(main, users)
{
    struct reading r = read_conf("users", ROW("anna", "1") ROW("bert", "2"));
    struct complaint c = { "" };
    struct users u;

    cr_assert_eq(r.status, 0);
    cr_assert_eq(fd_seal(r.answer), 0);
    cr_assert_eq(users_take(&u, r.answer, &c), 0, "%s", c.text);
    cr_expect_eq(u.count, 2);
    cr_expect_str_eq(u.row[1].home, "/home/bert");
    users_release(&u);
    expect_text(fileno(r.said), "");
}

Test(main, a_mistake_in_users)
{
    struct reading r = read_conf("users", ROW("anna", "1") ROW("anna", "2"));

    cr_expect_eq(r.status, EX_CONFIG);
    expect_text(r.answer, "conf:2: the name is also in line 1");
    expect_text(fileno(r.said), "");
}

Test(main, all_mistakes_in_users)
{
    struct reading r =
        read_conf("check-users", "anna\n" ROW("bert", "2") "carl:x\n");
    struct complaint c = { "" };
    struct users u;
    char said[1024];
    ssize_t n = pread(fileno(r.said), said, sizeof(said) - 1, 0);

    cr_assert_gt(n, 0);
    said[n] = '\0';
    cr_expect_not_null(strstr(said, "sallyportd: conf:1: "));
    cr_expect_not_null(strstr(said, "sallyportd: conf:3: "));
    cr_expect_eq(r.status, 0);
    cr_assert_eq(fd_seal(r.answer), 0);
    cr_assert_eq(users_take(&u, r.answer, &c), 0, "%s", c.text);
    cr_expect_eq(u.count, 1);
    cr_expect_str_eq(u.row[0].name, "bert");
    users_release(&u);
}

/* The answer and the lines begin at these positions. Returns the wait status,
 * and the ends of both. */
static int read_far(const char *mode, const char *text, off_t answer,
                    off_t said, off_t end[2])
{
    struct reading r = { .answer = memfd_create("answer", 0),
                         .status = -1,
                         .said = tmpfile() };
    int file = fd_sealed("conf", slice_from(text));
    pid_t pid;

    cr_assert_eq(lseek(r.answer, answer, SEEK_SET), answer);
    cr_assert_eq(ftruncate(fileno(r.said), said), 0);
    cr_assert_eq(lseek(fileno(r.said), said, SEEK_SET), said);
    pid = fork();
    if (pid == 0)
        start(mode, file, &r);
    cr_assert_eq(waitpid(pid, &r.status, 0), pid);
    end[0] = lseek(r.answer, 0, SEEK_END);
    end[1] = lseek(fileno(r.said), 0, SEEK_END);
    close(file);
    return r.status;
}

Test(main, an_answer_has_a_limit)
{
    off_t end[2], most = USERS_IMAGE_MAX;
    off_t last = most - (off_t)sizeof(struct users_head);
    int status = read_far("users", ROW("anna", "1"), last, 0, end);

    cr_expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGXFSZ);
    cr_expect_eq(end[0], most);
}

Test(main, a_long_log_gets_its_lines)
{
    off_t end[2], most = USERS_IMAGE_MAX;
    int status = read_far("check", "a\n", 0, most + 1, end);

    cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == EX_CONFIG);
    cr_expect_gt(end[1], most + 1);
}

Test(main, unknown_mode)
{
    cr_expect_eq(read_conf("word", "").status, EX_USAGE);
}

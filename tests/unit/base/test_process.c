/* Titles, complaints, die. */
#include "sallyport/base/process.h"

#include "sallyport/base/complain.h"
#include "support/test.h"

Test(process, names)
{
    cr_assert_str_eq(process_name(PROCESS_MASTER), "master");
    for (int p = 0; p < PROCESS_COUNT; p++)
        cr_assert_neq(process_name((enum process)p)[0], '?');
    cr_assert_str_eq(process_name(PROCESS_COUNT), "?");
    cr_assert_str_eq(process_name((enum process) - 1), "?");
}

Test(process, ignores_what_master_heeds)
{
    process_ignore_signals();
    cr_expect_eq(raise(SIGPIPE), 0);
    cr_expect_eq(raise(SIGHUP), 0);
    cr_expect_eq(raise(SIGINT), 0);
    cr_expect_eq(raise(SIGTERM), 0);
}

Test(process, complaint_keeps_the_first)
{
    struct complaint c = { "" };

    cr_assert_eq(complain(&c, "%s:%d: %s", "f", 3, "bad"), -EINVAL);
    complain(&c, "later");
    cr_assert_str_eq(c.text, "f:3: bad");
}

Test(process, die_says_one_line_and_its_status)
{
    char line[256] = "";
    int ends[2], status;
    pid_t child;

    cr_assert_eq(pipe(ends), 0);
    child = fork();
    if (child == 0) {
        dup2(ends[1], 2);
        stderr_title("test");
        die(71, "no %s", "luck");
    }
    close(ends[1]);
    cr_assert_gt(read(ends[0], line, sizeof(line) - 1), 0);
    cr_assert_str_eq(line, "test: no luck\n");
    waitpid(child, &status, 0);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 71);
}

/* Master must not stop because nobody reads its standard error. */
Test(process, a_full_pipe_is_not_waited_for, .timeout = 30)
{
    int ends[2], status;
    pid_t child;

    cr_assert_eq(pipe(ends), 0);
    child = fork();
    if (child == 0) {
        dup2(ends[1], 2);
        for (int i = 0; i < 20000; i++)
            stderr_print("a line that nobody reads");
        _exit(7);
    }
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 7);
}

Test(process, an_overlong_line_stays_one_line)
{
    char text[3000], line[4096] = "";
    int ends[2];
    ssize_t n;

    memset(text, 'x', sizeof(text));
    text[sizeof(text) - 1] = 0;
    cr_assert_eq(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], 2);
        stderr_print("%s", text);
        _exit(0);
    }
    close(ends[1]);
    n = read(ends[0], line, sizeof(line) - 1);
    cr_assert(n > 900 && n <= 1024);
    cr_assert_eq(line[n - 1], '\n');
    waitpid(child, NULL, 0);
}

/* Runs in a program of its own, since Criterion owns argv here. */
Test(process, title_is_what_ps_shows)
{
    char argv0[] = "argument-zero\0one\0two";
    char *argv[] = { argv0, argv0 + 14, argv0 + 18, NULL };
    char *none[] = { NULL };
    extern char **environ;

    environ = none;
    process_title_init(3, argv);
    process_title("sallyport: %s", "a\nb");
    cr_assert_str_eq(argv0, "sallyport: a?b");
    process_title("%s", "much too long for the room that there is");
    cr_assert_eq(strlen(argv0), sizeof(argv0) - 1);
}

/* Titles, complaints, die. */
#include "sallyport/base/process.h"

#include "sallyport/base/complain.h"
#include "support/run.h"
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

/* Leaves nothing of a command that doesn't fit: "rm -r /srv/a" would become
 * "rm -r /srv". */
Test(process, a_complaint_cuts_no_command)
{
    static char path[2 * COMPLAINT_MAX];
    struct complaint c = { "" }, whole = { "" };

    memset(path, 'x', sizeof(path) - 1);
    complain(&c, "the disk hangs; run: rm -r %s; run: true", path);
    cr_expect_str_eq(c.text, "the disk hangs; run: ...");
    c.text[0] = '\0';
    complain(&c, "%s; run: rm", path);
    cr_expect_eq(strlen(c.text), sizeof(c.text) - 1);
    cr_expect_str_eq(c.text + sizeof(c.text) - 5, "x...");
    complain(&whole, "run: %.*s", COMPLAINT_MAX - 6, path);
    cr_expect_null(strchr(whole.text, '.'));
    complaint_write(c.text, 10, "1234 run: rm");
    cr_expect_str_eq(c.text, "1234 r...");
}

/* Runs the command of a complaint in bash, where sallyportctl prints its words,
 * each in brackets. */
static void paste(const struct complaint *c, const char *expected)
{
    char script[2 * COMPLAINT_MAX];
    struct run_result r;
    const char *command = strstr(c->text, "run: ");

    cr_assert(command, "%s", c->text);
    snprintf(script, sizeof(script),
             "sallyportctl() { printf '[%%s]' \"$@\"; }; %s",
             command + strlen("run: "));
    run(&r, NULL, "/bin/bash", "-c", script, NULL);
    cr_expect_str_eq(r.text, expected, "%s", c->text);
    run_release(&r);
}

/* Each value in a command is one word of it, whatever the value is, also the
 * configuration of a second server. */
Test(process, a_command_is_a_list_of_words)
{
    static const char *const words[] = {
        "anna",      "/srv/a", "",      "/srv/a b",      "/srv/a'b",
        "/srv/a;id", "a\"b",   "$(id)", "`id`",          "a\\",
        "~",         "*",      "{a,b}", "a&&id",         "#a",
        "a=b",       "'",      "''",    "a|id",          "a>/dev/null",
        "a\\'b",     "!a",     "?",     "\u00e4 \u20ac",
    };
    const size_t count = sizeof(words) / sizeof(words[0]);

    for (size_t i = 0; i < count; i++) {
        const char *word = words[i], *file = words[count - 1 - i];
        struct complaint c = { "" };
        char expected[2048], config[256] = "";

        complaint_configuration(file);
        if (*file)
            snprintf(config, sizeof(config), "[--config][%s]", file);
        complain(&c,
                 "%s:%zu:%lu: %04o %s; run: sallyportctl user %s %.*s %u:%lu "
                 "%s:ROLE %-s && sallyportctl who",
                 "head", (size_t)1, 2UL, 7u, word, word, 3, word, 8u, 9UL, word,
                 "two words");
        snprintf(expected, sizeof(expected),
                 "%s[user][%s][%.*s][8:9][%s:ROLE][two][words]%s[who]", config,
                 word, 3, word, word, config);
        paste(&c, expected);
        cr_expect_eq(strncmp(c.text, "head:1:2: 0007 ", 15), 0);
    }
}

/* A command that can't be printed as it is isn't printed. */
Test(process, a_command_is_whole)
{
    static const char *const words[] = { "a\nb", "a\tb",     "\33[1m", "a\177",
                                         "\303", "a\u202eb", "\200" };

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        struct complaint c = { "" }, config = { "" };

        complain(&c, "%s; run: rm %s", words[i], words[i]);
        cr_expect_str_eq(c.text + strlen(words[i]), "; run: ...");
        complaint_configuration(words[i]);
        complain(&config, "so run: sallyportctl who");
        cr_expect_str_eq(config.text, "so run: ...");
        complaint_configuration("");
    }
}

/* A complaint that another one quotes stays as it is. */
Test(process, a_command_in_a_value_stays)
{
    struct complaint c = { "" }, outer = { "" };

    complaint_configuration("/a b");
    complain(&c, "run: rm %s", "a b");
    complain(&outer, "%s; or run: sallyportctl who", c.text);
    cr_expect_str_eq(outer.text,
                     "run: rm 'a b'; or run: sallyportctl --config '/a b' who");
}

/* Runs BODY in a child with a pipe as its standard error; OUT gets what comes
 * first. Returns the child's exit status. */
static int run_child(void (*body)(void), char *out, size_t size)
{
    int ends[2], status;
    pid_t child;
    ssize_t n;

    cr_assert_eq(pipe(ends), 0);
    child = fork();
    if (child == 0) {
        dup2(ends[1], 2);
        body();
        _exit(7);
    }
    cr_assert_eq(waitpid(child, &status, 0), child);
    close(ends[1]);
    n = read(ends[0], out, size - 1);
    cr_assert_gt(n, 0);
    out[n] = '\0';
    close(ends[0]);
    cr_assert(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void dies(void)
{
    stderr_title("test");
    die(71, "no %s", "luck");
}

Test(process, die_says_one_line_and_its_status)
{
    char line[256];

    cr_assert_eq(run_child(dies, line, sizeof(line)), 71);
    cr_assert_str_eq(line, "test: no luck\n");
}

static void says_much(void)
{
    for (int i = 0; i < 20000; i++)
        stderr_print("a line that nobody reads");
}

/* Master must not stop because nobody reads its standard error. */
Test(process, a_full_pipe_is_not_waited_for, .timeout = 30)
{
    char line[256];

    cr_assert_eq(run_child(says_much, line, sizeof(line)), 7);
}

/* Returns the number of lines in a pipe, and the last bytes as a string. */
static int read_lines(int pipe, char last[64])
{
    char byte;
    int lines = 0;
    size_t n = 0;

    while (read(pipe, &byte, 1) == 1) {
        lines += byte == '\n';
        n = n < 62 ? n : 0;
        last[n++] = byte;
        last[n] = '\0';
    }
    return lines;
}

/* The next line that fits says how many didn't. */
Test(process, lost_lines_are_counted)
{
    char last[64], expected[64];
    int ends[2], lost = 100;

    cr_assert_eq(pipe2(ends, O_NONBLOCK | O_CLOEXEC), 0);
    cr_assert_geq(dup2(ends[1], 2), 0);
    stderr_title("test");
    for (int i = 0; i < lost; i++)
        stderr_print("%4000s", "");
    lost -= read_lines(ends[0], last);
    cr_expect_gt(lost, 0);
    stderr_print("a");
    stderr_print("b");
    snprintf(expected, sizeof(expected),
             "test: (%d lines were lost) a\ntest: b\n", lost);
    cr_expect_eq(read_lines(ends[0], last), 2);
    cr_expect_str_eq(last, expected);
    cr_assert_geq(fcntl(ends[1], F_SETPIPE_SZ, 4096), 4096); /* room for one */
    stderr_print("a");
    stderr_print("b");
    read_lines(ends[0], last);
    stderr_print("c");
    cr_expect_eq(read_lines(ends[0], last), 1);
    cr_expect_str_eq(last, "test: (1 line was lost) c\n");
    for (int i = 0; i < 100; i++)
        stderr_print("%4000s", "");
    read_lines(ends[0], last);
    stderr_title("fork"); /* a process that counts none of its parent's */
    stderr_print("c");
    cr_expect_eq(read_lines(ends[0], last), 1);
    cr_expect_str_eq(last, "fork: c\n");
}

static void says_an_overlong_line(void)
{
    char text[5000];

    memset(text, 'x', sizeof(text));
    text[sizeof(text) - 1] = 0;
    stderr_print("%s", text);
}

Test(process, an_overlong_line_stays_one_line)
{
    char line[8192];
    size_t n;

    cr_assert_eq(run_child(says_an_overlong_line, line, sizeof(line)), 7);
    n = strlen(line);
    cr_assert(n > 4000 && n <= PIPE_BUF);
    cr_assert_str_eq(line + n - 5, "x...\n");
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

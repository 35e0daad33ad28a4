/* The client on a real terminal (tmux): a session with completion, bars that
 * follow the terminal's width, Ctrl-C, questions, and trust in servers. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "faulty.h"
#include "sallyport/base/buf.h"
#include "support/files.h"
#include "support/wait.h"
#include "terminal.h"

#define FILE_BYTES (12 * 1024 * 1024)

#define TOTP "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"

static const struct server_user users[] = {
    { .name = "anna" },
    { .name = "new" },
    { .name = "fresh", .keys = "must_change=yes" },
    { .name = "coded", .keys = "totp=" TOTP },
};

SERVER_SHARED(.users = users, .user_count = 4,
              .settings = "password_change = yes\n");

static void terminal_begin(struct terminal *t)
{
    char command[4096];

    desk_begin(&t->desk, "anna");
    desk_noise("large file", FILE_BYTES);
    snprintf(command, sizeof(command),
             "%s --cacert %s --password-file %s --limit-rate 2M %s/",
             server_program("sallyport"), t->desk.ca, t->desk.password,
             t->desk.url);
    terminal_open(t, command);
    terminal_expect(t, "127.0.0.1:/>", NULL);
}

Test(terminal, a_session, .timeout = 120)
{
    static struct terminal t;

    terminal_begin(&t);
    terminal_type(&t, "mkdir some");
    terminal_type(&t, "cd some");
    terminal_expect(&t, "127.0.0.1:/some>", NULL);
    terminal_type(&t, "put \"large file\"");
    terminal_expect(&t, "] ", NULL); /* the bar */
    terminal_expect(&t, "MiB/s", NULL);
    TMUX(&t, "resize-window", "-x", "60", "-y", "24");
    terminal_expect(&t, "=>", NULL);
    TMUX(&t, "send-keys", "C-c"); /* ends the transfer, not the session */
    terminal_expect(&t, "interrupted", "=>");
    terminal_type(&t, "put -q --limit-rate 1G \"large file\" large");
    terminal_type(&t, "ls");
    terminal_expect(&t, "12582912", NULL);
    terminal_command(&t, "cd");
    terminal_complete(&t, "ls so", "> ls some/");
    terminal_type(&t, "get some/large \"large file\"");
    terminal_expect(&t, "is here already", NULL);
    /* A line that only begins with a letter of the question isn't its answer.
     */
    terminal_type(&t, "old");
    terminal_expect(&t, "for all? old\nlarge file is here", NULL);
    terminal_type(&t, "s");
    terminal_expect(&t, "skipped", NULL);
    TMUX(&t, "send-keys", "Up"); /* history */
    terminal_expect(&t, "> get some/large", NULL);
    TMUX(&t, "send-keys", "C-c"); /* drops the line, not the session */
    terminal_type(&t, "pwd");
    terminal_expect(&t, "> pwd\n/\n", NULL);
    TMUX(&t, "send-keys", "-l", "half");
    terminal_expect(&t, "> half", NULL);
    TMUX(&t, "send-keys", "C-c");
    TMUX(&t, "send-keys", "C-c");
    terminal_type(&t, "lcd .");
    terminal_expect(&t, "> lcd .\n", NULL);
    terminal_type(&t, "bye");
    terminal_end(&t);
}

/* A session says where it is; PAGER has no effect. */
Test(terminal, greets, .timeout = 120)
{
    static struct terminal t;

    setenv("PAGER", "sed 's/^/PAGED /'", 1);
    terminal_begin(&t);
    terminal_expect(&t, "anna@127.0.0.1:/, TLSv1.3, trusted by its CA", NULL);
    terminal_command(&t, "help bye");
    terminal_expect(&t, "\nExamples:\n  bye\n", "PAGED");
    terminal_command(&t, "ls nosuch");
    terminal_expect(&t, "\nsallyport: nosuch: there is no such file", "PAGED");
    terminal_type(&t, "bye");
    terminal_end(&t);
}

/* Keys that come at once with Ctrl-C, before and after it. Ctrl-Z stops the
 * session, and it continues. */
Test(terminal, interrupts_at_the_prompt, .timeout = 120)
{
    static struct terminal t;
    char line[1024], shown[64];

    desk_begin(&t.desk, "anna");
    terminal_open(&t, "/bin/sh");
    snprintf(line, sizeof(line), "clear; %s", server_program("sallyport"));
    terminal_type(&t, line);
    terminal_wait_prompt(&t, "sallyport>");
    for (int i = 0; i < 10; i++) {
        snprintf(line, sizeof(line), "! echo $((%d + 1000))", i);
        snprintf(shown, sizeof(shown), "\n%d\nsallyport>", i + 1000);
        TMUX(&t, "send-keys", "half", "C-c", line, "Enter");
        terminal_expect(&t, shown, "half!");
    }
    TMUX(&t, "send-keys", "C-z");
    terminal_expect(&t, "Stopped", NULL);
    terminal_type(&t, "fg");
    terminal_type(&t, "! echo $((2 + 2000))");
    terminal_expect(&t, "\n2002\nsallyport>", NULL);
    terminal_type(&t, "bye");
    terminal_end(&t);
}

/* "O" replaces what the rest of one command meets, and nothing of the next. */
Test(terminal, an_answer_for_all, .timeout = 120)
{
    static struct terminal t;

    terminal_begin(&t);
    files_write("a", "1", 1, 0644);
    files_write("b", "2", 1, 0644);
    terminal_type(&t, "put -q a");
    terminal_type(&t, "put -q b");
    TMUX(&t, "resize-window", "-x", "200", "-y", "24");
    terminal_type(&t, "get [ab]");
    terminal_expect(&t, "a is here already (1 B of 20", NULL);
    terminal_expect(&t, "; the new one: 1 B of 20", NULL);
    terminal_type(&t, "q"); /* all of this command */
    terminal_expect(&t, "a: skipped", "b is here already");
    terminal_type(&t, "get [ab]");
    terminal_expect(
        &t,
        "a: skipped, it is there already\n0 of 2 files, 0 B, 1 skipped\n"
        "127.0.0.1:/> get [ab]\na is here already",
        NULL);
    terminal_type(&t, "O");
    terminal_expect(&t, "get b  1 B", "b is here already");
    /* It doesn't let one file of a command replace another one. */
    files_make_folder("one", 0755);
    files_write("one/a", "3", 1, 0644);
    terminal_type(&t, "put a one/a /");
    terminal_expect(&t, "a is on the server already", NULL);
    terminal_type(&t, "O");
    terminal_expect(&t, "checksum right\na is on the server already", NULL);
    terminal_type(&t, "s");
    terminal_expect(&t, "one/a: skipped", NULL);
    terminal_type(&t, "put b");
    terminal_expect(&t, "b is on the server already", NULL);
    /* A line that is too long is no answer, and its rest isn't one either. */
    terminal_type(&t, "I wouldn't do to be replaced");
    terminal_expect(&t, "b: skipped", NULL);
    terminal_type(&t, "pwd");
    terminal_expect(&t, "> pwd\n/\n", "no such command");
    terminal_type(&t, "bye");
    terminal_end(&t);
}

/* The answer comes after the question: a line that was typed before is none. */
Test(terminal, a_line_before_the_question, .timeout = 120)
{
    static struct terminal t;
    char line[2048];

    desk_begin(&t.desk, "anna");
    terminal_open(&t, "/bin/sh");
    files_write("early", "1", 1, 0644);
    desk_says(&t.desk, 0, NULL, "put", "-q", "early", "/", NULL);
    files_write("early", "22", 2, 0644);
    snprintf(line, sizeof(line),
             "%s put --cacert %s --password-file %s early "
             "%s/; echo status $?",
             server_program("sallyport"), t.desk.ca, t.desk.password,
             t.desk.url);
    TMUX(&t, "send-keys", line, "Enter", "o", "Enter");
    terminal_expect(&t, "is on the server already", NULL);
    terminal_type(&t, "s");
    terminal_expect(&t, "skipped", NULL);
    terminal_expect(&t, "status 0", NULL);
    terminal_type(&t, "exit");
    terminal_end(&t);
}

/* Runs in a shell, so that the output stays on the screen; the exit status
 * comes last. */
static void trust_begin(struct terminal *t)
{
    desk_begin(&t->desk, "anna");
    terminal_open(t, "/bin/sh");
}

static void list_with_trust(struct terminal *t)
{
    char line[2048];

    TMUX(t, "send-keys", "-R", "C-l");
    TMUX(t, "clear-history");
    snprintf(line, sizeof(line),
             "clear; %s ls --trust-new --password-file password %s/; "
             "echo status $?",
             server_program("sallyport"), t->desk.url);
    terminal_type(t, line);
}

/* A refusal sends nothing and remembers nothing, and "y" is no answer; "yes" is
 * asked for only once. */
Test(terminal, trust, .timeout = 120)
{
    static const char hosts[] = ".local/share/sallyport/known_hosts";
    static struct terminal t;
    struct buf known;

    trust_begin(&t);
    list_with_trust(&t);
    terminal_expect(&t, "Trust this server from now on (yes/no)?", NULL);
    terminal_expect(&t, "fingerprint", NULL);
    terminal_type(&t, "no");
    terminal_expect(&t, "nothing was sent", NULL);
    terminal_expect(&t, "status 77", NULL);
    cr_expect_not(files_exists(hosts));
    list_with_trust(&t);
    terminal_expect(&t, "(yes/no)?", NULL);
    terminal_type(&t, "y");
    terminal_expect(&t, "yes or no in full:", "status 77");
    terminal_type(&t, "all the world");
    terminal_expect(&t,
                    "in full: all the world\nType yes or no in full:", NULL);
    terminal_type(&t, "");
    terminal_expect(&t, "status 77", NULL);
    cr_expect_not(files_exists(hosts));
    list_with_trust(&t);
    terminal_expect(&t, "(yes/no)?", NULL);
    terminal_type(&t, "Y");
    terminal_expect(&t, "in full:", "status 77");
    terminal_type(&t, "yes");
    terminal_expect(&t, "status 0", NULL);
    cr_assert(files_exists(hosts));
    list_with_trust(&t);
    terminal_expect(&t, "status 0", "(yes/no)?");
    /* The server has another key than the trusted one. */
    buf_init(&known, 4096);
    cr_assert(files_read(hosts, &known));
    char *key = memmem(known.data, known.len, "sha256//", 8);
    cr_assert_not_null(key);
    key[10] = key[10] == 'A' ? 'B' : 'A';
    files_write(hosts, known.data, known.len, 0600);
    buf_release(&known);
    list_with_trust(&t);
    terminal_expect(&t, "is not the one that is trusted", NULL);
    terminal_expect(&t, "status 77", "(yes/no)?");
    terminal_end(&t);
}

/* Runs it in the shell, which then prints the exit status. */
static void shell_again(struct terminal *t, const char *words)
{
    char line[2048];

    snprintf(line, sizeof(line), "clear; %s --cacert %s %s %s/; echo status $?",
             server_program("sallyport"), t->desk.ca, words, t->desk.url);
    terminal_type(t, line);
}

static void shell_begin(struct terminal *t, const char *words)
{
    desk_begin(&t->desk, "anna");
    unsetenv("SALLYPORT_PASSWORD");
    unsetenv("DBUS_SESSION_BUS_ADDRESS");
    terminal_open(t, "/bin/sh");
    shell_again(t, words);
}

/* Have so many questions for a password been asked? */
struct questions {
    struct terminal *t;
    int wanted;
};

static bool has_asked(void *of)
{
    const struct questions *q = of;
    int n = 0;

    q->t->wanted = "Password of anna at 127.0.0.1:";
    q->t->unwanted = NULL;
    if (!terminal_shows(q->t))
        return false;
    for (const char *at = q->t->last; (at = strstr(at, q->t->wanted)); at++)
        n++;
    return n == q->wanted;
}

/* The typed password isn't shown. After a slip it is asked for again, three
 * times in all. */
Test(terminal, password, .timeout = 120)
{
    static const struct {
        int wrong;
        const char *status;
    } rows[] = { { 0, "status 0" }, { 1, "status 0" }, { 3, "status 77" } };
    static struct terminal t;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        shell_begin(&t, "ls");
        for (int tries = 0; tries < 3 && tries <= rows[i].wrong; tries++) {
            struct questions q = { &t, tries + 1 };

            cr_assert(wait_until(has_asked, &q, WAIT_MS), "%s", t.last);
            terminal_type(&t,
                          tries < rows[i].wrong ? "wrong" : SERVER_PASSWORD);
        }
        terminal_expect(&t, rows[i].status, SERVER_PASSWORD);
        cr_expect_null(strstr(t.last, "wrong"), "%s", t.last);
        terminal_end(&t);
    }
}

/* A server with too many sessions of the user says so after the password:
 * nobody types it again. */
Test(terminal, one_question_for_a_full_server, .timeout = 120)
{
    static struct terminal t;
    static struct faulty f;
    char line[1024];

    faulty_begin(&f, "no_sessions", "good");
    unsetenv("SALLYPORT_PASSWORD");
    unsetenv("DBUS_SESSION_BUS_ADDRESS");
    t.desk = f.desk;
    terminal_open(&t, "/bin/sh");
    snprintf(line, sizeof(line), "clear; %s ls --cacert %s %s/; echo status $?",
             server_program("sallyport"), f.desk.ca, f.desk.url);
    terminal_type(&t, line);
    terminal_expect(&t, "Password of anna", NULL);
    terminal_type(&t, "text");
    terminal_expect(&t, "status 75", "trying again");
    TMUX(&t, "kill-server");
    faulty_end(&f);
}

/* Nobody is asked for a password before the server has proved who it is. */
Test(terminal, no_password_for_a_stranger, .timeout = 120)
{
    static struct terminal t;
    char line[1024];

    shell_begin(&t, "--version");
    snprintf(line, sizeof(line), "clear; %s ls %s/; echo status $?",
             server_program("sallyport"), t.desk.url);
    terminal_type(&t, line);
    terminal_expect(&t, "Trust this server from now on (yes/no)?", "Password");
    terminal_type(&t, "no");
    terminal_expect(&t, "status 77", "Password");
    /* --yes answers the question of --trust-new, and no other. */
    snprintf(line, sizeof(line), "clear; %s ls --yes %s/; echo status $?",
             server_program("sallyport"), t.desk.url);
    terminal_type(&t, line);
    terminal_expect(&t, "status 77", "assword");
    terminal_end(&t);
}

static void passwd_answer(struct terminal *t, const char *old, const char *new,
                          const char *again)
{
    /* not the prompt of the call before */
    terminal_expect(t, "Old password of new at 127.0.0.1:", "New");
    terminal_type(t, old);
    terminal_expect(t, "New password of new at 127.0.0.1:", NULL);
    terminal_type(t, new);
    terminal_expect(t, "Again: new password of new at 127.0.0.1:", NULL);
    terminal_type(t, again);
}

/* No password is on the screen, also not by --debug. */
Test(terminal, a_new_password, .timeout = 120)
{
    static const char new[] = "say \"seven\" times", bad[] = "seven \"times";
    static struct terminal t;

    desk_begin(&t.desk, "new");
    desk_says(&t.desk, EX_USAGE, "on a terminal only", "passwd", "/", NULL);
    unsetenv("SALLYPORT_PASSWORD");
    terminal_open(&t, "/bin/sh");
    shell_again(&t, "passwd --password-file password");
    passwd_answer(&t, SERVER_PASSWORD, new, bad);
    terminal_expect(&t, "passwords differ\nstatus 65", new);
    shell_again(&t, "passwd --password-file password");
    passwd_answer(&t, bad, new, new);
    terminal_expect(&t, "the old one is wrong", bad);
    shell_again(&t, "passwd --debug --password-file password 2>log");
    passwd_answer(&t, SERVER_PASSWORD, new, new);
    terminal_expect(&t, "status 0", new);
    /* The test beside it may change a password at the same time. */
    terminal_type(&t, "clear; grep -q 'SITE PSWD .\\.' log && "
                      "echo seen $(grep -c seven log)");
    terminal_expect(&t, "seen 0\n", NULL);
    shell_again(&t, "ls");
    terminal_expect(&t, "Password of new at 127.0.0.1:", NULL);
    terminal_type(&t, new);
    terminal_expect(&t, "status 0", NULL);
    terminal_end(&t);
}

/* The server demands a new password: the client says so, and on a terminal asks
 * for it at once. */
Test(terminal, a_password_that_must_change, .timeout = 120)
{
    static const char new[] = "a horse for correct batteries";
    static const char says[] = "wants a new password before anything else";
    static struct terminal t;

    desk_begin(&t.desk, "fresh");
    desk_says(&t.desk, EX_NOPERM, says, "ls", "/", NULL);
    desk_says(&t.desk, EX_NOPERM, "run sallyport passwd with", "ls", "/", NULL);
    desk_says(&t.desk, EX_NOPERM, says, "get", "/x", NULL);
    desk_says_to(&t.desk, EX_NOPERM, says, "ls\n", "/", NULL);
    unsetenv("SALLYPORT_PASSWORD");
    terminal_open(&t, "/bin/sh");
    shell_again(&t, "ls --password-file password");
    terminal_expect(&t, "New password of fresh at 127.0.0.1:", "Old");
    terminal_type(&t, new);
    terminal_expect(&t, "Again: new password of fresh", NULL);
    terminal_type(&t, new);
    terminal_expect(&t, "the file of --password-file still has the old one",
                    new);
    terminal_expect(&t, "status 0", new);
    terminal_end(&t);
}

/* The code is for the first login, and the password alone for later ones. */
Test(terminal, a_one_time_code, .timeout = 120)
{
    static struct terminal t;
    struct run_result r;
    char code[8];

    desk_begin(&t.desk, "coded");
    desk_says(&t.desk, EX_NOPERM, "--one-time-code asks for it", "ls", "/",
              NULL);
    desk_says(&t.desk, EX_USAGE, "on a terminal only", "ls", "--one-time-code",
              "/", NULL);
    unsetenv("SALLYPORT_PASSWORD");
    terminal_open(&t, "/bin/sh");
    shell_again(&t, "ls --one-time-code --password-file password");
    terminal_expect(&t, "One-time code (empty: none):", "status");
    run(&r, NULL, "/usr/bin/oathtool", "--totp", "--base32", TOTP, NULL);
    cr_assert_eq(r.status, 0, "%s", r.text);
    snprintf(code, sizeof(code), "%.6s", r.text);
    run_release(&r);
    terminal_type(&t, code);
    terminal_expect(&t, "status 0", NULL);
    terminal_end(&t);
}

/* The first try is cut. The second one doesn't ask again. */
Test(terminal, an_answer_for_the_retries, .timeout = 120)
{
    static struct terminal t;
    static struct faulty f;
    char line[2048];

    faulty_begin(&f, "changed", "good");
    files_write("file", "mine", 4, 0644);
    t.desk = f.desk;
    terminal_open(&t, "/bin/sh");
    snprintf(line, sizeof(line),
             "clear; %s get --cacert %s --password-file %s %s/file; echo "
             "status $?",
             server_program("sallyport"), f.desk.ca, f.desk.password,
             f.desk.url);
    terminal_type(&t, line);
    terminal_expect(&t, "file is here already", NULL);
    terminal_type(&t, "o");
    terminal_expect(&t, "trying again in 1 s", NULL);
    terminal_expect(&t, "status 0", NULL);
    const char *question = strstr(t.last, "file is here already");
    cr_expect_null(strstr(question + 1, "file is here already"), "%s", t.last);
    TMUX(&t, "kill-server");
    faulty_end(&f);
}

/* A server's question for a password counts only in TLS. */
Test(terminal, no_password_for_an_early_question, .timeout = 120)
{
    static struct terminal t;
    static struct faulty f;
    char line[1024];

    faulty_begin(&f, "early_question", "good");
    unsetenv("SALLYPORT_PASSWORD");
    unsetenv("DBUS_SESSION_BUS_ADDRESS");
    t.desk = f.desk;
    terminal_open(&t, "/bin/sh");
    snprintf(line, sizeof(line),
             "clear; %s ls --retries=0 --cacert %s %s/; echo status $?",
             server_program("sallyport"), f.desk.ca, f.desk.url);
    terminal_type(&t, line);
    terminal_expect(&t, "doesn't speak FTP", "Password");
    terminal_expect(&t, "status 76", "Password");
    TMUX(&t, "kill-server");
    faulty_end(&f);
}

/* A URL may come from somebody else: the question shows what a terminal would
 * obey. */
Test(terminal, a_rude_user, .timeout = 120)
{
    static struct terminal t;
    static struct faulty f;
    char line[2048];

    faulty_begin(&f, "none", "good");
    unsetenv("SALLYPORT_PASSWORD");
    unsetenv("DBUS_SESSION_BUS_ADDRESS");
    t.desk = f.desk;
    terminal_open(&t, "/bin/sh");
    snprintf(line, sizeof(line),
             "clear; %s ls --cacert %s ftps://a%%C2%%9B31mb@%s/; echo status "
             "$?",
             server_program("sallyport"), f.desk.ca,
             strchr(f.desk.url, '@') + 1);
    terminal_type(&t, line);
    terminal_expect(&t, "Password of a\\xc2\\x9b31mb at 127.0.0.1", NULL);
    TMUX(&t, "send-keys", "C-c");
    terminal_expect(&t, "status 130", NULL);
    TMUX(&t, "kill-server");
    faulty_end(&f);
}

/* Counts the lines of the screen that are bars. */
static size_t bars(const char *screen)
{
    size_t n = 0;

    for (; (screen = strstr(screen, " % ")); screen++)
        n++;
    return n;
}

static bool shows_three_bars(void *of)
{
    struct terminal *t = of;

    t->wanted = "MiB/s";
    t->unwanted = NULL;
    return terminal_shows(t) && bars(t->last) == 4 &&
           strstr(t->last, "0 of 3 files");
}

/* Each transfer has a bar on its own line, in a narrower terminal too; the last
 * one is of all. */
Test(terminal, several_bars, .timeout = 120)
{
    static struct terminal t;
    char words[2048];

    desk_begin(&t.desk, "anna");
    desk_noise("f0", FILE_BYTES);
    desk_noise("f1", FILE_BYTES);
    desk_noise("f2", FILE_BYTES);
    terminal_open(&t, "/bin/sh");
    snprintf(words, sizeof(words),
             "clear; %s put -P3 --limit-rate 6M --cacert %s --password-file "
             "password f0 f1 f2 %s/; echo status $?",
             server_program("sallyport"), t.desk.ca, t.desk.url);
    terminal_type(&t, words);
    cr_expect(wait_until(shows_three_bars, &t, WAIT_MS), "%s", t.last);
    TMUX(&t, "resize-window", "-x", "60", "-y", "24");
    cr_expect(wait_until(shows_three_bars, &t, WAIT_MS), "%s", t.last);
    terminal_expect(&t, "f0  12.0 MiB", NULL);
    terminal_expect(&t, "\n3 of 3 files, 36.0 MiB\nstatus 0", NULL);
    cr_expect_eq(bars(t.last), 0, "%s", t.last);
    terminal_end(&t);
}

static bool is_gone(void *of)
{
    return !files_exists(of);
}

/* A name with a blank is completed to one word, also in quotes. --quiet on a
 * line counts for that line only. */
Test(terminal, completion_of_a_blank, .timeout = 120)
{
    static struct terminal t;
    char there[SERVER_PATH_MAX];

    terminal_begin(&t);
    snprintf(there, sizeof(there), "%s",
             server_home_file(&t.desk.server, "anna", "large file"));
    terminal_command(&t, "put -q --limit-rate 1G \"large file\"");
    terminal_command(&t, "mkdir \"blank directory\"");
    terminal_complete(&t, "ls lar", "> ls large\\ file");
    terminal_expect(&t, "12582912", "checksum right");
    terminal_complete(&t, "cd bl", "> cd blank\\ directory/");
    terminal_expect(&t, "127.0.0.1:/blank directory>", NULL);
    terminal_complete(&t, "rm \"../lar", "> rm \"../large file\"");
    cr_expect(wait_until(is_gone, there, WAIT_MS));
    /* It is no option. */
    terminal_command(&t, "mkdir ./-r");
    terminal_complete(&t, "rmdir ", "> rmdir ./-r/");
    snprintf(there, sizeof(there), "%s",
             server_home_file(&t.desk.server, "anna", "blank directory/-r"));
    cr_expect(wait_until(is_gone, there, WAIT_MS));
    terminal_type(&t, "bye");
    terminal_end(&t);
}

static bool has_listed(void *of)
{
    return faulty_count("MLSD") >= *(const size_t *)of;
}

/* Ctrl-C ends a completion that takes long, and the next one works. */
Test(terminal, a_completion_that_is_interrupted, .timeout = 120)
{
    static struct terminal t;
    static struct faulty f;

    faulty_begin(&f, "slow_list", "good");
    t.desk = f.desk;
    unsetenv("SALLYPORT_PASSWORD");
    terminal_open(&t, "/bin/sh");
    shell_again(&t, "--password-file password");
    terminal_wait_prompt(&t, NULL);
    TMUX(&t, "send-keys", "ls ");
    for (size_t i = 1; i <= 2; i++) {
        TMUX(&t, "send-keys", "Tab");
        cr_expect(wait_until(has_listed, &i, WAIT_MS));
        TMUX(&t, "send-keys", "C-c");
    }
    TMUX(&t, "kill-server");
    faulty_end(&f);
}

/* Names are UTF-8, also where the locale knows ASCII alone. */
Test(terminal, names_beyond_ascii, .timeout = 120)
{
    static struct terminal t;
    char there[SERVER_PATH_MAX];

    setenv("LC_ALL", "C", 1);
    terminal_begin(&t);
    snprintf(
        there, sizeof(there), "%s",
        server_home_file(&t.desk.server, "anna", "\303\274ber \342\202\254"));
    terminal_command(&t, "mkdir \"\303\274ber \342\202\254\"");
    terminal_complete(&t, "cd \303\274", "> cd \303\274ber");
    terminal_expect(&t, "127.0.0.1:/\303\274ber \342\202\254>", NULL);
    cr_expect(files_exists(there));
    terminal_type(&t, "bye");
    terminal_end(&t);
}

/* The lines of a session are there in the next one, for this user alone. */
Test(terminal, history, .timeout = 120)
{
    static const char history[] = ".local/state/sallyport/history";
    static struct terminal t;
    struct stat st;

    unsetenv("XDG_STATE_HOME");
    shell_begin(&t, "--password-file password");
    for (int i = 0; i < 2; i++) {
        terminal_wait_prompt(&t,
                             NULL); /* not the prompt of the session before */
        if (i > 0) {
            TMUX(&t, "send-keys", "Up");
            TMUX(&t, "send-keys", "Up");
            terminal_expect(&t, "> mkdir remembered", NULL);
            TMUX(&t, "send-keys", "C-u");
        } else {
            terminal_type(&t, "mkdir remembered");
            terminal_wait_prompt(&t, "remembered");
            terminal_type(&t, "open ftps://anna:secret@127.0.0.1");
            terminal_wait_prompt(&t, "a password in a URL");
            terminal_type(&t, "Typed-Too-Late");
            terminal_wait_prompt(&t, "no such command");
        }
        terminal_type(&t, "bye");
        terminal_expect(&t, "status 0", NULL);
        cr_assert_eq(stat(history, &st), 0);
        cr_expect_eq(st.st_mode & 0777, 0600);
        if (i == 0)
            shell_again(&t, "--password-file password");
    }
    terminal_end(&t);
}

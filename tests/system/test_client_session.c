/* Every command of a session, in a script; and the causes that end a
 * session. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "desk.h"
#include "support/files.h"
#include "support/wait.h"

#define MIB 1048576

static const struct server_user users[] = {
    { .name = "words" },
    { .name = "many" },
    { .name = "stop" },
};

SERVER_SHARED(.users = users, .user_count = sizeof(users) / sizeof(*users));

/* A line of a session, and its output: a text, or nothing at all. */
static const struct {
    const char *line, *wanted;
} lines[] = {
    { "status", "words@127.0.0.1 port " },
    { "status", "trusted by: its CA\nchecksums: SHA-256\nparallel: 1\n" },
    { "help", "  put, upload FILE [NAME]" },
    { "? rmdir", "Remove empty directories" },
    { "help nosuch", NULL },
    { "help --no-pager bye", "--no-pager: no list goes through PAGER any more\n"
                             "  bye, quit\n" },
    { "lcd local", "" },
    { "!pwd", "/local\n" },
    { "lpwd", "write !pwd: the next release has no lpwd\n" },
    { "lls one", "write !ls -l: the next release has no lls\n-" },
    { "lcd nosuch", NULL },
    { "mkdir d/e", "" },
    { "cd d/e", "" },
    { "pwd", "/d/e\n" },
    { "cd nosuch", NULL },
    { "put one", "put one as d/e/one  4 B" },
    { "put one two", "put one as d/e/two" },
    { "put -r . /all", "put ./one" },
    { "put nosuch", NULL },
    { "mput *.txt one", "put b.txt" },
    { "mput *.pdf", NULL },
    { "ls", "  a.txt\n" },
    { "dir /d", "  e/\n" },
    { "ls nosuch", NULL },
    { "cat two", "text" },
    { "du /d", "5 files  /d\n" },
    { "hash nosuch", NULL },
    { "put -r --conflict=overwrite ./ /", "put ./one" },
    { "hash one", "982d9e3eb996f559e633f4d194def3761d909f5a3b647d1a851fead67c32"
                  "c9d1  d/e/one\n" },
    { "get two back", "get d/e/two as back  4 B" },
    { "! cat back", "text" },
    { "mget *.txt", "get d/e/a.txt" },
    { "mget *.pdf", NULL },
    { "get one two three", NULL },
    { "mv two three", "" },
    { "change /d/e/three four", "" },
    { "mkdir into", "" },
    { "mv four into/", "" },
    { "ls into a.txt", "  d/e/into/four\n" },
    { "ls i*", "  d/e/into/four\n" },
    { "ls into", "  four\n" },
    { "mv into/four /d/e/", "" },
    { "rmdir into", "" },
    { "du --json /", "{\"name\":\"/\"," },
    { "rm -n four", "would remove /d/e/four" },
    { "rm four", "" },
    { "delete four", NULL },
    { "rmdir .", NULL },
    { "cd", "" },
    { "pwd", "/\n" },
    { "rm -r d", "" },
    { "rmdir d", NULL },
    { "ls /d", NULL },
    { "sync nosuch here", NULL },
    { "lcd ..", "" },
    { "sync local here", "6 uploaded" },
    { "sync --delete -n local here", "0 to upload, 6 the same, 0 to remove" },
    { "nosuch", NULL },
    { "put", NULL },
    { "put --nosuch a", NULL },
    { "put --dry-run local/one", "would upload local/one\n1 to transfer\n" },
    { "get -n here/one", "would download here/one\n1 to transfer\n" },
    { "mv --dry-run here/one two", NULL },
    { "bye", "" },
};

/* One session for each line would be too slow, so a line of text separates
 * their outputs. A script ends at a failure, so failures are tested one by
 * one. */
static void expect_part(const char *text, size_t i)
{
    char mark[32];

    snprintf(mark, sizeof(mark), "line %zu\n", i);
    const char *from = strstr(text, mark);
    cr_assert_not_null(from, "%s has ended before \"%s\"", text, lines[i].line);
    from += strlen(mark);
    const char *to = strstr(from, "line ");
    char *part = strndup(from, to ? (size_t)(to - from) : strlen(from));
    cr_expect(lines[i].wanted[0] ? strstr(part, lines[i].wanted) != NULL
                                 : part[0] == '\0',
              "%s: no \"%s\" in \"%s\"", lines[i].line, lines[i].wanted, part);
    free(part);
}

static void make_files(void)
{
    files_make_folder("local", 0755);
    files_write("local/one", "text", 4, 0644);
    files_write("local/a.txt", "a", 1, 0644);
    files_write("local/b.txt", "b", 1, 0644);
}

Test(client_session, every_command, .timeout = 120)
{
    char script[16384] = "", *end = script;
    struct run_result r;
    struct desk d;

    desk_begin(&d, "words");
    make_files();
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        if (lines[i].wanted)
            end += sprintf(end, "!echo line %zu\n%s\n", i, lines[i].line);
    desk_client(&d, 0, &r, script, "/", NULL);
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        if (lines[i].wanted)
            expect_part(r.text, i);
    run_release(&r);
    desk_end(&d);
}

/* Each of these ends a script with a code of sysexits.h and an explanation. */
Test(client_session, failures, .timeout = 200)
{
    char script[256];
    struct run_result r;
    struct desk d;

    desk_begin(&d, "many");
    make_files();
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        if (lines[i].wanted)
            continue;
        snprintf(script, sizeof(script), "%s\n!echo went on\n", lines[i].line);
        run(&r, script, server_program("sallyport"), "--cacert", d.ca,
            "--password-file", d.password, d.url, NULL);
        cr_expect_geq(r.status, EX__BASE, "%s: %s", lines[i].line, r.text);
        cr_expect_eq(strncmp(r.text, "sallyport: ", 11), 0, "%s: %s",
                     lines[i].line, r.text);
        cr_expect_null(strstr(r.text, "went on"), "%s", lines[i].line);
        run_release(&r);
    }
    desk_end(&d);
}

/* A quoted name is no pattern. */
Test(client_session, a_quoted_pattern, .timeout = 60)
{
    struct run_result r;
    struct desk d;

    desk_begin(&d, "stop");
    files_write("q1.txt", "1", 1, 0644);
    files_write("q[1].txt", "2", 1, 0644);
    desk_client(&d, 0, &r, "mput 'q[1].txt'\n", "/", NULL);
    cr_expect(strstr(r.text, "put q[1].txt") && !strstr(r.text, "put q1.txt"),
              "%s", r.text);
    run_release(&r);
    desk_says_to(&d, 0, "put q1.txt", "mput q[1]*\n", "/", NULL);
    files_write("q[1].doc", "3", 1, 0644);
    files_write("q1.doc", "4", 1, 0644);
    desk_client(&d, 0, &r, "mput 'q[1]'.d*\n", "/", NULL);
    cr_expect(strstr(r.text, "put q[1].doc") && !strstr(r.text, "put q1.doc"),
              "%s", r.text);
    run_release(&r);
    desk_end(&d);
}

/* After Ctrl-C the bytes so far stay for the next call. */
Test(client_session, an_interrupt, .timeout = 120)
{
    struct desk_growth g = { ".", 4 * MIB, "got" };
    char home[SERVER_PATH_MAX];
    struct running running;
    struct run_result r;
    struct desk d;

    desk_begin(&d, "stop");
    desk_noise("big", 8 * MIB);
    desk_says(&d, 0, NULL, "put", "-q", "big", "/", NULL);
    desk_start(&d, &running, desk_has_grown, &g, "get", "--limit-rate=4M",
               "/big", "got", NULL);
    kill(running.pid, SIGINT);
    run_finish(&running, &r);
    cr_expect_eq(r.status, 130, "%d: %s", r.status, r.text);
    cr_expect_not_null(strstr(r.text,
                              "interrupted; run the same command again: "
                              "it can go on at about "),
                       "%s", r.text);
    run_release(&r);
    cr_expect_not(files_exists("got"));
    desk_says(&d, 0, ", resumed at ", "get", "/big", "got", NULL);
    desk_same("big", "got");
    g = (struct desk_growth){ home, 4 * MIB, "none" };
    snprintf(home, sizeof(home), "%s", server_home(&d.server, "stop"));
    desk_start(&d, &running, desk_has_grown, &g, "put", "--limit-rate=4M",
               "big", "/again", NULL);
    kill(running.pid, SIGINT);
    run_finish(&running, &r);
    cr_expect_eq(r.status, 130, "%d: %s", r.status, r.text);
    cr_expect_not_null(strstr(r.text,
                              "interrupted; run the same command again: "
                              "it can go on at about "),
                       "%s", r.text);
    run_release(&r);
    desk_says(&d, 0, ", resumed at ", "put", "big", "/again", NULL);
    desk_end(&d);
}

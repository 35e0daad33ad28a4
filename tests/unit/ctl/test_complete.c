/* Completion of a server's bans in a shell; cases/complete.txt has the rest. */
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "ctl/ctl.h"
#include "fake_server.h"
#include "world.h"

static void run_child(const char *words, int out)
{
    char text[256], *rest = text, *word;
    char *argv[32] = { (char[]){ "sallyportctl" }, (char[]){ "--complete" },
                       (char[]){ "--config" }, world.conf };
    int argc = 4;

    snprintf(text, sizeof(text), "%s", words);
    while ((word = strsep(&rest, " "))) /* the last one may be empty */
        argv[argc++] = word;
    dup2(out, STDOUT_FILENO);
    ctl_run(argc, argv);
}

/* The words that are offered, with blanks between. */
static const char *completions(const char *words)
{
    static char found[4096];
    int out = memfd_create("out", 0), status;
    size_t len = 0;
    FILE *f;
    pid_t pid;

    fflush(NULL);
    pid = fork();
    cr_assert_geq(pid, 0);
    if (pid == 0)
        run_child(words, out);
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    cr_expect_eq(status, 0, "%s", words);
    f = fdopen(out, "r");
    rewind(f);
    for (char line[512]; fgets(line, sizeof(line), f);)
        len += (size_t)snprintf(found + len, sizeof(found) - len, "%s%.*s",
                                len > 0 ? " " : "", (int)strcspn(line, "\t\n"),
                                line);
    found[len] = '\0';
    fclose(f);
    return found;
}

static void completes(const char *words, const char *expected)
{
    const char *found = completions(words);

    cr_expect_str_eq(found, expected, "%s: %s", words, found);
}

static void make(void)
{
    world_make();
    file_write(world.users, "@share:contracts:80000:/c:\n"
                            "@share:offers:80001:/o:\n"
                            "@team:legal:\n# anne:\n"
                            "anna:!:70000:70000::/a::\n"
                            "bert:!:70001:70001::/b::\n");
}

TestSuite(complete, .init = make, .fini = scratch_remove);

/* Two pages. What is no network is never offered. */
static void has_bans(struct channel *c)
{
    struct message m;

    fake_welcome(c);
    fake_hears(c, &m);
    fake_row(c, &m, "bans", "network", "192.0.2.7", "reason", "a\tb\nanna",
             NULL);
    fake_row(c, &m, "bans", "network", "a\nb`c`", NULL);
    FAKE_SAYS(c, &m, end, .place = 64);
    fake_hears(c, &m);
    fake_row(c, &m, "bans", "network", "198.0.2.7", NULL);
    FAKE_SAYS(c, &m, end);
}

Test(complete, bans)
{
    completes("ban del ", "");
    fake_begin(has_bans);
    completes("ban del ", "192.0.2.7 198.0.2.7");
    completes("ban del 198", "198.0.2.7");
    fake_end();
}

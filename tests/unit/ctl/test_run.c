/* The command line: arguments and help. cases/run.txt has the command lines
 * that are refused. */
#include "ctl/ctl.h"
#include "world.h"

TestSuite(run, .init = world_make, .fini = scratch_remove);

Test(run, values_behind_a_blank_or_an_equals)
{
    char *argv[] = { (char[]){ "ctl" },
                     (char[]){ "--home=/a=b" },
                     (char[]){ "--comment" },
                     (char[]){ "--json" },
                     (char[]){ "word" },
                     (char[]){ "-h" },
                     (char[]){ "--" },
                     (char[]){ "--yes" },
                     NULL };

    arguments_parse(8, argv);
    cr_expect_str_eq(ctl.args.home, "/a=b");
    cr_expect_str_eq(ctl.args.comment, "--json");
    cr_expect_not(ctl.args.json);
    cr_expect(ctl.args.help);
    cr_expect_not(ctl.args.yes);
    cr_expect_eq(ctl.args.words, 2);
    cr_expect_str_eq(ctl.args.word[1], "--yes");
}

/* execve(2) permits a program without any argument. */
Test(run, no_argument_at_all)
{
    char *argv[] = { NULL };

    arguments_parse(0, argv);
    cr_expect_eq(ctl.args.words, 0);
}

Test(run, help_names_every_command)
{
    char words[64], usage[1024];
    const struct run *r;

    for (size_t i = 0; i < ctl_command_count; i++) {
        const struct ctl_command *row = &ctl_commands[i];

        snprintf(words, sizeof(words), "%s%s%s", row->group,
                 row->name ? " " : "", row->name ? row->name : "");
        snprintf(usage, sizeof(usage), "sallyportctl %s%s%s\n", words,
                 row->syntax[0] ? " " : "", row->syntax);
        strcat(words, " --help");
        r = expect_run(0, "", words);
        cr_expect_not_null(strstr(r->out, usage), "%s", usage);
        cr_expect_not_null(strstr(r->out, row->example), "%s", row->example);
    }
    r = expect_run(0, "", "user lock --help");
    cr_expect(strstr(r->out, "sallyportctl user lock NAME"));
    cr_expect_not(strstr(r->out, "user unlock"));
    cr_expect(strstr(r->out, "--config FILE"));
    cr_expect_not(strstr(r->out, "--role"));
    cr_expect_not(strstr(r->out, "asks for a password"));
    r = expect_run(0, "", "help user lock");
    cr_expect(strstr(r->out, "sallyportctl user lock NAME"));
    cr_expect_not(strstr(r->out, "user unlock"));
    r = expect_run(0, "", "team --help");
    cr_expect(strstr(r->out, "  team join"));
    cr_expect_not(strstr(r->out, "user add"));
    r = expect_run(0, "", "user add --help");
    cr_expect(strstr(r->out, "\n  --role ROLE"));
    cr_expect_not(strstr(r->out, "--purge"));
    cr_expect(strstr(r->out, "asks twice for a password"));
    r = expect_run(0, "", "log --help");
    cr_expect(strstr(r->out, "--path DIR           log: a part of a path"));
    cr_expect(strstr(r->out, "as journalctl takes it: yesterday,"));
}

static size_t lines(const char *text)
{
    size_t n = 0;

    for (; *text; text++)
        n += *text == '\n';
    return n;
}

/* A help should fit on a screen, which has 24 lines or more. */
Test(run, help_of_one_screen)
{
    const struct run *r = expect_run(0, "", "--help");

    for (size_t i = 0; i < ctl_command_count; i++)
        cr_expect(strstr(r->out, ctl_commands[i].group), "%s",
                  ctl_commands[i].group);
    cr_expect(strstr(r->out, "  user       add, change, edit, passwd, "));
    cr_expect(strstr(
        r->out,
        "  report     Make a report about the last 7 days or another time\n"));
    cr_expect(strstr(r->out, "  metrics    Print the counters"));
    cr_expect_not(strstr(r->out, "metrics    serve"));
    cr_expect_leq(lines(r->out), 32, "%s", r->out);
    r = expect_run(0, "", "user");
    cr_expect(strstr(r->out, "  user add        Add a user\n"));
    cr_expect(strstr(
        r->out, "  user can        Say whether a user may do something\n"));
    cr_expect(strstr(r->out, "sallyportctl user COMMAND --help\n"));
    cr_expect_not(strstr(r->out, "share"));
    cr_expect_leq(lines(r->out), 24, "%s", r->out);
}

Test(run, version)
{
    const struct run *r = expect_run(0, "", "--version");

    cr_expect_str_eq(r->out, "sallyportctl " SALLYPORT_VERSION "\n");
}

/* The command notices a full disk even if standard output has no buffer, so
 * that nothing is left to write at the end. */
Test(run, a_full_disk)
{
    world.out = "/dev/full";
    expect_err(EX_IOERR, "", "--version",
               "standard output: No space left on device");
    setvbuf(stdout, NULL, _IONBF, 0);
    expect_err(EX_IOERR, "", "--version",
               "standard output: not all of it could be written");
    world.out = NULL;
}

/* If the standard descriptors are closed, no file or socket of the command
 * becomes standard output or standard error. */
Test(run, closed_descriptors)
{
    char *argv[] = { (char[]){ "ctl" },  (char[]){ "user" },
                     (char[]){ "list" }, (char[]){ "--config" },
                     world.conf,         NULL };
    int status;
    pid_t pid = fork();

    cr_assert_geq(pid, 0);
    if (pid == 0) {
        for (int fd = 0; fd <= STDERR_FILENO; fd++)
            close(fd);
        ctl_run(5, argv);
    }
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == EX_IOERR, "%x",
              status);
}

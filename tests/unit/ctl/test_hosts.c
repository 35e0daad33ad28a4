/* "who" and "status" of other machines: ssh is played by a script, which keeps
 * its arguments, and answers for machines of some names. */
#include <jansson.h>
#include <stdio.h>
#include <sys/stat.h>

#include "ctl/ctl.h"
#include "world.h"

static const char ssh[] =
    "#!/bin/sh\n"
    "printf '%s ' \"$@\" >>\"${0%/*}/said\"; echo >>\"${0%/*}/said\"\n"
    "while [ \"$1\" != -- ]; do shift; done; host=$2; shift 2\n"
    "case $host:$* in\n"
    "a:*--json*) echo '[{\"user\": \"anna\"}]';;\n"
    "b:*--json*) echo '[]';;\n"
    "a:*) printf 'SERIAL USER\\n\\ntwo\\033[31m\\n';;\n"
    "b:*) echo 'nobody is connected';;\n"
    "words:*) echo 'no JSON at all';;\n"
    "silent:*) exit 3;;\n"
    "far:*) printf 'ssh: connect: Connection refused\\r\\nsecond\\033\\n' >&2\n"
    "    exit 255;;\n"
    "full:*) head -c 5000000 /dev/zero | tr '\\0' x;;\n"
    "esac\n";

static void make(void)
{
    static char script[512];

    world_make();
    snprintf(script, sizeof(script), "%s", in(scratch, "ssh"));
    file_write(script, ssh);
    cr_assert_eq(chmod(script, 0755), 0);
    hosts_ssh = script;
}

TestSuite(hosts, .init = make, .fini = scratch_remove);

/* A control character of another machine reaches no terminal. */
Test(hosts, each_below_its_name)
{
    const struct run *r = expect_run(0, "", "who --host a,root@b,b");
    char said[1024];

    cr_expect_str_eq(r->out, "==> a\nSERIAL USER\n\ntwo?[31m\n==> root@b\n"
                             "==> b\nnobody is connected\n");
    cr_expect_str_eq(r->err, "");
    snprintf(said, sizeof(said),
             "-nT -oBatchMode=yes -oConnectTimeout=10 -oControlMaster=no "
             "-oLogLevel=ERROR -- a "
             "PATH=\"$PATH:/usr/local/sbin:/usr/sbin\" "
             "sallyportctl who --config %s \n",
             world.conf);
    cr_expect_not_null(strstr(file_text(in(scratch, "said")), said), "%s",
                       file_text(in(scratch, "said")));
}

/* The configuration is that of the other machine: none is read here. */
Test(hosts, without_a_configuration_here)
{
    cr_assert_eq(unlink(world.conf), 0);
    expect_out(0, "", "status --host b", "==> b\nnobody is connected\n");
    cr_expect_not_null(
        strstr(file_text(in(scratch, "said")), " sallyportctl status "));
}

Test(hosts, as_one_object)
{
    const char *words = "who --json --host a,far,b,words";
    const struct run *r = expect_run(EX_UNAVAILABLE, "", words);
    json_t *all = json_loads(r->out, 0, NULL);
    const char *user;

    cr_assert_eq(json_unpack(all, "{s:[{s:s}], s:n, s:[], s:n !}", "a", "user",
                             &user, "far", "b", "words"),
                 0, "%s", r->out);
    cr_expect_str_eq(user, "anna");
    cr_expect_not_null(strstr(r->err, "words: no JSON at all\n"), "%s", r->err);
    json_decref(all);
}

/* The others are shown all the same. */
Test(hosts, that_fail)
{
    const char *words = "who --host far,silent,b,full";
    const struct run *r = expect_run(EX_UNAVAILABLE, "", words);

    cr_expect_str_eq(r->out, "==> b\nnobody is connected\n");
    cr_expect_str_eq(r->err,
                     "sallyportctl: far: ssh: connect: Connection refused\n"
                     "sallyportctl: far: second?\n"
                     "sallyportctl: silent: exit status 3\n"
                     "sallyportctl: full: no answer in time, or a too long "
                     "one\n"
                     "sallyportctl: 3 of 4 machines have failed\n");
}

/* Nothing that ssh takes for an option, or a shell for a word of its own. */
Test(hosts, with_bad_names)
{
    static const char *const bad[] = {
        "-oProxyCommand=x", "a,-l", "a;reboot", "$(id)", "a,,b", "a,"
    };
    char words[128];

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        snprintf(words, sizeof(words), "who --host %s", bad[i]);
        expect_err(EX_USAGE, "", words, "give names as ssh takes them");
    }
    cr_expect_str_eq(file_text(in(scratch, "said")), "");
}

Test(hosts, usage)
{
    expect_err(EX_USAGE, "", "who --host a --watch",
               "give --host or --watch, not both");
    expect_err(EX_USAGE, "", "reload --host a", "is not for this command");
    hosts_ssh = "/nowhere/ssh";
    expect_err(EX_UNAVAILABLE, "", "who --host a",
               "there is no /nowhere/ssh here; install openssh-client");
}

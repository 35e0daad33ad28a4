/* etc/examples/sallyport-after, which asks programs about uploads that wait for
 * inspection. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl.h"
#include "support/files.h"
#include "support/run.h"
#include "support/session.h"

static const struct server_user users[] = {
    { .name = "anna", .keys = "rights./in=lrwodnmi shares=contracts:wi" },
    { .name = "bert", .keys = "shares=contracts:full" },
    { .name = "carl", .keys = "shares=contracts:lrwodnmi" },
};
static const struct server_share shares[] = { { .name = "contracts" } };

static void begin(struct server *server)
{
    const struct server_plan plan = {
        .users = users, .user_count = 3, .shares = shares, .share_count = 1
    };

    server_start(server, &plan);
    files_make_folder(server_home_file(server, "anna", "in"), 0777);
}

/* The id in the 226, and the path that the file will have. */
static void hold(struct session *s, const char *verb, const char *path,
                 char id[17], char later[128])
{
    static const char before[] = "226 Transfer complete: 5 bytes (id ",
                      after[] = ") kept for inspection; released, it is ";
    const char *at;
    struct data d;

    data_open(s, &d, "%s %s", verb, path);
    data_write(&d, "bytes", 5);
    data_close(&d);
    cr_assert_eq(session_reply(s), 226);
    at = s->reply.data;
    cr_assert_eq(strncmp(at, before, strlen(before)), 0, "%s", at);
    at += strlen(before);
    snprintf(id, 17, "%s", at);
    at += 16;
    cr_assert_eq(strncmp(at, after, strlen(after)), 0, "%s", at);
    at += strlen(after);
    snprintf(later, 128, "%.*s", (int)strcspn(at, "\r\n"), at);
}

static void write_program(const struct server *server, const char *name,
                          const char *text)
{
    char path[SERVER_PATH_MAX];

    snprintf(path, sizeof(path), "%s", server_path(server, name));
    files_write(path, text, strlen(text), 0755);
}

static void after_prepare(const struct server *server)
{
    files_make_folder(server_path(server, "after.d"), 0755);
    files_make_folder(server_path(server, "tried"), 0700);
    ctl_on_path(server);
    setenv("SALLYPORT_AFTER", server_path(server, "after.d"), 1);
    setenv("STATE_DIRECTORY", server_path(server, "tried"), 1);
    setenv("SALLYPORT_AFTER_USER", "daemon", 1);
}

static void after_run(int status)
{
    struct run_result r;

    run(&r, NULL, server_source("etc/examples/sallyport-after"), NULL);
    cr_expect_eq(r.status, status, "%d: %s", r.status, r.text);
    run_release(&r);
}

/* Three programs: one accepts, one refuses, and one fails at first. */
Test(inspect, the_example_asks_programs, .timeout = 60)
{
    struct server server;
    struct session anna;
    char good[17], bad[17], later[128];

    begin(&server);
    after_prepare(&server);
    after_run(78); /* without a program nothing is released */
    write_program(&server, "content", "#!/bin/sh\ncat >/dev/null\n");
    cr_assert_eq(symlink("../content", server_path(&server, "after.d/30-link")),
                 0);
    after_run(0); /* a link leads to a program, too */
    session_enter(&anna, &server, "anna");
    hold(&anna, "STOR", "/in/good", good, later);
    hold(&anna, "STOR", "/in/bad", bad, later);
    write_program(&server, "after.d/10-first",
                  "#!/bin/sh\n"
                  "[ $(id -u) -ne 0 ] || exit 1\n"
                  "[ \"$(cat)\" = bytes ] || exit 1\n"
                  "case $SALLYPORT_UPLOAD in\n"
                  "*'\"path\":\"/in/bad\"'*) exit 65 ;;\n"
                  "esac\n");
    write_program(&server, "after.d/20-fails",
                  "#!/bin/sh\ncat >/dev/null; exit 75\n");
    after_run(0);
    session_do(&anna, "550 {*}", "SIZE /in/good");
    ctl(&server, 0, "inspect list", good);
    ctl(&server, 66, "inspect read 0123456789abcdef", "");
    snprintf(later, sizeof(later), "tried/%s", good);
    cr_expect(files_exists(server_path(&server, later)), "one try");
    write_program(&server, "after.d/20-fails", "#!/bin/sh\ncat >/dev/null\n");
    after_run(0);
    session_do(&anna, "213 5", "SIZE /in/good");
    session_do(&anna, "550 {*}", "SIZE /in/bad");
    ctl(&server, 0, "inspect list --json", "[]");
    after_run(0);
    cr_expect_not(files_exists(server_path(&server, later)), "forgotten");
    session_close(&anna);
    server_stop(&server);
}

/* Nobody looks at a release by the example, so it replaces no newer file. */
Test(inspect, the_example_replaces_nothing_newer, .timeout = 60)
{
    struct server server;
    struct session bert, carl;
    char stored[17], renamed[17], alone[17], later[128];

    begin(&server);
    after_prepare(&server);
    write_program(&server, "after.d/10", "#!/bin/sh\ncat >/dev/null\n");
    session_enter(&bert, &server, "bert");
    session_enter(&carl, &server, "carl");
    session_store(&bert, "STOR", "/contracts/tmp", "first", 4);
    hold(&carl, "STOR", "/contracts/stored", stored, later);
    hold(&carl, "STOR", "/contracts/renamed", renamed, later);
    hold(&carl, "STOR", "/contracts/alone", alone, later);
    session_store(&bert, "STOR", "/contracts/stored", "newer", 4);
    session_do(&bert, "213 {*}", "MFMT 20200101000000 /contracts/stored");
    session_do(&bert, "350 {*}", "RNFR /contracts/tmp");
    session_do(&bert, "250 {*}", "RNTO /contracts/renamed");
    after_run(0);
    session_do(&bert, "213 4", "SIZE /contracts/stored");
    session_do(&bert, "213 4", "SIZE /contracts/renamed");
    session_do(&bert, "213 5", "SIZE /contracts/alone");
    ctl(&server, 0, "inspect list", stored);
    ctl(&server, 0, "inspect list", renamed);
    snprintf(later, sizeof(later), "inspect release %s", stored);
    ctl(&server, 73, later, "--replace-newer replaces it");
    snprintf(later, sizeof(later), "inspect release %s --replace-newer",
             stored);
    ctl(&server, 0, later, "/contracts/stored");
    session_do(&bert, "213 5", "SIZE /contracts/stored");
    session_close(&bert);
    session_close(&carl);
    server_stop(&server);
}

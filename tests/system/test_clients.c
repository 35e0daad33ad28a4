/* Real clients: every script of clients/ against one server, each as a user of
 * its own and in a folder of its own, once for every build and user that
 * tests/table names. */
#include <criterion/criterion.h>
#include <criterion/hooks.h>
#include <criterion/parameterized.h>
#include <stdio.h>
#include <string.h>

#include "support/files.h"
#include "support/rows.h"
#include "support/run.h"
#include "support/server_log.h"

/* Those that can't resume TLS sessions in every way that their scripts try. Of
 * all others each data connection must have: expect_resumed(). */
static const char *const exceptions[] = { "ftplib", "perl", "wget" };

static const char *keys(const char *name)
{
    for (size_t i = 0; i < sizeof(exceptions) / sizeof(exceptions[0]); i++)
        if (strcmp(exceptions[i], name) == 0)
            return "data_binding=address";
    return NULL;
}

static struct rows rows = { .folder = "tests/system/clients",
                            .suffix = ".sh",
                            .keys = keys };

ReportHook(PRE_ALL)(struct criterion_test_set *set)
{
    const struct server_plan plan = { .listen = "127.0.0.1:0, 127.0.0.1:0 tls",
                                      .ports = "auto 32",
                                      .settings = "startups = 100:30:200\n" };

    (void)set;
    rows_share(&rows, &plan);
    files_write(server_path(server_of_runner(), "password"), SERVER_PASSWORD,
                strlen(SERVER_PASSWORD), 0600);
}

ReportHook(POST_ALL)(struct criterion_global_stats *stats)
{
    (void)stats;
    server_unshare();
}

ParameterizedTestParameters(clients, play)
{
    rows_find(&rows);
    return cr_make_param_array(struct row, rows.row, rows.count);
}

/* Each data connection of that user that got as far as TLS has resumed a
 * session, and none was refused. */
static void expect_resumed(const struct server *server, const char *user)
{
    char word[64], *line, *rest;
    struct buf log;

    snprintf(word, sizeof(word), " user=%s ", user);
    server_log(server, &log);
    rest = log.data;
    while ((line = strsep(&rest, "\n"))) {
        if (!strstr(line, " transfer ") || !strstr(line, word))
            continue;
        cr_expect(!strstr(line, " result=425 "), "%s", line);
        cr_expect(!strstr(line, " tls=") || strstr(line, " resumed\""), "%s",
                  line);
    }
    buf_release(&log);
}

/* SCRIPT HOST PORT USER PASSFILE CACERT WORKDIR MASTER IMPLICIT, see
 * clients/opening. */
ParameterizedTest(struct row *row, clients, play, .timeout = 150)
{
    char port[16], implicit[16], master[16], password[SERVER_PATH_MAX];
    char certificate[SERVER_PATH_MAX], work[SERVER_PATH_MAX];
    struct server server;
    struct run_result r;

    server_shared(&server);
    snprintf(port, sizeof(port), "%u", server.port);
    snprintf(implicit, sizeof(implicit), "%u", server.port_tls);
    snprintf(master, sizeof(master), "%d", (int)server.pid);
    snprintf(password, sizeof(password), "%s",
             server_path(&server, "password"));
    snprintf(certificate, sizeof(certificate), "%s",
             server_path(&server, "certificate.pem"));
    snprintf(work, sizeof(work), "%.400s/work-%s", server.folder, row->name);
    files_make_folder(work, 0700);
    run(&r, NULL, "bash", rows_file(&rows, row), "127.0.0.1", port, row->name,
        password, certificate, work, master, implicit, NULL);
    cr_assert_eq(r.status, 0, "%s.sh: exit status %d:\n%s", row->name, r.status,
                 r.text);
    run_release(&r);
    if (!keys(row->name))
        expect_resumed(&server, row->name);
}

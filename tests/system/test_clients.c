/* Real clients: every script of clients/ against one server, each as a user of
 * its own and in a folder of its own, once for every build and user that
 * tests/table names. */
#include <criterion/criterion.h>
#include <criterion/hooks.h>
#include <criterion/parameterized.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/fail.h"
#include "support/files.h"
#include "support/run.h"
#include "support/server.h"

#define SCRIPTS_MAX 50
#define NAME_LEN    33

struct row {
    char name[NAME_LEN]; /* the script's, without .sh; and the user's */
};

static struct row rows[SCRIPTS_MAX];
static size_t count;

static int is_script(const struct dirent *e)
{
    size_t n = strlen(e->d_name);

    return n > 3 && strcmp(e->d_name + n - 3, ".sh") == 0;
}

static void find_rows(void)
{
    struct dirent **found;
    int n = scandir(server_source("tests/system/clients"), &found, is_script,
                    alphasort);

    FAIL_IF(n <= 0 || n > SCRIPTS_MAX, "%d scripts", n);
    for (count = 0; count < (size_t)n; count++) {
        size_t len = strlen(found[count]->d_name) - 3;

        FAIL_IF(len >= NAME_LEN, "%s: a name too long for a user",
                found[count]->d_name);
        memcpy(rows[count].name, found[count]->d_name, len);
        free(found[count]);
    }
    free(found);
}

ReportHook(PRE_ALL)(struct criterion_test_set *set)
{
    static struct server_user users[SCRIPTS_MAX];
    struct server_plan plan = { .users = users,
                                .ports = "auto 32",
                                .settings = "startups = 100:30:200\n" };

    (void)set;
    find_rows();
    for (size_t i = 0; i < count; i++)
        users[i].name = rows[i].name;
    plan.user_count = count;
    server_share(&plan);
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
    if (count == 0)
        find_rows();
    return cr_make_param_array(struct row, rows, count);
}

/* SCRIPT HOST PORT USER PASSFILE CACERT WORKDIR */
ParameterizedTest(struct row *row, clients, play, .timeout = 150)
{
    char script[SERVER_PATH_MAX], port[16], password[SERVER_PATH_MAX];
    char certificate[SERVER_PATH_MAX], work[SERVER_PATH_MAX];
    struct server server;
    struct run_result r;

    server_shared(&server);
    snprintf(script, sizeof(script), "%s/%s.sh",
             server_source("tests/system/clients"), row->name);
    snprintf(port, sizeof(port), "%u", server.port);
    snprintf(password, sizeof(password), "%s",
             server_path(&server, "password"));
    snprintf(certificate, sizeof(certificate), "%s",
             server_path(&server, "certificate.pem"));
    snprintf(work, sizeof(work), "%.400s/work-%s", server.folder, row->name);
    files_make_folder(work, 0700);
    run(&r, NULL, "bash", script, "127.0.0.1", port, row->name, password,
        certificate, work, NULL);
    cr_assert_eq(r.status, 0, "%s.sh: exit status %d:\n%s", row->name, r.status,
                 r.text);
    run_release(&r);
}

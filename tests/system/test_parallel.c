/* Clients that open many connections at once, within the default limits: all
 * are served at the first attempt. */
#include "support/files.h"
#include "support/run.h"
#include "support/served.h"
#include "support/server_log.h"
#include "support/test.h"

static const struct server_plan plan = { .ports = "auto" };

static void play(const char *client)
{
    char port[16];
    char work[SERVER_PATH_MAX];
    struct server server;
    struct run_result r;

    server_start(&server, &plan);
    const char *script = server_source("tests/system/parallel_clients");
    snprintf(port, sizeof(port), "%u", server.port);
    const char *password = server_path(&server, "password");
    files_write(password, SERVER_PASSWORD, strlen(SERVER_PASSWORD), 0600);
    const char *certificate = server_path(&server, "certificate.pem");
    snprintf(work, sizeof(work), "%.400s/work", server.folder);
    run(&r, NULL, "bash", script, client, port, "anna", password, certificate,
        work, server_is_long() ? "10" : "2", NULL);
    cr_assert_eq(r.status, 0, "exit status %d:\n%s", r.status, r.text);
    cr_expect_not(server_log_has(&server, " refused "));
    run_release(&r);
    server_stop(&server);
}

Test(parallel, curl, .timeout = 200)
{
    play("curl");
}

Test(parallel, lftp, .timeout = 200)
{
    play("lftp");
}

Test(parallel, rclone, .timeout = 200)
{
    play("rclone");
}

/* As many sessions as an address and a user may have, all at the same step at
 * the same time. */
ServerTest(parallel, all_at_once, 200, &plan)
{
    static struct session s[64];

    for (int i = 0; i < 64; i++) {
        session_reach(&s[i], server);
    }
    for (int i = 0; i < 64; i++)
        session_start_tls(&s[i]);
    for (int i = 0; i < 64; i++)
        session_send(&s[i], "USER anna\r\nPASS " SERVER_PASSWORD);
    for (int i = 0; i < 64; i++) {
        session_expect(&s[i], "331 {*}");
        session_expect(&s[i], "230 {*}");
    }
    for (int i = 0; i < 64; i++)
        session_close(&s[i]);
}

/* Uploads that fail: no 226, nothing under the final name, one event with the
 * cause, and a retry succeeds. test_disks.c has the tests that need a file
 * system of their own. */
#include <criterion/criterion.h>
#include <criterion/hooks.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fault.h"
#include "support/files.h"
#include "support/run.h"
#include "support/server_log.h"
#include "support/wait.h"

#define LIMIT (FAULT_MIB)
#define LEN   (600 * FAULT_KIB)
#define SENT  (300 * FAULT_KIB)

static const struct server_user users[] = {
    { .name = "client" }, { .name = "session" }, { .name = "files" },
    { .name = "fin" },    { .name = "reset" },   { .name = "told" },
};

ReportHook(PRE_ALL)(struct criterion_test_set *set)
{
    const struct server_plan plan = {
        .users = users,
        .user_count = sizeof(users) / sizeof(*users),
        .settings = "max_file_size = 1048576\n",
        .troubles = true, /* sessions are killed */
    };

    (void)set;
    server_share(&plan);
    files_write(server_path(server_of_runner(), "password"), SERVER_PASSWORD,
                strlen(SERVER_PASSWORD), 0600);
}

static void retry(struct session *s, struct server *server, const char *user,
                  const unsigned char *bytes)
{
    fault_expect_absent(server, user, "f");
    fault_retry(s, server, user, "f", bytes, LEN);
    session_close(s);
}

/* Starts a real client, which stores "f" at RATE. */
static void curl_begin(struct running *curl, const struct server *server,
                       const char *user, const char *rate, const void *bytes,
                       size_t len)
{
    char file[SERVER_PATH_MAX], config[SERVER_PATH_MAX], name[64], url[128];
    char text[128];
    int n =
        snprintf(text, sizeof(text), "user=\"%s:%s\"\n", user, SERVER_PASSWORD);

    snprintf(name, sizeof(name), "%s-upload", user);
    snprintf(file, sizeof(file), "%s", server_path(server, name));
    files_write(file, bytes, len, 0600);
    snprintf(name, sizeof(name), "%s-curlrc", user);
    snprintf(config, sizeof(config), "%s", server_path(server, name));
    files_write(config, text, (size_t)n, 0600);
    snprintf(url, sizeof(url), "ftp://127.0.0.1:%u/f", server->port);
    run_start(curl, NULL,
              (char *[]){ "curl", "--config", config, "--silent", "--insecure",
                          "--ssl-reqd", "--limit-rate", (char *)rate, "-T",
                          file, url, NULL });
}

/* SIGKILL ends the client. */
Test(upload_faults, client_killed, .timeout = 60)
{
    unsigned char *bytes = fault_noise(LEN);
    struct server server;
    struct running curl;
    struct run_result r;
    struct session s;

    server_shared(&server);
    curl_begin(&curl, &server, "client", "50k", bytes, LEN);
    fault_wait_partial(&server, "client", 1);
    cr_assert_eq(kill(curl.pid, SIGKILL), 0);
    run_finish(&curl, &r);
    cr_assert_eq(r.status, 128 + SIGKILL);
    run_release(&r);
    server_log_wait(&server, "end ", " user=client ", NULL);
    session_enter_shared(&s, &server, "client");
    retry(&s, &server, "client", bytes);
    fault_expect_event(&server, "client", "f", -1, "reason=");
    free(bytes);
}

/* The session, which would report the transfer, is dead: files reports the
 * transfer, and gate the session's end. */
Test(upload_faults, session_killed, .timeout = 60)
{
    unsigned char *bytes = fault_noise(LEN);
    struct server server;
    struct session s, again;
    struct data d;

    fault_begin_upload(&s, &server, "session", &d, bytes, SENT);
    kill(fault_process(&server, "session", "sallyport: session"), SIGKILL);
    fault_expect_no_226(&s);
    server_log_wait(&server, "end ", " by=gate ", "reason=\"crash", NULL);
    server_log_wait(&server, "transfer process=files ", " user=session ", NULL);
    session_enter_shared(&again, &server, "session");
    retry(&again, &server, "session", bytes);
    fault_expect_event(&server, "session", "f", 0,
                       "the session died: signal 9");
    data_cut(&d, false);
    session_drop(&s);
    free(bytes);
}

Test(upload_faults, files_killed, .timeout = 60)
{
    unsigned char *bytes = fault_noise(LEN);
    struct server server;
    struct session s, again;
    struct data d;

    fault_begin_upload(&s, &server, "files", &d, bytes, SENT);
    kill(fault_process(&server, "files", "sallyport: files"), SIGKILL);
    session_expect(&s, "421 Part of the server failed{*}");
    fault_expect_no_226(&s);
    server_log_wait(&server, "end ", " user=files ", "another process", NULL);
    session_enter_shared(&again, &server, "files");
    retry(&again, &server, "files", bytes);
    fault_expect_event(&server, "files", "f", -1, "another process failed");
    data_cut(&d, false);
    session_drop(&s);
    free(bytes);
}

Test(upload_faults, master_killed, .timeout = 60)
{
    const struct server_plan plan = { .troubles = true };
    unsigned char *bytes = fault_noise(LEN);
    struct server server;
    struct session s, again;
    struct data d;

    session_begin(&s, &server, &plan);
    data_open(&s, &d, "STOR f");
    data_write(&d, bytes, SENT);
    fault_wait_partial(&server, "anna", 1);
    server_kill(&server);
    fault_expect_no_226(&s);
    fault_expect_event_only(&server, "anna", "f", 0, "another process failed");
    fault_expect_absent(&server, "anna", "f");
    server_again(&server);
    session_enter(&again, &server, "anna");
    retry(&again, &server, "anna", bytes);
    data_cut(&d, false);
    session_drop(&s);
    server_stop(&server);
    free(bytes);
}

static void cut(const char *user, bool reset)
{
    unsigned char *bytes = fault_noise(LEN);
    struct server server;
    struct session s;
    struct data d;

    fault_begin_upload(&s, &server, user, &d, bytes, SENT);
    data_cut(&d, reset);
    session_expect(&s, "426 {*}");
    retry(&s, &server, user, bytes);
    fault_expect_event(&server, user, "f", 426, "reason=");
    free(bytes);
}

Test(upload_faults, fin_without_close_notify, .timeout = 60)
{
    cut("fin", false);
}

Test(upload_faults, reset, .timeout = 60)
{
    cut("reset", true);
}

/* curl reads the reply after it has sent everything. A reset would hide that
 * the file is too large (curl's status 70, for a 552). */
Test(upload_faults, size_limit_of_curl, .timeout = 60)
{
    unsigned char *bytes = fault_noise(8 * LIMIT);
    struct server server;
    struct running curl;
    struct run_result r;

    server_shared(&server);
    curl_begin(&curl, &server, "told", "1G", bytes, 8 * LIMIT);
    run_finish(&curl, &r);
    cr_expect_eq(r.status, 70, "%s", r.text);
    run_release(&r);
    fault_expect_absent(&server, "told", "f");
    server_log_wait(&server, "transfer ", " user=told ", "result=552", NULL);
    free(bytes);
}

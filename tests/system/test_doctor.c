/* "sallyportctl doctor" beside a real server: what it finds, and that each
 * fault is found. The state of this machine's clock and firewall is as it is,
 * so an exit status that depends on it isn't tested. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "support/files.h"
#include "support/run.h"
#include "support/server.h"

static int doctor(const struct server *s, struct run_result *r)
{
    char config[SERVER_PATH_MAX];

    snprintf(config, sizeof(config), "%s", server_path(s, "sallyport.conf"));
    run(r, NULL, server_program("sallyportctl"), "--config", config, "doctor",
        NULL);
    return r->status;
}

static void expect_line(const struct run_result *r, const char *words)
{
    cr_expect_not_null(strstr(r->text, words), "no \"%s\" in:\n%s", words,
                       r->text);
}

/* The file gets the port that the kernel has chosen. */
static void name_port(const struct server *s)
{
    char listen[32];

    snprintf(listen, sizeof(listen), "127.0.0.1:%u", s->port);
    server_set(s, "listen", listen);
}

/* Runs doctor after each fault. */
static void expect_finding(const struct server *s, int status,
                           const char *words)
{
    struct run_result r;
    int got = doctor(s, &r);

    cr_expect(got == status || (status == 0 && got == 1), "%d: %s", got,
              r.text);
    expect_line(&r, words);
    run_release(&r);
}

Test(doctor, a_running_server_and_its_faults, .timeout = 60)
{
    struct server server;

    server_start(&server, &(struct server_plan){ .settings = NULL });
    name_port(&server);
    expect_finding(&server, 0, "configuration good     configuration is fine");
    expect_finding(&server, 0, "server        good     version ");
    expect_finding(&server, 0, "TLSv1.3; the certificate is valid for ");
    expect_finding(&server, 0, "it is self-signed");
    expect_finding(&server, 0, "the kernel chooses them: no firewall");
    expect_finding(&server, 0, "homes ");
    server_set(&server, "min_free", "99%");
    expect_finding(&server, 2, "uploads fail; ");
    server_set(&server, "min_free", "0");
    server_set(&server, "homes", "/nope/homes");
    expect_finding(&server, 1, "configuration warning  hint: ");
    expect_finding(&server, 1,
                   ": homes = /nope/homes: there is no such directory; unless "
                   "that is a typing error, run: install -d -m 0711 "
                   "/nope/homes\n");
    expect_finding(&server, 1, "configuration good     configuration is fine");
    server_set(&server, "homes", server_path(&server, "homes"));
    server_set(&server, "address", "192.0.2.1");
    expect_finding(&server, 0, "192.0.2.1, which no interface has: NAT");
    server_set(&server, "address", "10.1.2.3");
    expect_finding(&server, 1, "which is private and not of this machine");
    server_set(&server, "address", "127.0.0.1");
    expect_finding(&server, 1, "127.0.0.1, which is private\n");
    server_set(&server, "address", "ftp.example.org");
    expect_finding(&server, 1, "the certificate is not for ftp.example.org");
    server_set(&server, "ports", "32768-32770");
    expect_finding(&server, 1, "32768-32770");
    server_stop(&server);
}

/* The file has port 0, as in the quick start: the server knows the number. */
Test(doctor, a_port_that_the_kernel_chose, .timeout = 60)
{
    struct server server;

    server_start(&server, &(struct server_plan){ .settings = NULL });
    expect_finding(&server, 0, "TLSv1.3; the certificate is valid for ");
    server_set(&server, "listen", "127.0.0.1:0, 127.0.0.1:0");
    expect_finding(
        &server, 0,
        "TLS           note     127.0.0.1:0: not tested: the server's port "
        "isn't known");
    server_stop(&server);
}

Test(doctor, one_day_is_left, .timeout = 60)
{
    char directory[SERVER_PATH_MAX], config[SERVER_PATH_MAX];
    struct server server;
    struct run_result r;

    server_start(&server, &(struct server_plan){ .settings = NULL });
    snprintf(directory, sizeof(directory), "%s", server_path(&server, ""));
    snprintf(config, sizeof(config), "%s",
             server_path(&server, "sallyport.conf"));
    run(&r, NULL, server_source("certs/make"), "--force", "--days", "2",
        "--out", directory, "localhost", NULL);
    cr_assert_eq(r.status, 0, "%s", r.text);
    run_release(&r);
    run(&r, NULL, server_program("sallyportctl"), "--config", config, "reload",
        NULL);
    cr_assert_eq(r.status, 0, "%s", r.text);
    run_release(&r);
    sleep(2); /* two days less a second */
    expect_finding(&server, 1, "the certificate is valid for 1 day; SHA-256 ");
    server_stop(&server);
}

/* No TLS is spoken at the port that the file names. */
Test(doctor, nobody_answers, .timeout = 60)
{
    struct server server;

    server_start(&server, &(struct server_plan){ .settings = NULL });
    server_set(&server, "listen", "127.0.0.1:1");
    expect_finding(&server, 2, "127.0.0.1:1: can't connect: ");
    name_port(&server);
    cr_assert_eq(unlink(server_path(&server, "certificate.pem")), 0);
    expect_finding(&server, 2, "bad      ");
    expect_finding(&server, 2, "no file of the configuration has this");
    server_kill(&server);
    expect_finding(&server, 2, "server        bad      no server answers at ");
    server_forget(&server);
}

Test(doctor, json, .timeout = 60)
{
    struct server server;
    struct run_result r;
    char config[SERVER_PATH_MAX];

    server_start(&server, &(struct server_plan){ .settings = NULL });
    name_port(&server);
    snprintf(config, sizeof(config), "%s",
             server_path(&server, "sallyport.conf"));
    run(&r, NULL, server_program("sallyportctl"), "--config", config, "doctor",
        "--json", NULL);
    cr_expect_eq(r.text[0], '[', "%s", r.text);
    expect_line(&r, "\"check\": \"TLS\"");
    expect_line(&r, "\"finding\": \"good\"");
    expect_line(&r, "\"text\": \"TLSv1.3; ");
    run_release(&r);
    server_stop(&server);
}

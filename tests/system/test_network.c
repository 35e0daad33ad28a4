/* What clients are told to connect to, and active mode. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "support/run.h"
#include "support/server_log.h"
#include "support/session.h"

static void expect_told(const struct server *server, const char *from,
                        const char *told)
{
    struct session s;

    session_init(&s);
    snprintf(s.from, sizeof(s.from), "%s", from);
    session_open(&s, server, "anna");
    session_do(&s, told, "PASV");
    session_store(&s, "STOR", from, "bytes", 5); /* by EPSV */
    session_close(&s);
}

Test(network, each_network_is_told_its_own, .timeout = 60)
{
    const struct server_plan plan = {
        .settings = "address = 192.0.2.7\n"
                    "address.127.0.0.2/31 = 192.0.2.8\n"
                    "address.127.0.0.3 =\n"
                    "address.fd00::/8 = fd00::5\n",
    };
    struct server server;

    server_start(&server, &plan);
    expect_told(&server, "127.0.0.1", "227 {*}(192,0,2,7,{p1},{p2}){*}");
    expect_told(&server, "127.0.0.2", "227 {*}(192,0,2,8,{p1},{p2}){*}");
    expect_told(&server, "127.0.0.3", "227 {*}(127,0,0,1,{p1},{p2}){*}");
    server_stop(&server);
}

Test(network, a_client_in_active_mode, .timeout = 120)
{
    const struct server_plan plan = { .settings = "active = yes\n" };
    char port[16], script[SERVER_PATH_MAX], certificate[SERVER_PATH_MAX];
    struct server server;
    struct run_result r;

    server_start(&server, &plan);
    snprintf(port, sizeof(port), "%u", server.port);
    snprintf(script, sizeof(script), "%s",
             server_source("tests/system/active.py"));
    snprintf(certificate, sizeof(certificate), "%s",
             server_path(&server, "certificate.pem"));
    run(&r, NULL, "python3", script, port, certificate, SERVER_PASSWORD, NULL);
    cr_assert_eq(r.status, 0, "%d: %s", r.status, r.text);
    run_release(&r);
    server_stop(&server);
}

Test(network, active_mode_knows_one_host, .timeout = 60)
{
    const struct server_plan plan = { .settings = "active = yes\n" };
    struct server server;
    struct session s;
    struct buf log;

    server_start(&server, &plan);
    session_init(&s);
    session_open(&s, &server, "anna");
    session_do(&s, "504 Only your own address{*}", "PORT 127,0,0,2,200,1");
    session_do(&s, "504 Only your own address{*}", "EPRT |1|127.0.0.1|22|");
    session_do(&s, "200 {*} 127.0.0.1:1024.", "PORT 127,0,0,1,4,0");
    session_do(&s, "150 {*}", "LIST");
    session_expect(&s, "425 {*}your host refuses it{*}");
    session_store(&s, "STOR", "passive", "bytes", 5);
    session_do(&s, "200 {*}", "EPSV ALL");
    session_do(&s, "503 {*}", "EPRT |1|127.0.0.1|40000|");
    session_close(&s);
    buf_init(&log, 1 << 20);
    server_log(&server, &log);
    cr_expect(strstr(log.data, "to=127.0.0.2:51201"), "%s", log.data);
    buf_release(&log);
    server_stop(&server);
}

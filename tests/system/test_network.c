/* What clients are told to connect to. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

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

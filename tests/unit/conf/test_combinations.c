/* Settings that are right one by one and wrong together. */

#include "conf.h"

Test(combinations, mistakes)
{
    static const struct mistake table[] = {
        { "uid_first = 80000",
          "conf:1: uid_first = 80000: uid_first is above" },
        { "\nuid_last = 1000", "conf:2: uid_last = 1000: uid_first is above" },
        { "uid_first = 60000",
          "conf:1: uid_first = 60000: the range holds 65533" },
        { "uid_first = 65535", "the range holds 65533" },
        { "uid_first = 60000\nuid_last = 65533", "the range holds 65533" },
        { "gid_first = 90000",
          "conf:1: gid_first = 90000: gid_first is above gid_last" },
        { "gid_last = 1000", "conf:1: gid_last = 1000: gid_first is above" },
        { "gid_first = 65535", "the range holds 65533" },
        { "accounts = 70000",
          "conf:1: accounts = 70000: 70000 to 70003 reach into uid_first" },
        { "accounts = 69997", "conf:1: accounts = 69997: 69997 to 70000" },
        { "accounts = 79999", "79999 to 80002 reach into uid_first" },
        { "accounts = 80000", "80000 to 80003 reach into gid_first" },
        { "accounts = 89999", "89999 to 90002 reach into gid_first" },
        { "accounts = 65530",
          "conf:1: accounts = 65530: the range holds 65533" },
        { "accounts = 65535", "the range holds 65533" },
        { "listen = 0.0.0.0:30099",
          "conf: ports (default) = 30000-30999: holds a port of listen" },
        { "ports = 2000-2121\nlisten = 0.0.0.0:21, [::]:2121",
          "conf:1: ports = 2000-2121: holds a port of listen" },
        { "ports = 2121-2200\nlisten = 0.0.0.0:2121",
          "conf:1: ports = 2121-2200: holds a port of listen" },
        { "listen = 0.0.0.0:2222, 127.0.0.1:2222",
          "conf:1: listen = 0.0.0.0:2222, 127.0.0.1:2222: 127.0.0.1:2222 and "
          "0.0.0.0:2222 overlap" },
        { "listen = [::1]:2222 tls, [::]:2222",
          "[::1]:2222 and [::]:2222 overlap" },
        { "client_certificates = request",
          "conf:1: client_certificates = request: name the file of the CA" },
        { "client_crl = /x\nclient_certificates = require\nclient_ca =",
          "conf:2: client_certificates = require: name the file of the CA" },
        { "client_ca = x", "client_ca = x: expected an absolute path or "
                           "nothing" },
        { "client_certificates = yes", "expected off, request or require" },
    };

    EXPECT_MISTAKES(table);
}

Test(combinations, just_right)
{
    static const char *const table[] = {
        "uid_first = 79999",
        "uid_first = 60000\nuid_last = 65532",
        "uid_first = 65536",
        "gid_first = 89999",
        "gid_first = 2000\ngid_last = 65532",
        "accounts = 69996",
        "accounts = 90000",
        "accounts = 65529",
        "accounts = 65536",
        "accounts = 4294967291",
        "listen = 0.0.0.0:50100",
        "listen = 0.0.0.0:49999",
        "ports = auto\nlisten = 127.0.0.1:0",
        "listen = 0.0.0.0:2222, [::]:2222, 127.0.0.1:2223",
        "listen = 0.0.0.0:0, 127.0.0.1:0",
        "client_certificates = require\nclient_ca = /x",
        "client_ca =\nclient_crl =",
    };

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        cr_expect_eq(parse(table[i]), 0, "%s: %s", table[i], c.text);
    }
}

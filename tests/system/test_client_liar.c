/* A listing without an end, and proxies that lie; transcripts/faulty has
 * further servers. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "faulty.h"
#include "support/files.h"

/* The names of all files to transfer must fit into memory. With sanitizers two
 * million names take long. */
Test(liar, a_tree_that_is_too_large, .timeout = 120)
{
    static const char *const verbs[][2] = { { "get", "-r" }, { "sync", "-q" } };
    static struct faulty f;
    struct run_result r;

    if (server_is_sanitized() && !server_is_long())
        cr_skip_test("the release build is tested");
    faulty_begin(&f, "large_tree", "good");
    for (size_t i = 0; i < 2; i++) {
        desk_client(&f.desk, EX_DATAERR, &r, NULL, verbs[i][0], verbs[i][1],
                    "/", "in", NULL);
        const char *says = strstr(r.text, "too many files for one call");
        cr_assert_not_null(says, "%s", r.text);
        cr_expect_null(strstr(says + 1, "too many files"), "%s", r.text);
        run_release(&r);
    }
    cr_expect_eq(faulty_count("RETR "), 0);
    faulty_end(&f);
}

/* All connections go through a proxy, which looks up the name. */
Test(liar, proxies, .timeout = 200)
{
    static const char *const schemes[] = { "socks5h", "http" };
    static struct faulty f;

    faulty_begin(&f, "renames", "other");
    faulty_rename_host(&f, "other.example");
    files_write("file", "a text of forty bytes that is one file.\n", 40, 0644);
    for (size_t i = 0; i < 2; i++) {
        char url[64];
        pid_t pid = faulty_proxy("none", schemes[i], "", url);

        desk_says(&f.desk, 0, NULL, "put", "--proxy", url,
                  "--conflict=overwrite", "file", "/new", NULL);
        desk_says(&f.desk, 0, NULL, "get", "--proxy", url,
                  "--conflict=overwrite", "/new", "got", NULL);
        desk_same("file", "got");
        desk_says(&f.desk, 0, "connects through the proxy", "doctor", "--proxy",
                  url, "/", NULL);
        setenv("ALL_PROXY", url, 1);
        desk_says(&f.desk, 0, NULL, "ls", "/", NULL);
        desk_says(&f.desk, EX_NOHOST, "no such host", "ls", "--proxy", "none",
                  "/", NULL);
        setenv("NO_PROXY", "192.0.2.0/24, .EXAMPLE", 1);
        desk_says(&f.desk, EX_NOHOST, "no such host", "ls", "/", NULL);
        unsetenv("NO_PROXY");
        unsetenv("ALL_PROXY");
        faulty_proxy_end(pid);
    }
    faulty_end(&f);
}

/* What a proxy answers can't harm, and has a deadline. */
Test(liar, proxies_that_lie, .timeout = 200)
{
    static const struct {
        const char *fault, *scheme;
        int status;
        const char *text;
    } rows[] = {
        { "garbage", "socks5h", EX_UNAVAILABLE, "invalid version" },
        { "garbage", "http", EX_UNAVAILABLE, "the proxy didn't connect" },
        { "long", "http", EX_UNAVAILABLE, "too large" },
        { "slow", "http", EX_TEMPFAIL, "no answer in time" },
        { "silent", "socks5h", EX_TEMPFAIL, "no answer in time" },
        { "data_silent", "socks5h", EX_TEMPFAIL, "no answer in time" },
        { "data_silent", "http", EX_TEMPFAIL, "no answer in time" },
        { "refused", "socks5h", EX_UNAVAILABLE, "the proxy didn't connect" },
        { "refused", "http", EX_UNAVAILABLE, "403" },
        { "password", "socks5h", EX_NOPERM, "wants a user name" },
        { "password", "http", EX_NOPERM, "user name and password" },
    };
    static struct faulty f;

    faulty_begin(&f, "none", "good");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char url[64];
        pid_t pid = faulty_proxy(rows[i].fault, rows[i].scheme, "", url);

        desk_says(&f.desk, rows[i].status, rows[i].text, "ls", "--retries=0",
                  "--timeout=2", "--proxy", url, "/", NULL);
        desk_says(&f.desk, rows[i].status, url, "ls", "--retries=0",
                  "--timeout=2", "--proxy", url, "/", NULL);
        faulty_proxy_end(pid);
    }
    faulty_end(&f);
}

/* Its password comes from netrc, and --debug doesn't show it. */
Test(liar, proxies_with_a_password, .timeout = 100)
{
    static const char netrc[] = "machine 127.0.0.1 login anna password secret";
    static const char *const schemes[] = { "socks5h", "http" };
    static struct faulty f;
    struct run_result r;

    faulty_begin(&f, "none", "good");
    files_write("netrc", netrc, strlen(netrc), 0600);
    for (size_t i = 0; i < 2; i++) {
        char url[64];
        pid_t pid = faulty_proxy("password", schemes[i], "anna@", url);

        desk_says(&f.desk, 0, "file", "ls", "--netrc", "netrc", "--proxy", url,
                  "/", NULL);
        desk_client(&f.desk, 0, &r, NULL, "ls", "--debug", "--netrc", "netrc",
                    "--proxy", url, "/", NULL);
        cr_expect_null(strstr(r.text, "YW5uYTpzZWNyZXQ"), "%s", r.text);
        run_release(&r);
        desk_says(&f.desk, EX_NOPERM, "use netrc", "ls", "--proxy", url, "/",
                  NULL);
        faulty_proxy_end(pid);
    }
    desk_says(&f.desk, EX_USAGE, "can be read by every user", "ls", "--proxy",
              "http://anna:secret@127.0.0.1:1", "/", NULL);
    faulty_end(&f);
}

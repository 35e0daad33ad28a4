/* "metrics": its output, and the answer that etc/answer-metrics makes of it for
 * an HTTP client. The test plays the server, and systemd. */
#include "ctl/ctl.h"
#include "played.h"
#include "sallyport/event/metrics.h"
#include "support/files.h"
#include "world.h"

TestSuite(metrics, .init = world_make, .fini = scratch_remove);

#define GET "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"

Test(metrics, are_printed)
{
    const struct metrics all = { .gauge = { [GAUGE_USERS] = 5 } };
    const uint8_t *byte = (const uint8_t *)&all;
    static char script[8 * sizeof(all)];
    size_t len = (size_t)sprintf(
        script, "ON show what=SHOW_METRICS -> metrics_are metrics=");

    for (size_t i = 0; i < sizeof(all); i++)
        len += (size_t)sprintf(script + len, "<0x%02x>", byte[i]);
    played_server(script);
    expect_out(0, "", "metrics", "\nsallyport_users 5\n");
    played_server("ON -> metrics_are metrics=12345678\n");
    expect_err(EX_PROTOCOL, "", "metrics", "unexpected answer of the server");
    played_end();
    expect_err(EX_UNAVAILABLE, "", "metrics", "no server answers");
}

/* Runs etc/answer-metrics with REQUEST as its standard input. TEXT is the file
 * that it serves; NULL: an empty one, to which it can't write. Returns its
 * output. */
static const char *answer(const char *request, const char *text)
{
    static char out[4096];
    char command[512];
    FILE *f;

    file_write(in_scratch("request"), request);
    if (text)
        file_write(in_scratch("text"), text);
    snprintf(command, sizeof(command), "sh '%s' '%s' <'%s'",
             in_source("etc/answer-metrics"),
             text ? in_scratch("text") : "/dev/null", in_scratch("request"));
    f = popen(command, "re");
    cr_assert_not_null(f);
    out[fread(out, 1, sizeof(out) - 1, f)] = '\0';
    pclose(f);
    return out;
}

/* A client that leaves before the empty line of its request gets nothing. */
Test(metrics, are_answered)
{
    cr_expect_str_eq(answer(GET, "a 1\nb 2\n"),
                     "HTTP/1.1 200 OK\r\n"
                     "Content-Type: text/plain; version=0.0.4; "
                     "charset=utf-8\r\nContent-Length: 8\r\n"
                     "Connection: close\r\n\r\na 1\nb 2\n");
    cr_expect_eq(
        strncmp(answer("GET / HTTP/1.0\n\n", "a 1\n"), "HTTP/1.1 200", 12), 0);
    cr_expect_str_eq(answer(GET, NULL),
                     "HTTP/1.1 503 Service Unavailable\r\n"
                     "Content-Type: text/plain; version=0.0.4; "
                     "charset=utf-8\r\nContent-Length: 25\r\n"
                     "Connection: close\r\n\r\nthe server doesn't answer");
    cr_expect_str_eq(answer("GET /metr", "a 1\n"), "");
    cr_expect_str_eq(answer("", "a 1\n"), "");
    cr_expect_str_eq(answer("GET $(id) `id` \\x41\r\n", "a 1\n"), "");
}

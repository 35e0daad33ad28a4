/* The form of a line; the count of lines that can't be written, and the line
 * after them. */
#include <fcntl.h>
#include <limits.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "log/log.h"
#include "support/test.h"

static struct metrics shared;
static struct log l = { .metrics = &shared };
static const struct sender from = { .log = &l, .process = PROCESS_GATE };

static size_t write_number(uint64_t n)
{
    struct event_record r;

    event_begin(&r, EVENT_SERVICE);
    event_number(&r, FIELD_NUMBER, n);
    return line_write(&l, &from, &r);
}

/* As on a full disk: a write ends there, and the next one fails. */
static void limit_output(rlim_t bytes)
{
    const struct rlimit limit = { bytes, RLIM_INFINITY };

    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void expect_line(FILE *lines, const char *end)
{
    char line[512];

    cr_assert_not_null(fgets(line, sizeof(line), lines), "no line %s", end);
    cr_expect(strlen(line) >= strlen(end) &&
                  strcmp(line + strlen(line) - strlen(end), end) == 0,
              "%s instead of %s", line, end);
}

Test(line, a_full_disk)
{
    FILE *lines;
    size_t len;

    signal(SIGXFSZ, SIG_IGN);
    l.output = memfd_create("lines", 0);
    lines = fdopen(l.output, "r");
    cr_assert_not_null(lines);
    len = write_number(1);
    cr_assert_gt(len, 20);
    limit_output(len + 10); /* a torn line, and two that don't begin */
    for (uint64_t n = 2; n <= 4; n++)
        cr_assert_geq(write_number(n), len - 1, "it costs its sender as much");
    cr_assert_eq(shared.lost, 3);
    limit_output(len + 20); /* the report is torn as well */
    write_number(5);
    cr_assert_eq(shared.lost, 4);
    limit_output(RLIM_INFINITY);
    l = (struct log){ .metrics = &shared,
                      .output = l.output }; /* another log */
    write_number(6);
    cr_assert_eq(shared.lost, 0);
    cr_assert_eq(lseek(l.output, 0, SEEK_SET), 0);
    expect_line(lines, " service process=gate number=1\n");
    expect_line(lines, "\n"); /* what was torn */
    expect_line(lines, "\n");
    expect_line(lines, " service process=log reason=\"lines lost\" number=4\n");
    expect_line(lines, " service process=gate number=6\n");
    cr_assert_null(fgets((char[8]){ 0 }, 8, lines));
    fclose(lines);
}

/* Another process can make the output non-blocking. The reader is slower than
 * the writer, and the pipe is full nearly all the time. */
Test(line, an_output_that_does_not_block)
{
    enum { LINES = 500 };
    int ends[2], status, lines = 0;
    pid_t reader;
    char c;

    cr_assert_eq(pipe2(ends, O_NONBLOCK), 0);
    cr_assert_gt(fcntl(ends[1], F_SETPIPE_SZ, 4096), 0);
    cr_assert_eq(fcntl(ends[0], F_SETFL, 0), 0);
    reader = fork();
    if (reader == 0) {
        close(ends[1]);
        while (read(ends[0], &c, 1) == 1)
            lines += c == '\n';
        _exit(lines == LINES ? 0 : 1);
    }
    close(ends[0]);
    l.output = ends[1];
    for (uint64_t n = 0; n < LINES; n++)
        write_number(n);
    close(ends[1]);
    cr_assert_eq(waitpid(reader, &status, 0), reader);
    cr_expect_eq(status, 0, "lines are missing");
    cr_expect_eq(shared.lost, 0);
}

static const struct {
    enum log_format format;
    bool prefixed;
    const char *begin, *end;
} forms[] = {
    { LOG_TEXT, false, "20", " service process=gate number=7\n" },
    { LOG_TEXT, true, "<5>20", " service process=gate number=7\n" },
    { LOG_JSON, false, "{\"v\":1,\"time\":\"20",
      "Z\",\"severity\":\"notice\",\"event\":\"service\","
      "\"process\":\"gate\",\"number\":7}\n" },
    { LOG_JSON, true, "<5>{\"v\":1,", "\"number\":7}\n" },
};

/* Each is one write. */
Test(line, forms)
{
    int ends[2];

    cr_assert_eq(socketpair(AF_UNIX, SOCK_DGRAM, 0, ends), 0);
    l.output = ends[0];
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        char got[512];
        ssize_t n;

        l.format = forms[i].format;
        l.prefixed = forms[i].prefixed;
        write_number(7);
        n = recv(ends[1], got, sizeof(got) - 1, 0);
        cr_assert_gt(n, 0);
        got[n] = '\0';
        cr_expect_eq(strncmp(got, forms[i].begin, strlen(forms[i].begin)), 0,
                     "%s", got);
        cr_expect_str_eq(got + n - strlen(forms[i].end), forms[i].end);
    }
}

/* A pipe can mix the bytes of several processes if one write has more than
 * PIPE_BUF bytes: then bytes of a client could begin a line. */
Test(line, the_longest)
{
    static const enum event_field fields[] = { FIELD_PATH,  FIELD_TO,
                                               FIELD_LOCAL, FIELD_USER,
                                               FIELD_VERB,  FIELD_REASON,
                                               FIELD_TLS };
    static const char kinds[] = { '\x80', '\\', '"', 'x' };
    static char bytes[EVENT_BYTES_MAX], got[2 * EVENT_BYTES_MAX];
    int ends[2];

    cr_assert_eq(socketpair(AF_UNIX, SOCK_DGRAM, 0, ends), 0);
    l.output = ends[0];
    for (size_t form = 0; form < sizeof(forms) / sizeof(forms[0]); form++)
        for (size_t kind = 0; kind < sizeof(kinds); kind++)
            for (size_t n = 1; n <= sizeof(fields) / sizeof(fields[0]); n++) {
                const size_t each =
                    n == 1 ? EVENT_VALUE_MAX / 2 : EVENT_BYTES_MAX / 8;
                struct event_record r;
                ssize_t len;

                memset(bytes, kinds[kind], sizeof(bytes));
                event_begin(&r, EVENT_SERVICE);
                for (size_t i = 0; i < n; i++)
                    event_text(&r, fields[i], (struct slice){ bytes, each });
                l.format = forms[form].format;
                l.prefixed = forms[form].prefixed;
                cr_expect_leq(line_write(&l, &from, &r), PIPE_BUF);
                cr_expect_eq(shared.lost, 0);
                len = recv(ends[1], got, sizeof(got) - 1, 0);
                cr_assert_gt(len, 0);
                got[len] = '\0';
                cr_expect_eq(strchr(got, '\n'), got + len - 1);
                cr_expect_eq(!strstr(got, "\\["), n == 1, "%s", got);
                cr_expect(n == 1 || len > PIPE_BUF / 4, "%s", got);
            }
}

/* Two generations of log share a pipe. */
Test(line, two_writers_of_a_pipe)
{
    enum { LINES = 300 };
    static char path[EVENT_TEXT_MAX];
    char *line = NULL;
    size_t room = 0, lines = 0;
    int ends[2];
    FILE *reader;

    memset(path, 0x80, sizeof(path));
    cr_assert_eq(pipe(ends), 0);
    for (int writer = 0; writer < 2; writer++)
        if (fork() == 0) {
            struct event_record r;

            event_begin(&r, EVENT_SERVICE);
            event_text(&r, FIELD_PATH, (struct slice){ path, sizeof(path) });
            event_text(&r, FIELD_TO, SLICE("/"));
            l.output = ends[1];
            for (int n = 0; n < LINES; n++) {
                r.text[FIELD_PATH].len = sizeof(path) - (size_t)n;
                line_write(&l, &from, &r);
            }
            _exit(0);
        }
    close(ends[1]);
    reader = fdopen(ends[0], "r");
    while (getline(&line, &room, reader) > 0) {
        lines++;
        cr_expect(strncmp(line, "20", 2) == 0 && strstr(line, " to=/\n"), "%s",
                  line);
    }
    cr_expect_eq(lines, 2 * LINES);
    free(line);
    fclose(reader);
}

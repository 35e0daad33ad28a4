/* The load generator of tests/lab/bench/run. Runs one row of its table against
 * one server on loopback. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "load.h"
#include "wire.h"

#define DEADLINE_S 900u /* for a whole row */

static const char usage[] =
    "usage: bench_load ROW --port N --user NAME --ca FILE [option value]...\n"
    "\n"
    "Logs in with TLS, does a row of tests/lab/bench/run, and prints its "
    "figures\n"
    "as JSON. The password is in the environment, BENCH_PASSWORD. After the\n"
    "words \"ready\" and \"done\" it waits for a line on standard input.\n"
    "\n"
    "rows:\n"
    "  down, up              a file by each of --streams; --source, --remote\n"
    "  small-down, small-up  --count files of 4 KiB; --source, --remote\n"
    "  login                 --count logins by each of --streams\n"
    "  list                  --command (LIST, MLSD) in --remote; --count "
    "names\n"
    "  idle                  --count idle sessions\n"
    "  latency               NOOP on --count idle sessions for --seconds "
    "while\n"
    "                        --streams fetch --remote; with --echo PORT the\n"
    "                        idle sessions are those of a bare echo\n";

static const struct row {
    const char *name;
    void (*run)(const struct plan *p);
} rows[] = {
    { "down", row_down },
    { "up", row_up },
    { "small-down", row_small_down },
    { "small-up", row_small_up },
    { "login", row_login },
    { "list", row_list },
    { "idle", row_idle },
    { "latency", row_latency },
};

static _Noreturn void misused(void)
{
    fputs(usage, stderr);
    exit(64);
}

static unsigned number(const char *text)
{
    char *end = NULL;
    errno = 0;
    unsigned long n = strtoul(text, &end, 10);
    if (errno || end == text || *end || *text == '-' || n == 0 || n > 10000000)
        misused();
    return (unsigned)n;
}

static const char *parse(struct plan *p, int argc, char **argv)
{
    const char *ca = NULL;

    for (int i = 2; i + 1 < argc; i += 2) {
        const char *name = argv[i], *value = argv[i + 1];
        if (strcmp(name, "--port") == 0)
            p->account.port = number(value);
        else if (strcmp(name, "--user") == 0)
            p->account.user = value;
        else if (strcmp(name, "--ca") == 0)
            ca = value;
        else if (strcmp(name, "--streams") == 0)
            p->streams = number(value);
        else if (strcmp(name, "--count") == 0)
            p->count = number(value);
        else if (strcmp(name, "--seconds") == 0)
            p->seconds = number(value);
        else if (strcmp(name, "--echo") == 0)
            p->echo_port = number(value);
        else if (strcmp(name, "--source") == 0)
            p->source = value;
        else if (strcmp(name, "--remote") == 0)
            p->remote = value;
        else if (strcmp(name, "--command") == 0)
            p->command = value;
        else
            misused();
    }
    p->account.password = getenv("BENCH_PASSWORD");
    if (argc % 2 != 0 || !ca || !p->account.port || !p->account.user ||
        !p->account.password)
        misused();
    return ca;
}

struct source load_source(const struct plan *p)
{
    struct stat st;
    int fd = p->source ? open(p->source, O_RDONLY | O_CLOEXEC) : -1;

    if (fd < 0 || fstat(fd, &st) < 0)
        wire_fail("--source: %s", strerror(errno));
    size_t len = (size_t)st.st_size;
    void *bytes = mmap(NULL, len, PROT_READ, MAP_SHARED | MAP_POPULATE, fd, 0);
    if (bytes == MAP_FAILED)
        wire_fail("%s: %s", p->source, strerror(errno));
    close(fd);
    return (struct source){ bytes, len };
}

void load_step(const char *word)
{
    char line[16];

    printf("%s\n", word);
    fflush(stdout);
    if (!fgets(line, sizeof(line), stdin))
        wire_fail("standard input ended");
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

void load_sort(double *values, size_t n)
{
    qsort(values, n, sizeof(*values), compare);
}

double load_percentile(const double *values, size_t n, double percent)
{
    size_t at = (size_t)((double)n * percent / 100);
    return n == 0 ? 0 : values[at < n ? at : n - 1];
}

int main(int argc, char **argv)
{
    struct plan p = { .count = 1, .streams = 1, .seconds = 1, .remote = "" };

    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        fputs(usage, stdout);
        return 0;
    }
    if (argc < 2)
        misused();
    const char *ca = parse(&p, argc, argv);
    signal(SIGPIPE, SIG_IGN);
    alarm(DEADLINE_S);
    p.account.ctx = wire_client(ca);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (strcmp(argv[1], rows[i].name) == 0) {
            rows[i].run(&p);
            fflush(stdout);
            _exit(0); /* downloads of a row can still run */
        }
    }
    misused();
}

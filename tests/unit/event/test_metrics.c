/* The metrics: what each event adds, and the text. */
#include "sallyport/event/metrics.h"

#include "sallyport/base/shared.h"
#include "support/files.h"
#include "support/metrics.h"
#include "support/test.h"

#define TEXT_MAX (1 << 20)

static struct metrics m;

static void expect(const char *line)
{
    struct buf text;
    const char *at;

    buf_init(&text, TEXT_MAX);
    cr_assert_eq(metrics_text(&m, &text), 0);
    cr_assert_eq(buf_add(&text, "", 1), 0);
    at = strstr(text.data, line);
    cr_expect(at && at[-1] == '\n' && at[strlen(line)] == '\n',
              "no \"%s\" in:\n%s", line, text.data);
    buf_release(&text);
}

static void count_transfer(const char *verb, uint64_t result, uint64_t bytes,
                           uint64_t ms, const char *tls)
{
    struct event_record r;

    event_begin(&r, EVENT_TRANSFER);
    event_text(&r, FIELD_VERB, slice_from(verb));
    event_number(&r, FIELD_RESULT, result);
    event_number(&r, FIELD_BYTES, bytes);
    event_number(&r, FIELD_MS, ms);
    if (tls)
        event_text(&r, FIELD_TLS, slice_from(tls));
    metrics_count(&m, &r);
}

Test(metrics, of_a_refused_users_file)
{
    expect("sallyport_users_file_refused 0");
    metrics_gauge(&m, GAUGE_REFUSED, 1);
    expect("sallyport_users_file_refused 1");
}

Test(metrics, of_transfers)
{
    count_transfer("STOR", 226, 10, 100, "TLSv1.3 X resumed");
    count_transfer("APPE", 226, 5, 101, "TLSv1.2 Y resumed");
    count_transfer("RETR", 426, 7, 7200001, "TLSv1.3 X");
    count_transfer("RETR", 552, 0, 0, NULL);
    count_transfer("MLSD", 550, 0, 0, "TLSv9 resumed");
    count_transfer("XCRC", 250, 1, 0, NULL);
    expect("sallyport_transfers_total{direction=\"upload\","
           "result=\"complete\"} 2");
    expect("sallyport_transfer_bytes_total{direction=\"upload\","
           "result=\"complete\"} 15");
    expect("sallyport_transfers_total{direction=\"download\","
           "result=\"cut\"} 1");
    expect("sallyport_transfers_total{direction=\"download\","
           "result=\"no space\"} 1");
    expect("sallyport_transfers_total{direction=\"listing\","
           "result=\"failed\"} 1");
    expect("sallyport_transfers_total{direction=\"checksum\","
           "result=\"complete\"} 1");
    expect("sallyport_tls_handshakes_total{connection=\"data\","
           "version=\"TLSv1.3\",resumed=\"yes\"} 1");
    expect("sallyport_tls_handshakes_total{connection=\"data\","
           "version=\"TLSv1.3\",resumed=\"no\"} 1");
    expect("sallyport_tls_handshakes_total{connection=\"data\","
           "version=\"other\",resumed=\"yes\"} 1");
    expect("sallyport_events_total{event=\"transfer\"} 6");
}

#define UPLOAD(what, more)                                                     \
    "sallyport_transfer_duration_seconds_" what "{direction=\"upload\"" more   \
    "} "

/* A bucket has all that took at most so long. */
Test(metrics, of_durations)
{
    count_transfer("STOR", 226, 10, 100, NULL);
    count_transfer("STOR", 226, 10, 101, NULL);
    count_transfer("STOR", 226, 10, 7200001, NULL);
    expect(UPLOAD("bucket", ",le=\"0.1\"") "1");
    expect(UPLOAD("bucket", ",le=\"0.5\"") "2");
    expect(UPLOAD("bucket", ",le=\"7200\"") "2");
    expect(UPLOAD("bucket", ",le=\"+Inf\"") "3");
    expect(UPLOAD("sum", "") "7200.202");
    expect(UPLOAD("count", "") "3");
    expect("sallyport_session_duration_seconds_bucket{le=\"+Inf\"} 0");
}

/* sallyportctl shows nothing of listings and checksums. */
Test(metrics, totals)
{
    struct metrics_totals t;
    struct event_record r;

    count_transfer("STOR", 226, 10, 0, NULL);
    count_transfer("APPE", 426, 5, 0, NULL);
    count_transfer("RETR", 226, 7, 0, NULL);
    count_transfer("RETR", 552, 1, 0, NULL);
    count_transfer("MLSD", 226, 100, 0, NULL);
    count_transfer("XCRC", 550, 100, 0, NULL);
    event_begin(&r, EVENT_LOGIN);
    metrics_count(&m, &r);
    event_begin(&r, EVENT_LOGIN_FAILED);
    event_text(&r, FIELD_REASON, SLICE("wrong password"));
    metrics_count(&m, &r);
    event_text(&r, FIELD_REASON, SLICE("a new reason"));
    metrics_count(&m, &r);
    metrics_total(&m, &t);
    cr_expect_eq(t.complete, 2);
    cr_expect_eq(t.failed, 2);
    cr_expect_eq(t.bytes_in, 15);
    cr_expect_eq(t.bytes_out, 8);
    cr_expect_eq(t.logins_failed, 2);
}

static void count_reason(enum event e, const char *reason, uint64_t number)
{
    struct event_record r;

    event_begin(&r, e);
    if (reason)
        event_text(&r, FIELD_REASON, slice_from(reason));
    if (number > 0)
        event_number(&r, FIELD_NUMBER, number);
    metrics_count(&m, &r);
}

Test(metrics, of_reasons)
{
    count_reason(EVENT_LOGIN, NULL, 0);
    count_reason(EVENT_LOGIN_FAILED, "expired", 0);
    count_reason(EVENT_LOGIN_FAILED, "x\"} 9\nforged 1", 0);
    count_reason(EVENT_LOGIN_FAILED, NULL, 0);
    count_reason(EVENT_REFUSED, "ban", 4);
    count_reason(EVENT_REFUSED, "more of them", 3);
    count_reason(EVENT_COMMAND_REFUSED, "no active mode", 0);
    expect("sallyport_logins_total{result=\"accepted\"} 1");
    expect("sallyport_logins_total{result=\"expired\"} 1");
    expect("sallyport_logins_total{result=\"other\"} 2");
    expect("sallyport_refused_connections_total{reason=\"ban\"} 1");
    expect("sallyport_refused_connections_total{reason=\"more of them\"} 7");
    expect("sallyport_refused_commands_total{reason=\"no active mode\"} 1");
}

/* Each event has a place, also the last one. */
Test(metrics, have_room_for_each_event)
{
    for (unsigned e = 0; e <= EVENT_COUNT; e++)
        count_reason((enum event)e, NULL, 0);
    for (unsigned e = 0; e < EVENT_COUNT; e++) {
        char line[128];

        snprintf(line, sizeof(line), "sallyport_events_total{event=\"%s\"} 1",
                 event_name((enum event)e));
        expect(line);
    }
}

Test(metrics, gauges)
{
    metrics_gauge(&m, GAUGE_GREETED, 7);
    metrics_gauge(&m, GAUGE_CERTIFICATE, 1866646081);
    expect("sallyport_sessions{state=\"not logged in\"} 7");
    expect("sallyport_certificate_expiry_timestamp_seconds 1866646081");
    expect("sallyport_build_info{version=\"" SALLYPORT_VERSION "\"} 1");
}

Test(metrics, text_without_room)
{
    struct buf text;

    for (size_t size = 0; size < 4096; size += 100) {
        buf_init(&text, size);
        cr_expect_eq(metrics_text(&m, &text), -ENOBUFS);
        buf_release(&text);
    }
}

/* A file that somebody cuts would end its reader. */
Test(metrics, memory_must_be_sealed)
{
    int good = metrics_memory(), bad = memfd_create("bad", MFD_ALLOW_SEALING);
    struct metrics *p = NULL;

    cr_assert_eq(SHARED_MAP(p, good, PROT_READ), 0);
    munmap(p, sizeof(*p));
    cr_assert_eq(ftruncate(bad, sizeof(*p)), 0);
    cr_expect_eq(SHARED_MAP(p, bad, PROT_READ), -EINVAL);
    cr_assert_eq(ftruncate(bad, 8), 0);
    cr_assert_eq(fcntl(bad, F_ADD_SEALS, F_SEAL_SHRINK), 0);
    cr_expect_eq(SHARED_MAP(p, bad, PROT_READ), -EINVAL);
    close(good);
    close(bad);
}

/* The processes files are forks of master, which can write it. */
Test(metrics, memory_is_not_in_a_fork)
{
    int memory = metrics_memory(), status;
    struct metrics *p = NULL;

    cr_assert_eq(SHARED_MAP(p, memory, PROT_READ | PROT_WRITE), 0);
    pid_t pid = fork();
    cr_assert_geq(pid, 0);
    if (pid == 0) {
        signal(SIGSEGV, SIG_DFL); /* instead of a sanitizer's handler */
        *(volatile uint64_t *)&p->counter[0] = 1;
        _exit(0);
    }
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    cr_expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV, "%x",
              (unsigned)status);
    cr_expect_eq(p->counter[0], 0);
    munmap(p, sizeof(*p));
    close(memory);
}

/* The lists of reasons in the rooms that send the events. */
static const struct {
    const char *file, *row;
} reasons[] = {
    { "/src/server/session/login.c", "\n    [DENIAL_" },
    { "/src/server/auth/judge.c", "\n    [JUDGED_" },
    { "/src/server/gate/limits.c", "\n    [LIMIT_" },
};

static char *source(const char *name)
{
    struct buf text;

    buf_init(&text, 1 << 20);
    cr_assert(files_read(in_source(name), &text), "%s", name);
    cr_assert_eq(buf_add(&text, "", 1), 0);
    return text.data;
}

/* A reason that isn't in the table would count as "other". */
Test(metrics, know_each_reason)
{
    char *table = source("src/lib/event/metrics.c");
    size_t known = 0;

    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
        char *text = source(reasons[i].file), *at = text;

        while ((at = strstr(at, reasons[i].row))) {
            char *end, *next = strstr(++at, "\n    [");
            char *begin = strchr(at, '"'), *null = strstr(at, "NULL");

            if (!begin || (next && begin > next) || begin[1] == '"' ||
                (null && null < begin))
                continue; /* no reason */
            end = strpbrk(begin + 1, "\"");
            *end = '\0';
            cr_expect(strstr(table, begin), "%s: %s", reasons[i].file, begin);
            *end = '"';
            known++;
        }
        free(text);
    }
    cr_expect_geq(known, 20);
    free(table);
}

/* The values don't count. */
Test(metrics, have_a_name_for_their_tables)
{
    const char *name = metrics_name();

    cr_expect_eq(strlen(name), strlen("metrics 2 0123456789abcdef"));
    metrics_gauge(&m, GAUGE_USERS, 7);
    cr_expect_eq(metrics_name(), name);
}

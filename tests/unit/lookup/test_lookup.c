/* The process lookup without its sandbox, with the test as its master. No try
 * here uses the network: hosts are numbers, or the resolver is the test's. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "lookup/lookup.h"
#include "sallyport/base/clock.h"
#include "sallyport/base/fd.h"
#include "sallyport/ipc/channel.h"
#include "support/child.h"
#include "support/messages.h"
#include "support/wait.h"

#define FOR_EVER (1000 * 1000)

typedef void resolve_fn(const char *name, struct finding *ret);

static struct times {
    uint64_t try_ms, pause_ms, pause_max_ms;
} times = { LOOKUP_TRY_MS, FOR_EVER, FOR_EVER };

/* Shared by the tries of a test. */
static struct tries {
    unsigned count;
    uint64_t at[32]; /* clock_ms() */
} *tries;

struct bench {
    pid_t pid;
    struct channel master, log;
};

static struct lookup lookup;
static resolve_fn *resolves;

static void adjust(void)
{
    lookup.resolve = resolves ? resolves : resolve_host;
    lookup.try_ms = times.try_ms;
    lookup.pause_ms = times.pause_ms;
    lookup.pause_max_ms = times.pause_max_ms;
}

static void bench_fork(struct bench *b, resolve_fn *resolve)
{
    tries = mmap(NULL, sizeof(*tries), PROT_READ | PROT_WRITE,
                 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    cr_assert_neq(tries, MAP_FAILED);
    resolves = resolve;
    b->pid = child_raise(&b->master, &lookup.frame, &lookup_row, adjust);
    TELL(&b->master, sandbox, 0, .directory = 0);
    child_give_log(&b->master, &b->log);
}

/* The names end with NULL; the first one has the number 0. */
static void start(struct bench *b, resolve_fn *resolve,
                  const char *const *names)
{
    bench_fork(b, resolve);
    for (size_t i = 0; names[i]; i++)
        TELL(&b->master, host, 0, .number = i, .name = slice_from(names[i]));
    TELL(&b->master, go, 0);
    child_hear_ready(&b->master);
}

static void expect_end(struct bench *b, int status)
{
    child_reap(b->pid, status);
    channel_close(&b->master);
    channel_close(&b->log);
}

/* Master ends, and lookup with it. */
static void stop(struct bench *b)
{
    channel_close(&b->master);
    expect_end(b, 0);
}

struct answer {
    const char *name, *text; /* "192.0.2.1", or the reason */
};

/* Expects one message for each, in any order. */
static void expect(struct bench *b, const struct answer *answers, size_t n)
{
    bool seen[LOOKUP_HOSTS_MAX] = { false };

    for (size_t i = 0; i < n; i++) {
        char text[ADDRESS_TEXT_MAX];
        const char *got = text;
        struct message m;
        uint64_t number;

        cr_assert_eq(channel_wait(&b->master, &m, WAIT_MS), 1);
        number =
            m.kind == MSG_resolved ? m.resolved.number : m.unresolved.number;
        if (m.kind == MSG_resolved)
            address_text(&m.resolved.address, text);
        else
            got = unresolved_text(m.unresolved.why);
        cr_assert_lt(number, n);
        cr_expect(!seen[number]);
        seen[number] = true;
        cr_expect_str_eq(got, answers[number].text, "%s: %s",
                         answers[number].name, got);
    }
}

static void start_with(struct bench *b, resolve_fn *resolve,
                       const struct answer *answers, size_t n)
{
    const char *names[LOOKUP_HOSTS_MAX + 1] = { NULL };

    for (size_t i = 0; i < n; i++)
        names[i] = answers[i].name;
    start(b, resolve, names);
    expect(b, answers, n);
}

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* With the last answer its work is done. */
Test(lookup, numbers_are_addresses)
{
    static const struct answer answers[] = {
        { "203.0.113.7", "203.0.113.7" },
        { "127.0.0.1", "127.0.0.1" },
        { "localhost", "127.0.0.1" }, /* from /etc/hosts */
    };
    struct bench b;

    start_with(&b, NULL, answers, COUNT(answers));
    expect_end(&b, 0);
}

Test(lookup, addresses_that_no_client_reaches)
{
    const char *unusable = unresolved_text(UNRESOLVED_UNUSABLE);
    const struct answer answers[] = { { "0.0.0.0", unusable },
                                      { "255.255.255.255", unusable } };
    struct bench b;

    start_with(&b, NULL, answers, COUNT(answers));
    stop(&b);
}

Test(lookup, what_a_client_can_connect_to)
{
    static const struct {
        const char *text;
        bool usable;
    } table[] = {
        { "1.0.0.0", true },          { "223.255.255.255", true },
        { "127.0.0.1", true },        { "10.0.0.1", true },
        { "0.0.0.0", false },         { "0.1.2.3", false },
        { "224.0.0.0", false },       { "239.1.1.1", false },
        { "255.255.255.255", false }, { "2001:db8::1", false },
    };

    for (size_t i = 0; i < COUNT(table); i++) {
        struct address a;

        cr_assert_eq(address_parse(slice_from(table[i].text), &a), 0);
        cr_expect_eq(resolve_usable(&a), table[i].usable, "%s", table[i].text);
    }
}

static void find(struct finding *ret, const char *address, unsigned why)
{
    memset(ret, 0x5a, sizeof(*ret));
    if (address)
        address_parse(slice_from(address), &ret->address);
    else
        ret->address.family = 0;
    ret->why = (enum unresolved)why;
}

/* An attacker who controls a try can send this. */
static void odd(const char *name, struct finding *ret)
{
    find(ret, "192.0.2.1", 77);
    if (strcmp(name, "port") == 0)
        ret->address.port = 4711;
    else if (strcmp(name, "six") == 0)
        find(ret, "2001:db8::1", 0);
    else if (strcmp(name, "any") == 0)
        find(ret, "0.0.0.0", 0);
    else if (strcmp(name, "family") == 0)
        ret->address.family = 9;
    else if (strcmp(name, "reason") == 0)
        find(ret, NULL, UNRESOLVED_COUNT);
    else if (strcmp(name, "server") == 0)
        find(ret, NULL, UNRESOLVED_SERVER);
    else if (strcmp(name, "tail") == 0)
        memset(ret->address.bytes + 4, 0x5a, 12);
    else if (strcmp(name, "nothing") == 0)
        _exit(0);
    else if (strcmp(name, "hangs") == 0)
        pause();
    else if (strcmp(name, "dies") == 0)
        raise(SIGTRAP);
}

static void expect_event(struct bench *b, const char *words)
{
    struct event_record r;
    struct message m;

    message_hear(&b->log, MSG_event, &m);
    cr_assert_eq(event_decode(m.event.event, &r), 0);
    cr_expect_eq(r.event, EVENT_CHILD);
    cr_expect(memmem(r.text[FIELD_REASON].ptr, r.text[FIELD_REASON].len, words,
                     strlen(words)),
              "%.*s", (int)r.text[FIELD_REASON].len, r.text[FIELD_REASON].ptr);
}

Test(lookup, a_try_is_not_trusted)
{
    const char *failed = unresolved_text(UNRESOLVED_FAILED);
    const struct answer answers[] = {
        { "port", "192.0.2.1" },
        { "tail", "192.0.2.1" },
        { "six", failed },
        { "any", failed },
        { "family", failed },
        { "reason", failed },
        { "server", unresolved_text(UNRESOLVED_SERVER) },
        { "nothing", failed },
        { "hangs", unresolved_text(UNRESOLVED_LATE) },
        { "dies", failed },
        { "fine", "192.0.2.1" },
    };
    struct bench b;

    times.try_ms = 4000;
    start_with(&b, odd, answers, COUNT(answers));
    expect_event(&b, "a lookup ended by signal 5");
    stop(&b);
}

static void count_descriptors(const char *name, struct finding *ret)
{
    int n = 0;

    (void)name;
    for (int fd = 3; fd < 256; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    find(ret, n == 2 ? "192.0.2.1" : NULL, UNRESOLVED_UNKNOWN);
}

/* It has its pipe, and the channel to log; not the pipe of another try. */
Test(lookup, a_try_holds_nothing)
{
    static const struct answer answers[] = { { "x", "192.0.2.1" },
                                             { "y", "192.0.2.1" } };
    struct bench b;

    start_with(&b, count_descriptors, answers, COUNT(answers));
    expect_end(&b, 0);
}

/* The first tries fail, in all possible ways. */
static void late(const char *name, struct finding *ret)
{
    unsigned n = tries->count++;

    (void)name;
    tries->at[n] = clock_ms();
    find(ret, NULL, UNRESOLVED_SERVER);
    if (n % 3 == 1)
        raise(SIGTRAP);
    else if (n % 3 == 2)
        pause();
    else if (n == 15)
        find(ret, "192.0.2.1", 0);
}

/* One message says that the first try has failed, and one has the result of the
 * last one. */
static void expect_late(struct bench *b)
{
    static const char *const names[] = { "a.example", NULL };
    struct message m;

    start(b, late, names);
    message_hear(&b->master, MSG_unresolved, &m);
    cr_expect_eq(m.unresolved.why, UNRESOLVED_SERVER);
    message_hear(&b->master, MSG_resolved, &m);
    expect_end(b, 0);
    cr_expect_eq(tries->count, 16);
}

/* Sixteen tries would take nine minutes without the limit. */
Test(lookup, tries_go_on_until_there_is_an_answer)
{
    struct bench b;

    times = (struct times){ 100, 8, 32 };
    expect_late(&b);
}

Test(lookup, the_pauses_grow_up_to_a_bound)
{
    static const uint64_t pauses[] = { 50, 100, 200, 200, 200, 200 };
    struct bench b;

    times = (struct times){ 100, 50, 200 };
    expect_late(&b);
    for (size_t i = 0; i < COUNT(pauses); i++)
        cr_expect_geq(tries->at[i + 1] - tries->at[i], pauses[i], "%zu", i);
}

/* Nothing of it is left if master ends in the middle of a try. */
Test(lookup, ends_with_master)
{
    static const char *const names[] = { "hangs", NULL };
    struct bench b;

    start(&b, odd, names);
    stop(&b);
}

static void expect_failure(struct bench *b, const char *words)
{
    struct message m;

    message_hear(&b->master, MSG_failed, &m);
    cr_expect(memmem(m.failed.why.ptr, m.failed.why.len, words, strlen(words)),
              "%.*s", (int)m.failed.why.len, m.failed.why.ptr);
    expect_end(b, EX_CONFIG);
}

Test(lookup, needs_a_host)
{
    struct bench b;

    bench_fork(&b, NULL);
    TELL(&b.master, go, 0);
    expect_failure(&b, "no host name");
}

/* It ends at the first host too many: nothing can be sent to it after that. */
Test(lookup, does_not_take_any_number_of_hosts)
{
    struct bench b;

    bench_fork(&b, NULL);
    for (uint64_t i = 0; i <= LOOKUP_HOSTS_MAX; i++)
        TELL(&b.master, host, 0, .number = i, .name = SLICE("a.example"));
    expect_failure(&b, "too many host names");
}

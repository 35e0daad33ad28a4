/* The process lookup without its sandbox, with the test as its master. No
 * lookup here asks the network: hosts are numbers, or the lookup is the test's.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "lookup/lookup.h"
#include "sallyport/base/fd.h"
#include "sallyport/ipc/channel.h"
#include "support/tell.h"

#define WAIT_MS 20000

typedef void look_fn(const char *host, const struct address *kept,
                     struct finding *ret);

struct bench {
    pid_t pid;
    struct channel master, log;
};

static void ask(struct bench *b, const char *host)
{
    TELL(&b->master, resolve, channel_next(&b->master),
         .host = slice_from(host));
}

static void give_log(struct bench *b)
{
    int ends[2];

    cr_assert_eq(fd_pair(ends), 0);
    TELL(&b->master, log, 0, .log = ends[1]);
    fd_close(&ends[1]);
    channel_init(&b->log, ends[0], PROCESS_LOG, PROCESS_LOOKUP, PHASE_RUN);
}

static _Noreturn void run_lookup(int fd, look_fn *look)
{
    static struct lookup n;
    int r;

    lookup_init(&n, fd);
    n.master.phase = PHASE_START;
    if (look) {
        n.look = look;
        n.look_ms = 300;
    }
    r = loop_init(&n.loop);
    if (r == 0)
        r = lookup_run(&n);
    lookup_release(&n);
    _exit(r == 0 ? 0 : EX_OSERR);
}

static void start(struct bench *b, look_fn *look)
{
    struct message m;
    int ends[2];

    cr_assert_eq(fd_pair(ends), 0);
    channel_init(&b->master, ends[0], PROCESS_MASTER, PROCESS_LOOKUP,
                 PHASE_START);
    b->pid = fork();
    if (b->pid == 0) {
        fd_close_others(3, &ends[1], 1);
        run_lookup(ends[1], look);
    }
    close(ends[1]);
    cr_assert_eq(channel_wait(&b->master, &m, WAIT_MS), 1);
    cr_assert_eq(m.kind, MSG_ready);
    b->master.phase = PHASE_RUN;
    give_log(b);
}

static void stop(struct bench *b, int status)
{
    int got = 0;

    channel_close(&b->master);
    cr_assert_eq(waitpid(b->pid, &got, 0), b->pid);
    cr_expect(WIFEXITED(got) && WEXITSTATUS(got) == status, "0x%x", got);
    channel_close(&b->log);
}

/* "192.0.2.1", or the reason. */
static void expect(struct bench *b, const char *host, const char *answer)
{
    char text[ADDRESS_TEXT_MAX] = "";
    struct message m;

    ask(b, host);
    cr_assert_eq(channel_wait(&b->master, &m, WAIT_MS), 1, "%s", host);
    cr_expect_eq(m.request, b->master.last_request);
    if (m.kind == MSG_resolved)
        cr_expect_str_eq(address_text(&m.resolved.address, text), answer);
    else
        cr_expect_str_eq(unresolved_text(m.unresolved.why), answer);
}

Test(lookup, numbers_are_addresses)
{
    struct bench b;

    start(&b, NULL);
    expect(&b, "203.0.113.7", "203.0.113.7");
    expect(&b, "0.0.0.0", unresolved_text(UNRESOLVED_UNUSABLE));
    expect(&b, "255.255.255.255", unresolved_text(UNRESOLVED_UNUSABLE));
    expect(&b, "127.0.0.1", "127.0.0.1");
    expect(&b, "localhost", "127.0.0.1"); /* of /etc/hosts */
    stop(&b, 0);
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

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct address a;

        cr_assert_eq(address_parse(slice_from(table[i].text), &a), 0);
        cr_expect_eq(lookup_usable(&a), table[i].usable, "%s", table[i].text);
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

/* What a lookup that was taken over can say, and what comes of it. */
static void odd(const char *host, const struct address *kept,
                struct finding *ret)
{
    (void)kept;
    find(ret, "192.0.2.1", 77);
    if (strcmp(host, "port") == 0)
        ret->address.port = 4711;
    else if (strcmp(host, "six") == 0)
        find(ret, "2001:db8::1", 0);
    else if (strcmp(host, "any") == 0)
        find(ret, "0.0.0.0", 0);
    else if (strcmp(host, "family") == 0)
        ret->address.family = 9;
    else if (strcmp(host, "reason") == 0)
        find(ret, NULL, UNRESOLVED_COUNT);
    else if (strcmp(host, "server") == 0)
        find(ret, NULL, UNRESOLVED_SERVER);
    else if (strcmp(host, "tail") == 0)
        memset(ret->address.bytes + 4, 0x5a, 12);
    else if (strcmp(host, "nothing") == 0)
        _exit(0);
    else if (strcmp(host, "hangs") == 0)
        pause();
    else if (strcmp(host, "dies") == 0)
        raise(SIGTRAP);
}

static void expect_event(struct bench *b, const char *words)
{
    struct event_record r;
    struct message m;

    cr_assert_eq(channel_wait(&b->log, &m, WAIT_MS), 1);
    cr_assert_eq(event_decode(m.event.event, &r), 0);
    cr_expect_eq(r.event, EVENT_CHILD);
    cr_expect(memmem(r.text[FIELD_REASON].ptr, r.text[FIELD_REASON].len, words,
                     strlen(words)),
              "%.*s", (int)r.text[FIELD_REASON].len, r.text[FIELD_REASON].ptr);
}

Test(lookup, a_lookup_is_not_trusted)
{
    const char *failed = unresolved_text(UNRESOLVED_FAILED);
    struct bench b;

    start(&b, odd);
    expect(&b, "port", "192.0.2.1");
    expect(&b, "tail", "192.0.2.1");
    expect(&b, "six", failed);
    expect(&b, "any", failed);
    expect(&b, "family", failed);
    expect(&b, "reason", failed);
    expect(&b, "server", unresolved_text(UNRESOLVED_SERVER));
    expect(&b, "nothing", failed);
    expect(&b, "hangs", unresolved_text(UNRESOLVED_LATE));
    expect(&b, "dies", failed);
    expect_event(&b, "a lookup ended by signal 5");
    expect(&b, "fine", "192.0.2.1");
    stop(&b, 0);
}

static void count_descriptors(const char *host, const struct address *kept,
                              struct finding *ret)
{
    int n = 0;

    (void)host;
    for (int fd = 3; fd < 256; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    find(ret, NULL, UNRESOLVED_UNKNOWN);
    if (n == 2 && kept->family == 0) /* its pipe, and the way to log */
        find(ret, "192.0.2.1", 0);
}

Test(lookup, a_lookup_holds_nothing)
{
    struct bench b;

    start(&b, count_descriptors);
    expect(&b, "x", "192.0.2.1");
    stop(&b, 0);
}

/* Both are there before the first is begun with. */
Test(lookup, one_question_at_a_time)
{
    struct bench b;

    start(&b, odd);
    kill(b.pid, SIGSTOP);
    ask(&b, "hangs");
    ask(&b, "fine");
    kill(b.pid, SIGCONT);
    stop(&b, EX_PROTOCOL);
}

/* Nothing of it is left when master goes in the middle of a lookup. */
Test(lookup, ends_with_master)
{
    struct bench b;

    start(&b, odd);
    ask(&b, "hangs");
    stop(&b, 0);
}

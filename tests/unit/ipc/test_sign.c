/* A request for a signature: answers that come, that come late, and a keys that
 * has taken a request along when it died. The test is keys, in a fork. */
#include "sallyport/base/clock.h"
#include "sallyport/ipc/sign.h"
#include "support/cast.h"
#include "support/test.h"

#define WAIT_MS 2000

/* Keys reads REQUESTS requests, and answers the last one, or, LATE, all of them
 * in their order. */
static pid_t begin_keys(struct channel *there, int requests, bool late)
{
    pid_t pid = fork();
    uint32_t number[8];

    cr_assert_geq(pid, 0);
    if (pid > 0)
        return pid;
    for (int i = 0; i < requests; i++) {
        struct message m;

        if (channel_wait(there, &m, 10 * WAIT_MS) != 1 || m.kind != MSG_sign ||
            !slice_equal(m.sign.message, SLICE("hello")))
            _exit(1);
        number[i] = m.request;
    }
    for (int i = late ? 0 : requests - 1; i < requests; i++)
        if (SEND(there, signature, number[i], .error = 0,
                 .signature =
                     i == requests - 1 ? SLICE("signed") : SLICE("late")) != 0)
            _exit(1);
    _exit(0);
}

static int ask(int requests, bool late, struct sign_result *ret)
{
    const struct sign_request r = { .message = SLICE("hello") };
    struct sign_channel s = { .ms = WAIT_MS };
    struct channel there;
    int status, e;
    pid_t pid;

    channel_make_both(&s.keys, PROCESS_SESSION, &there, PROCESS_KEYS,
                      PHASE_RUN);
    pid = begin_keys(&there, requests, late);
    e = sign_ask(&s, &r, ret);
    channel_close(&s.keys);
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    cr_expect_eq(status, 0);
    channel_close(&there);
    return e;
}

static void expect_signed(int requests, bool late)
{
    struct sign_result got = { .len = 0 };

    cr_assert_eq(ask(requests, late, &got), 0);
    cr_assert_eq(got.len, strlen("signed"));
    cr_expect_arr_eq(got.bytes, "signed", got.len);
}

Test(sign, answered)
{
    expect_signed(1, false);
}

/* The process keys ended after it read the first request. */
Test(sign, asked_again)
{
    expect_signed(2, false);
}

/* Keys was only slow: its first answer is skipped. */
Test(sign, answered_twice)
{
    expect_signed(2, true);
}

static int ask_nobody(bool gone)
{
    const struct sign_request r = { .message = SLICE("hello") };
    struct sign_channel s = { .ms = WAIT_MS };
    struct sign_result got;
    struct channel there;
    int e;

    channel_make_both(&s.keys, PROCESS_SESSION, &there, PROCESS_KEYS,
                      PHASE_RUN);
    if (gone)
        channel_close(&there);
    e = sign_ask(&s, &r, &got);
    channel_close(&s.keys);
    channel_close(&there);
    return e;
}

Test(sign, never_answered)
{
    const uint64_t began = clock_ms();

    cr_expect_eq(ask_nobody(true), -EPIPE);
    cr_expect_eq(ask_nobody(false), -ETIMEDOUT);
    cr_expect_geq(clock_ms() - began, WAIT_MS - 10);
}

/* Keys' start: each system call fails once. Keys is never ready without each
 * key that it was given. */
#include "keys/keys.h"
#include "sallyport/base/fd.h"
#include "support/cast.h"
#include "support/certificate.h"
#include "support/child.h"
#include "support/nth.h"
#include "support/scratch.h"
#include "support/test.h"

#define SCHEME 0x0403
#define TLS13                                                                  \
    "                                                                "         \
    "TLS 1.3, server CertificateVerify\0"                                      \
    "0123456789abcdef0123456789abcdef"

TestSuite(nth, .init = scratch_make, .fini = scratch_remove);

static struct keys keys;

struct stage {
    pid_t pid;
    struct channel keys;
    struct nth *nth;
    int key;
};

/* Keys ends in the middle of it if a call fails. */
static bool starts(struct stage *s)
{
    static struct setup setup;

    setup_init(&setup);
    child_give(&setup, SETUP_KEY, s->key);
    child_give(&setup, SETUP_KEY + 1, s->key);
    s->pid = child_raise(&s->keys, &keys.frame, &keys_row, &setup, NULL);
    return child_starts(&s->keys, s->pid);
}

/* The first signature finds what OpenSSL reads late. */
static void sign(struct stage *s)
{
    struct channel c;
    int far = channel_make(&c, PROCESS_SESSION, PROCESS_KEYS, PHASE_RUN);

    SAY(&s->keys, speaker, .process = PROCESS_SESSION, .serial = 1, .end = far);
    close(far);
    for (uint64_t key = 1; key <= 2; key++) {
        REQUEST(&c, sign, .key = key, .scheme = SCHEME,
                .message = SLICE(TLS13));
        cr_assert_eq(EXPECT(&c, signature)->error, 0);
    }
    channel_close(&c);
}

static void play(int error)
{
    struct stage s = { .nth = nth_new() };
    unsigned n;

    if (!s.nth)
        cr_skip_test(NTH_MISSING);
    child_enter(s.nth);
    certificate_make(scratch);
    s.key = open(in_scratch("key.pem"), O_RDONLY | O_CLOEXEC);
    cr_assert_geq(s.key, 0);
    for (n = 1; nth_goes_on(s.nth); n++) {
        nth_arm(s.nth, n, error, NULL);
        bool ready = starts(&s);
        if (ready)
            sign(&s);
        cr_expect(nth_disarm(s.nth) || ready, "call %u: no start", n);
        cr_expect(ready || error != EINTR, "call %u, %s", n, nth_call(s.nth));
        if (!ready)
            continue;
        channel_close(&s.keys);
        child_reap(s.pid, 0);
    }
    cr_expect_gt(n, 4);
    close(s.key);
    nth_free(s.nth);
}

Test(nth, each_call_of_the_start_fails_once)
{
    play(EIO);
}

Test(nth, each_call_of_the_start_is_interrupted_once)
{
    play(EINTR);
}

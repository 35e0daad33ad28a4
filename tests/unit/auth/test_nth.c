/* Auth's start, and its reading of another users file: each system call fails
 * once. Auth never works with less than it was given. */
#include <crypt.h>

#include "auth/auth.h"
#include "sallyport/base/fd.h"
#include "support/cast.h"
#include "support/certificate.h"
#include "support/child.h"
#include "support/nth.h"
#include "support/scratch.h"
#include "support/test.h"
#include "support/users_table.h"
#include "support/wait.h"

TestSuite(nth, .init = scratch_make, .fini = scratch_remove);

static struct auth auth;

struct stage {
    pid_t pid;
    struct channel auth;
    struct nth *nth;
    int certificate;
};

/* In auth after its set-up. */
static void look_at_certificate(void)
{
    if (auth.servers.count != 1)
        _exit(EX_SOFTWARE);
}

static void send_users(struct stage *s, const char *name)
{
    char text[256];
    int fd;

    snprintf(text, sizeof(text), "%s:%s:70000:70000::/home::\n", name,
             crypt("right", "$6$rounds=1000$sallyport$"));
    fd = users_table(text);
    TRY(&s->auth, users, 0, .users = fd);
    close(fd);
}

/* Auth ends in the middle of it if a call fails. */
static bool starts(struct stage *s)
{
    static struct setup setup;

    setup_init(&setup);
    child_give(&setup, SETUP_CERTIFICATE, s->certificate);
    s->pid = child_raise(&s->auth, &auth.frame, &auth_row, &setup,
                         look_at_certificate);
    if (!child_starts(&s->auth, s->pid))
        return false;
    send_users(s, "anna");
    return true;
}

/* False: auth has ended. It doesn't refuse a right password. */
static bool logs_in(struct stage *s, const char *name)
{
    struct channel c;
    enum message_kind kind;
    int far = channel_make(&c, PROCESS_SESSION, PROCESS_AUTH, PHASE_RUN);

    TRY(&c, credentials, 0, .name = slice_from(name),
        .password = SLICE("right"));
    TRY(&s->auth, verify, 0, .serial = 1, .session = far);
    close(far);
    kind = cast_hear(&s->auth);
    channel_close(&c);
    if (kind == MSG_NONE)
        return false;
    cr_assert_eq(kind, MSG_verdict);
    cr_expect(heard.verdict.accepted, "%s", nth_call(s->nth));
    return true;
}

static void end(struct stage *s, int status)
{
    channel_close(&s->auth);
    child_reap(s->pid, status);
}

static void begin(struct stage *s)
{
    *s = (struct stage){ .nth = nth_new() };
    if (!s->nth)
        cr_skip_test(NTH_MISSING);
    child_enter(s->nth);
    certificate_make(scratch);
    s->certificate = open(in_scratch("certificate.pem"), O_RDONLY | O_CLOEXEC);
    cr_assert_geq(s->certificate, 0);
}

static void finish(struct stage *s)
{
    close(s->certificate);
    nth_free(s->nth);
}

static void play_start(int error)
{
    struct stage s;
    unsigned n;

    begin(&s);
    for (n = 1; nth_goes_on(s.nth); n++) {
        nth_arm(s.nth, n, error, NULL);
        bool ready = starts(&s), lives = ready && logs_in(&s, "anna");
        cr_expect(nth_disarm(s.nth) || lives, "call %u: no start", n);
        cr_expect(lives || error != EINTR, "call %u, %s", n, nth_call(s.nth));
        if (ready)
            end(&s, lives ? 0 : EX_DATAERR);
    }
    cr_expect_gt(n, 4);
    finish(&s);
}

Test(nth, each_call_of_the_start_fails_once)
{
    play_start(EIO);
}

Test(nth, each_call_of_the_start_is_interrupted_once)
{
    play_start(EINTR);
}

/* Nobody logs in by an old users file: auth ends if it can't read the new one,
 * and master starts another. */
Test(nth, each_call_fails_once)
{
    struct stage s;
    unsigned n;

    begin(&s);
    for (n = 1; nth_goes_on(s.nth); n++) {
        nth_arm(s.nth, 0, EIO, NULL);
        cr_assert(starts(&s));
        nth_arm(s.nth, n, EIO, NULL);
        send_users(&s, "bert");
        bool lives = logs_in(&s, "bert");
        cr_expect(nth_disarm(s.nth) || lives, "call %u: no end", n);
        end(&s, lives ? 0 : EX_DATAERR);
    }
    cr_expect_gt(n, 2);
    finish(&s);
}

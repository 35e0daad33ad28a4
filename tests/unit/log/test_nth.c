/* Log's start, and a line of two events: each system call fails once. */
#include "log/log.h"
#include "sallyport/base/fd.h"
#include "support/cast.h"
#include "support/child.h"
#include "support/files.h"
#include "support/metrics.h"
#include "support/nth.h"
#include "support/scratch.h"
#include "support/test.h"

TestSuite(nth, .init = scratch_make, .fini = scratch_remove);

static struct log log_process;

struct stage {
    pid_t pid;
    struct channel log;
    struct event_sender sender;
    struct nth *nth;
};

static void send_sender(struct stage *s)
{
    int ends[2];

    cr_assert_eq(fd_pair(ends), 0);
    TRY(&s->log, speaker, 0, .process = PROCESS_SESSION, .serial = 1,
        .end = ends[1]);
    close(ends[1]);
    event_sender_init(&s->sender, ends[0], PROCESS_SESSION);
}

/* libc reads the file of the time zone before the sandbox, which has no file.
 */
static void read_zone(void)
{
    tzset();
}

/* Log ends in the middle of it if a call fails. */
static bool starts(struct stage *s)
{
    static struct setup setup;
    int out = open(in_scratch("lines"),
                   O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);

    cr_assert_geq(out, 0);
    setup_init(&setup);
    setup.sessions = 4;
    setup.file[SETUP_OUTPUT].fd = out;
    setup.file[SETUP_METRICS].fd = metrics_memory();
    s->pid =
        child_raise(&s->log, &log_process.frame, &log_row, &setup, read_zone);
    return child_starts(&s->log, s->pid);
}

static void send_user(struct stage *s, const char *user)
{
    struct event_record r;

    event_begin(&r, EVENT_LOGIN);
    event_text(&r, FIELD_USER, slice_from(user));
    cr_assert_eq(event_send(&s->sender, &r), 0);
}

static void end(struct stage *s)
{
    event_sender_release(&s->sender);
    channel_close(&s->log);
    child_reap(s->pid, 0);
}

/* Log has ended. */
static bool has_line(const char *text)
{
    struct buf lines;

    buf_init(&lines, 65536);
    cr_assert(files_read(in_scratch("lines"), &lines));
    cr_assert_eq(buf_add(&lines, "", 1), 0);
    bool has = strstr(lines.data, text);
    buf_release(&lines);
    return has;
}

static struct stage begin(void)
{
    struct stage s = { .nth = nth_new() };

    if (!s.nth)
        cr_skip_test(NTH_MISSING);
    child_enter(s.nth);
    return s;
}

static void play_start(int error)
{
    struct stage s = begin();
    unsigned n;

    for (n = 1; nth_goes_on(s.nth); n++) {
        nth_arm(s.nth, n, error, NULL);
        bool ready = starts(&s);
        cr_expect(nth_disarm(s.nth) || ready, "call %u: no start", n);
        if (!ready)
            continue;
        send_sender(&s);
        send_user(&s, "anna");
        end(&s);
        cr_expect(has_line(" user=anna\n"), "call %u, %s", n, nth_call(s.nth));
    }
    cr_expect_gt(n, 1);
    nth_free(s.nth);
}

Test(nth, each_call_of_the_start_fails_once)
{
    play_start(EIO);
}

/* The first, the second or the third of three lines can't be written. Each that
 * is missing is counted, as soon as a line can be written again. */
static void play_lines(int error)
{
    static const char *const users[] = { " user=anna\n", " user=bert\n",
                                         " user=cleo\n" };
    struct stage s = begin();
    unsigned n;

    for (n = 1; nth_goes_on(s.nth); n++) {
        unsigned lines = 0;

        nth_arm(s.nth, 0, error, NULL);
        cr_assert(starts(&s));
        send_sender(&s);
        nth_arm(s.nth, n, error, NULL);
        send_user(&s, "anna");
        send_user(&s, "bert");
        send_user(&s, "cleo");
        end(&s);
        bool met = nth_disarm(s.nth);
        for (size_t i = 0; i < 3; i++)
            lines += has_line(users[i]);
        bool lost = met && error != EINTR;
        cr_expect_eq(lines, lost ? 2 : 3, "call %u, %s: %u lines", n,
                     nth_call(s.nth), lines);
        if (lost && n < 3)
            cr_expect(has_line("reason=\"lines lost\" number=1\n"), "call %u",
                      n);
    }
    cr_expect_eq(n, 5);
    nth_free(s.nth);
}

Test(nth, each_call_fails_once)
{
    play_lines(EIO);
    play_lines(ENOSPC);
}

Test(nth, each_call_is_interrupted_once)
{
    play_lines(EINTR);
}

/* The final reply of a transfer and its event: while log takes nothing the
 * reply waits, and then it isn't one of success. */
#include <criterion/criterion.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fake.h"
#include "sallyport/base/fd.h"

/* More than socket and queue take, and what fits into the rest. */
#define LONG_PATH    4000
#define LONG_EVENTS  120
#define SHORT_EVENTS 100

static void delete (struct fake *f, const char *line)
{
    struct packet done = { .message = MSG_DONE };

    fake_say(f, line);
    fake_answer(f, MSG_FILE_DELETE, &done);
    cr_assert_eq(fake_reply(f), 250);
}

/* Log reads nothing, and the queue runs over. */
static void fill_queue(struct fake *f)
{
    char line[LONG_PATH + 8] = "DELE /";

    memset(line + 6, 'x', LONG_PATH);
    for (size_t i = 5; i < LONG_PATH; i += 200) /* a name has 255 bytes */
        line[i] = '/';
    for (int i = 0; i < LONG_EVENTS; i++)
        delete (f, line);
    for (int i = 0; i < SHORT_EVENTS; i++)
        delete (f, "DELE /x");
}

/* NOOP is answered, so nothing else was. */
static void expect_waits(struct fake *f)
{
    fake_say(f, "NOOP");
    cr_assert_eq(fake_reply(f), 200, "%s", f->reply);
}

/* Log reads again, up to an event of that kind. */
static void read_up_to(struct fake *f, enum event event, struct event_record *r)
{
    for (int i = 0; i < 1000; i++) {
        if (fake_event(f, event, r))
            return;
        poll(&(struct pollfd){ .fd = f->log.fd, .events = POLLIN }, 1, 20000);
    }
    cr_assert_fail("no such event");
}

static void complete(struct fake *f, struct fake_transfer *t)
{
    struct packet stored = { .message = MSG_FILE_STORED,
                             .value = { TEXT(SLICE("/y")) } };

    cr_assert(tls_client_write(t->tls, "hello", 5));
    cr_assert(tls_client_shutdown(t->tls));
    fake_answer(f, MSG_FILE_COMMIT, &stored);
    f->files.phase = PHASE_IDLE;
}

Test(verdict, waits_for_a_place, .timeout = 60)
{
    struct event_record r;
    struct fake_transfer t;
    struct fake f;

    fake_open(&f);
    fill_queue(&f);
    fake_upload(&f, &t);
    complete(&f, &t);
    expect_waits(&f);
    expect_waits(&f);
    read_up_to(&f, EVENT_TRANSFER, &r);
    cr_expect_eq(r.number[FIELD_RESULT], 226);
    cr_expect(slice_equal(r.text[FIELD_TO], SLICE("/y")));
    cr_assert_eq(fake_reply(&f), 226, "%s", f.reply);
    fake_hang_up(&f, ENDING_CLOSED);
    fake_release(&t);
}

/* What was lost before is counted. */
Test(verdict, the_lost_are_counted, .timeout = 60)
{
    struct event_record r;
    unsigned changes = 0;
    struct fake f;

    fake_open(&f);
    fill_queue(&f);
    for (;;) {
        struct packet p;

        fake_hear(&f.log, &p, MSG_EVENT);
        cr_assert_eq(event_decode(p.value[0].text, &r), 0);
        if (r.event == EVENT_SERVICE)
            break;
        changes += r.event == EVENT_CHANGE;
    }
    cr_expect_gt(changes, 0);
    cr_expect_eq(r.number[FIELD_NUMBER] + changes, LONG_EVENTS + SHORT_EVENTS);
    fake_hang_up(&f, ENDING_CLOSED);
}

Test(verdict, a_new_log_has_a_place, .timeout = 60)
{
    struct packet log = { .message = MSG_LOG };
    struct event_record r;
    struct fake_transfer t;
    struct fake f;
    int ends[2];

    fake_open(&f);
    channel_close(&f.log);
    fill_queue(&f);
    fake_upload(&f, &t);
    complete(&f, &t);
    expect_waits(&f);
    cr_assert_eq(fd_pair(ends), 0);
    channel_init(&f.log, ends[0], PROCESS_LOG, PROCESS_SESSION, PHASE_RUN);
    log.fd[0] = ends[1];
    fake_tell(&f.master, &log);
    close(ends[1]);
    cr_assert_eq(fake_reply(&f), 226, "%s", f.reply);
    read_up_to(&f, EVENT_TRANSFER, &r);
    fake_hang_up(&f, ENDING_CLOSED);
    fake_release(&t);
}

/* None in time: no success. Success alone is taken back: the log lacks a line
 * of a failure as well, but the client isn't told another one. */
Test(verdict, no_place_in_time, .timeout = 60)
{
    struct packet no = { .message = MSG_REFUSED,
                         .value = { NUMBER(OUTCOME_NOT_FOUND) } };
    struct fake_transfer t;
    struct fake f;
    char some[4096];
    int data;

    fake_settings("stall_timeout", 1000);
    fake_open(&f);
    fill_queue(&f);
    fake_upload(&f, &t);
    complete(&f, &t);
    cr_assert_eq(fake_reply(&f), 451, "%s", f.reply);
    cr_expect(strstr(f.reply, "the file stands as /y\r\n"), "%s", f.reply);
    fake_release(&t);
    fake_download(&f, &t, 10);
    while (tls_client_read(t.tls, some, sizeof(some)) > 0)
        continue;
    cr_assert_eq(fake_reply(&f), 451, "%s", f.reply);
    cr_expect_not(strstr(f.reply, "stands"), "%s", f.reply);
    fake_release(&t);
    data = fake_data(&f);
    fake_say(&f, "RETR /x");
    fake_answer(&f, MSG_FILE_READ, &no);
    cr_assert_eq(fake_reply(&f), 550, "%s", f.reply);
    close(data);
    fake_hang_up(&f, ENDING_CLOSED);
}

/* Its own reply doesn't overtake the transfer's, nor QUIT's either. */
Test(verdict, abor_and_quit_wait_too, .timeout = 60)
{
    struct packet done = { .message = MSG_DONE };
    struct event_record r;
    struct fake_transfer t;
    struct fake f;

    fake_open(&f);
    fill_queue(&f);
    fake_upload(&f, &t);
    fake_say(&f, "QUIT\r\nABOR");
    fake_answer(&f, MSG_FILE_ABORT, &done);
    expect_waits(&f);
    read_up_to(&f, EVENT_TRANSFER, &r);
    cr_expect_eq(r.number[FIELD_RESULT], 426);
    cr_assert_eq(fake_reply(&f), 426);
    cr_assert_eq(fake_reply(&f), 226);
    cr_assert_eq(fake_reply(&f), 221);
    fake_hang_up(&f, ENDING_QUIT);
    fake_release(&t);
}

/* Lines that wait are bounded here too. */
Test(verdict, lines_wait_meanwhile, .timeout = 60)
{
    static char lines[100 << 10];
    struct event_record r;
    struct fake_transfer t;
    struct fake f;

    for (size_t i = 0; i + 5 < sizeof(lines); i += 5)
        memcpy(lines + i, "PWD\r\n", 6);
    fake_open(&f);
    fill_queue(&f);
    fake_upload(&f, &t);
    complete(&f, &t);
    cr_assert(tls_client_write(f.tls, lines, strlen(lines)));
    read_up_to(&f, EVENT_TRANSFER, &r);
    cr_assert_eq(fake_reply(&f), 226, "%s", f.reply);
    cr_assert_eq(fake_reply(&f), 257);
    close(f.control);
    f.control = -1;
    cr_assert_eq(fake_end(&f), ENDING_CLOSED);
    fake_release(&t);
}

Test(verdict, the_client_goes_meanwhile, .timeout = 60)
{
    struct event_record r;
    struct fake_transfer t;
    struct fake f;

    fake_open(&f);
    fill_queue(&f);
    fake_upload(&f, &t);
    complete(&f, &t);
    expect_waits(&f);
    close(f.control);
    f.control = -1;
    read_up_to(&f, EVENT_TRANSFER, &r);
    cr_expect_eq(r.number[FIELD_RESULT], 226);
    cr_assert_eq(fake_end(&f), ENDING_CLOSED);
    fake_release(&t);
}

/* The SHA-256 of an upload in its event: of the whole file, however much of it
 * existed before. The existing part consists of zeros here. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "fake.h"
#include "sallyport/ipc/channel.h"
#include "sallyport/session/session.h"

#define HOLE (UINT64_C(16) << 30) /* its sum takes seconds: a hole */
#define MUCH (5u << 20) /* more than is read back for one received block */

/* Begins an upload of "hello" after FIRST zeros, of which the handle skips SKIP
 * when it is read. */
static void begin_after(struct fake *f, struct fake_transfer *t, uint64_t first,
                        int mode, uint64_t skip)
{
    struct message file = { .kind = MSG_file_writable,
                            .file_writable = { .first = first } };
    char name[64];

    t->file = tmpfile();
    cr_assert_eq(ftruncate(fileno(t->file), (off_t)first), 0);
    snprintf(name, sizeof(name), "/proc/self/fd/%d", fileno(t->file));
    file.file_writable.file = open(name, mode);
    cr_assert_geq(file.file_writable.file, 0);
    cr_assert_eq(lseek(file.file_writable.file, (off_t)skip, SEEK_SET),
                 (off_t)skip);
    t->data = fake_data(f);
    fake_say(f, "STOR /x");
    fake_answer(f, MSG_file_write, &file);
    close(file.file_writable.file);
    f->files.phase = PHASE_WRITING;
    cr_assert_eq(fake_reply(f), 150, "%s", f->reply);
    t->tls = fake_data_tls(f, t->data);
    cr_assert(tls_client_write(t->tls, "hello", 5));
    cr_assert(tls_client_shutdown(t->tls));
}

static void begin(struct fake *f, struct fake_transfer *t, uint64_t first,
                  int mode)
{
    begin_after(f, t, first, mode, 0);
}

static void expect_sum(struct fake *f, unsigned result, const char *sum)
{
    struct event_record r;

    cr_assert(fake_event(f, EVENT_TRANSFER, &r));
    cr_expect_eq(r.number[FIELD_RESULT], result);
    if (sum)
        cr_expect(slice_equal(r.text[FIELD_SHA256], slice_from(sum)), "%.*s",
                  (int)r.text[FIELD_SHA256].len, r.text[FIELD_SHA256].ptr);
    else
        cr_expect_null(r.text[FIELD_SHA256].ptr);
}

static const struct {
    bool wanted;
    uint64_t first;
    int mode;
    const char *sum; /* sha256sum(1) of the zeros and "hello" */
} stored[] = {
    { true, 0, O_WRONLY,
      "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824" },
    { true, 65536, O_RDWR,
      "a2868b18181ce212a146a6fa16f7f1eb4da0c9b6889d574e6b8f5ba96c71e81f" },
    { true, MUCH, O_RDWR,
      "726670a4f25ea019122930e2b57dfbdaa16ab62071c893cc4d4605ad90eac025" },
    { true, MUCH, O_WRONLY, NULL }, /* without the right to read there */
    { false, 0, O_WRONLY, NULL },
    { false, MUCH, O_WRONLY, NULL },
};

Test(sum, stored_bytes, .timeout = 60)
{
    struct message done = { .kind = MSG_file_stored,
                            .file_stored = { .path = SLICE("/x") } };

    for (size_t i = 0; i < sizeof(stored) / sizeof(stored[0]); i++) {
        struct fake_transfer t;
        struct fake f;

        fake_settings("sha256", stored[i].wanted);
        fake_open(&f);
        begin(&f, &t, stored[i].first, stored[i].mode);
        fake_answer(&f, MSG_file_commit, &done);
        f.files.phase = PHASE_IDLE;
        cr_assert_eq(fake_reply(&f), 226, "%s", f.reply);
        expect_sum(&f, 226, stored[i].sum);
        fake_hang_up(&f, ENDING_CLOSED);
        fake_release(&t);
    }
}

/* If the old bytes can't be read back, the upload isn't reported as stored. */
Test(sum, bytes_that_cannot_be_read, .timeout = 60)
{
    struct message done = { .kind = MSG_done };
    struct fake_transfer t;
    struct fake f;

    fake_settings("sha256", true);
    fake_open(&f);
    begin_after(&f, &t, MUCH, O_RDWR, HOLE);
    fake_answer(&f, MSG_file_abort, &done);
    f.files.phase = PHASE_IDLE;
    cr_assert_eq(fake_reply(&f), 451, "%s", f.reply);
    expect_sum(&f, 451, NULL);
    fake_hang_up(&f, ENDING_CLOSED);
    fake_release(&t);
}

/* The client waits for its reply: the upload is stored without the sum, and
 * commands are served meanwhile. */
Test(sum, that_takes_too_long, .timeout = 60)
{
    static const struct session_deadlines soon = {
        .ask = 20000, .ask_long = 20000, .gate = 20000, .sum = 200
    };
    struct message done = { .kind = MSG_file_stored,
                            .file_stored = { .path = SLICE("/x") } };
    struct fake_transfer t;
    struct fake f;

    fake_settings("sha256", true);
    fake_deadlines(&soon);
    fake_open(&f);
    begin(&f, &t, HOLE, O_RDWR);
    fake_do(&f, "NOOP", 200);
    fake_answer(&f, MSG_file_commit, &done);
    f.files.phase = PHASE_IDLE;
    cr_assert_eq(fake_reply(&f), 226, "%s", f.reply);
    expect_sum(&f, 226, NULL);
    fake_hang_up(&f, ENDING_CLOSED);
    fake_release(&t);
}

/* The SHA-256 of an upload in its event: only if the upload is sent whole. */
#include "fake.h"
#include "sallyport/session/session.h"

/* Begins an upload of "hello" after FIRST zeros. */
static void begin(uint64_t first)
{
    struct message file = { .kind = MSG_file_writable,
                            .file_writable = { .first = first } };
    char name[64];

    transfer.file = tmpfile();
    cr_assert_eq(ftruncate(fileno(transfer.file), (off_t)first), 0);
    snprintf(name, sizeof(name), "/proc/self/fd/%d", fileno(transfer.file));
    file.file_writable.file = open(name, O_WRONLY);
    cr_assert_geq(file.file_writable.file, 0);
    transfer.data = fake_data();
    fake_say("STOR /x");
    fake_answer(MSG_file_write, &file);
    close(file.file_writable.file);
    fake.files.phase = PHASE_WRITING;
    cr_assert_eq(fake_reply(), 150, "%s", fake.reply);
    transfer.tls = fake_data_tls(transfer.data);
    cr_assert(tls_client_write(transfer.tls, "hello", 5));
    cr_assert(tls_client_shutdown(transfer.tls));
}

static const struct {
    bool wanted;
    uint64_t first;
    const char *sum; /* sha256sum(1) of "hello" */
} stored[] = {
    { true, 0,
      "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824" },
    { true, 65536, NULL },
    { false, 0, NULL },
    { false, 65536, NULL },
};

Test(sum, stored_bytes, .timeout = 60)
{
    struct message done = { .kind = MSG_file_stored,
                            .file_stored = { .path = SLICE("/x") } };

    for (size_t i = 0; i < sizeof(stored) / sizeof(stored[0]); i++) {
        const char *sum = stored[i].sum;
        struct event_record r;

        fake_settings("sha256", stored[i].wanted);
        fake_open();
        begin(stored[i].first);
        fake_answer(MSG_file_commit, &done);
        fake.files.phase = PHASE_IDLE;
        cr_assert_eq(fake_reply(), 226, "%s", fake.reply);
        cr_assert(fake_event(EVENT_TRANSFER, &r));
        cr_expect_eq(r.number[FIELD_RESULT], 226);
        if (sum)
            cr_expect(slice_equal(r.text[FIELD_SHA256], slice_from(sum)),
                      "%.*s", (int)r.text[FIELD_SHA256].len,
                      r.text[FIELD_SHA256].ptr);
        else
            cr_expect_null(r.text[FIELD_SHA256].ptr);
        fake_hang_up(ENDING_CLOSED);
        fake_release();
    }
}

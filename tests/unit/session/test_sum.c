/* The event of an upload has a SHA-256 only if the setting sha256 is on, and
 * the upload is sent whole and stored. */
#include "fake.h"
#include "sallyport/session/session.h"

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
    for (size_t i = 0; i < sizeof(stored) / sizeof(stored[0]); i++) {
        const char *sum = stored[i].sum;

        fake_settings("sha256", stored[i].wanted);
        fake_open();
        fake_begin_upload_of(
            "STOR /x", (struct msg_file_writable){ .first = stored[i].first });
        fake_secure_data();
        fake_send("hello");
        fake_complete();
        cr_assert(fake_event(EVENT_TRANSFER, &logged));
        cr_expect_eq(logged.number[FIELD_RESULT], 226);
        if (sum)
            cr_expect(slice_equal(logged.text[FIELD_SHA256], slice_from(sum)),
                      "%.*s", (int)logged.text[FIELD_SHA256].len,
                      logged.text[FIELD_SHA256].ptr);
        else
            cr_expect_null(logged.text[FIELD_SHA256].ptr);
        fake_part();
    }
}

Test(sum, refused_bytes, .timeout = 60)
{
    fake_settings("sha256", true);
    fake_open();
    fake_upload();
    fake_send("hello");
    fake_commits();
    SAY_BACK(&fake.files, refused, .outcome = OUTCOME_NAME_TAKEN);
    fake_replies(553, "");
    fake.files.phase = PHASE_IDLE;
    cr_assert(fake_event(EVENT_TRANSFER, &logged));
    cr_expect_eq(logged.number[FIELD_RESULT], 553);
    cr_expect_null(logged.text[FIELD_SHA256].ptr);
    cr_expect_null(logged.text[FIELD_TO].ptr);
    fake_part();
}

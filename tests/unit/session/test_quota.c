/* Quotas as clients see them: SITE QUOTA, and the replies that name one. */
#include "fake.h"

#define GIB (UINT64_C(1) << 30)

static void expect_text(const char *text)
{
    cr_expect_not_null(strstr(fake.reply, text), "no \"%s\" in: %s", text,
                       fake.reply);
}

static void ask_quota_in(const char *command, const char *path,
                         struct msg_space_is is)
{
    fake_say(command);
    EXPECT(&fake.files, space);
    cr_assert(slice_equal(heard.space.path, slice_from(path)));
    is.request = heard.request;
    cast_say(&fake.files, MSG_space_is, &is);
    cr_expect_eq(fake_reply(), 200);
}

static void ask_quota(struct msg_space_is is)
{
    ask_quota_in("SITE QUOTA", "/", is);
}

Test(quota, site_quota, LOGGED_IN)
{
    ask_quota((struct msg_space_is){ .bytes = 7 });
    expect_text("200 No quota here; AVBL tells");
    ask_quota((struct msg_space_is){ .limit = 20 * GIB,
                                     .used = 5 * GIB,
                                     .files_limit = 1000,
                                     .files_used = 12 });
    expect_text("200 Quota: 21474836480 bytes, 5368709120 used; 1000 "
                "files, 12 used.");
    ask_quota((struct msg_space_is){ .limit = 7, .used = 9 });
    expect_text("200 Quota: 7 bytes, 9 used.");
    ask_quota_in("SITE QUOTA contracts/a", "/contracts/a",
                 (struct msg_space_is){ .limit = 7 });
}

Test(quota, refusals, LOGGED_IN)
{
    static const struct {
        struct msg_refused why;
        const char *reply;
    } rows[] = {
        { { .outcome = OUTCOME_OVER_QUOTA,
            .limit = 20 * GIB,
            .used = 20 * GIB },
          "552 Over the quota of 20 GiB, 20 GiB used; delete files" },
        { { .outcome = OUTCOME_OVER_FILES, .limit = 1000, .used = 1001 },
          "552 Over the quota of 1000 files, 1001 used; delete files" },
        { { .outcome = OUTCOME_OVER_QUOTA },
          "552 Over the quota; delete files" },
        { { .outcome = OUTCOME_MAX_FILES },
          "552 You have stored as many files as this account may (uploads)" },
        { { .outcome = OUTCOME_MAX_BYTES },
          "552 More than this account may still store (upload_bytes)" },
        { { .outcome = OUTCOME_KEPT_FREE },
          "452 The server keeps the last free space of its disk" },
        { { .outcome = OUTCOME_NO_SPACE }, "452 No space left" },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct msg_refused why = rows[i].why;

        fake_say("MKD d");
        why.request = EXPECT(&fake.files, directory_make)->request;
        cast_say(&fake.files, MSG_refused, &why);
        cr_expect_eq(fake_reply(), i < 5 ? 552 : 452);
        expect_text(rows[i].reply);
    }
}

/* ALLO is refused because of the limit, or of files' answer about the disk. An
 * upload of fewer bytes than the announced ones is refused at its end. */
#include <inttypes.h>

#include "fake.h"
#include "support/long.h"

static const struct row {
    uint64_t rest, sized, announced;
    uint64_t free; /* UINT64_MAX: files gets no request */
    int code;
} rows[] = {
    { 0, 0, 1000, 1000, 200 },
    { 0, 0, 1001, 1000, 552 },
    { 0, 0, 5000, 6000, 200 }, /* exactly the limit */
    { 0, 0, 5001, UINT64_MAX, 552 },
    { 0, 0, INT64_MAX, UINT64_MAX, 552 },
    { 600, 0, 1600, 1000, 200 },
    { 599, 0, 1600, 1000, 552 },
    { 0, 600, 1600, 1000, 200 },
    { 0, 599, 1600, 1000, 552 },
    { 300, 600, 1600, 1000, 200 }, /* the larger offset counts */
    { 2000, 0, 1600, 0,
      200 }, /* the partial is longer than the announced file */
    { 0, 0, 0, 0, 200 },
};

static void size_says(uint64_t size)
{
    FAKE_DO("SIZE x", 213, facts, facts_are, .kind = ENTRY_FILE, .size = size);
}

static void play(const struct row *row)
{
    char line[64];

    if (row->sized > 0)
        size_says(row->sized);
    snprintf(line, sizeof(line), "REST %" PRIu64, row->rest);
    fake_do(line, 350);
    snprintf(line, sizeof(line), "ALLO %" PRIu64, row->announced);
    fake_say(line);
    if (row->free != UINT64_MAX) {
        cr_assert(slice_equal(EXPECT(&fake.files, space)->path, SLICE("/")));
        SAY_BACK(&fake.files, space_is, .bytes = row->free);
    }
    cr_expect_eq(fake_reply(), row->code, "%s: %s", line, fake.reply);
}

Test(allo, limit_and_disk, .timeout = 120, WITH_SANITIZERS)
{
    fake_settings("max_file_size", 5000);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        fake_open();
        play(&rows[i]);
        fake_hang_up(ENDING_CLOSED);
    }
}

/* The reply names the limit that has no room, which isn't the disk. */
Test(allo, what_max_bytes_leaves, LOGGED_IN)
{
    FAKE_DO("ALLO 40", 200, space, space_is, .bytes = 40, .by_bytes = true);
    FAKE_DO("ALLO 41", 552, space, space_is, .bytes = 40, .by_bytes = true);
    cr_expect_not_null(strstr(fake.reply, "upload_bytes"), "%s", fake.reply);
}

/* ALLO still counts after a checksum of another file. */
Test(allo, outlives_a_checksum, LOGGED_IN)
{
    const struct row row = { 0, 0, 500, 1000, 200 };
    int data;

    play(&row);
    fake_do_refused("HASH y", MSG_file_read, OUTCOME_BUSY, 450);
    data = fake_data();
    fake_say("STOR x");
    cr_expect_eq(EXPECT(&fake.files, file_write)->announced, 500);
    SAY_BACK(&fake.files, refused, .outcome = OUTCOME_BUSY);
    cr_assert_eq(fake_reply(), 450);
    close(data);
}

/* Uploads of "hello" that continue FIRST bytes. */
static const struct upload_row {
    const char *type;
    uint64_t announced, first;
    bool bare; /* it ends with a bare FIN, which counts for this user */
    int code;
} uploads[] = {
    { "TYPE I", 6, 0, false, 451 },
    { "TYPE I", 6, 0, true, 451 },
    { "TYPE I", 5, 0, false, 226 },
    { "TYPE I", 4, 0, false, 226 },
    { "TYPE I", 16, 10, false, 451 },
    { "TYPE I", 15, 10, false, 226 }, /* announces the whole file */
    { "TYPE I", 10, 10, false, 226 },
    { "TYPE I", 9, 10, false, 451 },
    { "TYPE I", 6, 10, true, 451 },
    { "TYPE I", 5, 10, false, 226 }, /* announces the sent bytes */
    { "TYPE L 8", 6, 0, false, 451 },
    { "TYPE A", 6, 0, false, 226 },
};

static void announce(uint64_t n)
{
    char line[64];

    snprintf(line, sizeof(line), "ALLO %" PRIu64, n);
    FAKE_DO(line, 200, space, space_is, .bytes = 1000);
}

static void play_upload(const struct upload_row *row)
{
    fake_do(row->type, 200);
    announce(row->announced);
    fake_begin_upload_of(row->first > 0 ? "APPE x" : "STOR x",
                         (struct msg_file_writable){ .first = row->first });
    fake_secure_data();
    cr_assert(tls_client_write(transfer.tls, "hello", 5));
    if (row->bare)
        shutdown(transfer.data, SHUT_WR);
    else
        cr_assert(tls_client_shutdown(transfer.tls));
    if (row->code == 226)
        fake_stored("/x");
    else
        fake_given_up();
    cr_expect_eq(fake_reply(), row->code, "row %zu: %s",
                 (size_t)(row - uploads), fake.reply);
    if (row->code == 451)
        cr_expect_not_null(strstr(fake.reply, "of the announced "));
    fake_release();
}

Test(allo, fewer_bytes_are_no_file, LEAVES)
{
    fake.granted.upload_eof = UPLOAD_EOF_LENIENT;
    fake_open();
    for (size_t i = 0; i < sizeof(uploads) / sizeof(uploads[0]); i++)
        play_upload(&uploads[i]);
}

/* If upload_eof = announced, each upload needs an ALLO, which its end is
 * checked against. */
Test(allo, is_needed, LEAVES)
{
    static const struct {
        const char *type, *mode, *line;
        uint64_t announced; /* UINT64_MAX: no ALLO */
        bool begins;
    } needs[] = {
        { "TYPE I", "MODE S", "STOR x", UINT64_MAX, false },
        { "TYPE I", "MODE S", "APPE x", UINT64_MAX, false },
        { "TYPE I", "MODE S", "STOU", UINT64_MAX, false },
        { "TYPE A", "MODE S", "STOR x", 5, false },
        { "TYPE I", "MODE Z", "STOR x", 5, false },
        { "TYPE I", "MODE S", "STOR x", 5, true },
        { "TYPE I", "MODE S", "STOR x", 0, true },
        /* The row before has used its ALLO up. */
        { "TYPE I", "MODE S", "STOR x", UINT64_MAX, false },
    };

    fake_settings("mode_z", 1);
    fake.granted.upload_eof = UPLOAD_EOF_ANNOUNCED;
    fake_open();
    for (size_t i = 0; i < sizeof(needs) / sizeof(needs[0]); i++) {
        int data;

        fake_do(needs[i].type, 200);
        fake_do(needs[i].mode, 200);
        if (needs[i].announced != UINT64_MAX)
            announce(needs[i].announced);
        data = fake_data();
        fake_say(needs[i].line);
        if (needs[i].begins)
            fake_refuse(MSG_file_write, OUTCOME_BUSY);
        cr_expect_eq(fake_reply(), needs[i].begins ? 450 : 503, "%zu: %s", i,
                     fake.reply);
        close(data);
    }
}

/* Transfers between fake peers, compared byte for byte. */
#include "conversions.h"

void upload_begin(struct upload *u, uint64_t limit)
{
    struct message asked,
        file = { .kind = MSG_file_writable,
                 .file_writable = { .first = 0, .limit = limit } };

    u->sink = tmpfile();
    u->data = fake_data();
    fake_say("STOR /x");
    fake_hear(&fake.files, &asked, MSG_file_write);
    u->fleeting = asked.file_write.keep_nothing != 0;
    fake.files.phase = PHASE_WRITING;
    file.request = asked.request;
    file.file_writable.file = fileno(u->sink);
    fake_tell(&fake.files, &file);
    cr_assert_eq(fake_reply(), 150);
    u->tls = fake_data_tls(u->data);
    cr_assert_not_null(u->tls);
}

uint64_t upload_end(struct upload *u, enum message_kind message,
                    struct message *answer)
{
    struct message asked;
    uint64_t number;

    fake_hear(&fake.files, &asked, message);
    number = message == MSG_file_commit ? asked.file_commit.length
                                        : asked.file_abort.worthless;
    answer->request = asked.request;
    fake_tell(&fake.files, answer);
    fake.files.phase = PHASE_IDLE;
    tls_client_free(u->tls);
    close(u->data);
    fclose(u->sink);
    return number;
}

struct tls_client *download_begin(int *data, FILE *source, uint64_t size)
{
    struct message file = { .kind = MSG_file_readable,
                            .file_readable = { .size = size } };
    struct tls_client *tls;

    *data = fake_data();
    fake_say("RETR /x");
    rewind(source); /* files has just opened it */
    file.file_readable.file = fileno(source);
    fake_answer(MSG_file_read, &file);
    cr_assert_eq(fake_reply(), 150);
    tls = fake_data_tls(*data);
    cr_assert_not_null(tls);
    return tls;
}

void session_leave(void)
{
    fake_hang_up(ENDING_CLOSED);
    cr_assert_str_neq(fake_end_reason(), "");
}

/* Transfers between fake peers, byte for byte. */
#include "conversions.h"

#include <criterion/criterion.h>
#include <unistd.h>

void upload_begin(struct upload *u, uint64_t limit)
{
    struct packet asked, file = { .message = MSG_FILE_WRITABLE,
                                  .value = { NUMBER(0), NUMBER(limit) } };

    u->sink = tmpfile();
    u->data = fake_data(&u->f);
    fake_say(&u->f, "STOR /x");
    fake_hear(&u->f.files, &asked, MSG_FILE_WRITE);
    u->fleeting = asked.value[4].number != 0;
    u->f.files.phase = PHASE_WRITING;
    file.request = asked.request;
    file.fd[0] = fileno(u->sink);
    fake_tell(&u->f.files, &file);
    cr_assert_eq(fake_reply(&u->f), 150);
    u->tls = fake_data_tls(&u->f, u->data);
    cr_assert_not_null(u->tls);
}

uint64_t upload_end(struct upload *u, enum message message,
                    struct packet *answer)
{
    struct packet asked;
    uint64_t number;

    fake_hear(&u->f.files, &asked, message);
    number = asked.value[0].number;
    answer->request = asked.request;
    fake_tell(&u->f.files, answer);
    u->f.files.phase = PHASE_IDLE;
    tls_client_free(u->tls);
    close(u->data);
    fclose(u->sink);
    return number;
}

struct tls_client *download_begin(struct fake *f, int *data, FILE *source,
                                  uint64_t size)
{
    struct packet file = { .message = MSG_FILE_READABLE,
                           .value = { NUMBER(size) } };
    struct tls_client *tls;

    *data = fake_data(f);
    fake_say(f, "RETR /x");
    file.fd[0] = fileno(source);
    fake_answer(f, MSG_FILE_READ, &file);
    cr_assert_eq(fake_reply(f), 150);
    tls = fake_data_tls(f, *data);
    cr_assert_not_null(tls);
    return tls;
}

void session_leave(struct fake *f)
{
    fake_hang_up(f, ENDING_CLOSED);
    cr_assert_str_neq(fake_end_reason(f), "");
}

/* The message that shows gate that a session's loop runs. */
#include <criterion/criterion.h>

#include "fake.h"
#include "sallyport/base/clock.h"
#include "sallyport/ipc/channel.h"
#include "sallyport/session/session.h"

#define IDLE_MS 12000 /* enough for the steps of a test before it */
#define EACH_MS (IDLE_MS / SESSION_ALIVE)

static void hear_twice(struct fake *f, uint64_t began)
{
    struct message p;

    for (unsigned i = 1; i <= 2; i++) {
        fake_hear(&f->gate, &p, MSG_alive);
        cr_expect_geq(clock_ms() - began + 50, i * EACH_MS, "%u", i);
    }
}

Test(alive, idle, .timeout = 60)
{
    uint64_t began = clock_ms();
    struct fake f;

    fake_settings("idle_timeout", IDLE_MS);
    fake_open(&f);
    hear_twice(&f, began);
    fake_hang_up(&f, ENDING_CLOSED);
}

Test(alive, in_an_upload, .timeout = 60)
{
    uint64_t began = clock_ms();
    struct message done = { .kind = MSG_done };
    struct fake_transfer t;
    struct fake f;

    fake_settings("idle_timeout", IDLE_MS);
    fake_open(&f);
    fake_upload(&f, &t);
    hear_twice(&f, began);
    fake_release(&t); /* this counts as a cut upload */
    fake_answer(&f, MSG_file_abort, &done);
    cr_expect_eq(fake_reply(&f), 426);
    fake_hang_up(&f, ENDING_CLOSED);
}

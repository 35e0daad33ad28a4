/* The tables of states, and the lists of steps. */
#include "session/transfer.h"
#include "support/test.h"

static struct session probe;

/* The rules of the states: the session reads no line at its end or after a
 * transfer's result is decided, and serves a user's commands only after the
 * login. */
Test(session_state, what_is_allowed, .timeout = 60)
{
    for (unsigned i = 0; i < CONTROL_STATES; i++) {
        const struct control_row *row;

        probe.control.state = (enum control_state)i;
        row = state_of_control(&probe);
        cr_expect(!row->lines || !(row->gone || row->closes));
        cr_expect(!row->user || row->lines);
        cr_expect(!row->user || i >= CONTROL_LOGGED_IN);
    }
    for (unsigned i = 0; i < TRANSFER_STATES; i++) {
        const struct transfer_row *row;

        probe.transfer.state = (enum transfer_state)i;
        row = state_of_transfer(&probe);
        cr_expect(!row->decided || !row->lines);
    }
}

/* A list of steps begins with a request to files if BEGINS, never returns to an
 * earlier state, and ends when the transfer is over. A step that fails leaves
 * nothing. */
static void check_list(const char *name, const struct step *step, bool begins)
{
    if (begins)
        cr_expect_eq(step->state, TRANSFER_ASKED, "%s", name);
    for (; step->run != transfer_over; step++) {
        const struct step *next = step + 1;

        cr_expect_leq(step->state, next->state, "%s: \"%s\" after \"%s\"", name,
                      next->name, step->name);
        cr_expect(step->undo != UNDO_NOTHING ||
                      (step->state != TRANSFER_FLOWING &&
                       step->state != TRANSFER_CONNECTING),
                  "%s: \"%s\" leaves something", name, step->name);
    }
    cr_expect_eq(step->state, TRANSFER_CLOSING);
}

Test(session_state, steps_follow_each_other, .timeout = 60)
{
    check_list("upload", upload_steps, true);
    check_list("download", download_steps, true);
    check_list("listing", list_steps, true);
    check_list("checksum", hash_steps, true);
    check_list("upload's undo", upload_undo_steps, false);
    check_list("listing's undo", list_undo_steps, false);
}

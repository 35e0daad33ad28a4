/* The tables of states: which state may follow which. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sallyport/base/fd.h"
#include "sallyport/ipc/channel.h"
#include "session/transfer.h"

/* Enters one state after the other, in a child. Returns its exit status; REASON
 * gets that of its `end` event. */
static int enter(void (*move)(struct session *), char reason[256])
{
    static struct session s;
    struct event_record r;
    struct channel log;
    struct message p;
    int ends[2], status;
    pid_t child;

    cr_assert_eq(fd_pair(ends), 0);
    child = fork();
    if (child == 0) {
        s.control.fd = s.data.fd = s.master.fd = s.transfer.source = -1;
        event_sender_init(&s.log, ends[1], PROCESS_SESSION);
        move(&s);
        _exit(0);
    }
    close(ends[1]);
    cr_assert_eq(waitpid(child, &status, 0), child);
    channel_init(&log, ends[0], PROCESS_LOG, PROCESS_SESSION, PHASE_RUN);
    reason[0] = 0;
    while (channel_receive(&log, &p) > 0)
        if (event_decode(p.event.event, &r) == 0 && r.event == EVENT_END)
            slice_copy(r.text[FIELD_REASON], reason, 256);
    channel_close(&log);
    return WEXITSTATUS(status);
}

static void data_backwards(struct session *s)
{
    s->data.state = DATA_EXPECTED;
    state_data(s, DATA_ASKED);
}

static void control_without_tls(struct session *s)
{
    s->control.state = CONTROL_PLAIN;
    state_control(s, CONTROL_LOGGED_IN);
}

static void commit_before_a_byte(struct session *s)
{
    s->transfer.state = TRANSFER_CONNECTING;
    state_transfer(s, TRANSFER_COMMITTING);
}

/* The log names both states, and the session ends. */
Test(session_state, illegal_transitions, .timeout = 60)
{
    static const struct {
        void (*move)(struct session *);
        const char *says;
    } rows[] = {
        { data_backwards, "data connection: no way from expected to asked" },
        { control_without_tls,
          "control connection: no way from plain to logged in" },
        { commit_before_a_byte,
          "transfer: no way from connecting to committing" },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char reason[256], wanted[256];

        snprintf(wanted, sizeof(wanted), "an illegal transition: %s",
                 rows[i].says);
        cr_expect_eq(enter(rows[i].move, reason), ENDING_STATE);
        cr_expect_str_eq(reason, wanted);
    }
}

/* Returns the states that can be reached from these, one step at a time. */
static unsigned reach(unsigned from, unsigned count,
                      unsigned (*next)(unsigned state))
{
    unsigned before = 0;

    while (from != before) {
        before = from;
        for (unsigned i = 0; i < count; i++)
            if (from & 1U << i)
                from |= next(i);
    }
    return from;
}

static struct session probe;

static unsigned next_control(unsigned state)
{
    probe.control.state = (enum control_state)state;
    return state_of_control(&probe)->next;
}

static unsigned next_data(unsigned state)
{
    probe.data.state = (enum data_state)state;
    return state_of_data(&probe)->next;
}

static unsigned next_transfer(unsigned state)
{
    probe.transfer.state = (enum transfer_state)state;
    return state_of_transfer(&probe)->next;
}

Test(session_state, each_is_reached_and_left, .timeout = 60)
{
    cr_expect_eq(reach(1U << CONTROL_HEADER, CONTROL_STATES, next_control),
                 (1U << CONTROL_STATES) - 1);
    cr_expect_eq(reach(1U << DATA_CLOSED, DATA_STATES, next_data),
                 (1U << DATA_STATES) - 1);
    cr_expect_eq(reach(1U << TRANSFER_NONE, TRANSFER_STATES, next_transfer),
                 (1U << TRANSFER_STATES) - 1);
    for (unsigned i = 0; i < DATA_STATES; i++)
        cr_expect(reach(1U << i, DATA_STATES, next_data) & 1U << DATA_CLOSED);
    for (unsigned i = 0; i < TRANSFER_STATES; i++)
        cr_expect(reach(1U << i, TRANSFER_STATES, next_transfer) &
                  1U << TRANSFER_NONE);
}

/* The rules of the states: no line is read at the end, or in the middle of a
 * handshake, and nobody is logged in without TLS. */
Test(session_state, what_is_allowed, .timeout = 60)
{
    for (unsigned i = 0; i < CONTROL_STATES; i++) {
        const struct control_row *row;

        probe.control.state = (enum control_state)i;
        row = state_of_control(&probe);
        cr_expect_not_null(row->name);
        cr_expect(!row->lines || !(row->ends || row->gone || row->closes));
        cr_expect(!row->user || row->lines);
        cr_expect(!row->closes || row->ends);
        cr_expect(!row->user || !(next_control(CONTROL_PLAIN) & 1U << i));
    }
    for (unsigned i = 0; i < TRANSFER_STATES; i++) {
        const struct transfer_row *row;

        probe.transfer.state = (enum transfer_state)i;
        row = state_of_transfer(&probe);
        cr_expect_not_null(row->name);
        cr_expect(!row->decided || !row->lines);
    }
}

/* A list begins with a request to files, ends when the transfer is over, and
 * each of its steps may follow the one before. */
static void check_list(const char *name, const struct step *step, bool begins)
{
    if (begins)
        cr_expect(next_transfer(TRANSFER_NONE) & 1U << step->state, "%s", name);
    for (; step->run != transfer_over; step++) {
        const struct step *next = step + 1;

        cr_expect(step->state == next->state ||
                      next_transfer(step->state) & 1U << next->state,
                  "%s: after \"%s\" no \"%s\"", name, step->name, next->name);
        cr_expect(next_transfer(step->state) & 1U << TRANSFER_CLOSING ||
                      step->state == TRANSFER_CLOSING,
                  "%s: \"%s\" can't fail", name, step->name);
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

/* The tables of states, in session: what each state allows and which states may
 * come next. Only this file changes a state; session.c sets the first one. */
#include "session.h"

#include <stdio.h>

#define TO(state) (1U << (state))

/* An end by QUIT, a time-out or a kick, with its last reply. */
#define ENDS TO(CONTROL_CLOSING)

static const struct control_row controls[CONTROL_STATES] = {
    [CONTROL_HEADER] = { .name = "header",
                         .next = TO(CONTROL_ENTERING) | ENDS },
    [CONTROL_ENTERING] = { .name = "entering",
                           .next = TO(CONTROL_PLAIN) | ENDS },
    [CONTROL_PLAIN] = { .name = "plain",
                        .lines = true,
                        .next = TO(CONTROL_SECURING) | ENDS },
    [CONTROL_SECURING] = { .name = "securing", .next = TO(CONTROL_SECURED) },
    [CONTROL_SECURED] = { .name = "secured",
                          .lines = true,
                          .next = TO(CONTROL_VERIFYING) | ENDS },
    [CONTROL_VERIFYING] = { .name = "verifying",
                            .verify = true,
                            .next = TO(CONTROL_SECURED) | TO(CONTROL_GRANTED) |
                                    TO(CONTROL_LOGGED_IN) | ENDS },
    [CONTROL_GRANTED] = { .name = "granted",
                          .verify = true,
                          .next = TO(CONTROL_LOGGED_IN) | ENDS },
    [CONTROL_LOGGED_IN] = { .name = "logged in",
                            .lines = true,
                            .user = true,
                            .next = TO(CONTROL_QUITTING) | TO(CONTROL_GONE) |
                                    TO(CONTROL_DECIDED) | ENDS },
    [CONTROL_QUITTING] = { .name = "quitting",
                           .lines = true,
                           .user = true,
                           .next =
                               TO(CONTROL_GONE) | TO(CONTROL_DECIDED) | ENDS },
    [CONTROL_GONE] = { .name = "gone",
                       .gone = true,
                       .next = TO(CONTROL_ABANDONED) },
    [CONTROL_DECIDED] = { .name = "decided",
                          .ends = true,
                          .next = TO(CONTROL_ABANDONED) | ENDS },
    [CONTROL_ABANDONED] = { .name = "abandoned", .ends = true, .gone = true },
    [CONTROL_CLOSING] = { .name = "closing",
                          .ends = true,
                          .closes = true,
                          .next = TO(CONTROL_FINISHED) | TO(CONTROL_PARTED) },
    [CONTROL_FINISHED] = { .name = "finished",
                           .ends = true,
                           .closes = true,
                           .next = TO(CONTROL_PARTED) },
    [CONTROL_PARTED] = { .name = "parted", .ends = true, .closes = true },
};

static const struct data_row datas[DATA_STATES] = {
    [DATA_CLOSED] = { .name = "closed",
                      .next = TO(DATA_PACED) | TO(DATA_ACTIVE) },
    [DATA_PACED] = { .name = "paced",
                     .pending = true,
                     .next = TO(DATA_ASKED) | TO(DATA_CLOSED) },
    [DATA_ASKED] = { .name = "asked",
                     .pending = true,
                     .gate = true,
                     .next = TO(DATA_EXPECTED) | TO(DATA_CLOSED) },
    [DATA_ACTIVE] = { .name = "active",
                      .serves = true,
                      .next = TO(DATA_CONNECTING) | TO(DATA_CLOSED) },
    [DATA_CONNECTING] = { .name = "connecting",
                          .gate = true,
                          .next = TO(DATA_CONNECTED) | TO(DATA_DOUBTED) |
                                  TO(DATA_CLOSED) },
    [DATA_EXPECTED] = { .name = "expected",
                        .serves = true,
                        .gate = true,
                        .next = TO(DATA_HEADER) | TO(DATA_DOUBTED) |
                                TO(DATA_CONNECTED) | TO(DATA_CLOSED) },
    [DATA_HEADER] = { .name = "header",
                      .serves = true,
                      .gate = true,
                      .next = TO(DATA_EXPECTED) | TO(DATA_CONNECTED) |
                              TO(DATA_CLOSED) },
    [DATA_DOUBTED] = { .name = "doubted",
                       .serves = true,
                       .socket = true,
                       .next = TO(DATA_EXPECTED) | TO(DATA_CONNECTED) |
                               TO(DATA_REFUSED) | TO(DATA_CLOSED) },
    [DATA_CONNECTED] = { .name = "connected",
                         .serves = true,
                         .socket = true,
                         .next = TO(DATA_REFUSED) | TO(DATA_CLOSED) },
    [DATA_REFUSED] = { .name = "refused",
                       .socket = true,
                       .next = TO(DATA_CLOSED) },
};

#define ENDS_TRANSFER TO(TRANSFER_CLOSING)

static const struct transfer_row transfers[TRANSFER_STATES] = {
    [TRANSFER_NONE] = { .name = "none",
                        .decided = true,
                        .next = TO(TRANSFER_ASKED) },
    [TRANSFER_ASKED] = { .name = "asked",
                         .abortable = true,
                         .clock = CLOCK_CONNECT,
                         .next = TO(TRANSFER_NONE) | TO(TRANSFER_HASHING) |
                                 TO(TRANSFER_CONNECTING) | ENDS_TRANSFER },
    [TRANSFER_HASHING] = { .name = "hashing",
                           .lines = true,
                           .abortable = true,
                           .clock = CLOCK_HASH,
                           .next = ENDS_TRANSFER },
    [TRANSFER_CONNECTING] = { .name = "connecting",
                              .lines = true,
                              .abortable = true,
                              .clock = CLOCK_CONNECT,
                              .next = TO(TRANSFER_HANDSHAKE) | ENDS_TRANSFER },
    [TRANSFER_HANDSHAKE] = { .name = "handshake",
                             .lines = true,
                             .abortable = true,
                             .stays = STAYS_ALONE,
                             .clock = CLOCK_CONNECT,
                             .next = TO(TRANSFER_CONNECTING) |
                                     TO(TRANSFER_FLOWING) | ENDS_TRANSFER },
    [TRANSFER_FLOWING] = { .name = "flowing",
                           .lines = true,
                           .abortable = true,
                           .stays = STAYS_ALONE,
                           .clock = CLOCK_STALL,
                           .next = TO(TRANSFER_FLUSHING) |
                                   TO(TRANSFER_COPYING) | ENDS_TRANSFER },
    [TRANSFER_FLUSHING] = { .name = "flushing",
                            .lines = true,
                            .abortable = true,
                            .clock = CLOCK_STALL,
                            .next = ENDS_TRANSFER },
    [TRANSFER_COPYING] = { .name = "copying",
                           .lines = true,
                           .abortable = true,
                           .stays = STAYS_ALONE,
                           .next = TO(TRANSFER_SUMMING) | ENDS_TRANSFER },
    [TRANSFER_SUMMING] = { .name = "summing",
                           .lines = true,
                           .abortable = true,
                           .stays = STAYS_ALONE,
                           .whole = true,
                           .next = TO(TRANSFER_COMPLETE) | ENDS_TRANSFER },
    [TRANSFER_COMPLETE] = { .name = "complete",
                            .lines = true,
                            .abortable = true,
                            .stays = STAYS_ALONE,
                            .whole = true,
                            .next = TO(TRANSFER_PREPARING) | ENDS_TRANSFER },
    [TRANSFER_PREPARING] = { .name = "preparing",
                             .lines = true,
                             .abortable = true,
                             .stays = STAYS_ALONE,
                             .whole = true,
                             .next = TO(TRANSFER_COMMITTING) | ENDS_TRANSFER },
    [TRANSFER_COMMITTING] = { .name = "committing",
                              .lines = true,
                              .stays = STAYS_ALWAYS,
                              .next = ENDS_TRANSFER },
    [TRANSFER_CLOSING] = { .name = "closing",
                           .decided = true,
                           .next = TO(TRANSFER_NONE) },
};

const struct control_row *state_of_control(const struct session *s)
{
    return &controls[s->control.state];
}

const struct data_row *state_of_data(const struct session *s)
{
    return &datas[s->data.state];
}

const struct transfer_row *state_of_transfer(const struct session *s)
{
    return &transfers[s->transfer.state];
}

static void state_permit(struct session *s, unsigned allowed, unsigned next,
                         const char *what, const char *from, const char *to)
{
    char cause[120];

    if (allowed & TO(next))
        return;
    snprintf(cause, sizeof(cause), "%s: no way from %s to %s", what, from, to);
    leave(s, ENDING_STATE, cause);
}

void state_control(struct session *s, enum control_state next)
{
    const struct control_row *row = state_of_control(s);

    state_permit(s, row->next, next, "control connection", row->name,
                 controls[next].name);
    s->control.state = next;
}

void state_data(struct session *s, enum data_state next)
{
    const struct data_row *row = state_of_data(s);

    state_permit(s, row->next, next, "data connection", row->name,
                 datas[next].name);
    s->data.state = next;
}

void state_transfer(struct session *s, enum transfer_state next)
{
    const struct transfer_row *row = state_of_transfer(s);

    state_permit(s, row->next, next, "transfer", row->name,
                 transfers[next].name);
    s->transfer.state = next;
}

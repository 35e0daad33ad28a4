/* The tables of states, in session: what each state allows. */
#include "session.h"

static const struct control_row controls[CONTROL_STATES] = {
    [CONTROL_HEADER] = { 0 },
    [CONTROL_ENTERING] = { 0 },
    [CONTROL_PLAIN] = { .lines = true },
    [CONTROL_SECURING] = { 0 },
    [CONTROL_SECURED] = { .lines = true },
    [CONTROL_VERIFYING] = { .verify = true },
    [CONTROL_GRANTED] = { .verify = true },
    [CONTROL_LOGGED_IN] = { .lines = true, .user = true },
    [CONTROL_QUITTING] = { .lines = true, .user = true },
    [CONTROL_GONE] = { .gone = true },
    [CONTROL_DECIDED] = { 0 },
    [CONTROL_CLOSING] = { .closes = true },
};

static const struct data_row datas[DATA_STATES] = {
    [DATA_CLOSED] = { 0 },
    [DATA_ASKED] = { .pending = true },
    [DATA_EXPECTED] = { .serves = true, .expects = true },
    [DATA_HEADER] = { .serves = true, .expects = true },
    [DATA_CONNECTED] = { .serves = true, .socket = true },
    [DATA_REFUSED] = { .socket = true },
};

static const struct transfer_row transfers[TRANSFER_STATES] = {
    [TRANSFER_NONE] = { .decided = true },
    [TRANSFER_ASKED] = { .abortable = true, .clock = CLOCK_CONNECT },
    [TRANSFER_HASHING] = { .lines = true,
                           .abortable = true,
                           .clock = CLOCK_HASH },
    [TRANSFER_CONNECTING] = { .lines = true,
                              .abortable = true,
                              .clock = CLOCK_CONNECT },
    [TRANSFER_HANDSHAKE] = { .lines = true,
                             .abortable = true,
                             .stays = STAYS_AFTER_QUIT,
                             .clock = CLOCK_CONNECT },
    [TRANSFER_FLOWING] = { .lines = true,
                           .abortable = true,
                           .stays = STAYS_AFTER_QUIT,
                           .clock = CLOCK_STALL },
    [TRANSFER_FLUSHING] = { .lines = true,
                            .abortable = true,
                            .clock = CLOCK_STALL },
    [TRANSFER_RECEIVED] = { .lines = true,
                            .abortable = true,
                            .stays = STAYS_AFTER_QUIT,
                            .whole = true },
    [TRANSFER_PREPARING] = { .lines = true,
                             .abortable = true,
                             .stays = STAYS_AFTER_QUIT,
                             .whole = true },
    [TRANSFER_COMMITTING] = { .lines = true, .stays = STAYS_ALWAYS },
    [TRANSFER_CLOSING] = { .decided = true },
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

/* Asks gate for permission to begin one more transfer, and to move bytes of
 * files; in session. The session asks only if its user, a team or the server
 * had such a limit at the login. If a transfer doesn't use all granted bytes,
 * the next transfer uses the rest. A transfer that waits never polls: a timer
 * or a message continues it. */
#include "transfer.h"

#include <errno.h>
#include <stdio.h>

#include "data.h"

/* Milliseconds until the next try, when the channel to gate is full. */
#define AGAIN_MS 100
#define LEAST    2 /* the fewest bytes that flow_read() can read */

void allowance_on_again(void *owner)
{
    struct session *s = owner;

    if (s->allowance.ended)
        allowance_end(s);
    else
        transfer_run(s, WAITS_TURN);
    control_after_event(s);
}

static uint64_t *allowance_left(struct session *s)
{
    return &s->allowance.left[transfer_is_upload(&s->transfer) ? 0 : 1];
}

/* Takes R, the result of SEND(). Returns false if the channel is full; the step
 * then runs again soon. */
static bool allowance_sent(struct session *s, int r)
{
    if (r == -EAGAIN)
        loop_timer_set(&s->loop, &s->allowance.again, AGAIN_MS);
    else
        data_gate_sent(s, r);
    return r != -EAGAIN;
}

enum stepped allowance_begin(struct session *s)
{
    struct allowance *a = &s->allowance;

    /* If the session couldn't send `transfer_end`, gate still counts the last
     * transfer, and this transfer takes its place. */
    a->ended = false;
    if (!s->login.counted || a->permit == PERMIT_GRANTED)
        return STEP_NEXT;
    if (a->permit == PERMIT_REFUSED) {
        static const char *const whose[ACCOUNT_KINDS] = {
            [ACCOUNT_SERVER] = "of all users (max_transfers",
            [ACCOUNT_USER] =
                "of this user (max_transfers= or user_max_transfers",
            [ACCOUNT_TEAM] = "of a team of this user (max_transfers=",
        };
        char cause[96];

        snprintf(cause, sizeof(cause), "%s is %llu)", whose[s->allowance.of],
                 (unsigned long long)s->allowance.most);
        return transfer_fail(s, FAILED_TOO_MANY, cause);
    }
    if (a->permit == PERMIT_NONE && s->gate.fd >= 0) {
        a->permit_request = channel_next(&s->gate);
        if (allowance_sent(s,
                           SEND(&s->gate, transfer_begin, a->permit_request)))
            a->permit = PERMIT_ASKED;
    }
    return STEP_WAIT;
}

/* If the channel is full, gate goes on counting the transfer until the timer
 * tries again, or until the next transfer takes its place. */
void allowance_end(struct session *s)
{
    struct allowance *a = &s->allowance;

    a->waits = false;
    if (a->permit == PERMIT_REFUSED)
        a->permit = PERMIT_NONE;
    if (a->permit != PERMIT_GRANTED)
        return;
    a->ended = !allowance_sent(s, SEND(&s->gate, transfer_end, 0));
    if (!a->ended)
        a->permit = PERMIT_NONE;
}

int allowance_on_may(void *owner, struct msg_transfer_may *m)
{
    struct session *s = owner;
    struct allowance *a = &s->allowance;

    if (a->permit != PERMIT_ASKED || m->request != a->permit_request)
        return channel_refuse(&s->gate, "a permission without a request");
    a->permit = m->begin ? PERMIT_GRANTED : PERMIT_REFUSED;
    a->of = m->of;
    a->most = m->limit;
    if (!s->transfer.step || !(s->transfer.step->waits & WAITS_GATE))
        allowance_end(s); /* the transfer that asked was aborted */
    transfer_run(s, WAITS_GATE);
    return 0;
}

bool allowance_ask(struct session *s)
{
    struct allowance *a = &s->allowance;
    uint32_t request;

    if (!s->login.paced || *allowance_left(s) >= LEAST)
        return false;
    a->waits = true;
    if (s->gate.fd < 0)
        return true;
    /* an earlier transfer has asked, perhaps for the other direction */
    if (a->bytes_request != 0 || a->again.armed)
        return true;
    request = channel_next(&s->gate);
    if (allowance_sent(s, SEND(&s->gate, bytes_ask, request,
                               .upload = transfer_is_upload(&s->transfer))))
        a->bytes_request = request;
    return true;
}

size_t allowance_cap(struct session *s, size_t len)
{
    uint64_t left = *allowance_left(s);

    return s->login.paced && left < len ? (size_t)left : len;
}

void allowance_spend(struct session *s, size_t bytes)
{
    uint64_t *left = allowance_left(s);

    if (!transfer_is_listing(&s->transfer))
        *left -= bytes < *left ? bytes : *left;
}

void allowance_go_on(struct session *s)
{
    if (!s->allowance.waits)
        return;
    s->allowance.waits = false;
    if (!s->transfer.stall
             .armed) /* it already runs if the client is slow, too */
        stall_begin(s);
    transfer_run(s, WAITS_TURN);
}

/* If the transfer that asked is over, the bytes are for the next transfer. */
int allowance_on_bytes(void *owner, struct msg_bytes *m)
{
    struct session *s = owner;
    struct allowance *a = &s->allowance;

    if (a->bytes_request == 0 || m->request != a->bytes_request)
        return channel_refuse(&s->gate, "bytes without a request");
    a->bytes_request = 0;
    a->left[m->upload ? 0 : 1] += m->count;
    allowance_go_on(s);
    return 0;
}

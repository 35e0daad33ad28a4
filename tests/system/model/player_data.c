/* Plays a transfer as a client makes it: its connection, commands during it,
 * and its end. */
#include "player.h"
#include "support/fail.h"
#include "support/files.h"
#include "support/test.h"

#define RECEIVED_MAX (8u << 20)

static const struct talk_row {
    const char *line;
    short code; /* 0: its reply comes after the transfer */
    bool aborts;
} talks[TALK_COUNT] = {
    [TALK_NOOP] = { "NOOP", 200, false },
    [TALK_STAT] = { "STAT", 211, false },
    [TALK_STAT_PATH] = { "STAT a", 503, false },
    [TALK_PWD] = { "PWD", 0, false },
    [TALK_ABOR] = { "ABOR", 426, true },
    [TALK_URGENT] = { "\xff\xf4\xff\xf2"
                      "ABOR",
                      426, true },
    [TALK_QUIT] = { "QUIT", 0, false },
};

static void expect_code(struct player *p, short code, short other)
{
    struct expected e;

    expect_either(&e, code, other);
    play_reply(p, &e);
}

/* Tells the model that the transfer has ended without any byte that counts. */
static void without_data(struct player *p)
{
    transfer_cut(&p->model, (const unsigned char *)"", 0);
}

/* Sends a command during the transfer. Returns true if the command has ended
 * the transfer. */
static bool talk(struct player *p, const struct manner *m)
{
    const struct talk_row *row = &talks[m->talk];

    if (m->talk == TALK_NONE)
        return false;
    session_send(&p->session, "%s", row->line);
    if (row->code)
        expect_code(p, row->code, 0);
    if (row->aborts) {
        expect_code(p, 226, 0);
        without_data(p);
    }
    return row->aborts;
}

/* Reads the reply that has waited for the end of the transfer. */
static void answer_held(struct player *p, const struct manner *m)
{
    struct expected e;

    if (m->talk == TALK_NONE || talks[m->talk].code)
        return;
    model_line(&p->model, slice_from(talks[m->talk].line), &e);
    play_reply(p, &e);
}

static void store(struct player *p, struct data *d, const struct manner *m)
{
    unsigned char *bytes = malloc(m->len + sizeof(uint64_t));
    struct expected e;

    FAIL_IF(!bytes, "no memory");
    files_noise(bytes, m->len, m->noise + 1);
    data_write(d, bytes, m->len);
    if (m->bytes == BYTES_CUT) {
        shutdown(d->fd, SHUT_WR); /* a FIN without close_notify, and no reset */
        transfer_cut(&p->model, bytes, m->len);
        expect(&e, 426);
        play_reply(p, &e);
        data_cut(d, false);
    } else {
        data_close(d);
        transfer_stored(&p->model, bytes, m->len, &e);
        play_reply(p, &e);
    }
    free(bytes);
}

static void check_received(struct player *p, struct slice got)
{
    if (p->model.transfer.flow == FLOW_DOWN)
        FAIL_IF(!slice_equal(got, transfer_bytes(&p->model)),
                "%zu bytes came, and not those %zu that are there", got.len,
                transfer_bytes(&p->model).len);
    else
        FAIL_IF(!transfer_lists(&p->model, got), "no listing of %s: %.*s",
                p->model.transfer.path, (int)got.len, got.len ? got.ptr : "");
}

static void fetch(struct player *p, struct data *d, const struct manner *m)
{
    struct buf got;

    if (m->bytes ==
        BYTES_CUT) { /* the server can have sent everything before */
        data_cut(d, false);
        expect_code(p, 426, 226);
    } else {
        buf_init(&got, RECEIVED_MAX);
        data_read_all(d, &got);
        check_received(p, buf_slice(&got));
        buf_release(&got);
        data_close(d);
        expect_code(p, 226, 0);
    }
    transfer_over(&p->model);
}

/* Sends plain text instead of a TLS handshake, or only a FIN. */
static void spoil(struct player *p, struct data *d, const struct manner *m)
{
    if (m->bytes == BYTES_PLAIN)
        (void)!send(d->fd, "plain text\r\n", 12, MSG_NOSIGNAL);
    else
        shutdown(d->fd, SHUT_WR);
    expect_code(p, 425, 0);
    without_data(p);
}

/* Plays a transfer from its connection to its last reply. Returns false if ABOR
 * has ended the transfer. */
static bool move(struct player *p, struct data *d, const struct manner *m)
{
    bool up = p->model.transfer.flow == FLOW_UP;

    if (m->bytes == BYTES_PLAIN || m->bytes == BYTES_NONE) {
        if (m->in_flow && talk(p, m))
            return false;
        spoil(p, d, m);
        return true;
    }
    data_secure(&p->session, d);
    if (m->in_flow && talk(p, m))
        return false;
    if (up)
        store(p, d, m);
    else
        fetch(p, d, m);
    return true;
}

void play_transfer(struct player *p, const struct manner *m)
{
    struct data d = { .fd = -1 };
    struct manner as = *m;
    bool ended;

    if (p->model.transfer.flow != FLOW_UP)
        as.in_flow = false; /* the transfer can be over by then */
    transfer_named(&p->model, p->session.reply.data);
    ended = !as.in_flow && talk(p, &as);
    if (p->is_early)
        d = p->early;
    else if (!ended)
        data_connect_to(&p->session, &d, p->port);
    p->is_early = false;
    ended = ended || !move(p, &d, &as);
    if (d.fd >= 0)
        data_cut(&d, false);
    if (!ended)
        answer_held(p, &as);
}

/* Sends lines, and checks their replies. */
#include "player.h"

#include "support/fail.h"
#include "support/test.h"

static void connect_anew(struct player *p)
{
    if (p->open)
        session_drop(&p->session);
    session_init(&p->session);
    p->open = true;
    strcpy(p->session.from, p->from);
}

void play_end(struct player *p)
{
    session_expect_end(&p->session);
    session_drop(&p->session);
    p->open = false;
}

static bool is_expected(const struct expected *e, int code)
{
    for (size_t i = 0; i < 3 && e->code[i]; i++)
        if (e->code[i] == code)
            return true;
    return false;
}

void play_reply(struct player *p, const struct expected *e)
{
    int code = session_reply(&p->session);
    const char *text = p->session.reply.data;

    FAIL_IF(!is_expected(e, code), "expected %d%s%.0d, got: %.300s", e->code[0],
            e->code[1] ? " or " : "", e->code[1], text);
    FAIL_IF(!strstr(text, e->says), "expected \"%.200s\" in: %.300s", e->says,
            text);
    code = e->last ? session_reply(&p->session) : 0;
    FAIL_IF(code != e->last, "expected %d after that, got: %.300s", e->last,
            p->session.reply.data);
}

static void send_line(struct player *p, const struct step *s)
{
    if (!s->in_pieces) {
        session_raw(&p->session, s->line.ptr, s->line.len);
        session_raw(&p->session, "\r\n", 2);
        return;
    }
    for (size_t i = 0; i < s->line.len; i++)
        session_raw(&p->session, s->line.ptr + i, 1);
    session_raw(&p->session, "\r", 1);
    session_raw(&p->session, "\n", 1);
}

void play_line(struct player *p, const char *line, struct expected *e)
{
    session_send(&p->session, "%s", line);
    model_line(&p->model, slice_from(line), e);
    play_reply(p, e);
    if (e->ends)
        play_end(p);
}

/* Reads the port of "229 ... (|||PORT|)" or "227 ... (h1,h2,h3,h4,p1,p2).". */
static unsigned port_in(const char *reply)
{
    unsigned n[6];

    if (sscanf(reply, "229 %*[^(](|||%u|)", &n[0]) == 1)
        return n[0];
    FAIL_IF(sscanf(reply, "227 %*[^(](%u,%u,%u,%u,%u,%u)", &n[0], &n[1], &n[2],
                   &n[3], &n[4], &n[5]) != 6,
            "no port in: %s", reply);
    return n[4] << 8 | n[5];
}

static void note_port(struct player *p, const struct expected *e)
{
    if (e->code[0] == 229 || e->code[0] == 227)
        p->port = port_in(p->session.reply.data);
}

/* Sends EPSV or PASV, and perhaps connects, before the command. */
static void prepare(struct player *p, const struct manner *m)
{
    struct expected e;

    if (!m->port)
        return;
    play_line(p, m->port, &e);
    note_port(p, &e);
    if (m->early && m->bytes != BYTES_NONE && p->model.port && !e.ends) {
        data_connect_to(&p->session, &p->early, p->port);
        p->is_early = true;
    }
}

/* Closes an early connection that no transfer has used. Only an ABOR makes
 * certain that the server has noticed its end. */
static void give_up_early(struct player *p)
{
    struct expected e;

    if (!p->is_early)
        return;
    data_cut(&p->early, false);
    p->is_early = false;
    if (p->model.port && !p->model.ended)
        play_line(p, "ABOR", &e);
}

static void answered(struct player *p, const struct step *s, struct expected *e)
{
    play_reply(p, e);
    note_port(p, e);
    if (e->flow != FLOW_NONE)
        play_transfer(p, &s->manner);
    give_up_early(p);
    if (e->secures)
        session_secure(&p->session);
    if (p->model.ended && p->open)
        play_end(p);
}

static void log_in(struct player *p)
{
    if (p->open)
        session_drop(&p->session);
    p->open = false;
    connect_anew(p);
    session_open(&p->session, p->server, p->model.user);
    model_log_in(&p->model);
}

static void arrive(struct player *p, const struct step *s)
{
    struct expected greeting;

    if (s->kind == STEP_CONNECT) {
        connect_anew(p);
        session_connect(&p->session, p->server->port);
        expect(&greeting, 220);
        play_reply(p, &greeting);
        model_connect(&p->model);
    } else if (s->kind == STEP_LOG_IN || p->model.ended ||
               p->model.stage != LOGGED_IN) {
        log_in(p);
    }
}

/* Plays steps that are sent together. Returns their number. */
static size_t play_burst(struct player *p, const struct step *s, size_t most)
{
    struct expected e;
    size_t n = 1;

    while (n < most && s[n - 1].joined && !s[n - 1].moves &&
           s[n].kind == STEP_LINE)
        n++;
    if (n == 1 && s->moves)
        prepare(p, &s->manner);
    for (size_t i = 0; i < n && p->open; i++)
        send_line(p, &s[i]);
    for (size_t i = 0; i < n && p->open; i++) {
        model_line(&p->model, s[i].line, &e);
        answered(p, &s[i], &e);
    }
    return n;
}

void play(struct player *p, const struct plan *plan)
{
    size_t i = 0;

    while (i < plan->count) {
        const struct step *s = &plan->step[i];

        fail_context("step %zu: ", i);
        if (s->kind != STEP_LINE) {
            disk_check(server_home(p->server, p->model.user), &p->model.tree);
            arrive(p, s);
            i++;
            continue;
        }
        if (p->model.ended)
            log_in(p);
        i += play_burst(p, s, plan->count - i);
    }
    disk_check(server_home(p->server, p->model.user), &p->model.tree);
}

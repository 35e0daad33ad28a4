/* Plays a program. */
#include "client.h"
#include "support/fail.h"
#include "support/test.h"

static void play_line(struct actor *p, struct client *c, struct slice line)
{
    p->counts->commands++;
    c->owed++;
    client_send(c, line.ptr, line.len);
    client_send(c, "\r\n", 2);
}

static void play_below(struct client *c, struct slice bytes)
{
    if (c->fd < 0)
        return;
    (void)!send(c->fd, bytes.ptr, bytes.len, MSG_NOSIGNAL | MSG_DONTWAIT);
    c->broken = c->broken || c->tls;
}

static void play_op(struct actor *p, const struct op *o)
{
    struct client *c = &p->client[o->client];

    if (o->kind == OP_CONNECT)
        client_connect(p, c);
    else if (o->kind == OP_LOGIN)
        client_login(p, c, o);
    else if (o->kind == OP_LINE)
        play_line(p, c, o->line);
    else if (o->kind == OP_RAW)
        client_send(c, o->line.ptr, o->line.len);
    else if (o->kind == OP_BELOW)
        play_below(c, o->line);
    else if (o->kind == OP_REPLY)
        client_reply(p, c, (int)o->how);
    else if (o->kind == OP_END)
        client_end(p, c, o);
    else if (o->kind == OP_PAUSE)
        poll(NULL, 0, (int)o->how);
    else if (o->kind == OP_IDLE)
        server_idle(p);
    else if (o->kind == OP_KILL)
        server_hurt(p, o);
    else
        data_play(p, c, o);
}

/* Prints a step on standard error, to explain a failure. */
static void show_step(size_t i, const struct op *o)
{
    struct buf text;

    buf_init(&text, 1024);
    op_show(o, &text);
    fprintf(stderr, "%zu  %.*s\n", i, (int)text.len, text.data);
    buf_release(&text);
}

void play_program(struct actor *p)
{
    signal(SIGPIPE, SIG_IGN);
    for (size_t i = 0; i < FUZZ_CLIENTS; i++)
        client_init(&p->client[i]);
    for (size_t i = 0; i < p->program->count; i++) {
        fail_context("step %zu: ", i);
        show_step(i, &p->program->op[i]);
        play_op(p, &p->program->op[i]);
    }
    fail_context("at the end: ");
    for (size_t i = 0; i < FUZZ_CLIENTS; i++)
        client_quit(p, &p->client[i]);
    server_left(p);
    p->counts->files +=
        oracle_check(&p->oracle, server_home(p->server, p->user));
    p->counts->programs++;
}

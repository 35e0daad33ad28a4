/* PASV, EPSV, PORT, EPRT, LIST, NLST, MLSD, RETR, STOR, APPE, STOU, ABOR (RFC
 * 959, 2428, 3659). */
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "binding.h"
#include "commands.h"
#include "control.h"
#include "data.h"
#include "flow.h"
#include "leave.h"
#include "list.h"
#include "sallyport/base/secret.h"
#include "sallyport/ftp/hostport.h"
#include "sum.h"
#include "transfer.h"
#include "verdict.h"

void cmd_pasv(struct session *s, const struct call *call)
{
    (void)call;
    if (s->only_epsv)
        control_reply(s, REPLY_ONLY_EPSV);
    else if (s->local.family != 4)
        control_reply(s, REPLY_USE_EPSV);
    else
        data_ask_port(s, VERB_PASV);
}

void cmd_epsv(struct session *s, const struct call *call)
{
    enum epsv_argument wanted;
    int r = epsv_parse(call->argument, &wanted);

    if (r == -EPROTONOSUPPORT ||
        (r == 0 && ((wanted == EPSV_IPV4 && s->local.family != 4) ||
                    (wanted == EPSV_IPV6 && s->local.family != 6)))) {
        control_reply(s, REPLY_BAD_PROTOCOL);
    } else if (r < 0) {
        control_reply_with(s, REPLY_BAD_ARGUMENT,
                           slice_from(call->command->help), NOTHING);
    } else if (wanted == EPSV_ALL) {
        s->only_epsv = true;
        control_reply(s, REPLY_EPSV_ALL);
    } else {
        data_ask_port(s, VERB_EPSV);
    }
}

/* Whoever names another host has us scan or flood it (RFC 2577). */
static void await(struct session *s, const struct call *call,
                  const struct address *client)
{
    char text[ADDRESS_TEXT_MAX];
    struct event_record e;

    address_port_text(client, text);
    if (!address_same_host(client, &s->peer) || client->port < 1024) {
        record_foreign(&e, s, call->command->name, text);
        verdict_of(s, &e, REPLY_ACTIVE_FOREIGN);
        return;
    }
    data_await(s, client);
    binding_offer(s);
    control_reply_with(s, REPLY_ACTIVE_OK, slice_from(text), NOTHING);
}

static void active(struct session *s, const struct call *call, int parsed,
                   const struct address *client)
{
    if (s->only_epsv)
        control_reply(s, REPLY_ONLY_EPSV);
    else if (parsed == -EPROTONOSUPPORT)
        control_reply(s, REPLY_BAD_PROTOCOL);
    else if (parsed < 0)
        control_reply_with(s, REPLY_BAD_ARGUMENT,
                           slice_from(call->command->help), NOTHING);
    else
        await(s, call, client);
}

void cmd_port(struct session *s, const struct call *call)
{
    struct address client;
    int r = hostport_parse(call->argument, &client);

    active(s, call, r, &client);
}

void cmd_eprt(struct session *s, const struct call *call)
{
    struct address client;
    int r = hostport_parse_extended(call->argument, &client);

    active(s, call, r, &client);
}

void cmd_list(struct session *s, const struct call *call)
{
    list_begin(s, call, LIST_LONG);
}

void cmd_nlst(struct session *s, const struct call *call)
{
    list_begin(s, call, LIST_NAMES);
}

void cmd_mlsd(struct session *s, const struct call *call)
{
    list_begin(s, call, LIST_FACTS);
}

/* The range, as far as there is a file: so many bytes. */
static uint64_t narrow(struct transfer *t)
{
    if (t->size > t->limit)
        t->size = t->limit;
    if (t->start > t->size)
        t->start = t->offset = t->size;
    return t->size - t->start;
}

static void readable(struct session *s, struct packet *p)
{
    struct transfer *t = &s->transfer;

    if (p->message == MSG_REFUSED) {
        transfer_refused(s, p);
        return;
    }
    t->source = ask_descriptor(s, p, S_IFREG);
    t->size = p->value[0].number;
    if (t->limit > 0)
        transfer_announce(s, narrow(t));
    else
        transfer_announce(s, flow_keeps_lengths(s) ? t->size : UINT64_MAX);
}

/* A range may lie beyond the file, and then has no bytes; a REST may not. */
void cmd_retr(struct session *s, const struct call *call)
{
    uint64_t until = s->until;
    struct packet p = { .message = MSG_FILE_READ,
                        .value = { TEXT(path_slice(&call->path)),
                                   NUMBER(until > 0 ? 0 : s->rest) } };

    if (!transfer_begin(s, call))
        return;
    s->transfer.limit = until;
    ask_files(s, &p, readable);
}

static void writable(struct session *s, struct packet *p)
{
    struct transfer *t = &s->transfer;

    if (p->message == MSG_REFUSED) {
        transfer_refused(s, p);
        return;
    }
    t->source = ask_descriptor(s, p, S_IFREG);
    t->start = t->offset = p->value[0].number;
    t->limit = p->value[1].number;
    t->waits = p->value[2].number != 0;
    t->copying = p->value[3].number < t->start ? p->value[3].number : t->start;
    t->block = malloc(TRANSFER_BLOCK);
    if (!t->block || !sum_begin(s))
        leave(s, ENDING_PEER, "no memory for an upload");
    transfer_announce(s, UINT64_MAX);
}

static void store(struct session *s, const struct call *call,
                  enum write_mode mode)
{
    struct packet p = { .message = MSG_FILE_WRITE,
                        .value = { TEXT(path_slice(&call->path)), NUMBER(mode),
                                   NUMBER(s->rest), NUMBER(s->announced) } };

    if (s->until > 0) { /* a range of a file can't be stored */
        control_reply_with(s, REPLY_BAD_PARAMETER,
                           SLICE("REST; RANG is for RETR and HASH"), NOTHING);
    } else if (transfer_begin(s, call)) {
        p.value[4].number = !flow_keeps_lengths(s);
        ask_files(s, &p, writable);
    }
}

void cmd_stor(struct session *s, const struct call *call)
{
    store(s, call, WRITE_STORE);
}

void cmd_appe(struct session *s, const struct call *call)
{
    s->rest = 0; /* APPE goes to the end, whatever REST said */
    store(s, call, WRITE_APPEND);
}

/* The name is the server's; files makes sure that it is new. */
void cmd_stou(struct session *s, const struct call *call)
{
    struct call unique = *call;
    uint64_t number;

    random_bytes(&number, sizeof(number));
    s->rest = 0;
    if (path_unique(&call->path, call->argument.len > 0, number, &unique.path) <
        0)
        control_reply(s, REPLY_BAD_NAME);
    else
        store(s, &unique, WRITE_UNIQUE);
}

void cmd_abor(struct session *s, const struct call *call)
{
    (void)call;
    transfer_abort(s);
}

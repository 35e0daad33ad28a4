/* PASV, EPSV, PORT, EPRT, LIST, NLST, MLSD, RETR, STOR, APPE, STOU, ABOR (RFC
 * 959, 2428, 3659). */
#include <errno.h>

#include "binding.h"
#include "commands.h"
#include "control.h"
#include "data.h"
#include "sallyport/base/random.h"
#include "sallyport/ftp/hostport.h"
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
        data_gate_passive(s, VERB_PASV);
}

void cmd_epsv(struct session *s, const struct call *call)
{
    enum epsv_argument wanted;
    int r = hostport_parse_epsv(call->argument, &wanted);

    if (r == -EPROTONOSUPPORT ||
        (r == 0 && ((wanted == EPSV_IPV4 && s->local.family != 4) ||
                    (wanted == EPSV_IPV6 && s->local.family != 6)))) {
        control_reply(s, REPLY_BAD_PROTOCOL);
    } else if (r < 0) {
        control_bad_argument(s, call->command->help);
    } else if (wanted == EPSV_ALL) {
        s->only_epsv = true;
        control_reply(s, REPLY_EPSV_ALL);
    } else {
        data_gate_passive(s, VERB_EPSV);
    }
}

/* A client that names another host may want the server to scan or flood it (RFC
 * 2577). */
static void cmd_await(struct session *s, const struct call *call,
                      const struct address *client)
{
    char text[ADDRESS_TEXT_MAX];
    struct event_record e;

    address_port_text(client, text);
    if (!address_same_host(client, &s->peer) || client->port < 1024) {
        report_of_foreign(&e, s, call->command->name, text);
        verdict_of(s, &e, REPLY_ACTIVE_FOREIGN);
        return;
    }
    data_gate_active(s, client);
    binding_offer(s);
    control_reply_with(s, REPLY_ACTIVE_OK, slice_from(text));
}

static void cmd_active(struct session *s, const struct call *call, int parsed,
                       const struct address *client)
{
    if (s->only_epsv)
        control_reply(s, REPLY_ONLY_EPSV);
    else if (parsed == -EPROTONOSUPPORT)
        control_reply(s, REPLY_BAD_PROTOCOL);
    else if (parsed < 0)
        control_bad_argument(s, call->command->help);
    else
        cmd_await(s, call, client);
}

void cmd_port(struct session *s, const struct call *call)
{
    struct address client;
    int r = hostport_parse(call->argument, &client);

    cmd_active(s, call, r, &client);
}

void cmd_eprt(struct session *s, const struct call *call)
{
    struct address client;
    int r = hostport_parse_extended(call->argument, &client);

    cmd_active(s, call, r, &client);
}

/* NLST and MLSD too: list.c knows the form of each. */
void cmd_list(struct session *s, const struct call *call)
{
    transfer_begin(s, call, list_steps);
}

void cmd_retr(struct session *s, const struct call *call)
{
    transfer_begin(s, call, download_steps);
}

/* Its end couldn't be checked. */
static bool cmd_lacks_length(const struct session *s)
{
    return s->login.upload_eof == UPLOAD_EOF_ANNOUNCED &&
           (s->announced == NOT_ANNOUNCED || !s->image || s->deflate);
}

void cmd_stor(struct session *s, const struct call *call)
{
    if (s->until > 0) /* a range of a file can't be stored */
        control_reply_with(s, REPLY_BAD_PARAMETER,
                           SLICE("REST; RANG is for RETR and HASH"));
    else if (cmd_lacks_length(s))
        control_reply(s, REPLY_NEED_ALLO);
    else
        transfer_begin(s, call, upload_steps);
}

void cmd_appe(struct session *s, const struct call *call)
{
    s->rest =
        0; /* APPE continues at the end of the file, without regard to REST */
    cmd_stor(s, call);
}

/* The server chooses the name, and files makes sure that it is new. */
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
        cmd_stor(s, &unique);
}

void cmd_abor(struct session *s, const struct call *call)
{
    (void)call;
    transfer_abort(s);
}

/* PASV and EPSV (RFC 959, 2428), in session. */
#include "transfer.h"

#include <errno.h>

#include "data.h"
#include "sallyport/ftp/hostport.h"

void cmd_pasv(struct session *s, const struct call *call)
{
    (void)call;
    if (s->only_epsv)
        control_reply(s, REPLY_ONLY_EPSV);
    else if (s->local.family != 4)
        control_reply(s, REPLY_USE_EPSV);
    else
        data_port_passive(s, VERB_PASV);
}

static void cmd_other_protocol(struct session *s)
{
    control_reply_with(s, REPLY_BAD_PROTOCOL,
                       s->local.family == 4 ? SLICE("1") : SLICE("2"));
}

void cmd_epsv(struct session *s, const struct call *call)
{
    enum epsv_argument wanted;
    int r = hostport_parse_epsv(call->argument, &wanted);

    if (r == -EPROTONOSUPPORT ||
        (r == 0 && ((wanted == EPSV_IPV4 && s->local.family != 4) ||
                    (wanted == EPSV_IPV6 && s->local.family != 6)))) {
        cmd_other_protocol(s);
    } else if (r < 0) {
        control_bad_argument(s, call->command->help);
    } else if (wanted == EPSV_ALL) {
        s->only_epsv = true;
        control_reply(s, REPLY_EPSV_ALL);
    } else {
        data_port_passive(s, VERB_EPSV);
    }
}

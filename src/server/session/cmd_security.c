/* AUTH, PBSZ, PROT, HOST (RFC 4217, 2228, 7151), in session. */
#include "transfer.h"

#include <errno.h>

#include "sallyport/ftp/hostport.h"
#include "sallyport/tls/stream.h"

void cmd_auth(struct session *s, const struct call *call)
{
    struct slice a = call->argument;

    if (control_is_secure(s)) {
        control_reply(s, REPLY_ALREADY_TLS);
        return;
    }
    /* curl sends SSL first; both words mean the same here (RFC 4217 2). */
    if (!slice_equal_nocase(a, SLICE("TLS")) &&
        !slice_equal_nocase(a, SLICE("TLS-C")) &&
        !slice_equal_nocase(a, SLICE("SSL"))) {
        control_reply(s, REPLY_AUTH_UNKNOWN);
        return;
    }
    control_reply(s, REPLY_AUTH_OK);
    control_secure(s);
}

void cmd_pbsz(struct session *s, const struct call *call)
{
    uint64_t size;

    if (slice_number(call->argument, UINT32_MAX, &size) < 0) {
        control_bad_argument(s, call->command->help);
        return;
    }
    if (s->protection == PROTECTION_NONE)
        s->protection = PROTECTION_PBSZ;
    control_reply(
        s, REPLY_PBSZ_OK); /* TLS needs no such buffer: the size is always 0 */
}

void cmd_prot(struct session *s, const struct call *call)
{
    struct slice a = call->argument;

    if (s->protection == PROTECTION_NONE) { /* RFC 2228 3 */
        control_reply_with(s, REPLY_BAD_SEQUENCE, SLICE("PBSZ 0"));
    } else if (slice_equal_nocase(a, SLICE("P"))) {
        s->protection = PROTECTION_P;
        control_reply(s, REPLY_PROT_OK);
    } else if (slice_equal_nocase(a, SLICE("C"))) {
        control_reply(s, REPLY_POLICY);
    } else if (slice_equal_nocase(a, SLICE("S")) ||
               slice_equal_nocase(a, SLICE("E"))) {
        control_reply(s, REPLY_PROT_LEVEL);
    } else {
        control_reply_with(s, REPLY_BAD_PARAMETER, SLICE("P"));
    }
}

/* HOST (RFC 7151), before the login. There are no virtual hosts, so the session
 * doesn't keep the name. But a client that has seen the certificate of one host
 * must not believe that it is connected to another host (RFC 6066 3). */
void cmd_host(struct session *s, const struct call *call)
{
    const char *asked = stream_server_name(s->control.stream);

    if (s->login.name[0])
        control_reply(s, REPLY_HOST_LATE);
    else if (asked && !host_is_same(call->argument, slice_from(asked)))
        control_reply(s, REPLY_HOST_OTHER);
    else
        control_reply(s, REPLY_HOST_OK);
}

/* Why a client ends at once: it uses the wrong port or the wrong kind of TLS,
 * or doesn't trust the certificate. In session, as a part of its one `end`
 * event, so that a stranger causes no more lines. */
#include "why.h"

#include <stdio.h>

#include "control.h"

#define TLS_HANDSHAKE 0x16

void why_foreign_byte(struct session *s, char byte)
{
    if (byte == TLS_HANDSHAKE && !control_is_secure(s))
        snprintf(s->why, sizeof(s->why),
                 "TLS at a port of explicit TLS; set the client to explicit "
                 "TLS, or to a port of implicit TLS");
    else
        snprintf(s->why, sizeof(s->why), "it began with the byte 0x%02x",
                 (unsigned char)byte);
}

void why_foreign_line(struct session *s, const char *protocol)
{
    snprintf(s->why, sizeof(s->why), "%s; set that client to another port",
             protocol);
}

/* A client of explicit TLS waits for the greeting, which never comes at that
 * port. */
static bool why_was_silent(const struct session *s)
{
    return s->implicit && !control_is_secure(s) &&
           stream_traffic(s->control.stream) == 0;
}

/* Clients with GnuTLS, and people who are asked, judge the certificate after
 * the handshake. They send no alert. */
static bool why_left_at_certificate(const struct session *s)
{
    return control_is_secure(s) && !s->control.first_line_seen;
}

const char *why_end(const struct session *s, enum ending ending,
                    const char *cause)
{
    if (s->why[0])
        return s->why;
    if ((ending == ENDING_TLS || ending == ENDING_LOGIN_TIME) &&
        why_was_silent(s))
        return "the client sent nothing; one of explicit TLS waits in vain at "
               "this port of implicit TLS";
    if (ending == ENDING_CLOSED && why_left_at_certificate(s))
        return "at once after the TLS handshake; it may not trust the "
               "certificate";
    return cause;
}

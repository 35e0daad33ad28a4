/* The end of a session: one event with its reason, then the process is gone and
 * with it every descriptor and secret. */
#include "leave.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "control.h"
#include "report.h"
#include "sallyport/base/secret.h"

void leave(struct session *s, enum ending ending, const char *cause)
{
    secret_wipe(&s->login.password);
    control_part(s);
    report_cut(s, ending_text(ending));
    if (s->transfer.state != TRANSFER_NONE && !s->transfer.hash)
        s->total += s->transfer.bytes;
    report_end(s, ending, cause);
    _exit((int)ending);
}

void leave_peer(struct session *s, enum process peer, int error,
                const struct channel *c)
{
    char cause[160];

    snprintf(cause, sizeof(cause), "%s: %s", process_name(peer),
             error == -EPROTO  ? c->wrong
             : error == -EPIPE ? "gone"
                               : "does not read");
    if (s->control.secured && !s->control.securing && !s->control.gone &&
        !s->control.closing) {
        struct slice none[2] = { { "", 0 }, { "", 0 } };
        size_t took;

        /* Best effort, without the loop: this process ends here. */
        if (reply_build(&s->control.out, REPLY_LOST_SERVICE, none, 0) == 0) {
            stream_write(s->control.stream, s->control.out.data,
                         s->control.out.len, &took);
            buf_consume(&s->control.out, took);
        }
    }
    leave(s, ENDING_PEER, cause);
}

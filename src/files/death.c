/* The event of an upload whose session died, in the process files. A session
 * reports its own transfers, even if it leaves in the middle of one. If it
 * dies, only this process knows path and length. Never called for a session
 * that left by itself, or there would be two events. */
#include <stdio.h>

#include "request.h"
#include "sallyport/base/clock.h"
#include "sallyport/ftp/command.h"

static const enum verb verbs[WRITE_MODE_COUNT] = {
    [WRITE_STORE] = VERB_STOR,
    [WRITE_APPEND] = VERB_APPE,
    [WRITE_UNIQUE] = VERB_STOU,
};

void death_report(struct files *f)
{
    const struct upload *u = &f->upload;
    const char *stands = u->stands ? "; the file is complete" : "";
    struct event_record r;
    char reason[80];

    snprintf(reason, sizeof(reason), "the session died: signal %d%s", f->died,
             stands);
    event_begin(&r, EVENT_TRANSFER);
    event_text(&r, FIELD_USER, slice_from(f->user));
    event_text(&r, FIELD_VERB, slice_from(command_name(verbs[u->mode])));
    event_text(&r, FIELD_PATH, path_slice(&u->path));
    event_number(&r, FIELD_BYTES,
                 u->length > u->first ? u->length - u->first : 0);
    event_number(&r, FIELD_MS, clock_ms() - u->began);
    event_number(&r, FIELD_RESULT, 0);
    event_text(&r, FIELD_REASON, slice_from(reason));
    event_send(&f->log, &r);
    event_flush(&f->log);
}

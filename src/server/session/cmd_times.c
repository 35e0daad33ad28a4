/* MFMT and SITE CHMOD (draft-somers-ftp-mfxx), in session: set a file's time,
 * in UTC, and its mode. */
#include "transfer.h"

#include <errno.h>
#include <stdio.h>

#include "sallyport/ftp/listing.h"
#include "sallyport/ftp/times.h"

static void times_on_set(struct session *s, struct message *m)
{
    char text[16];
    struct slice to = slice_from(listing_time(s->modify, text));
    const struct change c = { "MFMT", path_slice(&s->subject), to };

    final_of_change(s, m, &c, REPLY_TIMES, to);
}

/* Resolves NAME as the subject. Otherwise replies to the client, and returns
 * false. The last upload may have got another name than the client asked for:
 * in a drop, or because the name was taken. The client still means the file
 * that it has sent. */
static bool times_resolve(struct session *s, struct slice name)
{
    if (path_resolve(&s->cwd, name, &s->subject) < 0) {
        control_reply(s, REPLY_BAD_NAME);
        return false;
    }
    if (s->stored[0] && !s->subject.directory &&
        slice_equal(path_slice(&s->subject), path_slice(&s->wanted)))
        path_resolve(&s->cwd, slice_from(s->stored), &s->subject);
    return true;
}

void cmd_mfmt(struct session *s, const struct call *call)
{
    struct slice name;

    if (times_parse(call->argument, &s->modify, &name) < 0)
        control_bad_argument(s, call->command->help);
    else if (times_resolve(s, name))
        ASK(s, times, times_on_set, .path = path_slice(&s->subject),
            .access = s->modify, .modify = s->modify,
            .directory = s->subject.directory);
}

static void times_on_mode_set(struct session *s, struct message *m)
{
    char text[16];
    const struct slice to = { text, 4 };
    const struct change c = { "SITE CHMOD", path_slice(&s->subject), to };

    snprintf(text, sizeof(text), "%04o", s->mode);
    final_of_change(s, m, &c, REPLY_CHMOD_OK, to);
}

void cmd_site_chmod(struct session *s, const struct call *call)
{
    struct slice rest = call->argument, mode;
    int r;

    slice_cut(&rest, ' ', &mode);
    r = times_parse_mode(mode, &s->mode);
    if (r == -ERANGE)
        control_reply_with(s, REPLY_BAD_PARAMETER, SLICE("400 to 777"));
    else if (r < 0 || rest.len == 0)
        control_bad_argument(s, "SITE CHMOD mode path");
    else if (times_resolve(s, rest))
        ASK(s, mode, times_on_mode_set, .path = path_slice(&s->subject),
            .mode = s->mode, .directory = s->subject.directory);
}

/* Names the promises that a correct configuration weakens, in a line at each
 * start. It must name each weaker setting, since somebody may have talked the
 * administrator into it. Runs in check. */
#include "check.h"

#include "sallyport/domain/choices.h"

static void phrase(struct buf *into, const char *text)
{
    if (into->len > 0)
        buf_add_text(into, "; ");
    buf_add_text(into, text);
}

void weaker_text(const struct check *k, struct buf *into)
{
    const struct users *u = &k->users;
    bool lenient = k->settings.upload_eof == UPLOAD_EOF_LENIENT;
    size_t n = 0; /* users with data connections that prove only an address */

    for (size_t i = 0; i < u->count; i++) {
        lenient |= user_choice(&u->row[i], CHOICE_UPLOAD_EOF,
                               k->settings.upload_eof) == UPLOAD_EOF_LENIENT;
        n += u->row[i].choice[CHOICE_BINDING] == BINDING_ADDRESS + 1;
    }
    if (!k->root)
        phrase(into, "not run by root: all processes have the same uid and no "
                     "empty root directory");
    for (size_t i = 0; i < SANDBOX_PARTS; i++)
        if (k->settings.allow_weaker & 1u << i) {
            phrase(into, "allow_weaker excuses ");
            buf_add_text(into, sandbox_words[i]);
        }
    if (!k->settings.fsync)
        phrase(into, "fsync = no: 226 does not mean durable");
    if (lenient)
        phrase(into, "upload_eof = lenient: an upload that was cut on its way "
                     "can't be distinguished from a complete one");
    if (k->settings.resume && k->key_lost[0]) {
        phrase(into, "unfinished uploads can't be resumed after a restart: ");
        buf_add_text(into, k->key_lost);
    }
    if (k->settings.data_binding == BINDING_ADDRESS)
        phrase(into, "data_binding = address: a data connection proves nothing "
                     "but its address");
    else if (n > 0) {
        phrase(into, "data_binding=address for ");
        buf_add_format(into,
                       "%zu user%s, whose data connections prove "
                       "nothing but their address",
                       n, n == 1 ? "" : "s");
    }
}

/* --certificate: names of client certificates, from the forms of other
 * programs. The room userparse checks whether a name is valid. Pure. */
#include "draft.h"

#include <errno.h>
#include <string.h>

#include "sallyport/base/buf.h"
#include "sallyport/domain/tls.h"

/* openssl(1) prints a backslash before a ';', and before a space at either end
 * of a value; that backslash is dropped. An escaped backslash belongs to the
 * name and stays. */
static int settle_pairs(const char *text, struct buf *into)
{
    int r = 0;

    for (size_t len; *text && r == 0; text += len) {
        len = *text == '\\' && text[1] ? 2 : 1;
        r = len == 2 && (text[1] == ' ' || text[1] == ';')
                ? buf_add_format(into, "\\%02X", (unsigned)text[1])
                : buf_add(into, text, len);
    }
    return r;
}

static int add_pin(struct slice name, struct buf *into)
{
    int r = buf_add_text(into, PIN_PREFIX);

    for (size_t i = sizeof(PIN_PREFIX) - 1; i < name.len && r == 0; i++) {
        char c = name.ptr[i];

        if (c >= 'A' && c <= 'F')
            c = (char)(c - 'A' + 'a');
        if (c != ':')
            r = buf_add(into, &c, 1);
    }
    return r;
}

static int add_other(struct slice name, struct buf *into)
{
    int r = 0;

    for (size_t i = 0; i < name.len && r == 0; i++)
        r = name.ptr[i] == ' ' ? buf_add_text(into, "\\20")
                               : buf_add(into, &name.ptr[i], 1);
    return r;
}

static int add_all(struct slice rest, struct buf *into)
{
    struct slice name;
    int r = 0;

    while (r == 0 && slice_cut(&rest, ';', &name)) {
        if (into->len > 0)
            r = buf_add_text(into, ";");
        name = slice_trim(name);
        if (r == 0)
            r = slice_starts(name, SLICE(PIN_PREFIX)) ? add_pin(name, into)
                                                      : add_other(name, into);
    }
    return r;
}

int certificate_tidy(const char *text, char out[CERTIFICATE_MAX])
{
    struct buf settled, into;
    int r;

    buf_init(&settled, 2 * CERTIFICATE_MAX);
    buf_init(&into, CERTIFICATE_MAX - 1);
    r = settle_pairs(text, &settled);
    if (r == 0)
        r = add_all(buf_slice(&settled), &into);
    if (r == 0)
        r = slice_copy(buf_slice(&into), out, CERTIFICATE_MAX);
    else
        r = -ENAMETOOLONG;
    buf_release(&settled);
    buf_release(&into);
    return r;
}

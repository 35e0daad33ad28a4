/* Dates of certificates and revocation lists. Runs in gate and session. It
 * reads no clock: the caller compares. */
#include <errno.h>
#include <openssl/asn1.h>
#include <stdlib.h>
#include <time.h>

#include "context_inside.h"

int64_t date_seconds(const ASN1_TIME *t)
{
    struct tm tm;

    return ASN1_TIME_to_tm(t, &tm) == 1 ? timegm(&tm) : 0;
}

const char *date_text(const ASN1_TIME *t, char out[DATE_TEXT_MAX])
{
    struct tm tm = { 0 };

    if (ASN1_TIME_to_tm(t, &tm) != 1 ||
        strftime(out, DATE_TEXT_MAX, "%Y-%m-%d %H:%M:%S UTC", &tm) == 0)
        slice_copy(SLICE("an unreadable date"), out, DATE_TEXT_MAX);
    return out;
}

int date_note(struct dated_file *f, int number, int64_t end, int64_t before)
{
    struct dated *more =
        reallocarray(f->thing, f->count + 1, sizeof(*f->thing));

    if (!more)
        return -ENOMEM;
    f->thing = more;
    f->thing[f->count++] = (struct dated){ number, end, end - before };
    return 0;
}

void date_release(struct dated_file *f)
{
    free(f->name);
    free(f->thing);
    *f = (struct dated_file){ 0 };
}

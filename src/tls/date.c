/* Dates of certificates and of lists. Runs in gate and in sessions; must know
 * no clock: who asks compares. */
#include <openssl/asn1.h>
#include <time.h>

#include "context_inside.h"

int64_t date_seconds(const ASN1_TIME *t)
{
    struct tm tm;

    return ASN1_TIME_to_tm(t, &tm) == 1 ? timegm(&tm) : 0;
}

void date_note(struct dated_file *f, int number, int64_t end, int64_t before)
{
    const struct dated new = { number, end, end - before };

    if (f->first.number == 0 || new.expires < f->first.expires)
        f->first = new;
    if (f->due.number == 0 || new.warn < f->due.warn)
        f->due = new;
}

/* Tests how many parallel sessions a server permits. */
#include "doctor.h"
#include "link.h"
#include "sallyport/base/clock.h"

#define PARALLEL 10

/* Logs in PARALLEL times, or less often if that takes longer than --timeout: a
 * server may take seconds to hash each password. Returns how many logins the
 * server accepted; *tried gets how many it tried. */
static size_t parallel_logins(struct doctor *d, struct dial *dial,
                              size_t *tried, struct failure *first)
{
    uint64_t end = clock_ms() + 1000 * d->options->timeout;
    struct failure why;
    size_t in = 0;

    for (*tried = 0; *tried < PARALLEL && !link_interrupted; ++*tried) {
        if (clock_ms() >= end)
            break;
        dial[*tried] = (struct dial){ .fd = -1 };
        if (doctor_login(d, &dial[*tried], &why) == 0)
            in++;
        else if (first->code == 0)
            *first = why;
    }
    return in;
}

void doctor_check_parallel(struct doctor *d)
{
    struct dial dial[PARALLEL];
    struct failure first = { 0 };
    size_t tried, in = parallel_logins(d, dial, &tried, &first);

    for (size_t i = 0; i < tried; i++)
        dial_close(&dial[i]);
    if (in < tried)
        doctor_find(d, FINDING_WARNING,
                    "raise the limits of sessions for each address and user",
                    "of %zu sessions at once %zu were let in: %s", tried, in,
                    first.text);
    else if (tried < PARALLEL)
        doctor_find(d, FINDING_NOTE, NULL,
                    "%zu sessions at once took %llu s; no more were tried", in,
                    (unsigned long long)d->options->timeout);
    else
        doctor_find(d, FINDING_GOOD, NULL, "%zu sessions at once", in);
}

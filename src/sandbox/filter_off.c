/* Replaces filter.c in builds with sanitizers. Their runtime needs calls that
 * no policy permits, and reports on standard error, which tests read. It never
 * claims that there is a filter: the caller learns it, and the start line says
 * that the sandbox is weaker. */
#include "filter.h"

int filter_prepare(enum process p, struct filter_choice choice)
{
    (void)p;
    (void)choice;
    return 0;
}

int filter_load(enum process p, struct filter_choice choice)
{
    (void)p;
    (void)choice;
    return 1;
}

int filter_end_descriptors(void)
{
    return 0;
}

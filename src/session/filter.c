/* What all stages of a transfer have in common. */
#include "filter.h"

void filter_free(struct filter *f)
{
    if (f)
        f->kind->free(f);
}

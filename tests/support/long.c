#include "support/long.h"

#include <stdlib.h>

bool is_long(void)
{
    const char *value = getenv("SALLYPORT_LONG");

    return value && *value == '1';
}

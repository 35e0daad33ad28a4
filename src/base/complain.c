/* Error messages about input. */
#include "sallyport/base/complain.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

int complain(struct complaint *c, const char *format, ...)
{
    va_list args;

    if (c->text[0])
        return -EINVAL;
    va_start(args, format);
    vsnprintf(c->text, sizeof(c->text), format, args);
    va_end(args);
    return -EINVAL;
}

/* The end of a process that can't continue. */
#include "sallyport/base/die.h"

#include <stdarg.h>
#include <unistd.h>

#include "sallyport/base/stderr.h"

void die(int status, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    stderr_print_list(format, args);
    va_end(args);
    _exit(status);
}

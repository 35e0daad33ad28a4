/* Prints lines on standard error, each with the title of the process before
 * it. */
#ifndef SALLYPORT_BASE_STDERR_H
#define SALLYPORT_BASE_STDERR_H

#include <stdarg.h>

/* Call it before the first line. It keeps TITLE, which must not change. */
void stderr_title(const char *title);
/* Prints one line. It never waits: a line that standard error can't take now is
 * lost. */
void stderr_print(const char *format, ...)
    __attribute__((format(printf, 1, 2)));
void stderr_print_list(const char *format, va_list args)
    __attribute__((format(printf, 1, 0)));

#endif

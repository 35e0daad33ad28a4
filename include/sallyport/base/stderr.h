/* Lines on standard error, each after the title of the process. */
#ifndef SALLYPORT_BASE_STDERR_H
#define SALLYPORT_BASE_STDERR_H

#include <stdarg.h>

/* To be called before the first line. Keeps TITLE, which must not change. */
void stderr_title(const char *title);
/* One line. Never waits: if standard error takes nothing, it is lost. */
void stderr_print(const char *format, ...)
    __attribute__((format(printf, 1, 2)));
void stderr_print_list(const char *format, va_list args)
    __attribute__((format(printf, 1, 0)));

#endif

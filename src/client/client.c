/* Prints the failures of commands. */
#include <stdarg.h>
#include <stdio.h>
#include <sysexits.h>

#include "client.h"

int client_error(const char *what, const struct failure *why)
{
    progress_error(what, why);
    return why->code ? why->code : EX_SOFTWARE;
}

int client_refuse(const char *what, int code, const char *format, ...)
{
    char text[FAILURE_TEXT];
    struct failure why;
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    fail(&why, code, "%s", text);
    return client_error(what, &why);
}

/* Messages about faults: complaints for the person who wrote an input, lines on
 * standard error, and the last words of a process. */
#ifndef SALLYPORT_BASE_COMPLAIN_H
#define SALLYPORT_BASE_COMPLAIN_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

/* A complaint says what is wrong with an input, in words for the person who
 * wrote that input. */
#define COMPLAINT_MAX 4096

struct complaint {
    char text[COMPLAINT_MAX]; /* "": no complaint */
};

/* Writes the text, unless C has a text already: the first complaint stays.
 * Always returns -EINVAL. */
int complain(struct complaint *c, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Writes the text. What follows "run: " in the format is a command for people
 * to paste: each value in it is one word, and is quoted for a shell if need be
 * (%-s: a part of the command, such as several words), and "sallyportctl" gets
 * --config. If the text doesn't fit, ends its beginning with "...", and leaves
 * out all of a command, also of one in a value: the rest of a command can be
 * another command. */
void complaint_write(char *text, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void complaint_list(char *text, size_t size, const char *format, va_list args)
    __attribute__((format(printf, 3, 0)));
/* Sets the configuration that commands name; "": the default one, as at the
 * start. */
void complaint_configuration(const char *path);

/* Sets the title that begins each line of this process on standard error. Call
 * it before the first line. The text must stay valid and unchanged. */
void stderr_title(const char *title);
/* Sets whether stderr_print() waits if standard error can't take a line now:
 * false, the default, for a daemon; true for a program that a person runs. */
void stderr_wait(bool waits);
/* Prints one line. After stderr_wait(true) the call can wait; otherwise a line
 * that standard error can't take now is lost. */
void stderr_print(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

/* Prints one line on standard error, and calls _exit(2). Call it after a broken
 * invariant, or if a peer lies. Master never calls it because of a peer. STATUS
 * is a sysexits(3) code. */
_Noreturn void die(int status, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif

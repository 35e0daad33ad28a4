/* A complaint says what is wrong with an input, in words for the person who
 * wrote that input. */
#ifndef SALLYPORT_BASE_COMPLAIN_H
#define SALLYPORT_BASE_COMPLAIN_H

#define COMPLAINT_MAX 512

struct complaint {
    char text[COMPLAINT_MAX]; /* "" while there is none */
};

/* Writes the text unless there is one already: the first complaint stays.
 * Always returns -EINVAL. */
int complain(struct complaint *c, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif

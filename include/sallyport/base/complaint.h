/* What is wrong with somebody's input, in words for that person. */
#ifndef SALLYPORT_BASE_COMPLAINT_H
#define SALLYPORT_BASE_COMPLAINT_H

#define COMPLAINT_MAX 512

struct complaint {
    char text[COMPLAINT_MAX]; /* "" while there is none */
};

/* Keeps the first complaint; later ones are dropped. Always returns -EINVAL. */
int complain(struct complaint *c, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif

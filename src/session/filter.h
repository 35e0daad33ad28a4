/* Stages that the bytes of a transfer pass between a file and a data
 * connection. A stage sees bytes only: no descriptor, no clock, and no more
 * memory than it took when it was made. */
#ifndef SALLYPORT_SRC_SESSION_FILTER_H
#define SALLYPORT_SRC_SESSION_FILTER_H

#include <stdbool.h>
#include <stddef.h>

/* The rest of the input, and the free part of the output; a stage advances
 * both. */
struct filter_io {
    const unsigned char *in;
    size_t in_len;
    unsigned char *out;
    size_t out_len;
};

enum filter_result {
    FILTER_MORE,  /* all input is used, or the output is full */
    FILTER_ENDED, /* the end, and no byte is held back any more */
    FILTER_SHORT, /* the input has ended without its end mark */
    FILTER_BAD /* the input isn't what it should be: bytes that came out before
                  may be wrong too */
};

struct filter;

struct filter_kind {
    /* LAST: no input comes after IO's. Work and output of one call are bounded
     * by IO's two lengths. */
    enum filter_result (*run)(struct filter *f, struct filter_io *io,
                              bool last);
    void (*free)(struct filter *f);
};

struct filter {
    const struct filter_kind *kind;
    const char *fault; /* after FILTER_SHORT and FILTER_BAD: what is wrong with
                          the input, for reply and log */
};

/* NULL: no memory. LEVEL (1 to 9) is for filter_deflate. */
typedef struct filter *filter_maker(int level);

/* TYPE A (RFC 959 3.1.1.1): a LF without a CR before it gets one. */
filter_maker filter_to_crlf;
/* The opposite: CRLF becomes LF, any other CR stays. */
filter_maker filter_from_crlf;
/* MODE Z (draft-preston-ftpext-deflate), in the format of zlib (RFC 1950). */
filter_maker filter_deflate, filter_inflate;

#endif

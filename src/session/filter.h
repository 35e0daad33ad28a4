/* Stages that the bytes of a transfer pass on their way between a file and a
 * data connection. A stage sees bytes only: no descriptor, no clock, and no
 * more memory than it took when it was made. */
#ifndef SALLYPORT_SRC_SESSION_FILTER_H
#define SALLYPORT_SRC_SESSION_FILTER_H

#include <stdbool.h>
#include <stddef.h>

/* What is left to take, and the room that is left; a stage moves both on. */
struct filter_io {
    const unsigned char *in;
    size_t in_len;
    unsigned char *out;
    size_t out_len;
};

enum filter_result {
    FILTER_MORE,  /* all input is taken, or the room is full */
    FILTER_ENDED, /* and nothing is held back any more */
    FILTER_SHORT, /* there is no more input, and its end mark is missing */
    FILTER_BAD    /* the input isn't what it should be: bytes that came out
                     before may be wrong as well */
};

struct filter;

struct filter_kind {
    /* LAST: no input comes behind what IO has. Work and output of one call are
     * bounded by IO's two lengths. */
    enum filter_result (*run)(struct filter *f, struct filter_io *io,
                              bool last);
    void (*free)(struct filter *f);
};

struct filter {
    const struct filter_kind *kind;
    const char *fault; /* after FILTER_SHORT and FILTER_BAD: what the input is,
                          in words for reply and log */
};

/* NULL: no memory. LEVEL (1 to 9) is for the one that compresses. */
typedef struct filter *filter_maker(int level);

/* TYPE A (RFC 959 3.1.1.1): a LF without a CR in front gets one. */
filter_maker filter_to_crlf;
/* And back: CRLF becomes LF, any other CR stays. */
filter_maker filter_from_crlf;
/* MODE Z (draft-preston-ftpext-deflate), in the format of zlib (RFC 1950). */
filter_maker filter_deflate, filter_inflate;

void filter_free(struct filter *f); /* NULL is fine */

#endif

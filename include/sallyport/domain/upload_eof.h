/* How an upload's data connection must end: words that the configuration, the
 * users file and the process session share. */
#ifndef SALLYPORT_DOMAIN_UPLOAD_EOF_H
#define SALLYPORT_DOMAIN_UPLOAD_EOF_H

#include "sallyport/base/slice.h"

/* A bare FIN is a FIN without TLS's close_notify: anybody on the path can forge
 * it. After a reset the upload always counts as cut. */
enum upload_eof {
    UPLOAD_EOF_STRICT,    /* close_notify */
    UPLOAD_EOF_SIZE,      /* or a bare FIN after exactly the bytes that ALLO
                             announced */
    UPLOAD_EOF_LENIENT,   /* or any bare FIN */
    UPLOAD_EOF_ANNOUNCED, /* close_notify, after the bytes that ALLO announced,
                             without which no upload begins */
    UPLOAD_EOF_COUNT
};

extern const char *const upload_eof_words[UPLOAD_EOF_COUNT];

/* Returns 0 or -EINVAL. */
int upload_eof_parse(struct slice text, enum upload_eof *ret);

#endif

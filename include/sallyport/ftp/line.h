/* Lines of the control channel: bytes in, whole lines out, bounded. */
#ifndef SALLYPORT_FTP_LINE_H
#define SALLYPORT_FTP_LINE_H

#include <stdbool.h>
#include <stddef.h>

#include "sallyport/base/slice.h"

#define FTP_PATH_MAX 4096
/* "Lines over 4,096 bytes plus a path" are refused (RFC 959 sets no limit). */
#define LINE_MAX_BYTES (4096 + FTP_PATH_MAX)

enum line_state {
    LINE_WHOLE, /* *ret is a line without its end, until the next call of
                   line_room(), line_next() or line_wipe() */
    LINE_MORE,  /* needs more bytes */
    LINE_BAD,   /* NUL, bare CR or bare LF; the rest of it is skipped */
    LINE_LONG   /* over LINE_MAX_BYTES, the skipped ones too: the session ends;
                   said again at each call */
};

struct line_reader {
    char bytes[LINE_MAX_BYTES + 2];
    size_t len;     /* bytes there */
    size_t start;   /* where the line begins that is being read */
    size_t scanned; /* up to here it has been looked at */
    bool bad;       /* skipping to the next CRLF */
    bool telnet;    /* strip IAC sequences (RFC 854): before TLS only */
    unsigned iac;   /* state of that */
};

void line_init(struct line_reader *l);
/* Where to put received bytes, and how many fit (0 only when a line is
 * overlong; line_next() then says so). Call line_added() with the number. */
char *line_room(struct line_reader *l, size_t *room);
void line_added(struct line_reader *l, size_t len);
/* A line ends with CRLF and nothing else (RFC 959 5.3). A NUL, bare CR or bare
 * LF makes it LINE_BAD: said once, at once; then everything up to the next CRLF
 * is skipped, so that no name can smuggle in a second command. */
enum line_state line_next(struct line_reader *l, struct slice *ret);
/* Bytes behind the line given out last, half an IAC sequence too (STARTTLS
 * injection check). */
bool line_has_more(const struct line_reader *l);
/* Wipes what was given out, as behind PASS; bytes not yet given out stay. */
void line_wipe(struct line_reader *l);

#endif

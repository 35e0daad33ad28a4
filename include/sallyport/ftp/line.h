/* Lines of the control channel, with a bounded buffer. */
#ifndef SALLYPORT_FTP_LINE_H
#define SALLYPORT_FTP_LINE_H

#include <stdbool.h>
#include <stddef.h>

#include "sallyport/base/slice.h"

#define FTP_PATH_MAX 4096
/* RFC 959 sets no limit. Our limit has room for a path and 4,096 further bytes.
 */
#define LINE_MAX_BYTES (4096 + FTP_PATH_MAX)

enum line_state {
    LINE_WHOLE, /* *ret is a line without its CRLF, valid until the next call of
                   line_room(), line_next() or line_wipe() */
    LINE_MORE,  /* more bytes are needed */
    LINE_BAD,   /* the line has a NUL, a bare CR or a bare LF; the rest of it is
                   skipped */
    LINE_LONG   /* the line, including skipped bytes, is longer than
                   LINE_MAX_BYTES: the session must end. Each further call
                   returns LINE_LONG, too */
};

struct line_reader {
    size_t len;     /* received bytes */
    size_t start;   /* offset of the line that is being read */
    size_t scanned; /* line_next() has checked the bytes before this offset */
    bool bad;       /* line_next() skips to the next CRLF */
    bool telnet;    /* removes IAC sequences (RFC 854); before TLS only */
    unsigned iac;   /* state of the telnet parser */
    size_t used;    /* bytes from this offset on were never written, or were
                     * wiped */
    char bytes[LINE_MAX_BYTES + 2];
};

/* Makes an empty reader. As long as there is no TLS, the caller sets .telnet
 * afterwards. *L must be zero, or have nothing left that line_wipe() would
 * wipe: line_init() doesn't write to .bytes, so a session that never uses the
 * reader needs no page for .bytes. */
void line_init(struct line_reader *l);
/* Returns where to put received bytes; *room is how many fit. *room is 0 only
 * if a line is too long; then line_next() returns LINE_LONG. Call line_added()
 * with the number of bytes that were received. */
char *line_room(struct line_reader *l, size_t *room);
void line_added(struct line_reader *l, size_t len);
/* Returns the next line. A line ends with CRLF and nothing else (RFC 959 5.3).
 * At the first NUL, bare CR or bare LF of a line it returns LINE_BAD. Then it
 * skips all bytes up to the next CRLF, so that a file name can't smuggle in a
 * second command. */
enum line_state line_next(struct line_reader *l, struct slice *ret);
/* Have more bytes arrived after the last returned line? An incomplete IAC
 * sequence counts, too. AUTH TLS calls this, since an attacker can have
 * injected such bytes before TLS. */
bool line_has_more(const struct line_reader *l);
/* Wipes the returned lines, such as after PASS. Bytes that weren't returned yet
 * stay. */
void line_wipe(struct line_reader *l);

/* Returns true if FIRST can't be the first byte of an FTP session, such as
 * TLS's 0x16, a bracket or NUL. FTP commands begin with a letter, telnet's
 * commands with 0xff, and an empty line with a CR. */
bool not_ftp_byte(char first);

#endif

/* Splits received bytes into lines. Runs in session, as the first code that
 * reads the client's bytes. It keeps at most one line, and returns a line only
 * when its CRLF has come. The result never depends on how the network cut the
 * bytes into packets. */
#include "sallyport/ftp/line.h"

#include <stddef.h>
#include <string.h>

/* States of the telnet filter (RFC 854, 855). */
enum { TELNET_TEXT, TELNET_IAC, TELNET_OPTION, TELNET_SUB, TELNET_SUB_IAC };

enum {
    BYTE_SE = 0xf0,
    BYTE_SB = 0xfa,
    BYTE_WILL = 0xfb,
    BYTE_DONT = 0xfe,
    BYTE_IAC = 0xff
};

void line_init(struct line_reader *l)
{
    memset(l, 0, offsetof(struct line_reader, bytes));
}

/* Moves the unread bytes to the front, so that a complete line always fits. */
char *line_room(struct line_reader *l, size_t *room)
{
    if (l->start > 0)
        memmove(l->bytes, l->bytes + l->start, l->len - l->start);
    l->len -= l->start;
    l->scanned -= l->start;
    l->start = 0;
    *room = sizeof(l->bytes) - l->len;
    return l->bytes + l->len;
}

/* Returns true if the byte belongs to the line. */
static bool telnet_step(struct line_reader *l, unsigned char c)
{
    switch (l->iac) {
    case TELNET_IAC:
        /* a command of two bytes is complete; 0xff 0xff stands for the byte
         * 0xff */
        l->iac = c == BYTE_SB                       ? TELNET_SUB
                 : c >= BYTE_WILL && c <= BYTE_DONT ? TELNET_OPTION
                                                    : TELNET_TEXT;
        return c == BYTE_IAC;
    case TELNET_OPTION:
        l->iac = TELNET_TEXT;
        return false;
    case TELNET_SUB:
        if (c == BYTE_IAC)
            l->iac = TELNET_SUB_IAC;
        return false;
    case TELNET_SUB_IAC:
        l->iac = c == BYTE_SE ? TELNET_TEXT : TELNET_SUB;
        return false;
    default:
        l->iac = c == BYTE_IAC ? TELNET_IAC : TELNET_TEXT;
        return c != BYTE_IAC;
    }
}

void line_added(struct line_reader *l, size_t len)
{
    const char *from = l->bytes + l->len;

    if (l->used < l->len + len)
        l->used = l->len + len;
    if (!l->telnet) {
        l->len += len;
        return;
    }
    for (size_t i = 0; i < len; i++)
        if (telnet_step(l, (unsigned char)from[i]))
            l->bytes[l->len++] = from[i];
}

enum line_state line_next(struct line_reader *l, struct slice *ret)
{
    while (l->scanned < l->len) {
        size_t at = l->scanned;
        bool cr = l->bytes[at] == '\r';

        if (cr && at + 1 == l->len)
            break; /* the byte after the CR decides */
        if (cr && l->bytes[at + 1] == '\n') {
            const bool bad = l->bad;

            if (!bad)
                *ret = (struct slice){ l->bytes + l->start, at - l->start };
            l->start = l->scanned = at + 2;
            l->bad = false;
            if (bad)
                continue;
            return LINE_WHOLE;
        }
        if (at - l->start >= LINE_MAX_BYTES)
            return LINE_LONG;
        l->scanned++;
        if (!l->bad && (cr || l->bytes[at] == '\0' || l->bytes[at] == '\n')) {
            l->bad = true;
            return LINE_BAD;
        }
    }
    return LINE_MORE;
}

bool line_has_more(const struct line_reader *l)
{
    return l->len > l->start || l->iac != TELNET_TEXT;
}

void line_wipe(struct line_reader *l)
{
    explicit_bzero(l->bytes, l->start);
    if (l->used > l->len)
        explicit_bzero(l->bytes + l->len, l->used - l->len);
    l->used = l->len;
}

bool not_ftp_byte(char first)
{
    return (first < 'A' || first > 'Z') && (first < 'a' || first > 'z') &&
           first != '\r' && (unsigned char)first != BYTE_IAC;
}

/* Splits received bytes into lines. Runs in session; it is the first code that
 * reads the client's bytes. It keeps at most one line, and returns nothing that
 * doesn't end with CRLF. The result never depends on how the network cut the
 * bytes into packets.
 *
 * It also recognises the first words of other protocols. It has no list of FTP
 * commands: the caller asks only about lines that are none. */
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
static void line_compact(struct line_reader *l)
{
    if (l->start == 0)
        return;
    memmove(l->bytes, l->bytes + l->start, l->len - l->start);
    l->len -= l->start;
    l->scanned -= l->start;
    l->start = 0;
}

char *line_room(struct line_reader *l, size_t *room)
{
    line_compact(l);
    *room = sizeof(l->bytes) - l->len;
    return l->bytes + l->len;
}

/* The state after an IAC: a two-byte command is complete; 0xff 0xff is data. */
static unsigned telnet_command(unsigned char c)
{
    if (c == BYTE_SB)
        return TELNET_SUB;
    return c >= BYTE_WILL && c <= BYTE_DONT ? TELNET_OPTION : TELNET_TEXT;
}

/* Returns true if the byte belongs to the line. */
static bool telnet_step(struct line_reader *l, unsigned char c)
{
    switch (l->iac) {
    case TELNET_IAC:
        l->iac = telnet_command(c);
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

/* Ends the line at the CRLF at AT. Returns true if the line was good. */
static bool line_end(struct line_reader *l, size_t at, struct slice *ret)
{
    bool good = !l->bad;

    *ret = (struct slice){ l->bytes + l->start, at - l->start };
    l->start = l->scanned = at + 2;
    l->bad = false;
    return good;
}

static bool line_forbids(char c)
{
    return c == '\0' || c == '\r' || c == '\n';
}

enum line_state line_next(struct line_reader *l, struct slice *ret)
{
    struct slice line;

    while (l->scanned < l->len) {
        size_t at = l->scanned;
        bool cr = l->bytes[at] == '\r';

        if (cr && at + 1 == l->len)
            break; /* the byte after the CR decides */
        if (cr && l->bytes[at + 1] == '\n') {
            if (!line_end(l, at, &line))
                continue;
            *ret = line;
            return LINE_WHOLE;
        }
        if (at - l->start >= LINE_MAX_BYTES)
            return LINE_LONG;
        l->scanned++;
        if (!l->bad && line_forbids(l->bytes[at])) {
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

#define HTTP "HTTP"
#define SIP  "RTSP or SIP"
#define SMTP "SMTP"
#define POP3 "POP3"
#define IMAP "IMAP"

struct protocol_word {
    const char *word, *protocol;
};

/* Words at the beginning of a line. */
static const struct protocol_word words[] = {
    /* RFC 9110 9, WebDAV, HTTP/2's preface; RTSP and SIP use some of them
     * too */
    { "GET", HTTP },     { "HEAD", HTTP },     { "POST", HTTP },
    { "PUT", HTTP },     { "DELETE", HTTP },   { "PATCH", HTTP },
    { "OPTIONS", HTTP }, { "CONNECT", HTTP },  { "TRACE", HTTP },
    { "PRI", HTTP },     { "PROPFIND", HTTP }, { "PROPPATCH", HTTP },
    { "MKCOL", HTTP },   { "COPY", HTTP },     { "MOVE", HTTP },
    { "LOCK", HTTP },    { "UNLOCK", HTTP },   { "REPORT", HTTP },
    { "SEARCH", HTTP },  { "DESCRIBE", SIP },  { "REGISTER", SIP },
    { "INVITE", SIP },   { "EHLO", SMTP },     { "HELO", SMTP },
    { "LHLO", SMTP },    { "STARTTLS", SMTP }, { "CAPA", POP3 },
    { "APOP", POP3 },    { "STLS", POP3 },
};

/* Words in second place, after a tag. */
static const struct protocol_word second_words[] = { { "CAPABILITY", IMAP },
                                                     { "LOGIN", IMAP },
                                                     { "AUTHENTICATE", IMAP },
                                                     { "STARTTLS", IMAP } };

/* Beginnings of a word: of the first one, or, in a request with a version, of
 * the last one. */
static const struct protocol_word beginnings[] = {
    { "SSH-", "SSH" }, { "HTTP/", HTTP }, { "RTSP/", SIP }, { "SIP/", SIP }
};

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

static const char *find_word(struct slice word,
                             const struct protocol_word *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (slice_equal_nocase(word, slice_from(list[i].word)))
            return list[i].protocol;
    return NULL;
}

static const char *has_beginning(struct slice word)
{
    for (size_t i = 0; i < COUNT(beginnings); i++)
        if (slice_starts(word, slice_from(beginnings[i].word)))
            return beginnings[i].protocol;
    return NULL;
}

/* The protocol of a word at PLACE in the line, or NULL. */
static const char *protocol_of(struct slice word, size_t place)
{
    const char *protocol = NULL;

    if (place == 0)
        protocol = find_word(word, words, COUNT(words));
    if (place == 0 && !protocol)
        protocol = has_beginning(word);
    if (place == 1)
        protocol = find_word(word, second_words, COUNT(second_words));
    return protocol;
}

bool not_ftp_byte(char first)
{
    return (first < 'A' || first > 'Z') && (first < 'a' || first > 'z') &&
           first != '\r' && (unsigned char)first != BYTE_IAC;
}

const char *not_ftp_line(struct slice line)
{
    struct slice word = SLICE("");
    const char *protocol = NULL;

    for (size_t i = 0; !protocol && slice_cut(&line, ' ', &word); i++)
        protocol = protocol_of(word, i);
    return protocol ? protocol : has_beginning(word);
}

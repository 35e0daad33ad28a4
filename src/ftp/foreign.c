/* How other protocols begin. In the session process, for the first line of a
 * client and the first one under TLS; pure. Must never know a command of FTP:
 * the caller asks only about lines that aren't any. */
#include "sallyport/ftp/foreign.h"

#include <stddef.h>

#define TELNET_IAC '\xff'

/* The first word. */
static const char *const words[] = {
    /* HTTP (RFC 9110 9), WebDAV, HTTP/2's preface; RTSP and SIP share some */
    "GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "CONNECT",
    "TRACE", "PRI", "PROPFIND", "PROPPATCH", "MKCOL", "COPY", "MOVE", "LOCK",
    "UNLOCK", "REPORT", "SEARCH", "DESCRIBE", "REGISTER", "INVITE",
    /* SMTP and LMTP */
    "EHLO", "HELO", "LHLO", "STARTTLS",
    /* POP3 */
    "CAPA", "APOP", "STLS"
};

/* The second word: of IMAP, behind a tag. */
static const char *const second_words[] = { "CAPABILITY", "LOGIN",
                                            "AUTHENTICATE", "STARTTLS" };

/* How a word begins: the first one or, of a request with a version, the last.
 */
static const char *const beginnings[] = { "SSH-", "HTTP/", "RTSP/", "SIP/" };

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

static bool is_one_of(struct slice word, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (slice_equal_nocase(word, slice_from(list[i])))
            return true;
    return false;
}

static bool begins(struct slice word)
{
    for (size_t i = 0; i < COUNT(beginnings); i++)
        if (slice_starts(word, slice_from(beginnings[i])))
            return true;
    return false;
}

bool foreign_byte(char first)
{
    return (first < 'A' || first > 'Z') && (first < 'a' || first > 'z') &&
           first != '\r' && first != TELNET_IAC;
}

bool foreign_line(struct slice line)
{
    struct slice word = SLICE("");

    for (size_t i = 0; slice_cut(&line, ' ', &word); i++)
        if ((i == 0 &&
             (is_one_of(word, words, COUNT(words)) || begins(word))) ||
            (i == 1 && is_one_of(word, second_words, COUNT(second_words))))
            return true;
    return begins(word);
}

/* Recognises the first words of other protocols. Runs in session, for a
 * client's first line and its first one under TLS; pure. It has no list of FTP
 * commands: the caller asks only about lines that are none. */
#include "sallyport/ftp/foreign.h"

#include <stddef.h>

#define TELNET_IAC '\xff'

#define HTTP "HTTP"
#define SIP  "RTSP or SIP"
#define SMTP "SMTP"
#define POP3 "POP3"
#define IMAP "IMAP"

struct word {
    const char *word, *protocol;
};

/* Words at the beginning of a line. */
static const struct word words[] = {
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
static const struct word second_words[] = { { "CAPABILITY", IMAP },
                                            { "LOGIN", IMAP },
                                            { "AUTHENTICATE", IMAP },
                                            { "STARTTLS", IMAP } };

/* Beginnings of a word: of the first one, or, in a request with a version, of
 * the last one. */
static const struct word beginnings[] = {
    { "SSH-", "SSH" }, { "HTTP/", HTTP }, { "RTSP/", SIP }, { "SIP/", SIP }
};

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

static const char *find_word(struct slice word, const struct word *list,
                             size_t count)
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

bool foreign_byte(char first)
{
    return (first < 'A' || first > 'Z') && (first < 'a' || first > 'z') &&
           first != '\r' && first != TELNET_IAC;
}

const char *foreign_line(struct slice line)
{
    struct slice word = SLICE("");
    const char *protocol = NULL;

    for (size_t i = 0; !protocol && slice_cut(&line, ' ', &word); i++)
        protocol = protocol_of(word, i);
    return protocol ? protocol : has_beginning(word);
}

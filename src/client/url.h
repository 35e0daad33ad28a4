/* The server and the path of a URL: ftps://USER@HOST:PORT/PATH. */
#ifndef CLIENT_URL_H
#define CLIENT_URL_H

#include <stdbool.h>
#include <stddef.h>

#include "sallyport/base/complain.h"

#define URL_PART_MAX 256
#define URL_PATH_MAX 4096

/* The last component of a path, as a pattern for fnmatch(): characters that the
 * user has quoted or encoded stand after a backslash. */
#define URL_PATTERN_MAX 1024
struct url_pattern {
    char text[URL_PATTERN_MAX];
    size_t len;
    bool some;  /* it has * ? or [, so it is a pattern at all */
    bool ended; /* by "/" */
};
/* Adds the next character of the path; LITERAL: it is no pattern. */
void url_pattern_add(struct url_pattern *p, char c, bool literal);

struct url {
    bool implicit; /* TLS begins with the first byte */
    unsigned port;
    char user[URL_PART_MAX]; /* "": the URL has none */
    char host[URL_PART_MAX]; /* an IPv6 address without brackets */
    /* Decoded, relative to the login directory, without "/" at its beginning;
     * "": the login directory itself. */
    char path[URL_PATH_MAX];
    bool directory; /* the path ended in "/", or is empty */
    struct url_pattern pattern;
};

/* Does TEXT begin like a URL? */
bool url_is(const char *text);
/* Parses TEXT. Returns 0, or -EINVAL with the complaint. A password in a URL is
 * refused, since every user of the machine could read it. */
int url_parse(const char *text, struct url *ret, struct complaint *c);

/* Appends NAME to DIR with one "/" between. "" and "." are the login directory,
 * ".." goes up but never above it, and a NAME that begins with "/" begins
 * there. Returns 0 or -ENAMETOOLONG. */
int url_join(const char *dir, const char *name, char out[URL_PATH_MAX]);

/* Percent-encodes PATH for libcurl. Returns 0 or -ENAMETOOLONG. */
#define URL_ENCODED_MAX (3 * URL_PATH_MAX)
int url_encode(const char *path, char out[URL_ENCODED_MAX]);

#endif

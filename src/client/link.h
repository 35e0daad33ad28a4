/* A connection to the server, by libcurl: a handle that keeps its control
 * connection and its TLS session from one call to the next. Each thread has its
 * own link; they share a site, which no thread changes after it is made. */
#ifndef CLIENT_LINK_H
#define CLIENT_LINK_H

#include <curl/curl.h>
#include <openssl/types.h>
#include <signal.h>
#include <stdint.h>

#include "fail.h"
#include "options.h"
#include "sallyport/base/buf.h"
#include "sallyport/base/secret.h"
#include "trust.h"
#include "url.h"

struct site {
    struct url url;
    struct secret password;
    struct trust trust;
    const struct options *options;
    /* The features in the reply to FEAT. */
    bool mlst, hash, modez, mfmt;
    char hash_name[16]; /* "SHA-256": the algorithm of HASH */
};

/* Set by the first Ctrl-C; ends the transfers of all links. */
extern volatile sig_atomic_t link_interrupted;

/* Sends and receives the bytes of a call, except replies. NULL: there are
 * none. */
struct link_io {
    /* Both return LEN, or less to end the transfer. */
    size_t (*take)(void *of, const char *bytes, size_t len);
    size_t (*give)(void *of, char *bytes, size_t len);
    /* Called about once a second and with each block; BYTES of this call so
     * far. */
    void (*moved)(void *of, uint64_t bytes);
    void *of;
    bool bulk;       /* GIVE never waits, and gives large amounts */
    uint64_t length; /* bytes that GIVE gives; 0: until it returns 0 */
};

#define LINK_REPLY_MAX 512

/* Questions that an account may lack the right to ask. */
enum link_question { QUESTION_MLST, QUESTION_SIZE, QUESTION_HASH, QUESTIONS };

struct link {
    CURL *curl;
    CURLM *multi; /* holds the connections */
    const struct site *site;
    const struct link_io *io;
    CURLcode set;      /* CURLE_OK, or why an option of this call isn't set */
    unsigned manner;   /* how data connections are made: link_private.h */
    bool renew;        /* the next call opens a new control connection */
    bool mode_z;       /* the server may be in MODE Z */
    unsigned patience; /* additional seconds for the reply of the next call */
    bool moved;        /* bytes or a reply came, or bytes were sent */
    int control;       /* the control connection's socket, or -1 */
    int rival;   /* the other one, while IPv6 and IPv4 compete for it, or -1 */
    int data;    /* the data connection's socket, or -1 */
    bool corked; /* the data connection sends whole segments only */
    bool whole;  /* close_notify has ended the data connection */
    SSL *tls;    /* upload: TLS of the data connection, or NULL */
    bool opened; /* there was a data connection */
    uint64_t given;               /* upload: bytes that GIVE has given */
    bool ended;                   /* upload: GIVE has no more */
    bool sent;                    /* upload: the kernel has all bytes */
    char no_room[LINK_REPLY_MAX]; /* the reply "no room for that much", or "" */
    struct curl_slist *before;    /* commands before this call's own */
    struct curl_slist *last;  /* one directly before or after the transfer */
    bool away;                /* this call leaves the login directory */
    char entry[URL_PATH_MAX]; /* the login directory, by PWD; "": unknown */
    bool refused[QUESTIONS];  /* for want of a right of the account */
    int reply;                /* code of the last line, or 0 */
    char text[LINK_REPLY_MAX];
    struct buf lines; /* all lines of the last reply, with LF */
    bool over;        /* the last of them was its last line */
    char error[CURL_ERROR_SIZE];
};

/* Sets URL's user and password, trust, and the features of FEAT. LINK is then
 * open. Returns 0, or -1 with the reason. */
int site_open(struct site *s, const struct options *o, const struct url *url,
              struct link *l, struct failure *why);
void site_close(struct site *s);

int link_open(struct link *l, const struct site *s, struct failure *why);
void link_close(struct link *l);

/* Sets an option of libcurl for the next call. If one isn't set, link_run()
 * fails before it sends anything: the server might be the wrong one. */
#define LINK_SET(l, option, value)                                             \
    ((void)((l)->set == CURLE_OK &&                                            \
            ((l)->set = curl_easy_setopt((l)->curl, (option), (value)))))

/* Begins a call on PATH with the site's settings. The caller then sets other
 * options by LINK_SET() and calls link_run(). */
int link_begin(struct link *l, const char *path, const struct link_io *io,
               struct failure *why);
/* Lets a download begin at byte FIRST. SIZED: the caller checks the length
 * itself; otherwise libcurl asks for the SIZE and compares. */
int link_set_first(struct link *l, uint64_t first, bool sized,
                   struct failure *why);
/* Announces the LENGTH of the whole file of an upload. The server may refuse
 * that. */
int link_announce(struct link *l, uint64_t length, struct failure *why);
/* Runs this call, which must have the path "", in the directory PATH. */
int link_set_directory(struct link *l, const char *path, struct failure *why);
/* Uses MODE Z for this call's data connection. */
int link_set_mode_z(struct link *l, struct failure *why);
/* Runs the call. Returns 0, or -1 with the reason. */
int link_run(struct link *l, struct failure *why);

/* The tries of one thing; begins with zeroes. */
struct retry {
    uint64_t tries, pause; /* the last pause, in seconds */
};
/* After a failure of WHAT: may it be tried again? Then says so, and waits. */
bool link_again(const struct link *l, struct retry *r, const char *what,
                const struct failure *why);

/* Call it after a refused data connection: the next call uses another manner.
 * Returns false if all manners were tried. */
bool link_next_manner(struct link *l);

/* Sends commands one after the other, and stops at the first refusal. The
 * replies are in lines, reply and text. Returns 0, or -1 with the reason. */
int link_command(struct link *l, struct failure *why, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif

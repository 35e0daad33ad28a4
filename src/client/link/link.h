/* The link to a server: trust in the server, the login, the connection, and
 * requests other than transfers. */
#ifndef CLIENT_LINK_H
#define CLIENT_LINK_H

#include <curl/curl.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "options/options.h"
#include "sallyport/base/address.h"
#include "sallyport/base/buf.h"
#include "sallyport/base/random.h"
#include "sallyport/base/slice.h"
#include "show/show.h"

/* A flag, set by the first Ctrl-C. It ends the transfers of all links. */
extern volatile sig_atomic_t link_interrupted;
/* Why the connection to the server is over for this command; NULL: it isn't.
 * Perhaps the password has changed, or the server bans this address: it would
 * count further tries as guesses. */
extern _Atomic(const struct failure *) link_over;
/* Sets link_over, unless it is set. */
void link_end_command(const struct failure *why);
/* Must the command stop early, for one of these reasons? */
bool link_is_over(void);

/* Waits until one of the N descriptors is ready. Returns true; false: the time
 * END, by clock_ms(), has passed, or the user has pressed Ctrl-C. */
bool link_poll(struct pollfd *p, nfds_t n, uint64_t end);

/* Asks for a secret on the terminal, without an echo. Returns 0; -EINVAL: the
 * answer is empty, or has a NUL; -ENAMETOOLONG; -EINTR: Ctrl-C, or the end of
 * the input; -ENOTTY: there is no terminal; or another -errno. */
int tty_secret(const char *prompt, struct secret *ret);
/* Gives the reason for R, a failure of tty_secret() on a terminal. Returns -1.
 */
int tty_blame(int r, struct failure *why);
/* Asks for one line, with an echo; OUT gets the line without its end. Returns
 * 0, or the errors of tty_secret() but -EINVAL. */
int tty_line(const char *prompt, char *out, size_t size);
/* Can somebody answer: are standard input and standard error a terminal? */
bool tty_there(void);

/* Takes SALLYPORT_PASSWORD out of the environment, so that no program of the
 * user inherits it. Call before all else. */
void password_begin(void);
/* Finds the user's password, which is never an argument. Looks, in this order,
 * at --password-file, --password-command, SALLYPORT_PASSWORD and netrc; *place
 * gets the name of the source. If URL has no user, --user or netrc gives one.
 * Returns 0; 1: no source has the password, so only the user knows it; -1 with
 * the reason. */
int password_find(const struct options *o, struct url *url, struct secret *ret,
                  const char **place, struct failure *why);
/* Asks the user for the password on the terminal. O is NULL for the password of
 * a proxy. Returns 0, or -1 with the reason. */
int password_ask(const struct options *o, const struct url *url,
                 struct secret *ret, struct failure *why);

/* Finds the password for the host of URL, and for its user if it has one, in
 * the text of a netrc; if BY_NAME, not by its "default". If URL has no user,
 * fills in the user. Returns false if there is no such password. */
bool password_netrc(struct slice text, bool by_name, struct url *url,
                    struct secret *ret);

#define CERTIFICATE_PIN_MAX  64 /* "sha256//" and 44 characters of base64 */
#define CERTIFICATE_TEXT_MAX 256
#define CERTIFICATE_HEX_MAX  100 /* "AB:CD:..." of 32 bytes */

/* The facts of a server's certificate, to show to people and to compare with
 * pins and known hosts. */
struct server_certificate {
    char subject[CERTIFICATE_TEXT_MAX], issuer[CERTIFICATE_TEXT_MAX];
    char begins[32], ends[32]; /* "2026-11-20 07:42:01 UTC" */
    bool valid_now, self_signed;
    char
        fingerprint[CERTIFICATE_HEX_MAX]; /* SHA-256 of the whole certificate */
    char pin[CERTIFICATE_PIN_MAX]; /* pin of its public key, in curl's form */
};

/* Returns 0, or -1 if X can't be read. */
int certificate_read(X509 *x, struct server_certificate *ret);

/* The proxy for all connections to the server. */
struct proxy {
    char name[URL_PART_MAX + 32]; /* "socks5h://HOST:PORT"; "": there is none */
    char user[URL_PART_MAX];      /* user of the proxy; "": it wants none */
    struct secret password;
};

/* Finds the proxy: --proxy names it, otherwise ALL_PROXY, unless NO_PROXY
 * contains HOST. Returns 0, also if there is no proxy; -1 with the reason. */
int proxy_find(const struct options *o, const char *host, struct proxy *ret,
               struct failure *why);

/* A handshake that ends when the server has shown its certificate. */
struct link_glance {
    int version;       /* the only version of TLS; 0: any from 1.2 on */
    X509 *certificate; /* owned; NULL: the handshake ended before the server
                        * showed it */
    long verified;     /* X509_V_OK, or the reason why no CA confirms it */
};
/* Gets the server's certificate, and ends the connection before USER or a
 * certificate of the user is sent. Returns 0, or -1 with the reason. */
int link_glance(const struct options *o, const struct url *url,
                const struct proxy *proxy, struct link_glance *g,
                struct failure *why);
/* Prepares CTX to make the handshake of G. */
CURLcode glance_prepare(SSL_CTX *ctx, struct link_glance *g,
                        const struct options *o);

/* The proof of its identity that the server must give. */
struct trust {
    char pin[CERTIFICATE_PIN_MAX]; /* "": the CAs decide */
    bool by_pin_alone;             /* no CA decides */
};

/* Decides which proof the server must give: the key of --pin, its key in the
 * file of known hosts, or a certificate that a CA confirms. With --trust-new
 * calls trust_new() for a server that isn't in the file. Returns 0, or -1 with
 * the reason. */
int trust_decide(const struct options *o, const struct url *url,
                 const struct proxy *proxy, struct trust *ret,
                 struct failure *why);

/* Gets the certificate of an unknown server before the client sends USER, shows
 * it, and remembers the server's key if the user agrees. Returns 0, or -1 with
 * the reason. */
int trust_new(const struct options *o, const struct url *url,
              const struct proxy *proxy, struct trust *ret,
              struct failure *why);

/* Adds to WHY, the failure that the server has another key, where the user can
 * change the expected key. Returns -1. */
int trust_blame(const struct options *o, const struct url *url,
                struct failure *why);

/* Does the certificate X have the name HOST and the key of T, as far as T
 * demands them? Doesn't check the CA of X. */
bool trust_fits(const struct trust *t, const char *host, X509 *x);

/* Finds the pin for HOST:PORT in TEXT, a file of known hosts. Returns 0; 1:
 * TEXT has none. */
int trust_known(struct slice text, const char *host, unsigned port,
                char pin[CERTIFICATE_PIN_MAX]);

/* A server to which the client has logged in. The links of all threads share
 * this struct, and only read it. */
struct site {
    struct url url;
    struct secret password;
    const char *place; /* where the password is stored; NULL: nowhere */
    bool typed;        /* the user has typed the password for this login */
    struct proxy proxy;
    struct trust trust;
    const struct options *options;
    bool chooses;     /* a call ends before the password at a server that isn't
                       * a Sallyport */
    const char *hash; /* algorithm of the server's checksums, "SHA-256" or
                       * "SHA-512" */
};

/* Callbacks for the bytes of a call, except replies. NULL: the call has no such
 * bytes. */
struct link_io {
    /* TAKE returns LEN, or less to end the transfer. GIVE returns how many
     * bytes it has given; 0: there are no more; CURL_READFUNC_ABORT: the call
     * must fail. */
    size_t (*take)(void *of, const char *bytes, size_t len);
    size_t (*give)(void *of, char *bytes, size_t len);
    /* Called about once a second and with each block. */
    void (*moved)(void *of);
    void *of;
    bool bulk;       /* GIVE never waits, and gives large amounts */
    bool stream;     /* GIVE reads standard input, where bytes can come at any
                      * time */
    uint64_t length; /* bytes that GIVE gives; 0: until it returns 0 */
};

/* Work that a link does while it waits for the server. SOME does a small part
 * of the work, and returns true if more is left. */
struct link_spare {
    bool (*some)(void *of); /* NULL: nothing */
    void *of;
};

#define LINK_REPLY_MAX 512

/* Requests for which an account may lack the right. */
enum link_question { QUESTION_MLST, QUESTION_HASH, QUESTION_MFMT, QUESTIONS };

/* A connection to the server, by libcurl: a handle that keeps its control
 * connection and its TLS session from one call to the next. Each thread has its
 * own link. */
struct link {
    CURL *curl;
    CURLM *multi; /* holds the connections */
    const struct site *site;
    const struct link_io *io;
    struct link_spare spare;
    CURLcode set;        /* CURLE_OK, or the error when an option of this call
                          * was set */
    bool renew;          /* the next call opens a new control connection */
    bool logs_in;        /* this call opens a new control connection */
    bool surprised;      /* libcurl has opened a new connection by itself */
    bool scouts;         /* other links wait for the end of this link's login */
    const char *choice;  /* OPTS STOR for this call, or NULL */
    const char *chosen;  /* the connection's last OPTS STOR, or NULL */
    uint64_t used;       /* clock_ms() at the end of the last call */
    const char *version; /* "TLSv1.3": version of the control connection */
    const char *cipher;  /* cipher suite of the control connection */
    struct link_glance *glance; /* if not NULL, the call ends when the server
                                 * has shown its certificate */
    bool foreign;               /* the last call has ended so: site.chooses */
    const char *hash; /* the connection's site.hash, from FEAT; NULL: the server
                       * isn't known as a Sallyport */
    unsigned replies; /* doctor: the call ends after this many replies; 0: no
                       * limit */
    bool steady; /* doctor: the link waits at most --timeout for a handshake */
    bool unresumed;   /* doctor: data connections resume no TLS session */
    bool resumed;     /* the data connection has resumed a TLS session */
    bool no_password; /* a call ends when the server asks for a password */
    bool asked;       /* a Sallyport has asked for a password, over TLS */
    bool logged_in;   /* the server has accepted a login on this link */
    /* The newest control connection isn't logged in, or it is; or no login can
     * succeed. */
    enum { LINK_AWAY, LINK_IN, LINK_OVER } state;
    bool dataless; /* no data connection could be made in the last call */
    const atomic_bool *needless; /* if *needless is true, the crew doesn't need
                                  * this link's login any more; or NULL */
    bool must_change;            /* the server wants a new password before
                                  * anything else */
    bool wants_length; /* each upload needs ALLO: the server has refused an
                        * upload without it */
    uint64_t untimed;  /* tries of the last MFMT, if it was lost */
    unsigned patience; /* additional seconds for the reply of the next call */
    bool moved;       /* libcurl has taken or given bytes since the last wait */
    bool paused;      /* a stream has no bytes at present */
    uint64_t stirred; /* a stream: clock_ms() when bytes last moved, or when it
                       * had none */
    int control;      /* the control connection's socket, or -1 */
    int rival;        /* the second socket, while IPv6 and IPv4 compete for it,
                       * or -1 */
    int data;         /* the data connection's socket, or -1 */
    bool corked;      /* the data connection sends whole segments only */
    bool whole;       /* close_notify has ended the data connection */
    SSL *tls;         /* upload: TLS of the data connection, or NULL */
    bool opened;      /* a data connection was opened */
    bool may_have_begun; /* perhaps the server has truncated the old file */
    uint64_t given;      /* upload: bytes that GIVE has given */
    bool ended;          /* upload: GIVE has no more bytes */
    bool sent;           /* upload: the kernel has all bytes */
    char no_room[LINK_REPLY_MAX]; /* the last reply 452 or 552 of this call, or
                                   * "" */
    struct curl_slist *before;    /* commands that this call sends first */
    struct curl_slist *last;      /* a command directly before or after the
                                   * transfer */
    char entry[URL_PATH_MAX]; /* the login directory, from PWD; "": unknown */
    char refused[QUESTIONS][URL_PATH_MAX]; /* for each question: the directory
                                            * in which the account last lacked
                                            * the right */
    int reply;                             /* code of the last reply line,
                                            * or 0 */
    char text[LINK_REPLY_MAX];
    char done[LINK_REPLY_MAX]; /* last line of the reply after the transfer's
                                * 1xx */
    struct buf lines;          /* all lines of the last reply, with LF */
    bool over;                 /* the last of these lines ended the reply */
    char error[CURL_ERROR_SIZE];
    bool ended_early;  /* upload: the server wants no more bytes */
    uint64_t data_end; /* deadline of the data connection, in clock_ms() */
};

/* Opens the link L, logs in to the server of URL, and fills in S: user,
 * password, trust, checksums. Each link then asks before the password whether
 * the server is a Sallyport, of release 1.0.0 or later. Returns 0, or -1 with
 * the reason. In both cases the caller closes L and S. */
int site_open(struct site *s, const struct options *o, const struct url *url,
              struct link *l, struct failure *why);
void site_close(struct site *s);

int link_open(struct link *l, const struct site *s, struct failure *why);
void link_close(struct link *l);

/* Sets an option of libcurl for the next call. If an option can't be set, here
 * or in the following functions, link_run() fails before it sends anything:
 * otherwise the call could reach a wrong server. */
#define LINK_SET(l, option, value)                                             \
    ((void)((l)->set == CURLE_OK &&                                            \
            ((l)->set = curl_easy_setopt((l)->curl, (option), (value)))))

/* Begins a call on PATH with the site's settings. The caller then sets other
 * options by LINK_SET() and calls link_run(). */
void link_begin(struct link *l, const char *path, const struct link_io *io);
/* Makes a download begin at byte FIRST. The caller checks the length. */
void link_set_first(struct link *l, uint64_t first);
/* Sends VERB and NUMBER directly before the transfer. VERB is REST, with the
 * byte at which the transfer begins (the server cuts an unfinished upload
 * there); or *ALLO, with the length of the whole file of an upload. If the
 * server refuses a command with a star, the call continues. */
void link_say_number(struct link *l, const char *verb, uint64_t number);
/* Sets what the server does if the name of this upload is taken. */
void link_choose(struct link *l, enum conflict_choice c);
/* Must the next call open a new control connection? If the server has ended an
 * idle session, its 421 or the end waits in the old connection, and would be
 * taken for the reply to the next command. */
bool link_must_renew(const struct link *l);
/* Runs the call. Returns 0, or -1 with the reason. */
int link_run(struct link *l, struct failure *why);

/* The retries of one call. The caller sets them to zeroes first. */
struct retry {
    uint64_t tries, pause; /* PAUSE: the last pause, in seconds */
};
/* Can a retry of WHAT help after the failure WHY, and do the options permit
 * one? If so, prints this, and waits. Returns true if the caller must retry. */
bool link_again(const struct link *l, struct retry *r, const char *what,
                const struct failure *why);

/* Does a part of the spare work. Returns true if more is left. */
bool link_use_spare(struct link *l);

/* Wipes the last command, which contained a secret. */
void link_wipe(struct link *l);

/* Sends one command. Its reply is in lines, reply and text. Returns 0, or -1
 * with the reason, also if the server refuses the command. */
int link_command(struct link *l, struct failure *why, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Keeps --limit-rate: all links of the program share one rate, also for many
 * small files. Waits as long as BYTES take at RATE bytes a second, after the
 * bytes of the other links. Ctrl-C ends the wait. RATE 0: no limit. */
void pace_keep(struct link *l, uint64_t rate, size_t bytes);

/* Does the work of curl_easy_perform(), without its pauses. This function and
 * the ones below are for link.c and link_socket.c only. */
CURLcode link_perform(struct link *l);

/* libcurl's callbacks for new sockets and for sockets to close. */
int link_on_socket(void *of, curl_socket_t fd, curlsocktype kind);
int link_on_close(void *of, curl_socket_t fd);
/* Called with the SSL_CTX of each new connection. */
CURLcode link_on_context(CURL *curl, void *ctx, void *of);
/* When all bytes of the upload are sent, which are UP, lets the data connection
 * end normally. Until then close() resets the connection. */
void link_check_sent(struct link *l, curl_off_t up);
/* Returns the limit for a connection with its handshake, in seconds. Through a
 * proxy, for a glance and in doctor it is at most --timeout. */
uint64_t link_connect_time(const struct link *l);
/* Does the call send standard input? */
bool link_is_stream(const struct link *l);
/* Makes the data connection send whole segments only, or ends this. The kernel
 * sends the remainder after 200 ms, or when ON is false. */
void link_cork(struct link *l, bool on);

enum listing_kind {
    LISTED_FILE,
    LISTED_DIRECTORY,
    LISTED_OTHER, /* links and all other kinds */
};

struct listing_entry {
    char *name;
    enum listing_kind kind;
    uint64_t size;
    bool sized;      /* the listing has the size */
    time_t modified; /* 0: unknown */
    uint64_t unique; /* a hash of the file's number; 0: unknown */
};

#define LISTING_MAX 1000000 /* entries */
/* Limit of all listings together: the links list at the same time, and each
 * listing can have a million entries. */
#define LISTING_BYTES_MAX (512ul * 1024 * 1024)

/* A directory of the server, by MLSD (RFC 3659). */
struct listing {
    struct listing_entry *entry;
    size_t count, size;
    size_t bytes;   /* bytes of the entries, with their names */
    size_t refused; /* lines that can't be read, and names that are unsafe for a
                     * local file */
    bool cut;   /* lines can be missing: the server says so, or the data ended
                 * without close_notify */
    bool whole; /* the listing has all names: a name that it lacks doesn't
                 * exist */
};

#define LISTING_REFUSED                                                        \
    "the server lists lines that can't be read, or names that no file here "   \
    "may have; they were left out"

#define LISTING_CUT                                                            \
    "the server's listing of this directory is incomplete: only the names in " \
    "it were looked at"

void listing_release(struct listing *l);
/* Takes one line of MLSD. Returns 0; 1: the line gave no entry (".", an unsafe
 * name); -ENOMEM; -E2BIG: a limit above is reached. */
int listing_take_mlsd(struct listing *l, struct slice line);
/* Reads the facts of a line of MLST. */
void listing_take_mlst(struct listing_entry *e, struct slice line);
/* Reads a time, "20261120074201" or "20261120074201.123". Returns 0 if TEXT has
 * another form. */
time_t listing_read_time(struct slice text);
void listing_sort(struct listing *l);
/* Is E the file of these facts? The number counts if both are known. */
bool listing_is_same(const struct listing_entry *e, uint64_t size,
                     time_t modified, uint64_t unique);
/* Returns a hash of PATH. Two paths that from FOLDS on (NULL: nowhere) differ
 * only in the case of letters, twins, have the same; in both cases, since some
 * letters have three forms. */
uint64_t listing_hash(const char *path, const char *folds);
/* Returns the entry of a sorted listing with the last part of PATH as its name,
 * or NULL. */
const struct listing_entry *listing_find(const struct listing *l,
                                         const char *path);

/* Is NAME safe for a local file: one component, not "." or "..", without
 * control bytes? */
bool listing_safe(struct slice name);

/* Requests to the server other than transfers. Paths are relative to the login
 * directory. A function that returns an int returns 0, or -1 with the reason;
 * some also return 1. */

/* Did the last reply refuse a request because a right is missing? */
bool remote_lacks_right(const struct link *l);
/* Lists the directory PATH, sorted, in one try. */
int remote_list(struct link *l, const char *path, struct listing *ret,
                struct failure *why);
/* The answer about a path. HIDDEN: the user has no right to know. */
enum presence { PRESENCE_UNKNOWN = -1, PRESENT, ABSENT, HIDDEN };
enum {
    LOOK_KIND = 1, /* is it a directory? follows a link to a directory */
    LOOK_LINK = 2, /* doesn't: walks and removals follow no link */
    LOOK_FREE = 4  /* a new file must replace no old one */
};
/* Finds out what PATH is; WANTS says which facts the caller needs. Gets the
 * entry of PATH, without the name. If the entry isn't PRESENT, WHY gets the
 * reason. */
enum presence remote_look(struct link *l, const char *path, unsigned wants,
                          struct listing_entry *ret, struct failure *why);
/* Asks whether PATH exists, without a listing. ABSENT proves nothing in a
 * directory that the user may not enter. */
enum presence remote_exists(struct link *l, const char *path,
                            struct failure *why);
/* PATH is there, and has a twin. Does the listing have both? Otherwise a disk
 * that folds names answers for its twin. Returns 0, or -1 with the reason. */
int remote_own_name(struct link *l, const char *path, struct failure *why);
/* Gets the length of an unfinished upload that can be resumed. Returns 0; 1:
 * there is none; -1 with the reason: the connection was cut. */
int remote_partial(struct link *l, const char *path, uint64_t *ret,
                   struct failure *why);
/* Size of a checksum in lower-case hexadecimal, with its NUL. */
#define DIGEST_HEX_MAX 129
/* A range of bytes of a file; the whole file if PART is false. */
struct remote_range {
    uint64_t from, to; /* bytes FROM to TO - 1; of a whole file TO is its
                        * length, or 0 if unknown */
    bool part;
};
/* Gets the checksum by the server's algorithm. The server perhaps reads the
 * whole range before it replies, so the limit of the wait grows with the range.
 */
int remote_hash(struct link *l, const char *path, struct remote_range range,
                char ret[DIGEST_HEX_MAX], struct failure *why);
/* remote_mkdir() makes a directory, with the retries that the options permit;
 * remote_mkdir_once() tries once. Both return 0; 1: the directory existed
 * already; -1 with the reason. */
int remote_mkdir(struct link *l, const char *path, struct failure *why);
int remote_mkdir_once(struct link *l, const char *path, struct failure *why);
int remote_rename(struct link *l, const char *from, const char *to,
                  struct failure *why);
/* Sets the time, with the retries that the options permit. */
int remote_set_time(struct link *l, const char *path, time_t when,
                    struct failure *why);

#endif

/* libcurl's handle: each call sets all its options again, always with TLS. */
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#include "link.h"
#include "sallyport/base/clock.h"

/* The handle. */

#define LINES_MAX 65536
#define BLOCK     (512 * 1024L)
/* Milliseconds. After 118 s libcurl would open a new connection by itself. */
#define REUSE_MS    100000
#define PIECE_LEAST 1024

/* After a cut one link logs in again before the others: if the password has
 * changed, the server must not get the wrong password from each link. */
static pthread_mutex_t scout_lock = PTHREAD_MUTEX_INITIALIZER;
static uint64_t scout_seen; /* clock_ms() of the last login that wasn't
                             * denied */

static void link_end_scouting(struct link *l)
{
    if (!l->scouts)
        return;
    l->scouts = false;
    scout_seen = clock_ms();
    pthread_mutex_unlock(&scout_lock);
}

/* Waits for the login of another link, or makes this link log in first. Returns
 * false if the command is over meanwhile. */
static bool link_begin_scouting(struct link *l)
{
    if (!l->logs_in || !l->logged_in)
        return true;
    pthread_mutex_lock(&scout_lock);
    bool over = atomic_load(&link_over);
    l->scouts = !over && scout_seen <= l->used;
    if (!l->scouts)
        pthread_mutex_unlock(&scout_lock);
    return !over;
}

/* Returns the TLS of the control connection, or NULL before its handshake has
 * ended. */
static SSL *link_secured(struct link *l)
{
    const struct curl_tlssessioninfo *tls = NULL;

    return curl_easy_getinfo(l->curl, CURLINFO_TLS_SSL_PTR, &tls) == CURLE_OK &&
                   tls && tls->internals && SSL_is_init_finished(tls->internals)
               ? tls->internals
               : NULL;
}

static int link_on_debug(CURL *curl, curl_infotype kind, char *bytes,
                         size_t len, void *of);

/* Reads the reply to FEAT in TEXT, with LEN bytes so far: what the server can
 * say about checksums, and whether it decides about taken names. Each Sallyport
 * from 1.0.0 on does both. */
static void link_take_features(struct link *l, char *text, size_t len)
{
    if (strstr(text, "\n HASH ") && strstr(text, "\n STOR conflict="))
        l->hash = strstr(text, "SHA-256*")   ? "SHA-256"
                  : strstr(text, "SHA-512*") ? "SHA-512"
                                             : NULL;
    l->foreign = !l->hash;
    struct slice rest = { text, len }, line;
    while (l->site->options->debug && slice_cut(&rest, '\n', &line))
        link_on_debug(l->curl, CURLINFO_HEADER_IN, (char *)line.ptr, line.len,
                      l);
}

/* Asks for the features after the first reply over TLS, which is the reply to
 * USER, or an implicit server's greeting. libcurl sends no command before PASS,
 * so the client writes to libcurl's socket: libcurl has read that reply, and
 * sends nothing before this returns. If there is no whole answer, ends the
 * connection. */
static void link_ask_features(struct link *l, SSL *tls)
{
    static char feat[] = "FEAT\r\n";
    BIO *kept = SSL_get_rbio(tls);
    BIO *own = BIO_new_socket(l->control, BIO_NOCLOSE);
    const uint64_t end = clock_ms() + 1000 * l->site->options->timeout;
    struct pollfd p = { .fd = l->control, .events = POLLIN };
    char text[8192] = "";
    size_t len = 0;
    bool whole = false;

    BIO_up_ref(kept); /* works only within libcurl's own calls */
    SSL_set_bio(tls, own, own);
    if (l->site->options->debug)
        link_on_debug(l->curl, CURLINFO_HEADER_OUT, feat, sizeof(feat) - 1, l);
    int n = SSL_write(tls, feat, sizeof(feat) - 1);
    while (n > 0 && !whole && len < sizeof(text) - 1 && link_poll(&p, 1, end)) {
        n = SSL_read(tls, text + len, (int)(sizeof(text) - 1 - len));
        len += n > 0 ? (size_t)n : 0;
        if (n < 0 && SSL_get_error(tls, n) == SSL_ERROR_WANT_READ)
            n = 1;
        const char *line = len > 0 ? memrchr(text, '\n', len - 1) : NULL;
        line = line ? line + 1 : text;
        whole = len > 0 && text[len - 1] == '\n' &&
                strspn(line, "0123456789") == 3 && line[3] == ' ';
    }
    SSL_set_bio(tls, kept, kept);
    /* 421 says nothing about the server's features. */
    if (whole && text[0] != '4')
        link_take_features(l, text, len);
    else
        shutdown(l->control, SHUT_RDWR);
}

/* Finds out whether the server is a Sallyport. CODE is the last reply's, BEFORE
 * the code of the reply before it in this call, or 0. */
static void link_judge_server(struct link *l, int before, uint64_t code)
{
    bool asks = !l->hash && code >= 200 && code < 400;
    SSL *tls = l->site->chooses && asks ? link_secured(l) : NULL;

    /* libcurl takes a greeting 230 for 220. */
    if (l->site->chooses && l->logs_in && before == 0 && code == 230)
        l->foreign = true;
    else if (tls)
        link_ask_features(l, tls);
    else if (l->site->chooses && !l->hash &&
             (code == 331 || code == 230 || code == 232))
        l->foreign = true; /* it would get the password without an answer */
}

/* Notes which TLS protects the control connection, and whether a Sallyport has
 * asked for a password through it. CODE is the last reply's. */
static void link_note_tls(struct link *l, uint64_t code)
{
    const SSL *tls = code / 10 == 23 || code == 331 ? link_secured(l) : NULL;

    l->asked |= tls && l->hash && code == 331;
    if (tls) {
        l->version = SSL_get_version(tls);
        l->cipher = SSL_get_cipher_name(tls);
    }
}

static size_t link_on_header(char *bytes, size_t size, size_t n, void *of)
{
    struct link *l = of;
    size_t len = size * n, end = len;
    char line[LINK_REPLY_MAX];

    while (end > 0 && (bytes[end - 1] == '\n' || bytes[end - 1] == '\r'))
        end--;
    if (l->over)
        buf_clear(&l->lines);
    l->over = false;
    buf_add(&l->lines, bytes, end);
    buf_add(&l->lines, "\n", 1);
    snprintf(line, sizeof(line), "%.*s", (int)end, bytes);
    /* "220 ..." is the last line of a reply, "220-..." isn't. */
    uint64_t code;
    if (slice_number((struct slice){ line, 3 }, 999, &code) < 0 ||
        !strchr(" ", line[3]))
        return len;
    int before = l->reply;
    l->over = true;
    l->reply = (int)code;
    if (code < 200) {
        l->may_have_begun |= l->opened;
        link_cork(l, false);
    }
    if (before / 100 == 1 && code >= 200)
        memcpy(l->done, line, sizeof(line));
    memcpy(l->text, line, sizeof(line));
    link_judge_server(l, before, code);
    if (l->foreign)
        return 0;
    link_note_tls(l, code);
    if (code == 230 || code == 232) {
        l->chosen = NULL;
        l->surprised = !l->logs_in;
        l->logged_in = true;
        l->state = LINK_IN;
        link_end_scouting(l);
        l->must_change = strstr(line, "SITE PSWD old new");
    }
    if (code == 200 && l->choice && strstr(line, "STOR conflict="))
        l->chosen = l->choice;
    if (l->surprised || (l->no_password && l->asked) ||
        (l->replies > 0 && --l->replies == 0))
        return 0;
    if (l->state == LINK_IN && (l->reply == 452 || l->reply == 552))
        memcpy(l->no_room, l->text, sizeof(l->no_room));
    return len;
}

static size_t link_on_body(char *bytes, size_t size, size_t n, void *of)
{
    struct link *l = of;

    l->moved = true;
    pace_keep(l, l->site->options->limit_rate, size * n);
    size_t taken = l->io && l->io->take
                       ? l->io->take(l->io->of, bytes, size * n)
                       : size * n;
    /* libcurl gives many blocks before it calls link_on_progress(). */
    if (l->io && l->io->moved)
        l->io->moved(l->io->of);
    return taken;
}

static size_t link_on_want(char *bytes, size_t size, size_t n, void *of)
{
    struct link *l = of;
    struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };
    struct pollfd end = { .fd = l->data, .events = POLLRDHUP };
    uint64_t rate = l->site->options->limit_rate;
    size_t len = size * n, piece = rate / 10;

    l->moved = true;
    /* With a limit, take small pieces, so that the bytes flow evenly. */
    if (piece < PIECE_LEAST)
        piece = PIECE_LEAST;
    if (rate > 0 && len > piece)
        len = piece;
    if (!l->io || !l->io->give)
        return 0;
    /* If the server has closed the data connection, pretend the end of the
     * file, so that libcurl reads the reply; after a write error libcurl would
     * drop the control connection. */
    l->ended_early = poll(&end, 1, 0) == 1;
    if (l->ended_early && l->tls)
        SSL_set_quiet_shutdown(l->tls, 1); /* otherwise libcurl would send
                                            * close_notify */
    if (l->ended_early)
        return 0;
    if (link_is_stream(l) && poll(&input, 1, 0) == 0) {
        l->paused = true;
        return CURL_READFUNC_PAUSE;
    }
    /* TLS sends blocks of 16 KiB. With TCP_CORK four of them make one segment
     * on loopback, and cost the kernel a fifth less. */
    if (l->io->bulk)
        link_cork(l, true);
    len = l->io->give(l->io->of, bytes, len);
    if (len == CURL_READFUNC_ABORT)
        return len;
    l->given += len;
    l->ended = len == 0 || l->given == l->io->length;
    pace_keep(l, rate, len);
    return len;
}

static int link_on_progress(void *of, curl_off_t total_down, curl_off_t down,
                            curl_off_t total_up, curl_off_t up)
{
    struct link *l = of;

    (void)total_down;
    (void)down;
    (void)total_up;
    link_check_sent(l, up);
    if (l->io && l->io->moved)
        l->io->moved(l->io->of);
    return link_interrupted != 0;
}

/* Prints the dialogue with the server, except passwords in PASS and SITE PSWD.
 * Prints no headers for a proxy, which contain its password. */
static int link_on_debug(CURL *curl, curl_infotype kind, char *bytes,
                         size_t len, void *of)
{
    char line[SHOW_MAX], safe[SHOW_MAX];
    bool out = kind == CURLINFO_HEADER_OUT;

    (void)curl;
    (void)of;
    if (!out && kind != CURLINFO_HEADER_IN && kind != CURLINFO_TEXT)
        return 0;
    while (len > 0 && (bytes[len - 1] == '\n' || bytes[len - 1] == '\r'))
        len--;
    struct slice rest = { bytes, len }, shown = rest;
    if (out && len >= 5 && strncasecmp(bytes, "PASS ", 5) == 0)
        shown = SLICE("PASS ...");
    else if (out && len >= 10 && strncasecmp(bytes, "SITE PSWD ", 10) == 0)
        shown = SLICE("SITE PSWD ...");
    else if (out && slice_starts(rest, SLICE("CONNECT ")))
        slice_cut(&rest, '\r', &shown);
    snprintf(line, sizeof(line), "%.*s", (int)shown.len, shown.ptr);
    fprintf(stderr, "%s %s\n",
            out                     ? ">"
            : kind == CURLINFO_TEXT ? "*"
                                    : "<",
            show_text(line, safe, sizeof(safe)));
    return 0;
}

static void link_set_tls(struct link *l)
{
    const struct trust *t = &l->site->trust;
    const struct options *o = l->site->options;
    char *bundle = NULL; /* the file with all CAs of this machine */

    LINK_SET(l, CURLOPT_USE_SSL, (long)CURLUSESSL_ALL);
    LINK_SET(l, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    LINK_SET(l, CURLOPT_SSL_VERIFYPEER, t->by_pin_alone ? 0L : 1L);
    LINK_SET(l, CURLOPT_SSL_VERIFYHOST, t->by_pin_alone ? 0L : 2L);
    if (t->pin[0])
        LINK_SET(l, CURLOPT_PINNEDPUBLICKEY, t->pin);
    if (o->cacert)
        LINK_SET(l, CURLOPT_CAINFO, o->cacert);
    /* Use no directory of CAs besides the file: libcurl would read all CAs
     * again for each data connection. */
    curl_easy_getinfo(l->curl, CURLINFO_CAINFO, &bundle);
    if (o->cacert || (bundle && access(bundle, R_OK) == 0))
        LINK_SET(l, CURLOPT_CAPATH, NULL);
    if (o->cert) {
        LINK_SET(l, CURLOPT_SSLCERT, o->cert);
        LINK_SET(l, CURLOPT_SSLKEY, o->key ? o->key : o->cert);
        LINK_SET(l, CURLOPT_KEYPASSWD, ""); /* or OpenSSL asks each time */
    }
}

static void link_set_callbacks(struct link *l)
{
    LINK_SET(l, CURLOPT_NOSIGNAL, 1L);
    LINK_SET(l, CURLOPT_ERRORBUFFER, l->error);
    LINK_SET(l, CURLOPT_SOCKOPTFUNCTION, link_on_socket);
    LINK_SET(l, CURLOPT_SOCKOPTDATA, l);
    LINK_SET(l, CURLOPT_CLOSESOCKETFUNCTION, link_on_close);
    LINK_SET(l, CURLOPT_CLOSESOCKETDATA, l);
    LINK_SET(l, CURLOPT_SSL_CTX_FUNCTION, link_on_context);
    LINK_SET(l, CURLOPT_SSL_CTX_DATA, l);
    LINK_SET(l, CURLOPT_HEADERFUNCTION, link_on_header);
    LINK_SET(l, CURLOPT_HEADERDATA, l);
    LINK_SET(l, CURLOPT_WRITEFUNCTION, link_on_body);
    LINK_SET(l, CURLOPT_WRITEDATA, l);
    LINK_SET(l, CURLOPT_READFUNCTION, link_on_want);
    LINK_SET(l, CURLOPT_READDATA, l);
    LINK_SET(l, CURLOPT_XFERINFOFUNCTION, link_on_progress);
    LINK_SET(l, CURLOPT_XFERINFODATA, l);
    LINK_SET(l, CURLOPT_NOPROGRESS, 0L);
    if (l->site->options->debug) {
        LINK_SET(l, CURLOPT_VERBOSE, 1L);
        LINK_SET(l, CURLOPT_DEBUGFUNCTION, link_on_debug);
    }
}

static void link_set_url(struct link *l, const char *path)
{
    const struct url *u = &l->site->url;
    const struct proxy *proxy = &l->site->proxy;
    char *encoded = curl_easy_escape(l->curl, path, 0);
    char url[3 * URL_PATH_MAX + URL_PLACE_MAX + 16], place[URL_PLACE_MAX];

    if (!encoded)
        l->set = CURLE_OUT_OF_MEMORY;
    snprintf(url, sizeof(url), "%s://%s/%s", u->implicit ? "ftps" : "ftp",
             url_place(u, place), encoded ? encoded : "");
    curl_free(encoded);
    LINK_SET(l, CURLOPT_URL, url);
    LINK_SET(l, CURLOPT_PROTOCOLS_STR, "ftp,ftps");
    /* Set both, so that libcurl doesn't look for a proxy in the environment. */
    LINK_SET(l, CURLOPT_PROXY, proxy->name);
    LINK_SET(l, CURLOPT_NOPROXY, "");
    if (proxy->user[0]) {
        LINK_SET(l, CURLOPT_PROXYUSERNAME, proxy->user);
        LINK_SET(l, CURLOPT_PROXYPASSWORD, proxy->password.bytes);
    }
    LINK_SET(l, CURLOPT_HTTPPROXYTUNNEL, 1L);
    LINK_SET(l, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L); /* a proxy's headers are
                                                        * no replies */
    LINK_SET(l, CURLOPT_PROXYAUTH, (long)CURLAUTH_BASIC);
    LINK_SET(l, CURLOPT_SOCKS5_AUTH, (long)CURLAUTH_BASIC);
    LINK_SET(l, CURLOPT_USERNAME, u->user);
    LINK_SET(l, CURLOPT_PASSWORD, l->site->password.bytes);
    LINK_SET(l, CURLOPT_FTP_FILEMETHOD, (long)CURLFTPMETHOD_NOCWD);
    LINK_SET(l, CURLOPT_FTP_SKIP_PASV_IP, 1L);
}

/* Adds COMMAND to LIST, the commands that this call sends at the time WHEN. */
static void link_add(struct link *l, struct curl_slist **list, CURLoption when,
                     const char *command)
{
    struct curl_slist *more = curl_slist_append(*list, command);

    if (more)
        *list = more;
    else
        l->set = CURLE_OUT_OF_MEMORY;
    LINK_SET(l, when, *list);
}

/* Makes this call send COMMAND first, unless it sends COMMAND anyway. */
static void link_say_first(struct link *l, const char *command)
{
    for (const struct curl_slist *at = l->before; at; at = at->next)
        if (strcmp(at->data, command) == 0)
            return;
    struct curl_slist *rest = l->before;
    l->before = NULL;
    link_add(l, &l->before, CURLOPT_QUOTE, command);
    if (l->before)
        l->before->next = rest;
    else
        l->before = rest;
}

bool link_must_renew(const struct link *l)
{
    struct pollfd p = { .fd = l->control, .events = POLLIN };

    return l->control < 0 || l->renew || clock_ms() - l->used > REUSE_MS ||
           poll(&p, 1, 0) > 0;
}

static void link_set_connection(struct link *l)
{
    l->logs_in = link_must_renew(l);
    /* End the old connection now: libcurl closes it by QUIT at the end of the
     * call, and the reply to QUIT would be the last reply of this call. */
    if (l->logs_in && l->control >= 0)
        shutdown(l->control, SHUT_RDWR);
    if (l->logs_in)
        l->state = LINK_AWAY;
    if (l->logs_in && l->choice)
        link_say_first(l, l->choice);
    l->data = -1;
    l->corked = l->whole = l->opened = l->ended = l->sent = false;
    l->ended_early = l->paused = l->resumed = false;
    l->stirred = clock_ms();
    l->given = 0;
    LINK_SET(l, CURLOPT_SSL_SESSIONID_CACHE, l->unresumed ? 0L : 1L);
    LINK_SET(l, CURLOPT_FRESH_CONNECT, l->logs_in ? 1L : 0L);
    l->renew = false;
}

void link_say_number(struct link *l, const char *verb, uint64_t number)
{
    char text[32];

    snprintf(text, sizeof(text), "%s %llu", verb, (unsigned long long)number);
    link_add(l, &l->last, CURLOPT_PREQUOTE, text);
}

/* Sets the first byte. If libcurl ignores lengths, it sends no SIZE, which
 * saves a round trip. But it also sends no REST, so the client adds it. */
void link_set_first(struct link *l, uint64_t first)
{
    LINK_SET(l, CURLOPT_IGNORE_CONTENT_LENGTH, 1L);
    if (first > 0)
        link_say_number(l, "REST", first);
}

void link_choose(struct link *l, enum conflict_choice c)
{
    static const char *const choices[] = {
        [CHOICE_OVERWRITE] = "OPTS STOR conflict=overwrite",
        [CHOICE_RENAME] = "OPTS STOR conflict=rename",
        [CHOICE_SKIP] = "OPTS STOR conflict=reject",
    };

    l->choice = choices[c];
    if (l->logs_in || l->chosen != l->choice)
        link_say_first(l, l->choice);
}

void link_begin(struct link *l, const char *path, const struct link_io *io)
{
    const struct options *o = l->site->options;

    curl_easy_reset(l->curl);
    l->set = CURLE_OK;
    curl_slist_free_all(l->before);
    curl_slist_free_all(l->last);
    l->before = l->last = NULL;
    l->io = io;
    l->choice = NULL;
    l->may_have_begun = l->surprised = l->foreign = false;
    l->reply = 0;
    l->text[0] = l->error[0] = l->no_room[0] = l->done[0] = '\0';
    buf_clear(&l->lines);
    link_set_tls(l);
    link_set_connection(l);
    LINK_SET(l, CURLOPT_CONNECTTIMEOUT, (long)link_connect_time(l));
    long patience = (long)o->timeout + l->patience;
    l->patience = 0;
    LINK_SET(l, CURLOPT_SERVER_RESPONSE_TIMEOUT, patience);
    LINK_SET(l, CURLOPT_LOW_SPEED_LIMIT, 1L);
    /* A program that feeds a stream can be silent for hours, so here a stream
     * has no deadline; link_is_stuck() looks for other delays. */
    LINK_SET(l, CURLOPT_LOW_SPEED_TIME, link_is_stream(l) ? 0 : patience);
    LINK_SET(l, CURLOPT_TCP_KEEPALIVE, 1L);
    LINK_SET(l, CURLOPT_BUFFERSIZE, BLOCK);
    LINK_SET(l, CURLOPT_UPLOAD_BUFFERSIZE, BLOCK);
    link_set_callbacks(l);
    link_set_url(l, path);
}

/* Has the data connection failed before its first byte? If the last reply is
 * 220 or 234, the handshake of the control connection has failed instead; a
 * refusal for another reason is an answer. */
static bool link_data_refused(const struct link *l, CURLcode r)
{
    curl_off_t down = 0, up = 0;
    bool cut = r == CURLE_SSL_CONNECT_ERROR && l->io && l->reply != 0 &&
               l->reply != 220 && l->reply != 234;

    curl_easy_getinfo(l->curl, CURLINFO_SIZE_DOWNLOAD_T, &down);
    curl_easy_getinfo(l->curl, CURLINFO_SIZE_UPLOAD_T, &up);
    return down == 0 && up == 0 && l->reply < 430 &&
           (r == CURLE_FTP_WEIRD_PASV_REPLY || cut ||
            (r != CURLE_OK && l->reply == 425));
}

/* Remembers the login directory. */
static void link_note_entry(struct link *l)
{
    const char *entry = NULL;

    curl_easy_getinfo(l->curl, CURLINFO_FTP_ENTRY_PATH, &entry);
    if (!entry || strlen(entry) >= sizeof(l->entry))
        entry = "";
    snprintf(l->entry, sizeof(l->entry), "%s", entry);
}

/* Returns libcurl's R, or what has happened where R names something else. */
static CURLcode link_true_cause(const struct link *l, CURLcode r)
{
    /* The server has sent plain text instead of the handshake. */
    if (r == CURLE_WEIRD_SERVER_REPLY && l->reply == 234)
        r = CURLE_SSL_CONNECT_ERROR;
    /* The handshake of the data connection has failed, not the control
     * connection's. */
    if (r == CURLE_SSL_CONNECT_ERROR && l->dataless)
        r = CURLE_FTP_WEIRD_PASV_REPLY;
    /* Before the greeting only the proxy can have reset the connection. */
    if (r == CURLE_RECV_ERROR && l->reply == 0 && l->site->proxy.name[0] &&
        strstr(l->error, "reset by peer"))
        r = CURLE_PROXY;
    return r;
}

/* Sets *RET to libcurl's result, if libcurl makes the call. */
static int link_try(struct link *l, CURLcode *ret, struct failure *why)
{
    if (l->set != CURLE_OK) {
        l->io = NULL;
        return fail(why, l->set == CURLE_OUT_OF_MEMORY ? EX_OSERR : EX_SOFTWARE,
                    "libcurl can't set an option: %s",
                    curl_easy_strerror(l->set));
    }
    if (!link_begin_scouting(l)) {
        l->io = NULL;
        *why = *atomic_load(&link_over);
        return -1;
    }
    CURLcode r = link_perform(l);

    /* Perhaps the server has begun STOR, unless it has refused. A 5xx with
     * another R than these two can be the reply to ALLO, and proves nothing. */
    if (l->reply < 400 ||
        (l->reply >= 500 && r != CURLE_UPLOAD_FAILED && r != CURLE_QUOTE_ERROR))
        l->may_have_begun |= l->opened;
    /* On this connection libcurl would use PASV from now on. */
    l->dataless = link_data_refused(l, r);
    l->renew |= l->dataless || r == CURLE_FTP_WEIRD_PASV_REPLY ||
                r == CURLE_SSL_CONNECT_ERROR;
    l->used = clock_ms();
    l->io = NULL;
    link_note_entry(l);
    *why = (struct failure){ 0 };
    if (r == CURLE_OK && l->ended_early)
        r = CURLE_PARTIAL_FILE;
    *ret = r;
    if (r == CURLE_OK)
        return 0;
    if (l->foreign)
        return fail(why, EX_UNAVAILABLE,
                    "this is no Sallyport server, and sallyport speaks to no "
                    "other; use curl, lftp or rclone");
    /* libcurl's new connection lacks the commands that must come first. */
    if (l->surprised)
        return fail_curl(why, CURLE_RECV_ERROR, 0, NULL, NULL);
    /* TLS works on the control connection, but is refused for data. */
    if (r == CURLE_USE_SSL_FAILED && l->state == LINK_IN)
        return fail(why, EX_PROTOCOL,
                    "PROT P is refused, and nothing is sent without TLS "
                    "(\"%s\")",
                    l->text);
    r = *ret = link_true_cause(l, r);
    /* The server needs ALLO, but has refused the length in it: that refusal is
     * the reason. */
    if (l->reply == 503 && l->no_room[0])
        return fail_curl(why, (int)r, 552, l->no_room, l->error);
    fail_curl(why, (int)r, l->reply, l->text, l->error);
    if (r == CURLE_SSL_PINNEDPUBKEYNOTMATCH)
        return trust_blame(l->site->options, &l->site->url, why);
    bool connects = l->reply == 0 || l->reply == 227 || l->reply == 229;
    if (connects && l->site->proxy.name[0])
        fail_add(why, "; through the proxy %s", l->site->proxy.name);
    return -1;
}

int link_run(struct link *l, struct failure *why)
{
    CURLcode r = CURLE_ABORTED_BY_CALLBACK;
    int failed = link_try(l, &r, why);
    bool cut = r == CURLE_RECV_ERROR || r == CURLE_SEND_ERROR ||
               r == CURLE_GOT_NOTHING;
    bool ends = r == CURLE_USE_SSL_FAILED ||
                r == CURLE_PEER_FAILED_VERIFICATION ||
                r == CURLE_SSL_PINNEDPUBKEYNOTMATCH ||
                (l->reply == 421 && !why->transient);
    bool judged = failed && r != CURLE_ABORTED_BY_CALLBACK;

    if (judged)
        why->lost |= l->dataless || ends || l->state != LINK_IN;
    /* A full server refuses a login for now; a server that stops, or its proxy,
     * ends the connection. But if a new host doesn't answer, perhaps its name
     * is mistyped. */
    if (judged && (ends || l->state != LINK_IN))
        l->state = why->transient && (l->logged_in || cut || l->reply == 421 ||
                                      l->reply == 530)
                       ? LINK_AWAY
                       : LINK_OVER;
    if (judged && l->state == LINK_OVER && l->logged_in && !l->steady)
        link_end_command(why);
    link_end_scouting(l);
    return failed;
}

int link_command(struct link *l, struct failure *why, const char *format, ...)
{
    /* The star makes libcurl keep the connection after a refusal. */
    char line[URL_PATH_MAX + 64] = "*";
    va_list args;

    va_start(args, format);
    int n = vsnprintf(line + 1, sizeof(line) - 1, format, args);
    va_end(args);
    if (n < 0 || n >= (int)sizeof(line) - 1 || strpbrk(line, "\r\n"))
        return fail(why, EX_USAGE,
                    "this name has a line break or is too long, so it can't be "
                    "sent");
    link_begin(l, "", NULL);
    link_add(l, &l->before, CURLOPT_QUOTE, line);
    LINK_SET(l, CURLOPT_NOBODY, 1L);
    explicit_bzero(line, sizeof(line));
    int r = link_run(l, why);
    if (r == 0 && l->reply >= 400)
        r = fail_curl(why, CURLE_QUOTE_ERROR, l->reply, l->text, NULL);
    return r;
}

void link_wipe(struct link *l)
{
    for (struct curl_slist *at = l->before; at; at = at->next)
        explicit_bzero(at->data, strlen(at->data));
    curl_slist_free_all(l->before);
    l->before = NULL;
}

int link_open(struct link *l, const struct site *s, struct failure *why)
{
    *l = (struct link){ .site = s,
                        .curl = curl_easy_init(),
                        .multi = curl_multi_init(),
                        .version = "TLS",
                        .cipher = "TLS",
                        .control = -1,
                        .rival = -1,
                        .data = -1 };
    buf_init(&l->lines, LINES_MAX);
    if (!l->curl || !l->multi)
        return fail(why, EX_OSERR, "out of memory");
    /* Keep one connection only: an old connection has an unread reply, so
     * libcurl must never use it again. */
    if (curl_multi_setopt(l->multi, CURLMOPT_MAXCONNECTS, 1L) != CURLM_OK)
        return fail(why, EX_SOFTWARE, "libcurl can't keep one connection");
    return 0;
}

void link_close(struct link *l)
{
    if (l->curl)
        curl_easy_cleanup(l->curl);
    if (l->multi)
        curl_multi_cleanup(l->multi);
    curl_slist_free_all(l->before);
    curl_slist_free_all(l->last);
    buf_release(&l->lines);
    *l = (struct link){ 0 };
}

/* Turns a result of libcurl or a reply of the server into words for a person,
 * an exit code, and the decision whether to retry. Makes texts harmless and
 * figures readable for the terminal. Pure. */
#include <curl/curl.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "sallyport/base/complain.h"
#include "sallyport/base/harmless.h"
#include "show.h"

int fail(struct failure *why, int code, const char *format, ...)
{
    char text[FAILURE_TEXT];
    va_list args;

    va_start(args, format);
    complaint_list(text, sizeof(text), format, args);
    va_end(args);
    *why = (struct failure){ .code = code };
    show_text(text, why->text, sizeof(why->text));
    return -1;
}

void fail_add(struct failure *why, const char *format, ...)
{
    size_t len = strlen(why->text);
    char text[FAILURE_TEXT];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    show_text(text, why->text + len, sizeof(why->text) - len);
}

int fail_errno(struct failure *why, int error, const char *name)
{
    int code = EX_IOERR;

    if (error == ENOENT)
        code = EX_NOINPUT;
    else if (error == EEXIST || error == ENOSPC || error == EDQUOT ||
             error == ENOTDIR || error == EROFS)
        code = EX_CANTCREAT;
    fail(why, code, "%s%s%s", name, name[0] ? ": " : "", strerror(error));
    why->full = error == ENOSPC || error == EDQUOT;
    return -1;
}

/* Replies, and results of libcurl, which are below 100. The first row that fits
 * counts. */
static const struct fail_row {
    int of;           /* a reply or a CURLcode */
    const char *word; /* a part of the reply or of libcurl's message; NULL:
                       * any */
    int code;
    bool transient;
    const char *text; /* advice about a reply; the meaning of libcurl's
                       * result */
} fail_rows[] = {
    { 421, "banned", EX_NOPERM, false, "ask the administrator" },
    { 421, NULL, EX_TEMPFAIL, true, "the server is busy or ended the session" },
    { 425, "not resumed", EX_TEMPFAIL, true,
      "the data connection must resume the TLS session" },
    { 425, NULL, EX_TEMPFAIL, true,
      "the data connection could not be made; check firewall and NAT" },
    { 426, NULL, EX_TEMPFAIL, true, "the transfer was cut" },
    { 430, NULL, EX_NOPERM, false, "check the user name and the password" },
    { 431, NULL, EX_NOPERM, false, "the server offers no TLS" },
    { 450, NULL, EX_TEMPFAIL, true, "the file is in use; try again" },
    /* A next try would find the file, and count it as stored. */
    { 451, "power cut", EX_TEMPFAIL, false, "the server's disk failed" },
    { 451, NULL, EX_TEMPFAIL, true, "the server failed; try again" },
    { 452, NULL, EX_CANTCREAT, false, "the server's disk is full" },
    { 502, NULL, EX_UNAVAILABLE, false, "the server lacks this command" },
    { 503, "ALLO", EX_UNAVAILABLE, false,
      "the server takes only files of known length; save a stream as a file "
      "first" },
    { 503, NULL, EX_UNAVAILABLE, false,
      "the server expects another command first" },
    { 530, "maximum", EX_TEMPFAIL, true, "the server limits your sessions" },
    { 530, "too many", EX_TEMPFAIL, true, "the server limits your sessions" },
    { 530, "limit", EX_TEMPFAIL, true, "the server limits your sessions" },
    { 530, "account", EX_NOPERM, false, "ask the administrator" },
    { 530, "home can't be entered", EX_TEMPFAIL, true,
      "the home's disk may be missing for now" },
    { 530, NULL, EX_NOPERM, false,
      "check the user name and the password, and the one-time code if you have "
      "one (--one-time-code asks for it)" },
    { 534, NULL, EX_NOPERM, false, "the server's policy forbids it" },
    { 550, "change the password first", EX_NOPERM, false,
      "run: sallyport passwd" },
    { 550, "not empty", EX_NOINPUT, false,
      "rm -r removes it with everything in it" },
    { 550, "is a directory", EX_NOINPUT, false, "it is a directory" },
    { 550, "in a drop", EX_NOINPUT, false, "a drop only takes files" },
    { 550, "no right", EX_NOINPUT, false, "your account lacks this right" },
    { 550, "denied", EX_NOINPUT, false, "your account lacks this right" },
    { 550, NULL, EX_NOINPUT, false, "check the name and your rights" },
    { 552, NULL, EX_CANTCREAT, false, "a limit of size or space is reached" },
    { 553, NULL, EX_CANTCREAT, false, "choose another name" },
    /* Retry, since the client has reached the server before any transfer: a
     * name that can't be resolved later means an outage. */
    { CURLE_COULDNT_RESOLVE_HOST, NULL, EX_NOHOST, true,
      "no such host; check the name" },
    { CURLE_COULDNT_RESOLVE_PROXY, NULL, EX_NOHOST, true,
      "no such host; check the name of the proxy" },
    { CURLE_PROXY, "rejected", EX_NOPERM, false,
      "the proxy refuses the user name or the password" },
    { CURLE_PROXY, "No authentication method", EX_NOPERM, false,
      "the proxy wants a user name and a password; write USER@ before its "
      "host" },
    { CURLE_PROXY, NULL, EX_UNAVAILABLE, true,
      "the proxy made no connection to the server" },
    { CURLE_COULDNT_CONNECT, NULL, EX_UNAVAILABLE, true,
      "no connection; check host, port and firewall" },
    { CURLE_OPERATION_TIMEDOUT, NULL, EX_TEMPFAIL, true,
      "no answer in time; check port and firewall" },
    /* After "subject name", libcurl's text has "target host name" or, since
     * 8.0, the kind of the name. */
    { CURLE_PEER_FAILED_VERIFICATION, "subject name", EX_NOPERM, false,
      "the server's certificate is for another name; use that name in the URL, "
      "or trust its key by --pin" },
    { CURLE_PEER_FAILED_VERIFICATION, "has expired", EX_NOPERM, false,
      "the server's certificate has expired; its administrator must renew it" },
    { CURLE_PEER_FAILED_VERIFICATION, "not yet valid", EX_NOPERM, false,
      "the server's certificate isn't valid yet; check this machine's clock" },
    { CURLE_PEER_FAILED_VERIFICATION, NULL, EX_NOPERM, false,
      "the server's certificate isn't trusted; give its CA by --cacert, its "
      "key by --pin, or trust its key from now on by --trust-new" },
    { CURLE_SSL_CACERT_BADFILE, NULL, EX_NOINPUT, false,
      "the CA certificates (of --cacert, or the system's) can't be read; "
      "install ca-certificates, or use --pin or --trust-new" },
    { CURLE_SSL_PINNEDPUBKEYNOTMATCH, NULL, EX_NOPERM, false,
      "the server has another key than the trusted one: the key has changed, "
      "or somebody intercepts the connection; ask the administrator" },
    { CURLE_USE_SSL_FAILED, NULL, EX_PROTOCOL, false,
      "the server offers no TLS, and sallyport sends nothing without TLS" },
    { CURLE_SSL_CONNECT_ERROR, NULL, EX_PROTOCOL, true,
      "the TLS handshake failed; ftps:// begins it by AUTH TLS, "
      "ftps+implicit:// with the first byte" },
    { CURLE_SSL_CERTPROBLEM, NULL, EX_NOINPUT, false,
      "the client certificate of --cert can't be used; openssl pkey -in OLD "
      "-out NEW takes a passphrase off its key" },
    { CURLE_LOGIN_DENIED, NULL, EX_NOPERM, false,
      "login denied; check the user name and the password" },
    { CURLE_WEIRD_SERVER_REPLY, NULL, EX_PROTOCOL, false,
      "the server doesn't speak FTP at this port; implicit TLS is "
      "ftps+implicit://" },
    { CURLE_PARTIAL_FILE, NULL, EX_TEMPFAIL, true, "the transfer was cut" },
    { CURLE_FTP_WEIRD_PASV_REPLY, "Weirdly", EX_PROTOCOL, false,
      "the server's reply to EPSV can't be read" },
    { CURLE_FTP_WEIRD_PASV_REPLY, NULL, EX_TEMPFAIL, true,
      "the data connection was closed before TLS began; check firewall, NAT "
      "and proxy" },
    { CURLE_RECV_ERROR, "407", EX_NOPERM, false,
      "the proxy wants another user name and password; write USER@ before its "
      "host" },
    { CURLE_RECV_ERROR, "CONNECT tunnel failed, response 403", EX_UNAVAILABLE,
      false,
      "the proxy refuses the connection to the server; it must permit the "
      "passive ports, too" },
    /* The blank excludes "Connection reset by peer". */
    { CURLE_RECV_ERROR, "CONNECT ", EX_UNAVAILABLE, true,
      "the proxy made no connection to the server; it must permit the passive "
      "ports, too" },
    { CURLE_RECV_ERROR, NULL, EX_TEMPFAIL, true, "the connection was cut" },
    { CURLE_SEND_ERROR, NULL, EX_TEMPFAIL, true, "the connection was cut" },
    { CURLE_GOT_NOTHING, NULL, EX_TEMPFAIL, true, "the connection was cut" },
    { CURLE_FTP_ACCEPT_TIMEOUT, NULL, EX_TEMPFAIL, true, "no data connection" },
    { CURLE_ABORTED_BY_CALLBACK, NULL, EX_TEMPFAIL, false, "interrupted" },
    { CURLE_URL_MALFORMAT, NULL, EX_USAGE, false, "this name can't be sent" },
    { CURLE_OUT_OF_MEMORY, NULL, EX_OSERR, false, "out of memory" },
};

static const struct fail_row *fail_find(int of, const char *text)
{
    for (size_t i = 0; i < sizeof(fail_rows) / sizeof(fail_rows[0]); i++) {
        const struct fail_row *row = &fail_rows[i];

        if (row->of == of &&
            (!row->word || (text && strcasestr(text, row->word))))
            return row;
    }
    return NULL;
}

static bool fail_is_cut(int curl)
{
    return curl == CURLE_RECV_ERROR || curl == CURLE_SEND_ERROR ||
           curl == CURLE_GOT_NOTHING || curl == CURLE_OPERATION_TIMEDOUT;
}

int fail_curl(struct failure *why, int curl, int reply, const char *text,
              const char *detail)
{
    /* After a cut the last reply belongs to a command that may fail, such as
     * ALLO. */
    if (reply >= 500 && fail_is_cut(curl))
        reply = 0;
    /* If the server has refused, its reply explains more than libcurl's result.
     * But if it has refused AUTH, the result explains more, and the reply is
     * only a detail. */
    if (reply >= 500 && curl == CURLE_USE_SSL_FAILED) {
        detail = text;
    } else if (reply >= 400 && curl != CURLE_ABORTED_BY_CALLBACK &&
               curl != CURLE_PEER_FAILED_VERIFICATION) {
        const struct fail_row *says = fail_find(reply, text);

        fail(why, says ? says->code : EX_UNAVAILABLE,
             "the server says \"%s\"%s%s", text, says ? ": " : "",
             says ? says->text : "");
        why->transient = says ? says->transient : reply < 500;
        why->lost = reply == 421 || reply == 425 || reply == 426;
        why->reply = reply;
        return -1;
    }
    if (curl == CURLE_ABORTED_BY_CALLBACK || !detail)
        detail = ""; /* libcurl's is about our own callback */
    const struct fail_row *row = fail_find(curl, detail);
    fail(why, row ? row->code : EX_UNAVAILABLE, "%s%s%s%s",
         row ? row->text : "libcurl reports an error", detail[0] ? " (" : "",
         detail, detail[0] ? ")" : "");
    why->transient = row && row->transient;
    why->lost = why->transient || curl == CURLE_RECV_ERROR;
    why->unknown = curl == CURLE_PEER_FAILED_VERIFICATION && !row->word;
    why->reply = reply;
    return -1;
}

/* Harmless text and readable figures for the terminal. Pure. */

const char *show_text(const char *text, char *out, size_t size)
{
    const struct slice s = slice_from(text);
    size_t len = 0;

    for (size_t at = 0; at < s.len;) {
        size_t n = harmless_length(s, at), needs = n ? n : 4;

        if (len + needs + 4 > size) {
            snprintf(out + len, size - len, "...");
            return out;
        }
        if (n)
            memcpy(out + len, text + at, n);
        else
            snprintf(out + len, size - len, "\\x%02x", (unsigned char)text[at]);
        len += needs;
        at += n ? n : 1;
    }
    out[len] = '\0';
    return out;
}

const char *show_size(uint64_t bytes, char out[SHOW_SIZE_MAX])
{
    static const char *const units[] = { "B",   "KiB", "MiB", "GiB",
                                         "TiB", "PiB", "EiB" };
    double value = (double)bytes;
    size_t unit = 0;

    for (; value >= 1024 && unit < 6; unit++)
        value /= 1024;
    snprintf(out, SHOW_SIZE_MAX,
             unit == 0 || value >= 100 ? "%.0f %s" : "%.1f %s", value,
             units[unit]);
    return out;
}

const char *show_time(uint64_t seconds, char out[SHOW_TIME_MAX])
{
    unsigned long h = (unsigned long)(seconds / 3600);
    unsigned m = (unsigned)(seconds / 60 % 60), s = (unsigned)(seconds % 60);

    if (h > 9999)
        snprintf(out, SHOW_TIME_MAX, "--:--");
    else if (h > 0)
        snprintf(out, SHOW_TIME_MAX, "%lu:%02u:%02u", h, m, s);
    else
        snprintf(out, SHOW_TIME_MAX, "%u:%02u", m, s);
    return out;
}

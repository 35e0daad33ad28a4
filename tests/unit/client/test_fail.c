/* The words and exit codes for results and errors. */
#include <curl/curl.h>

#include "client/show/show.h"
#include "support/test.h"

/* A detail may say more than the code. */
Test(fail, words)
{
    static const struct {
        CURLcode curl;
        const char *text, *detail, *says;
    } rows[] = {
        { CURLE_QUOTE_ERROR, "550 Directory not empty.", NULL,
          "rm -r removes it" },
        { CURLE_QUOTE_ERROR, "550 Is a directory.", NULL, "it is a directory" },
        { CURLE_QUOTE_ERROR, "550 You have no right to list (l).", NULL,
          "lacks this right" },
        { CURLE_PEER_FAILED_VERIFICATION, "",
          "SSL: no alternative certificate subject name matches target host "
          "name '127.0.0.1'",
          "for another name" },
        { CURLE_PEER_FAILED_VERIFICATION, "",
          "SSL certificate problem: certificate has expired", "has expired;" },
        { CURLE_PEER_FAILED_VERIFICATION, "", "self-signed", "--cacert" },
    };
    struct failure why;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        fail_curl(&why, (int)rows[i].curl, rows[i].text[0] ? 550 : 0,
                  rows[i].text, rows[i].detail);
        cr_expect_not_null(strstr(why.text, rows[i].says), "%s", why.text);
    }
}

/* No firewall is at fault if the server wants a resumed session. */
Test(fail, data_connections)
{
    struct failure why;

    fail_curl(&why, CURLE_FTP_WEIRD_SERVER_REPLY, 425,
              "425 TLS not resumed; admin: sallyportctl user change anna "
              "--data-binding address",
              NULL);
    cr_expect(strstr(why.text, "must resume"), "%s", why.text);
    cr_expect_not(strstr(why.text, "firewall"), "%s", why.text);
    fail_curl(&why, CURLE_FTP_WEIRD_SERVER_REPLY, 425,
              "425 No data connection.", NULL);
    cr_expect(strstr(why.text, "firewall"), "%s", why.text);
}

Test(fail, error_numbers)
{
    static const struct {
        int error, code;
    } rows[] = {
        { ENOENT, EX_NOINPUT },  { EACCES, EX_IOERR }, { ENOSPC, EX_CANTCREAT },
        { EROFS, EX_CANTCREAT }, { EIO, EX_IOERR },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct failure why;

        cr_expect_lt(fail_errno(&why, rows[i].error, "name"), 0);
        cr_expect_eq(why.code, rows[i].code, "%s", why.text);
        cr_expect_eq(strncmp(why.text, "name: ", 6), 0, "%s", why.text);
    }
}

/* A changed account may log in again, and a locked one may not. */
Test(fail, accounts_that_change)
{
    static const struct {
        int reply;
        const char *text;
        int code;
        bool transient;
    } rows[] = {
        { 421, "421 Your account was changed just now. Try again.", EX_TEMPFAIL,
          true },
        { 421, "421 Your account was locked.", EX_NOPERM, false },
        { 421, "421 Your address is banned. Try again later", EX_NOPERM,
          false },
        { 530, "530 Your account was locked.", EX_NOPERM, false },
        { 530, "530 Your home can't be entered; tell the administrator.",
          EX_TEMPFAIL, true },
        { 530, "530 anna: login limit reached", EX_TEMPFAIL, true },
        { 530,
          "530 Too many sessions of this user (max_sessions= or "
          "max_per_user); close one.",
          EX_TEMPFAIL, true },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct failure why;

        fail_curl(&why, CURLE_LOGIN_DENIED, rows[i].reply, rows[i].text, NULL);
        cr_expect_eq(why.code, rows[i].code, "%s", why.text);
        cr_expect_eq(why.transient, rows[i].transient, "%s", why.text);
    }
}

/* libcurl's own message is for the reader, except the name of a callback. */
Test(fail, results_of_libcurl)
{
    static const struct {
        int curl, reply;
        const char *detail, *text;
        int code;
        bool transient;
    } rows[] = {
        { CURLE_ABORTED_BY_CALLBACK, 150, "Callback aborted", "interrupted",
          EX_TEMPFAIL, false },
        { CURLE_COULDNT_RESOLVE_HOST, 0, NULL, "no such host; check the name",
          EX_NOHOST, true },
        { CURLE_SSL_CONNECT_ERROR, 0, "wrong version",
          "the TLS handshake failed; ftps:// begins it by AUTH TLS, "
          "ftps+implicit:// with the first byte (wrong version)",
          EX_PROTOCOL, true },
        { CURLE_RECV_ERROR, 150, "Recv failure: Connection reset by peer",
          "the connection was cut (Recv failure: Connection reset by peer)",
          EX_TEMPFAIL, true },
        { CURLE_RECV_ERROR, 550, "response reading failed",
          "the connection was cut (response reading failed)", EX_TEMPFAIL,
          true },
        { CURLE_RECV_ERROR, 0, "CONNECT tunnel failed, response 403",
          "the proxy didn't connect (CONNECT tunnel failed, response 403)",
          EX_UNAVAILABLE, true },
        { CURLE_QUOTE_ERROR, 550, "ignored",
          "the server says \"550 No.\": check the name and your rights",
          EX_NOINPUT, false },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct failure why;

        cr_expect_lt(fail_curl(&why, rows[i].curl, rows[i].reply, "550 No.",
                               rows[i].detail),
                     0);
        cr_expect_str_eq(why.text, rows[i].text);
        cr_expect_eq(why.code, rows[i].code, "%s", why.text);
        cr_expect_eq(why.transient, rows[i].transient, "%s", why.text);
    }
}

/* Tests the words and exit codes for results and errors. */
#include <curl/curl.h>

#include "client/show/show.h"
#include "support/test.h"

/* reply: the server's last reply, or "" before any reply; says: the whole text
 * of the failure if `whole` is true, otherwise a part of it. */
static const struct {
    int curl;
    const char *reply, *detail, *says;
    int code;
    bool transient, whole;
} results[] = {
    { CURLE_QUOTE_ERROR, "550 Directory not empty.", NULL, "rm -r removes it",
      EX_NOINPUT, false, false },
    { CURLE_QUOTE_ERROR, "550 Is a directory.", NULL, "it is a directory",
      EX_NOINPUT, false, false },
    { CURLE_QUOTE_ERROR, "550 You have no right to list (l).", NULL,
      "lacks this right", EX_NOINPUT, false, false },
    { CURLE_QUOTE_ERROR,
      "550 You have no right to make or remove directories in a drop; send one "
      "archive.",
      NULL, "archive.\": a drop only takes files", EX_NOINPUT, false, false },
    { CURLE_QUOTE_ERROR, "550 No.", "ignored",
      "the server says \"550 No.\": check the name and your rights", EX_NOINPUT,
      false, true },
    { CURLE_PEER_FAILED_VERIFICATION, "",
      "SSL: no alternative certificate subject name matches target host name "
      "'127.0.0.1'",
      "for another name", EX_NOPERM, false, false },
    { CURLE_PEER_FAILED_VERIFICATION, "",
      "SSL certificate problem: certificate has expired", "has expired;",
      EX_NOPERM, false, false },
    { CURLE_PEER_FAILED_VERIFICATION, "", "self-signed", "--cacert", EX_NOPERM,
      false, false },
    /* If the server wants a resumed session, the text must not blame a
     * firewall. */
    { CURLE_FTP_WEIRD_SERVER_REPLY,
      "425 TLS not resumed; admin: sallyportctl user change anna "
      "--data-binding address",
      NULL,
      "the server says \"425 TLS not resumed; admin: sallyportctl user change "
      "anna --data-binding address\": the data connection must resume the TLS "
      "session",
      EX_TEMPFAIL, true, true },
    { CURLE_FTP_WEIRD_SERVER_REPLY, "425 No data connection.", NULL, "firewall",
      EX_TEMPFAIL, true, false },
    /* After a change of the account, another try can succeed. After a lock it
     * can't. */
    { CURLE_LOGIN_DENIED, "421 Your account was changed just now. Try again.",
      NULL, "changed", EX_TEMPFAIL, true, false },
    { CURLE_LOGIN_DENIED, "421 Your address is banned. Try again later", NULL,
      "banned", EX_NOPERM, false, false },
    { CURLE_LOGIN_DENIED, "530 Your account was locked.", NULL, "locked",
      EX_NOPERM, false, false },
    { CURLE_LOGIN_DENIED,
      "530 Your home can't be entered; tell the administrator.", NULL, "disk",
      EX_TEMPFAIL, true, false },
    { CURLE_LOGIN_DENIED, "530 anna: login limit reached", NULL, "limits",
      EX_TEMPFAIL, true, false },
    { CURLE_LOGIN_DENIED,
      "530 Too many sessions of this user (max_sessions= or max_per_user); "
      "close one.",
      NULL, "limits", EX_TEMPFAIL, true, false },
    /* The text contains libcurl's own message, except the name of a
     * callback. */
    { CURLE_ABORTED_BY_CALLBACK, "150 Go.", "Callback aborted", "interrupted",
      EX_TEMPFAIL, false, true },
    { CURLE_COULDNT_RESOLVE_HOST, "", NULL, "no such host; check the name",
      EX_NOHOST, true, true },
    { CURLE_SSL_CONNECT_ERROR, "", "wrong version",
      "the TLS handshake failed; ftps:// begins it by AUTH TLS, "
      "ftps+implicit:// with the first byte (wrong version)",
      EX_PROTOCOL, true, true },
    { CURLE_RECV_ERROR, "150 Go.", "Recv failure: Connection reset by peer",
      "the connection was cut (Recv failure: Connection reset by peer)",
      EX_TEMPFAIL, true, true },
    { CURLE_RECV_ERROR, "550 No.", "response reading failed",
      "the connection was cut (response reading failed)", EX_TEMPFAIL, true,
      true },
    { CURLE_RECV_ERROR, "", "CONNECT tunnel failed, response 403",
      "the proxy refuses the connection to the server; it must permit the "
      "passive ports, too (CONNECT tunnel failed, response 403)",
      EX_UNAVAILABLE, false, true },
    { CURLE_RECV_ERROR, "", "CONNECT tunnel failed, response 429",
      "made no connection", EX_UNAVAILABLE, true, false },
    { CURLE_RECV_ERROR, "", "CONNECT tunnel failed, response 503",
      "the proxy made no connection to the server; it must permit the passive "
      "ports, too (CONNECT tunnel failed, response 503)",
      EX_UNAVAILABLE, true, true },
};

Test(fail, results_of_libcurl)
{
    for (size_t i = 0; i < sizeof(results) / sizeof(results[0]); i++) {
        const char *reply = results[i].reply;
        struct failure why;

        cr_expect_lt(fail_curl(&why, results[i].curl, atoi(reply), reply,
                               results[i].detail),
                     0);
        cr_expect(results[i].whole ? strcmp(why.text, results[i].says) == 0
                                   : strstr(why.text, results[i].says) != NULL,
                  "%s", why.text);
        cr_expect_eq(why.code, results[i].code, "%s", why.text);
        cr_expect_eq(why.transient, results[i].transient, "%s", why.text);
        /* so that many of them end the command */
        cr_expect(why.lost || results[i].curl != CURLE_RECV_ERROR);
    }
}

/* An addition can contain a name with bytes that a terminal would obey. */
Test(fail, an_addition_is_harmless)
{
    struct failure why;

    fail(&why, EX_IOERR, "cut");
    fail_add(&why, "; what has arrived is %s",
             "\xc2\x9b"
             "31m");
    cr_expect_str_eq(why.text, "cut; what has arrived is \\xc2\\x9b31m");
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

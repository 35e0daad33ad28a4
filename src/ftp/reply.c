/* The texts of the replies, and their form on the wire. Runs in session, and in
 * gate for the replies that gate sends. Programs parse some texts: 211, 215,
 * 226, 227, 229 and 257 keep the form that clients expect. No text names
 * another server's product, since clients would draw conclusions from it. */
#include "sallyport/ftp/reply.h"

#include <stdbool.h>
#include <string.h>

static const unsigned short codes[] = {
#define R(name, code) [REPLY_##name] = (code),
    REPLY_LIST(R)
#undef R
};

static const char *const texts[] = {
    [REPLY_OPENING] = "Opening the data connection for {}.",
    [REPLY_OPENING_UNIQUE] = "FILE: {}",
    [REPLY_TYPE_OK] = "Type is {}; bytes are never changed.",
    [REPLY_TYPE_LINES] = "Type is {}; lines end with CRLF on the network.",
    [REPLY_PBSZ_OK] = "PBSZ=0",
    [REPLY_PROT_OK] = "Data connections will be encrypted.",
    [REPLY_MODE_OK] = "Mode is {}.",
    [REPLY_STRU_OK] = "Structure is F.",
    [REPLY_OPTS_UTF8] = "UTF8 is always on.",
    [REPLY_OPTS_MLST] = "MLST OPTS{}",
    [REPLY_OPTS_HASH] = "{}",
    [REPLY_OPTS_MODE] = "MODE Z LEVEL is {}.",
    [REPLY_NOOP_OK] = "OK.",
    [REPLY_ACTIVE_OK] = "The next transfer connects to {}.",
    [REPLY_EPSV_ALL] = "Only EPSV is accepted from now on.",
    [REPLY_ALLO_OK] = "Noted; send STOR.",
    [REPLY_CLNT_OK] = "Noted.",
    [REPLY_CSID] = "Name=Sallyport; CaseSensitive=1; DirSep=/;",
    [REPLY_PRET_OK] = "OK; send EPSV or PASV.",
    [REPLY_CHMOD_OK] = "Mode is {}.",
    [REPLY_UTIME_OK] = "Times are set.",
    [REPLY_NO_TRANSFER] = "No transfer to abort.",
    [REPLY_STAT] = "Status of this session:",
    [REPLY_FEAT] = "Features:",
    [REPLY_STAT_DIRECTORY] = "Listing:",
    [REPLY_SIZE] = "{}",
    [REPLY_MDTM] = "{}",
    [REPLY_TIMES] = "Modify={}; {}",
    [REPLY_MFF] = "{} {}",
    [REPLY_AVBL] = "{}",
    [REPLY_HASH] = "{}",
    [REPLY_SITE_HELP] = "SITE commands:",
    [REPLY_HELP] = "Commands (HELP NAME shows the syntax of one):",
    [REPLY_SYST] = "UNIX Type: L8",
    [REPLY_GREETING] = "Sallyport is ready; everything goes over TLS.",
    [REPLY_HOST_OK] = "OK.",
    [REPLY_BYE] = "Goodbye.",
    [REPLY_COMPLETE] = "Transfer complete.",
    [REPLY_STORED] = "Transfer complete: {} stored as {}",
    [REPLY_LISTED] = "Transfer complete: the listing is whole.",
    [REPLY_ABORTED] = "Abort successful.",
    [REPLY_PASV] = "Entering Passive Mode ({}).",
    [REPLY_EPSV] = "Entering Extended Passive Mode (|||{}|)",
    [REPLY_LOGGED_IN] = "Logged in as {}.",
    [REPLY_AUTH_OK] = "Begin the TLS handshake now.",
    [REPLY_DONE] = "Done.",
    [REPLY_CHECKSUM] = "{}",
    [REPLY_CWD_OK] = "Now in {}",
    [REPLY_DELETED] = "Deleted.",
    [REPLY_REMOVED] = "Directory removed.",
    [REPLY_RENAMED] = "Renamed.",
    [REPLY_RENAMED_AS] = "That name was taken; renamed to {}",
    [REPLY_MLST] = "Facts:",
    [REPLY_PWD] = "\"{}\" is the current directory.",
    [REPLY_MADE] = "\"{}\" was made.",
    [REPLY_NEED_PASSWORD] = "Send PASS with the password.",
    [REPLY_REST_OK] = "Restarting at {}. Send RETR, STOR or APPE.",
    [REPLY_RANG_OK] = "Bytes {} to {}. Send RETR or HASH.",
    [REPLY_RANG_RESET] = "All bytes.",
    [REPLY_RNFR_OK] = "Send RNTO with the new name.",
    [REPLY_SHUTTING_DOWN] = "The server is shutting down; come back later.",
    [REPLY_TIMED_OUT] = "Timeout: {}. Closing the connection.",
    [REPLY_TOO_MANY] = "Too many connections: {}. Try again later.",
    [REPLY_KICKED] = "The administrator closed this connection.",
    [REPLY_ACCOUNT_CHANGED] = "Your account has changed; log in again.",
    [REPLY_LOST_SERVICE] = "Part of the server failed; connect again.",
    [REPLY_TOO_MANY_TRIES] = "Too many failed logins; check user and password.",
    [REPLY_PLAIN_SECRET] =
        "TLS comes before USER; set the client to explicit TLS.",
    [REPLY_NO_DATA] = "No data connection: {}. Send EPSV or PASV again.",
    [REPLY_NO_PORT] = "No data port free (range {} busy); try again later.",
    [REPLY_USE_PASV_FIRST] = "Send EPSV or PASV first.",
    [REPLY_USE_EPSV] = "PASV can't be used on this connection; send EPSV.",
    [REPLY_DATA_TLS_FAILED] = "TLS failed on the data connection: {}.",
    [REPLY_NOT_RESUMED] = "TLS not resumed; admin: sallyportctl user change {} "
                          "--data-binding address",
    [REPLY_NOT_THIS_SESSION] = "TLS not resumed here; admin: sallyportctl user "
                               "change {} --data-binding user",
    [REPLY_NOT_OWN_TICKET] =
        "TLS session not resumed: another user's ticket, or a changed account.",
    [REPLY_OTHER_CERTIFICATE] =
        "The data connection must show the client certificate of this one.",
    [REPLY_CUT] = "The data connection was cut: {}. Transfer aborted.",
    [REPLY_TRANSFER_ABORTED] = "Transfer aborted.",
    [REPLY_BAD_DATA] = "The compressed data is {}. Transfer aborted.",
    [REPLY_STALLED] = "No data moved for {} seconds. Transfer aborted.",
    [REPLY_FILE_BUSY] = "The file is busy; try again later.",
    [REPLY_SHORT] = "Received {}. Nothing is stored; send the rest.",
    [REPLY_SIZE_FIRST] = "A part of this file is here: send SIZE, and then the "
                         "rest.",
    [REPLY_LOCAL_ERROR] = "Error on the server: {}.",
    [REPLY_HASH_LATE] =
        "The checksum takes too long; use RANG to get those of parts.",
    [REPLY_OVERTAKEN] = "Another session took that name just now; try again.",
    [REPLY_FILE_CHANGED] = "Another process changed the file meanwhile; send "
                           "again.",
    [REPLY_DIRECTORY_MOVED] = "The directory was renamed meanwhile, so nothing "
                              "is visible; send again.",
    [REPLY_STORED_UNSAFE] =
        "The file is complete, but may not survive a power cut; send again.",
    [REPLY_UNLOGGED] =
        "This can't be logged, so it doesn't count; try again later.",
    [REPLY_UNLOGGED_STANDS] = "This can't be logged, so it doesn't count; but "
                              "the file is stored as {}",
    [REPLY_UNLOGGED_DONE] =
        "The change was made, but can't be logged; ask the administrator.",
    [REPLY_NO_SPACE] = "No space left; free some, then send it again.",
    [REPLY_UNKNOWN_COMMAND] = "Unknown command; HELP lists all commands.",
    [REPLY_SITE_UNKNOWN] = "Unknown SITE command; SITE HELP lists them.",
    [REPLY_BAD_LINE] = "A line ends with CRLF; no CR, LF or NUL inside.",
    [REPLY_LINE_TOO_LONG] = "Line too long. Closing the connection.",
    [REPLY_BAD_ARGUMENT] = "Bad argument. Syntax: {}",
    [REPLY_NEED_ARGUMENT] = "Argument missing. Syntax: {}",
    [REPLY_NO_ARGUMENT] = "No argument is allowed. Syntax: {}",
    [REPLY_MLSD_OF_FILE] = "Not a directory; MLST has the facts of a file.",
    [REPLY_OPTS_UNKNOWN] = "Unknown option; use UTF8, MLST, HASH or MODE.",
    [REPLY_HASH_UNKNOWN] = "Unknown algorithm; use SHA-256 or SHA-512.",
    [REPLY_OPTS_MODE_BAD] = "Send OPTS MODE Z LEVEL and a number from 1 to 9.",
    [REPLY_NOT_IMPLEMENTED] = "Not implemented; HELP lists all commands.",
    [REPLY_ACTIVE_OFF] = "Active mode is off; send EPSV or PASV.",
    [REPLY_ACTIVE_FOREIGN] =
        "Use your own address and a port from 1024, or send EPSV or PASV.",
    [REPLY_HOST_OTHER] =
        "TLS was begun for another host; connect again for this one.",
    [REPLY_NEED_ALLO] =
        "Send TYPE I, MODE S, and ALLO with the length of the file first.",
    [REPLY_BAD_SEQUENCE] = "Send {} first.",
    [REPLY_ONLY_EPSV] = "After EPSV ALL only EPSV is accepted; send EPSV.",
    [REPLY_HOST_LATE] =
        "HOST comes before USER; connect again for another host.",
    [REPLY_ALREADY_TLS] = "TLS is already on.",
    [REPLY_ALREADY_LOGGED_IN] =
        "Already logged in; connect again for another user.",
    [REPLY_IN_TRANSFER] = "A transfer is running; wait for it or send ABOR.",
    [REPLY_BAD_PARAMETER] = "Parameter not supported; use {}.",
    [REPLY_MODE_Z_OFF] = "MODE Z is off on this server; send MODE S.",
    [REPLY_NO_OFFSET] = "In TYPE A lines change their length; send TYPE I, or "
                        "neither REST nor RANG.",
    [REPLY_AUTH_UNKNOWN] = "Mechanism not supported; send AUTH TLS.",
    [REPLY_DATA_MUST_BE_P] =
        "Data connections must be encrypted; send PBSZ 0 and PROT P first.",
    [REPLY_BAD_PROTOCOL] = "Network protocol not supported, use (1,2)",
    [REPLY_NOT_LOGGED_IN] = "Not logged in. Send USER and PASS first.",
    [REPLY_NEED_TLS] = "TLS is required: send AUTH TLS before anything else.",
    [REPLY_LOGIN_WRONG] = "Login incorrect.",
    [REPLY_LOGIN_TOO_MANY] = "Too many sessions of this user; close one first.",
    [REPLY_LOGIN_HOME] = "Your home can't be entered; tell the administrator.",
    [REPLY_POLICY] = "Refused by policy: everything goes over TLS.",
    [REPLY_PROT_LEVEL] = "Protection level not supported; send PROT P.",
    [REPLY_NO_RIGHT] = "You have {}; ask the administrator.",
    [REPLY_NOT_FOUND] = "No such file or directory.",
    [REPLY_DENIED] = "Permission denied.",
    [REPLY_EXISTS] = "A file or directory of this name exists already.",
    [REPLY_NAMES_DIRECTORY] =
        "That is the name of a directory; send the name of a file.",
    [REPLY_NOT_DIRECTORY] = "Not a directory.",
    [REPLY_IS_DIRECTORY] = "Is a directory.",
    [REPLY_NOT_REGULAR] = "Not a regular file.",
    [REPLY_NOT_EMPTY] = "Directory not empty.",
    [REPLY_READ_ONLY] = "Read-only file system.",
    [REPLY_NO_TIME] = "The file's time is in no year from 1 to 9999.",
    [REPLY_BAD_TIME] = "The disk can't keep a time of that year.",
    [REPLY_CROSS_DEVICE] = "Can't rename across file systems; copy instead.",
    /* Clients look for "SIZE not allowed in ASCII", and send TYPE I. */
    [REPLY_SIZE_LATE] =
        "SIZE not allowed in ASCII mode for so large a file; send TYPE I.",
    [REPLY_TOO_LARGE] = "The file is larger than this server accepts.",
    [REPLY_ALLO_NO_SPACE] = "No space for that much; free some, then send it.",
    [REPLY_BAD_NAME] = "Name not allowed; choose another.",
    [REPLY_NAME_TAKEN] = "The name is taken; choose another one.",
    [REPLY_COPY_TOO_LARGE] =
        "Too large to be copied; delete the old file, or send all of yours.",
    [REPLY_ONLY_OVERWRITE] = "This disk needs on_conflict = overwrite and the "
                             "right to replace.",
    [REPLY_SEND_WHOLE] =
        "A file of this name exists; send yours from its beginning.",
    [REPLY_BAD_OFFSET] = "Offset past the end; send REST with a smaller one.",
};

unsigned reply_code(enum reply r)
{
    return codes[r];
}

const char *reply_text(enum reply r)
{
    return texts[r];
}

/* Ends what begins at BEFORE, or removes it if R is an error. */
static int end_reply(struct buf *into, size_t before, int r)
{
    if (r < 0)
        into->len = before;
    return r;
}

static bool is_control(unsigned char c)
{
    return c < 0x20 || c == 0x7f;
}

/* Bytes from outside must not end the line or control a terminal. */
static int add_shown(struct buf *into, struct slice bytes)
{
    size_t from = into->len;
    int r = buf_add_slice(into, bytes);

    for (size_t i = from; r == 0 && i < into->len; i++)
        if (is_control((unsigned char)into->data[i]))
            into->data[i] = '?';
    return r;
}

static int add_argument(struct buf *into, struct slice argument)
{
    if (argument.len > REPLY_ARGUMENT_MAX)
        argument.len = REPLY_ARGUMENT_MAX;
    return add_shown(into, argument);
}

static int add_text(struct buf *into, const char *text,
                    const struct slice *args, size_t n)
{
    const char *gap;
    size_t used = 0;
    int r = 0;

    while (r == 0 && (gap = strstr(text, "{}")) != NULL) {
        r = buf_add(into, text, (size_t)(gap - text));
        if (r == 0 && used < n)
            r = add_argument(into, args[used++]);
        text = gap + 2;
    }
    return r < 0 ? r : buf_add_text(into, text);
}

static int add_reply(struct buf *into, enum reply r, char after,
                     const struct slice *args, size_t n)
{
    size_t before = into->len;
    int e = buf_add_format(into, "%03u%c", reply_code(r), after);

    if (e == 0)
        e = add_text(into, reply_text(r), args, n);
    if (e == 0)
        e = buf_add_text(into, "\r\n");
    return end_reply(into, before, e);
}

int reply_build(struct buf *into, enum reply r, const struct slice *args,
                size_t n)
{
    return add_reply(into, r, ' ', args, n);
}

int reply_begin(struct buf *into, enum reply r)
{
    return add_reply(into, r, '-', NULL, 0);
}

int reply_line(struct buf *into, struct slice line)
{
    size_t before = into->len;
    int e = buf_add_text(into, " ");

    if (line.len >= 2 && memcmp(line.ptr + line.len - 2, "\r\n", 2) == 0)
        line.len -= 2;
    if (e == 0)
        e = add_shown(into, line);
    if (e == 0)
        e = buf_add_text(into, "\r\n");
    return end_reply(into, before, e);
}

int reply_end(struct buf *into, enum reply r)
{
    return buf_add_format(into, "%03u End\r\n", reply_code(r));
}

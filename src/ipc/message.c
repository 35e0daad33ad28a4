/* The message list. A row is the whole permission: what isn't here can't be
 * said, and the channel ends a peer that tries. */
#include "sallyport/ipc/message.h"

#define MASTER   PROCESS_BIT(PROCESS_MASTER)
#define GATE     PROCESS_BIT(PROCESS_GATE)
#define SESSION  PROCESS_BIT(PROCESS_SESSION)
#define AUTH     PROCESS_BIT(PROCESS_AUTH)
#define FILES    PROCESS_BIT(PROCESS_FILES)
#define KEYS     PROCESS_BIT(PROCESS_KEYS)
#define LOG      PROCESS_BIT(PROCESS_LOG)
#define NAMES    PROCESS_BIT(PROCESS_NAMES)
#define CTL      PROCESS_BIT(PROCESS_CTL)
#define CHILDREN (GATE | AUTH | KEYS | LOG | NAMES)
#define SPEAKERS (GATE | AUTH | KEYS | SESSION | FILES | NAMES)

#define START   PHASE_START
#define RUN     PHASE_RUN
#define LIVE    (PHASE_GREETED | PHASE_VERIFY | PHASE_USER)
#define USER    PHASE_USER
#define IDLE    PHASE_IDLE
#define WRITING PHASE_WRITING
#define ASKED   PHASE_ASKED
#define ANY     (START | RUN | LIVE | PHASE_IDLE | PHASE_WRITING | PHASE_ASKED)

/* clang-format off */
static const struct message_row rows[MSG_COUNT] = {
    /* Setting up a child. */
    [MSG_CONF]       = { "conf", MASTER, GATE | LOG, START | RUN, false, 1,
                         "", 0 },
    [MSG_CAGE]       = { "cage", MASTER, CHILDREN, START, true, 1, "nnnn", 0 },
    [MSG_LOG]        = { "log", MASTER, SPEAKERS, ANY, false, 1, "", 0 },
    [MSG_CERTIFICATE] = { "certificate", MASTER, GATE | AUTH, START | RUN,
                          false, 1, "nttn", 0 },
    [MSG_STAPLE]     = { "staple", MASTER, GATE, START | RUN, false, 1, "nnt",
                         0 },
    [MSG_PAIR_IS]    = { "pair-is", GATE, MASTER, RUN, false, 0, "nnn", 0 },
    [MSG_CLIENT_CA]  = { "client-ca", MASTER, GATE, START | RUN, false, 1, "tn",
                         0 },
    [MSG_CLIENT_CRL] = { "client-crl", MASTER, GATE, START | RUN, false, 1,
                         "tn", 0 },
    [MSG_KEY]        = { "key", MASTER, KEYS, START | RUN, false, 1, "nt", 0 },
    [MSG_TAKE]       = { "take", MASTER, GATE | KEYS, RUN, false, 0, "n", 0 },
    [MSG_GIVE_UP]    = { "give-up", MASTER, GATE, RUN, false, 0, "n", 0 },
    [MSG_TAKEN]      = { "taken", GATE | KEYS, MASTER, RUN, false, 0, "n", 0 },
    [MSG_NOT_TAKEN]  = { "not-taken", GATE | KEYS, MASTER, RUN, false, 0, "nt",
                         0 },
    [MSG_KEY_GONE]   = { "key-gone", MASTER, KEYS, RUN, false, 0, "n", 0 },
    [MSG_PEERS]      = { "peers", MASTER, KEYS, START, true, 0, "n", 0 },
    [MSG_KEYS]       = { "keys", MASTER, GATE | SESSION, START | RUN | LIVE,
                         false, 1, "", 0 },
    [MSG_LISTENER]   = { "listener", MASTER, GATE, START, false, 1, "na", 0 },
    [MSG_PASSIVE]    = { "passive", MASTER, GATE, START, false, 1, "a", 0 },
    [MSG_TOLD]       = { "told", MASTER, GATE, START | RUN, false, 0, "na", 0 },
    [MSG_USERS]      = { "users", MASTER, AUTH, START | RUN, false, 1, "nnn",
                         0 },
    [MSG_LOG_OUTPUT] = { "log-output", MASTER, LOG, START, true, 1, "", 0 },
    [MSG_GO]         = { "go", MASTER, CHILDREN, START, true, 0, "", 0 },
    [MSG_READY]      = { "ready", CHILDREN, MASTER, START, true, 0, "", 0 },
    [MSG_FAILED]     = { "failed", CHILDREN, MASTER, START, true, 0, "t", 0 },

    /* Connections. */
    [MSG_SESSION]      = { "session", GATE, MASTER, RUN, false, 3, "naan", 0 },
    [MSG_SESSION_PEER] = { "session-peer", GATE, MASTER, RUN, false, 0, "na",
                           0 },
    [MSG_SESSION_GONE] = { "session-gone", GATE, MASTER, RUN, false, 0, "nn",
                           0 },
    [MSG_LOGGED_IN]    = { "logged-in", MASTER, GATE, RUN, false, 0, "nn", 0 },
    [MSG_KILL]         = { "kill", MASTER, GATE, RUN, false, 0, "n", 0 },
    [MSG_CLOSE_DOOR]   = { "close-door", MASTER, GATE, RUN, true, 0, "", 0 },

    /* Host names. */
    [MSG_RESOLVE]    = { "resolve", MASTER, NAMES, RUN, false, 0, "wa", 0 },
    [MSG_RESOLVED]   = { "resolved", NAMES, MASTER, RUN, false, 0, "a",
                         MSG_RESOLVE },
    [MSG_UNRESOLVED] = { "unresolved", NAMES, MASTER, RUN, false, 0, "n",
                         MSG_RESOLVE },

    /* By a proxy. */
    [MSG_ENTER]      = { "enter", SESSION, GATE, START, true, 0, "aa", 0 },
    [MSG_KEPT_OUT]   = { "kept-out", GATE, SESSION, RUN, true, 0, "t",
                         MSG_ENTER },

    /* Data connections. */
    [MSG_PORT]       = { "port", SESSION, GATE, RUN, false, 0, "", 0 },
    [MSG_PORT_IS]    = { "port-is", GATE, SESSION, RUN, false, 0, "a",
                         MSG_PORT },
    [MSG_PORT_NONE]  = { "port-none", GATE, SESSION, RUN, false, 0, "",
                         MSG_PORT },
    [MSG_PORT_CLOSE] = { "port-close", SESSION, GATE, RUN, false, 0, "", 0 },
    [MSG_ACTIVE]     = { "active", SESSION, GATE, RUN, false, 0, "a", 0 },
    [MSG_ACTIVE_NONE] = { "active-none", GATE, SESSION, RUN, false, 0, "n",
                          MSG_ACTIVE },
    [MSG_DATA]       = { "data", GATE, SESSION, RUN, false, 1, "an", 0 },
    [MSG_DATA_WRONG] = { "data-wrong", GATE, SESSION, RUN, false, 0, "a", 0 },
    [MSG_DATA_PROXIED] = { "data-proxied", GATE, SESSION, RUN, false, 1, "a",
                           0 },
    [MSG_DATA_MINE]    = { "data-mine", SESSION, GATE, RUN, false, 0, "", 0 },
    [MSG_DATA_FOREIGN] = { "data-foreign", SESSION, GATE, RUN, false, 0, "an",
                           0 },
    [MSG_TICKET_KEYS] = { "ticket-keys", GATE, SESSION, RUN, false, 0, "kk",
                          0 },
    [MSG_ALIVE]       = { "alive", SESSION, GATE, RUN, false, 0, "", 0 },

    /* Logging in. */
    [MSG_ENTERED]       = { "entered", MASTER, SESSION, START, true, 0, "",
                            0 },
    [MSG_LOGIN]         = { "login", SESSION, MASTER, PHASE_GREETED, false, 0,
                            "", 0 },
    [MSG_LOGIN_CHANNEL] = { "login-channel", MASTER, SESSION, PHASE_VERIFY,
                            false, 1, "", MSG_LOGIN },
    [MSG_VERIFY]        = { "verify", MASTER, AUTH, RUN, false, 1, "nna", 0 },
    [MSG_CREDENTIALS]   = { "credentials", SESSION, AUTH, RUN, true, 0, "tstb",
                            0 },
    [MSG_VERDICT]       = { "verdict", AUTH, MASTER, RUN, false, 0, "nnnnn",
                            0 },
    [MSG_GRANTED]       = { "granted", MASTER, SESSION, PHASE_VERIFY, false, 1,
                            "wnnnn", MSG_LOGIN },
    [MSG_DENIED]        = { "denied", MASTER, SESSION, PHASE_VERIFY, false, 0,
                            "n", MSG_LOGIN },
    [MSG_KICK]          = { "kick", MASTER, SESSION, START | LIVE, true, 0,
                            "n", 0 },
    [MSG_FILES_READY]   = { "files-ready", FILES, MASTER, START, true, 0, "",
                            0 },
    [MSG_FILES_FAILED]  = { "files-failed", FILES, MASTER, START, true, 0, "n",
                            0 },
    [MSG_SESSION_DIED]  = { "session-died", MASTER, FILES, RUN, true, 0, "n",
                            0 },

    /* Files: requests of session, one at a time. */
    [MSG_FILE_READ]     = { "file-read", SESSION, FILES, IDLE, false, 0, "pn",
                            0 },
    [MSG_FILE_READABLE] = { "file-readable", FILES, SESSION, ASKED, false, 1,
                            "nn", MSG_FILE_READ },
    [MSG_FILE_WRITE]    = { "file-write", SESSION, FILES, IDLE, false, 0,
                            "pnnnn", 0 },
    [MSG_FILE_WRITABLE] = { "file-writable", FILES, SESSION, ASKED, false, 1,
                            "nnnn", MSG_FILE_WRITE },
    [MSG_FILE_BEGIN]    = { "file-begin", SESSION, FILES, WRITING, false, 0, "",
                            0 },
    [MSG_FILE_COPY]     = { "file-copy", SESSION, FILES, WRITING, false, 0, "",
                            0 },
    [MSG_FILE_COPIED]   = { "file-copied", FILES, SESSION, ASKED, false, 0, "n",
                            MSG_FILE_COPY },
    [MSG_FILE_SYNC]     = { "file-sync", SESSION, FILES, WRITING, false, 0, "",
                            0 },
    [MSG_FILE_ROOM]     = { "file-room", SESSION, FILES, WRITING, false, 0, "n",
                            0 },
    [MSG_FILE_COMMIT]   = { "file-commit", SESSION, FILES, WRITING, false, 0,
                            "n", 0 },
    [MSG_FILE_STORED]   = { "file-stored", FILES, SESSION, ASKED, false, 0, "p",
                            MSG_FILE_COMMIT },
    [MSG_FILE_ABORT]    = { "file-abort", SESSION, FILES, WRITING, false, 0,
                            "n", 0 },
    [MSG_FILE_DELETE]   = { "file-delete", SESSION, FILES, IDLE, false, 0, "p",
                            0 },
    [MSG_FOLDER_LIST]   = { "folder-list", SESSION, FILES, IDLE, false, 0,
                            "pntn", 0 },
    [MSG_FOLDER_PIPE]   = { "folder-pipe", FILES, SESSION, ASKED, false, 1, "",
                            MSG_FOLDER_LIST },
    [MSG_FOLDER_LISTED] = { "folder-listed", FILES, SESSION, ASKED, false, 0,
                            "nn", MSG_FOLDER_LIST },
    [MSG_FOLDER_ENTER]  = { "folder-enter", SESSION, FILES, IDLE, false, 0, "p",
                            0 },
    [MSG_FOLDER_MAKE]   = { "folder-make", SESSION, FILES, IDLE, false, 0, "p",
                            0 },
    [MSG_FOLDER_REMOVE] = { "folder-remove", SESSION, FILES, IDLE, false, 0,
                            "p", 0 },
    [MSG_RENAME]        = { "rename", SESSION, FILES, IDLE, false, 0, "pp", 0 },
    [MSG_RENAMED]       = { "renamed", FILES, SESSION, ASKED, false, 0, "p",
                            MSG_RENAME },
    [MSG_FACTS]         = { "facts", SESSION, FILES, IDLE, false, 0, "pn", 0 },
    [MSG_FACTS_ARE]     = { "facts-are", FILES, SESSION, ASKED, false, 0,
                            "nnnnnnn", MSG_FACTS },
    [MSG_TIMES]         = { "times", SESSION, FILES, IDLE, false, 0, "pnn", 0 },
    [MSG_MODE]          = { "mode", SESSION, FILES, IDLE, false, 0, "pn", 0 },
    [MSG_SPACE]         = { "space", SESSION, FILES, IDLE, false, 0, "pn", 0 },
    [MSG_SPACE_IS]      = { "space-is", FILES, SESSION, ASKED, false, 0, "n",
                            MSG_SPACE },
    /* Answers to several requests: the channel matches the number. */
    [MSG_DONE]          = { "done", FILES, SESSION, ASKED, false, 0, "", 0 },
    [MSG_REFUSED]       = { "refused", FILES, SESSION, ASKED, false, 0, "nn",
                            0 },

    /* Signatures. */
    [MSG_KEYS_PEER]  = { "keys-peer", MASTER, KEYS, RUN, false, 1, "nna", 0 },
    [MSG_SIGN]       = { "sign", GATE | SESSION, KEYS, RUN, false, 0, "nnb",
                         0 },
    [MSG_SIGNED]     = { "signed", KEYS, GATE | SESSION, RUN, false, 0, "b",
                         MSG_SIGN },
    [MSG_NOT_SIGNED] = { "not-signed", KEYS, GATE | SESSION, RUN, false, 0, "n",
                         MSG_SIGN },

    /* The control socket, and what it leads to. */
    [MSG_WELCOME]       = { "welcome", MASTER, CTL, START, true, 0, "wn", 0 },
    [MSG_STATUS]        = { "status", CTL, MASTER, IDLE, false, 0, "", 0 },
    [MSG_STATUS_LISTENER] = { "status-listener", MASTER, CTL, ASKED, false, 0,
                              "a", MSG_STATUS },
    [MSG_STATUS_CERTIFICATE] = { "status-certificate", MASTER, CTL, ASKED,
                                 false, 0, "ttnn", MSG_STATUS },
    [MSG_STATUS_IS]     = { "status-is", MASTER, CTL, ASKED, false, 0, "nnnnnn",
                            MSG_STATUS },
    [MSG_RELOAD]        = { "reload", CTL, MASTER, IDLE, false, 0, "", 0 },
    [MSG_USERS_EDITED]  = { "users-edited", CTL, MASTER, IDLE, false, 0, "",
                            0 },
    [MSG_WHO]           = { "who", CTL, MASTER, IDLE, false, 0, "n", 0 },
    [MSG_WHO_IS]        = { "who-is", MASTER, CTL, ASKED, false, 0, "ntaann",
                            MSG_WHO },
    [MSG_WHO_END]       = { "who-end", MASTER, CTL, ASKED, false, 0, "n",
                            MSG_WHO },
    [MSG_END_SESSIONS]  = { "end-sessions", CTL, MASTER, IDLE, false, 0, "nta",
                            0 },
    [MSG_PARTIALS]      = { "partials", CTL, MASTER, IDLE, false, 0, "w", 0 },
    [MSG_PARTIALS_CHANNEL] = { "partials-channel", MASTER, CTL, ASKED, false, 1,
                               "", MSG_PARTIALS },
    /* Answers to several requests. */
    [MSG_CONTROL_DONE]  = { "control-done", MASTER, CTL, ASKED, false, 0, "",
                            0 },
    [MSG_ENDED]         = { "ended", MASTER, CTL, ASKED, false, 0, "n", 0 },
    [MSG_CONTROL_REFUSED] = { "control-refused", MASTER, CTL, START | ASKED,
                              false, 0, "nt", 0 },
    [MSG_PARTIALS_FIND] = { "partials-find", CTL, FILES, IDLE, true, 0, "nn",
                            0 },
    [MSG_PARTIAL]       = { "partial", FILES, CTL, ASKED, false, 0, "ptnnn",
                            MSG_PARTIALS_FIND },
    [MSG_PARTIALS_END]  = { "partials-end", FILES, CTL, ASKED, false, 0, "nn",
                            MSG_PARTIALS_FIND },

    /* Events. */
    [MSG_LOG_PEER] = { "log-peer", MASTER, LOG, START | RUN, false, 1, "nnat",
                       0 },
    [MSG_EVENT]    = { "event", MASTER | SPEAKERS, LOG, RUN, false, 0, "b", 0 },
};
/* clang-format on */

const struct message_row *message_row(unsigned message)
{
    if (message == MSG_NONE || message >= MSG_COUNT)
        return NULL;
    return &rows[message];
}

const char *message_name(unsigned message)
{
    const struct message_row *row = message_row(message);

    return row && row->name ? row->name : "?";
}

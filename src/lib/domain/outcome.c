/* Words: why a session ended, the result of a password change, and why a host
 * name has no address. */
#include "sallyport/domain/outcome.h"

static const char *const endings[ENDING_COUNT] = {
    [ENDING_QUIT] = "quit",
    [ENDING_CLOSED] = "closed by the client",
    [ENDING_TLS] = "TLS failed",
    [ENDING_LOGIN_TIME] = "not logged in in time",
    [ENDING_IDLE_TIME] = "idle",
    [ENDING_PROTOCOL] = "protocol error",
    [ENDING_LOGIN_TRIES] = "too many wrong passwords",
    [ENDING_PLAIN] = "login without TLS",
    [ENDING_SHUTDOWN] = "the server stops",
    [ENDING_KICKED] = "kicked",
    [ENDING_PEER] = "another process failed",
    [ENDING_CRASH] = "crash",
    [ENDING_KEPT_OUT] = "kept out",
    [ENDING_NOT_FTP] = "not FTP",
    [ENDING_CHECK] = "a check of the proxy",
    [ENDING_HUNG] = "it hung",
    [ENDING_CROWDED] = "made room for another address",
    [ENDING_REMOVED] = "the account was removed",
    [ENDING_LOCKED] = "the account was locked",
    [ENDING_CHANGED] = "the account was changed",
    [ENDING_HOURS] = "the user's hours are over",
    [ENDING_TOO_MANY] = "too many sessions of this user or team",
    [ENDING_REPLACED] = "drain_timeout after a reload",
    [ENDING_EXPIRED] = "the account has expired",
    [ENDING_DRAINED] = "drained: no new sessions",
};

const char *ending_text(enum ending e)
{
    return (unsigned)e < ENDING_COUNT ? endings[e] : "?";
}

static const char *const password_faults[PASSWORD_FAULTS] = {
    [PASSWORD_OK] = "is changed",
    [PASSWORD_SHORT] = "is too short; use at least 8 bytes",
    [PASSWORD_LONG] = "is longer than 511 bytes",
    [PASSWORD_BYTES] = "holds a line end or a NUL byte",
    [PASSWORD_SAME] = "is the old one; use another one",
    [PASSWORD_WRONG] = "stays: the old one is wrong",
    [PASSWORD_FIXED] = "stays: the administrator alone can change it",
    [PASSWORD_NONE] = "stays: your login is a certificate",
    [PASSWORD_BUSY] = "stays: the server is busy; try again",
    [PASSWORD_RELOADED] = "stays: log in again, then try again",
    [PASSWORD_UNWRITTEN] = ("stays: the server can't write it; ask the "
                            "administrator"),
    [PASSWORD_UNSYNCED] = "is changed, but may not survive a power cut",
    [PASSWORD_LATE] = ("may be the old or the new one, since the server "
                       "couldn't finish; later try both"),
};

const char *password_fault_text(enum password_fault f)
{
    return (unsigned)f < PASSWORD_FAULTS ? password_faults[f] : "?";
}

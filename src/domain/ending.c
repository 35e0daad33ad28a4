/* The log's words for why a session ended. */
#include "sallyport/domain/ending.h"

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
    [ENDING_STATE] = "an illegal transition",
    [ENDING_TOO_MANY] = "too many sessions of this user",
    [ENDING_REPLACED] = "drain_timeout after a reload",
    [ENDING_OLDEST] = "the oldest generation makes room for a recovery",
};

const char *ending_text(enum ending e)
{
    return (unsigned)e < ENDING_COUNT ? endings[e] : "?";
}

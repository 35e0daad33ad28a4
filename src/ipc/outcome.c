/* Endings in words, for the log. */
#include "sallyport/ipc/outcome.h"

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
};

const char *ending_text(enum ending e)
{
    return (unsigned)e < ENDING_COUNT ? endings[e] : "?";
}

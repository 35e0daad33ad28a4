/* Why a login is denied, and why a session ends. */
#ifndef SALLYPORT_DOMAIN_ENDING_H
#define SALLYPORT_DOMAIN_ENDING_H

/* Why master denies a login. The session's reply differs for WRONG, BUSY and
 * TOO_MANY, and never shows whether the user exists. */
enum denial {
    DENIAL_WRONG,    /* no such user, wrong password, locked, expired */
    DENIAL_BUSY,     /* no auth worker is free */
    DENIAL_TOO_MANY, /* too many sessions of this user */
    DENIAL_HOME,     /* the home can't be entered */
    DENIAL_COUNT
};

/* Why a session ended; each end is one event. */
enum ending {
    ENDING_QUIT,
    ENDING_CLOSED, /* the client closed the connection */
    ENDING_TLS,    /* handshake or record failed */
    ENDING_LOGIN_TIME,
    ENDING_IDLE_TIME,
    ENDING_PROTOCOL, /* a line too long, plain text after AUTH, … */
    ENDING_LOGIN_TRIES,
    ENDING_PLAIN, /* USER without TLS */
    ENDING_SHUTDOWN,
    ENDING_KICKED,
    ENDING_PEER, /* another process failed or lied */
    ENDING_CRASH,
    ENDING_KEPT_OUT, /* a limit refused a client that came through a proxy; gate
                        has replied */
    ENDING_NOT_FTP,  /* another protocol */
    ENDING_CHECK,    /* a proxy's health check */
    ENDING_HUNG,     /* no heartbeat */
    ENDING_CROWDED,  /* not logged in; ended to make room for another */
    ENDING_REMOVED,  /* the user's row was removed */
    ENDING_LOCKED,   /* the user's row was locked */
    ENDING_CHANGED,  /* the user's row grants other things than it did at the
                        login */
    ENDING_STATE,    /* no longer sent; keeps the numbers of those below */
    ENDING_TOO_MANY, /* too many sessions of this user: max_per_user */
    ENDING_REPLACED, /* a newer generation has led for drain_timeout */
    ENDING_OLDEST,   /* a recovery needed room, so the oldest generation's
                        sessions end */
    ENDING_COUNT
};
const char *ending_text(enum ending e);

#endif

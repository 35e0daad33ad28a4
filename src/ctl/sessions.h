/* The running server's sessions. */
#ifndef CTL_SESSIONS_H
#define CTL_SESSIONS_H

struct context;

/* Tells the running server, if there is one, that the users file has changed.
 * It ends the sessions that are no longer permitted, and their number is
 * printed. If the server can't be reached, that is a printed line and no
 * failure. */
void sessions_edited(struct context *x);

#endif

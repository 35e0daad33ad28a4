/* The running server's sessions. */
#ifndef CTL_SESSIONS_H
#define CTL_SESSIONS_H

struct context;

/* The users file has changed: the running server, if there is one, ends the
 * sessions that it no longer lets in, and their number is printed. That it
 * can't be told is a line and no failure. */
void sessions_edited(struct context *x);

#endif

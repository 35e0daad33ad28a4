/* Logging in: session, master and an auth worker. */
#ifndef SALLYPORT_SRC_SESSION_LOGIN_H
#define SALLYPORT_SRC_SESSION_LOGIN_H

#include "session.h"

/* PASS: asks master; the reply comes later. */
void login_ask(struct session *s, struct slice password);

/* The ticket keys come from gate: a granted login ends with the first ones. */
int login_on_ticket_keys(void *owner, struct msg_ticket_keys *m);

/* The loop's callback for master's channel. */
void login_on_master(void *owner, uint32_t events);

#endif

/* Logging in: session, master and an auth worker. */
#ifndef SALLYPORT_SRC_SESSION_LOGIN_H
#define SALLYPORT_SRC_SESSION_LOGIN_H

#include "session.h"

/* USER was given and PASS now: asks master; the reply comes later. */
void login_ask(struct session *s, struct slice password);

/* MSG_TICKET_KEYS from gate: a granted login ends with the first one. */
int login_on_ticket_keys(void *owner, struct packet *p);

/* The loop's callback for master's channel. */
void on_master(void *owner, uint32_t events);

/* In session.c: the channel to log (-1: events vanish). */
void log_start(struct session *s, int fd);

#endif

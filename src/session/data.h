/* The data connection: from PASV to the last byte's acknowledgement. */
#ifndef SALLYPORT_SRC_SESSION_DATA_H
#define SALLYPORT_SRC_SESSION_DATA_H

#include "session.h"

/* Ports in a second, each up to two messages to gate: wherever its seconds
 * begin, fewer than it takes in one (CHILD_MESSAGES of src/gate/children.h). */
#define DATA_PORTS 800

/* The channel to gate: ports and sockets. */
void data_start(struct session *s, int gate);

/* PASV or EPSV: asks gate for a port, the reply comes later. Whatever was
 * expected or open before is given up. */
void data_ask_port(struct session *s, enum verb verb);
/* PORT or EPRT: the client awaits us there. The same is given up. */
void data_await(struct session *s, const struct address *client);
/* For the transfer that begins, if that is so: gate shall connect. */
void data_ask_active(struct session *s);
/* Gives up the port, or ends the connection without close_notify: a FIN, and no
 * reset (linger.h). */
void data_close(struct session *s);
/* The same with close_notify: all that was to be sent is, or it is the client
 * that sends. */
void data_end(struct session *s);
/* Takes over the socket FD. False: there was no memory, and it is closed. */
bool data_adopt(struct session *s, int fd, enum data_state state,
                uint32_t events);
/* The socket is closed, and nobody is told; STATE from here on. */
void data_drop(struct session *s, enum data_state state);
/* Files refused a transfer, and the reply is sent. A port that
 * nobody connected to stays for the next transfer. A connection that is here
 * stays open until the client closes it, sends a command, or 5 s have passed:
 * clients take an end beside the reply for a port that doesn't work. */
void data_refuse(struct session *s);
/* The client's next command: ends what data_refuse() left open. */
void data_end_refused(struct session *s);
/* A connection that gate was in doubt about is the client's; harmless for any
 * other one. */
void data_is_mine(struct session *s);
/* It is not: it is closed, and the client is still awaited. False: gate was in
 * no doubt, so nobody else is awaited, and nothing is done. */
bool data_is_foreign(struct session *s);
/* The client has connected: makes the stream. */
bool data_open_stream(struct session *s);

/* In transfer.c: the data connection is here, or is ready. */
void transfer_connected(struct session *s);
/* A handshake that waited for keys. */
void transfer_go_on(struct session *s);
void transfer_unconnected(struct session *s, const char *why);
void transfer_ready(struct session *s, uint32_t events);

#endif

/* The data connection: from PASV to the last byte's acknowledgement. */
#ifndef SALLYPORT_SRC_SESSION_DATA_H
#define SALLYPORT_SRC_SESSION_DATA_H

#include "session.h"

void data_init(struct session *s);
/* PASV or EPSV: replies with the port of the session's listener, or asks gate
 * for a listener and replies later. Gives up an earlier wait or connection. */
void data_port_passive(struct session *s, enum verb verb);
/* Handler of gate's `port_is`: the listener for which PASV or EPSV waits. */
int data_port_on_port_is(void *owner, struct msg_port_is *m);
/* From now on the listener waits for the next EPSV, and is closed if none
 * comes. */
void data_port_idle(struct session *s);

/* Takes the channel to gate, which is for listeners and active mode. */
void data_gate_start(struct session *s, int gate);
/* Handler of master's `gate`: a new gate exists. */
int data_gate_on_gate(void *owner, struct msg_gate *m);
void data_gate_ask_port(struct session *s);
/* Begins a transfer after PORT: asks gate to connect. */
void data_gate_connect(struct session *s);
/* Gives up the wait for the data connection, or ends the connection with a FIN
 * (linger_begin()): sends neither close_notify nor a reset. */
void data_close(struct session *s);
/* Ends the current wait or data connection, and sets the state NEXT. A socket
 * of the client is closed by linger_begin(). */
void data_release(struct session *s, enum data_state next);
/* Sends close_notify and FIN, since the client waits for them. Call
 * data_close() later, while files works: by then the client has usually closed
 * its end, too. */
void data_finish(struct session *s);
/* Takes FD as the data connection. Returns false for lack of memory; FD is then
 * closed. */
bool data_adopt(struct session *s, int fd, enum data_state state,
                uint32_t events);
/* Call it after each transfer. A data connection that is still open belongs to
 * a refused transfer. It stays until the client closes it or sends a command,
 * at most 5 s: if it ended together with the reply, clients would blame the
 * port. A port to which nobody has connected stays for the next transfer. */
void data_after_transfer(struct session *s);
/* Takes R, the result of channel_send() to gate. If gate doesn't read, ends the
 * session. */
void data_gate_sent(struct session *s, int r);

#endif
